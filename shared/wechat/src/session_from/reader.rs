//! Reads field values into a [`SessionFrom`] and collects warnings.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Dialect, MAX_PARTNERID, Params, PlatformAction, SessionFrom, SignatureClaim, SignatureVersion, TransferLevel,
    Warning, WarningKind,
    field_names::{self, Key},
    json, text,
};

/// The name in [`SessionFrom::extra`] of text without a name.
const UNNAMED: &str = "stray";

#[derive(Default)]
pub(super) struct Reader {
    pub result: SessionFrom,
    ts: Option<String>,
    sig: Option<String>,
    seen: BTreeSet<String>,
}

impl Reader {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { result: SessionFrom { dialect, ..SessionFrom::default() }, ..Self::default() }
    }

    pub(super) fn warn(&mut self, kind: WarningKind) {
        self.result.warnings.push(Warning { kind, field: None });
    }

    pub(super) fn warn_of(&mut self, kind: WarningKind, field: &str) {
        self.result.warnings.push(Warning { kind, field: Some(field.to_owned()) });
    }

    /// The result, with the signature made of `ts` and `sig`.
    pub(super) fn finish(mut self) -> SessionFrom {
        match (self.ts.take(), self.sig.take()) {
            (None, None) => {}
            (Some(ts), Some(sig)) => match ts.parse() {
                Ok(ts) => {
                    // In seconds this is the year 5138.
                    if ts > 100_000_000_000 {
                        self.warn_of(WarningKind::TsInMilliseconds, "ts");
                    }
                    self.signature(SignatureClaim { ts, sig });
                }
                Err(_) => self.warn_of(WarningKind::IncompleteSignature, "ts"),
            },
            (ts, _) => self.warn_of(WarningKind::IncompleteSignature, if ts.is_none() { "ts" } else { "sig" }),
        }
        self.result
    }

    fn signature(&mut self, claim: SignatureClaim) {
        self.result.signature_version = claim.version();
        // Signatures of version 1 have never been warned about.
        if self.result.signature_version != Some(SignatureVersion::V1) && !claim.is_well_formed() {
            self.warn_of(WarningKind::MalformedSignature, "sig");
        }
        self.result.signature = Some(claim);
    }

    /// Reads a plain value. JSON in an unknown field keeps its percent escapes.
    fn text(&mut self, field: &str, written: &str) -> Option<String> {
        let written = written.trim();
        if let Some(kind) = text::absence(written, field == "nickname") {
            self.warn_of(kind, field);
            return None;
        }
        let decoded = if json::looks_like_json(written) {
            written.into()
        } else {
            text::decode(written).unwrap_or_else(|_| {
                self.warn_of(WarningKind::BadEscape, field);
                written.into()
            })
        };
        let clean = text::without_controls(&decoded);
        if clean.len() < decoded.len() {
            self.warn_of(WarningKind::ControlCharacters, field);
        }
        (!clean.is_empty()).then(|| clean.into_owned())
    }

    /// Reads an id, which some mini programs write as a JSON string.
    fn id(&mut self, field: &str, written: &str) -> Option<String> {
        match serde_json::from_str::<String>(written.trim()) {
            Ok(inner) => {
                self.warn_of(WarningKind::Quoted, field);
                self.text(field, &inner)
            }
            Err(_) => self.text(field, written),
        }
    }

    pub(super) fn nickname(&mut self, written: &str) {
        if let Some(nickname) = self.text("nickname", written) {
            self.result.nickname = Some(nickname);
        }
    }

    pub(super) fn avatar(&mut self, written: &str) {
        let written = written.trim();
        // A plain URL keeps its percent escapes; one that is encoded as a whole is decoded.
        let read = if text::is_plain_url(written) {
            Some(text::without_controls(written).into_owned())
        } else {
            self.text("avatar", written)
        };
        match read {
            None => {}
            Some(avatar) if text::is_public_url(&avatar) => self.result.avatar = Some(avatar),
            Some(avatar) if avatar.contains("{{") => self.warn_of(WarningKind::UnresolvedPlaceholder, "avatar"),
            Some(avatar) => {
                self.warn_of(WarningKind::AvatarNotUrl, "avatar");
                self.keep("avatar", avatar);
            }
        }
    }

    pub(super) fn partnerid(&mut self, written: &str) {
        let Some(id) = self.id("partnerid", written) else { return };
        if id.chars().count() > MAX_PARTNERID {
            self.warn_of(WarningKind::PartneridTooLong, "partnerid");
        } else {
            self.result.partnerid = Some(id);
        }
    }

    pub(super) fn params(&mut self, written: &str) {
        let Some(read) = self.json("params", written, usize::MAX) else { return };
        match read {
            Ok(Value::Object(object)) => self.param_object(object),
            Ok(_) => {
                self.warn_of(WarningKind::WrongType, "params");
                self.result.params = Some(Params::Text(written.trim().to_owned()));
            }
            Err(text) => self.result.params = Some(Params::Text(text)),
        }
    }

    pub(super) fn param_object(&mut self, object: Map<String, Value>) {
        self.warn_of_placeholders("params", &object);
        if !object.is_empty() {
            self.result.params = Some(Params::Object(object));
        }
    }

    pub(super) fn customer_fields(&mut self, object: &Map<String, Value>) {
        self.warn_of_placeholders("customer_fields", object);
        self.result.customer_fields =
            json::leaves(object).into_iter().filter(|(_, value)| text::placeholder(value).is_none()).collect();
    }

    fn warn_of_placeholders(&mut self, field: &str, object: &Map<String, Value>) {
        for (path, value) in json::leaves(object) {
            if let Some(kind) = text::placeholder(&value) {
                self.warn_of(kind, &format!("{field}.{path}"));
            }
        }
    }

    /// Warns of a repeated field. The last one counts, unless it is absent.
    pub(super) fn record_occurrence(&mut self, field: &str) {
        if !self.seen.insert(field.to_owned()) {
            self.warn_of(WarningKind::Duplicate, field);
        }
    }

    /// Reads a field with a name.
    pub(super) fn named_field(&mut self, name: &str, written: &str) {
        let field = Key::of(name).map_or(name, |key| key.name());
        self.record_occurrence(field);
        match Key::of(name) {
            Some(Key::TransferAction) => self.transfer_action(written),
            Some(Key::PlatformAction) => self.platform_action(written),
            Some(Key::CustomerFields) => {
                if let Some(object) = self.object("customer_fields", written) {
                    self.customer_fields(&object);
                }
            }
            Some(Key::Partnerid) => self.partnerid(written),
            Some(Key::Robotid) => self.result.robotid = self.id(field, written).or(self.result.robotid.take()),
            Some(Key::Unionid) => self.result.unionid = self.id(field, written).or(self.result.unionid.take()),
            Some(Key::Ts) => self.ts = self.id(field, written).or(self.ts.take()),
            Some(Key::Sig) => self.sig = self.id(field, written).or(self.sig.take()),
            None => {
                if let Some(value) = self.text(name, written) {
                    self.result.extra.insert(name.to_owned(), value);
                }
            }
        }
    }

    /// Keeps pieces that belong to no field.
    pub(super) fn unnamed_text(&mut self, pieces: &[String]) {
        if !pieces.is_empty() {
            self.warn(WarningKind::StrayText);
            self.result.extra.insert(UNNAMED.to_owned(), pieces.join("|"));
        }
    }

    fn transfer_action(&mut self, written: &str) {
        let field = Key::TransferAction.name();
        let levels = match self.json(field, written, 1) {
            Some(Ok(Value::Array(levels))) => levels,
            Some(Ok(single)) => {
                self.warn_of(WarningKind::SingleObject, field);
                vec![single]
            }
            Some(Err(text)) => return self.keep(field, text),
            None => return,
        };
        let mut read = Vec::with_capacity(levels.len());
        for (at, level) in levels.iter().enumerate() {
            let field = format!("{field}[{at}]");
            let object = level.as_object().cloned().unwrap_or_default();
            let level = TransferLevel {
                action_type: self.member(&field, &object, "actionType"),
                deci_id: self.member(&field, &object, "deciId"),
                option_id: self.member(&field, &object, "optionId"),
                spill_id: self.member(&field, &object, "spillId"),
            };
            if level == TransferLevel::default() {
                self.warn_of(WarningKind::WrongType, &field);
            } else {
                read.push(level);
            }
        }
        self.result.transfer_action = read;
    }

    fn platform_action(&mut self, written: &str) {
        let field = Key::PlatformAction.name();
        let Some(object) = self.object(field, written) else { return };
        let action = PlatformAction {
            customer_code: self.member(field, &object, "customerCode"),
            flow_group_id: self.member(field, &object, "flowGroupId"),
        };
        if action == PlatformAction::default() {
            self.warn_of(WarningKind::WrongType, field);
        } else {
            self.result.platform_action = Some(action);
        }
    }

    /// A scalar member of an object as a string. The name matches in any case and with or without underscores.
    fn member(&mut self, field: &str, object: &Map<String, Value>, name: &str) -> Option<String> {
        let wanted = field_names::canonical(name);
        let (_, value) = object.iter().find(|(name, _)| field_names::canonical(name) == wanted)?;
        let path = format!("{field}.{name}");
        if value.is_object() || value.is_array() {
            self.warn_of(WarningKind::WrongType, &path);
        }
        let text = json::scalar(value)?;
        if let Some(kind) = text::placeholder(&text) {
            self.warn_of(kind, &path);
            return None;
        }
        (!text.is_empty()).then_some(text)
    }

    fn object(&mut self, field: &str, written: &str) -> Option<Map<String, Value>> {
        match self.json(field, written, usize::MAX)? {
            Ok(Value::Object(object)) => return Some(object),
            Ok(_) => {
                self.warn_of(WarningKind::WrongType, field);
                self.keep(field, written.trim().to_owned());
            }
            Err(text) => self.keep(field, text),
        }
        None
    }

    fn keep(&mut self, field: &str, text: String) {
        self.result.extra.insert(field.to_owned(), text);
    }

    /// Reads a field in JSON. The error is the field's text if it is not JSON; `None` if the field is absent.
    fn json(&mut self, field: &str, written: &str, depth: usize) -> Option<Result<Value, String>> {
        let written = written.trim();
        if written.is_empty() || text::absence(written, false).is_some() {
            return self.text(field, written).map(Err);
        }
        if let Some(reading) = json::read(written, depth) {
            for kind in reading.warnings {
                self.warn_of(kind, field);
            }
            return Some(Ok(reading.value));
        }
        self.warn_of(WarningKind::NotJson, field);
        self.text(field, written).map(Err)
    }
}
