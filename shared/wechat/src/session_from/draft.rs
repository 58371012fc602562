//! A reading in progress: each field as it is found, with what is odd about it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Dialect, MAX_PARTNERID, Oddity, Params, PlatformAction, SessionFrom, SignatureClaim, TransferLevel, Warning, json,
    keyed::{self, Key},
    text,
};

/// The field that takes what has no name.
const STRAY: &str = "stray";

#[derive(Default)]
pub(super) struct Draft {
    pub found: SessionFrom,
    ts: Option<String>,
    sig: Option<String>,
    seen: BTreeSet<String>,
}

impl Draft {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { found: SessionFrom { dialect, ..SessionFrom::default() }, ..Self::default() }
    }

    pub(super) fn warn(&mut self, oddity: Oddity) {
        self.found.warnings.push(Warning { oddity, field: None });
    }

    pub(super) fn warn_of(&mut self, oddity: Oddity, field: &str) {
        self.found.warnings.push(Warning { oddity, field: Some(field.to_owned()) });
    }

    /// The reading, with the signature's halves put together.
    pub(super) fn finish(mut self) -> SessionFrom {
        match (self.ts.take(), self.sig.take()) {
            (None, None) => {}
            (Some(ts), Some(sig)) => match ts.parse() {
                Ok(ts) => {
                    // In seconds this is the year 5138.
                    if ts > 100_000_000_000 {
                        self.warn_of(Oddity::TsInMilliseconds, "ts");
                    }
                    self.found.signature = Some(SignatureClaim { ts, sig });
                }
                Err(_) => self.warn_of(Oddity::IncompleteSignature, "ts"),
            },
            (ts, _) => self.warn_of(Oddity::IncompleteSignature, if ts.is_none() { "ts" } else { "sig" }),
        }
        self.found
    }

    /// A plain value. A JSON text among the unknown fields keeps its escapes.
    fn text(&mut self, field: &str, written: &str) -> Option<String> {
        let written = written.trim();
        if let Some(oddity) = text::absent(written, field == "nickname") {
            self.warn_of(oddity, field);
            return None;
        }
        let decoded = if json::begins(written) {
            written.into()
        } else {
            text::decode(written).unwrap_or_else(|_| {
                self.warn_of(Oddity::BadEscape, field);
                written.into()
            })
        };
        let clean = text::without_controls(&decoded);
        if clean.len() < decoded.len() {
            self.warn_of(Oddity::ControlCharacters, field);
        }
        (!clean.is_empty()).then(|| clean.into_owned())
    }

    /// An id, which some write as a JSON string.
    fn id(&mut self, field: &str, written: &str) -> Option<String> {
        match serde_json::from_str::<String>(written.trim()) {
            Ok(inner) => {
                self.warn_of(Oddity::Quoted, field);
                self.text(field, &inner)
            }
            Err(_) => self.text(field, written),
        }
    }

    pub(super) fn nickname(&mut self, written: &str) {
        if let Some(nickname) = self.text("nickname", written) {
            self.found.nickname = Some(nickname);
        }
    }

    pub(super) fn avatar(&mut self, written: &str) {
        let written = written.trim();
        // The escapes of an address are its own. One that is encoded as a whole has to be decoded first.
        let read = if text::is_plain_url(written) {
            Some(text::without_controls(written).into_owned())
        } else {
            self.text("avatar", written)
        };
        match read {
            None => {}
            Some(avatar) if text::is_public_url(&avatar) => self.found.avatar = Some(avatar),
            Some(avatar) if avatar.contains("{{") => self.warn_of(Oddity::UnresolvedPlaceholder, "avatar"),
            Some(avatar) => {
                self.warn_of(Oddity::AvatarNotUrl, "avatar");
                self.keep("avatar", avatar);
            }
        }
    }

    pub(super) fn partnerid(&mut self, written: &str) {
        let Some(id) = self.id("partnerid", written) else { return };
        if id.chars().count() > MAX_PARTNERID {
            self.warn_of(Oddity::PartneridTooLong, "partnerid");
        } else {
            self.found.partnerid = Some(id);
        }
    }

    pub(super) fn params(&mut self, written: &str) {
        let Some(read) = self.json("params", written, usize::MAX) else { return };
        match read {
            Ok(Value::Object(object)) => self.param_object(object),
            Ok(_) => {
                self.warn_of(Oddity::WrongType, "params");
                self.found.params = Some(Params::Text(written.trim().to_owned()));
            }
            Err(text) => self.found.params = Some(Params::Text(text)),
        }
    }

    pub(super) fn param_object(&mut self, object: Map<String, Value>) {
        self.warn_of_markers("params", &object);
        if !object.is_empty() {
            self.found.params = Some(Params::Object(object));
        }
    }

    pub(super) fn customer_fields(&mut self, object: &Map<String, Value>) {
        self.warn_of_markers("customer_fields", object);
        self.found.customer_fields =
            json::leaves(object).into_iter().filter(|(_, value)| text::marker(value).is_none()).collect();
    }

    fn warn_of_markers(&mut self, field: &str, object: &Map<String, Value>) {
        for (path, value) in json::leaves(object) {
            if let Some(oddity) = text::marker(&value) {
                self.warn_of(oddity, &format!("{field}.{path}"));
            }
        }
    }

    /// Notes that a field is there. The last one counts, unless it is absent.
    pub(super) fn see(&mut self, field: &str) {
        if !self.seen.insert(field.to_owned()) {
            self.warn_of(Oddity::Duplicate, field);
        }
    }

    /// A field by its name.
    pub(super) fn keyed(&mut self, name: &str, written: &str) {
        let field = Key::of(name).map_or(name, |key| key.name());
        self.see(field);
        match Key::of(name) {
            Some(Key::TransferAction) => self.transfer_action(written),
            Some(Key::PlatformAction) => self.platform_action(written),
            Some(Key::CustomerFields) => {
                if let Some(object) = self.object("customer_fields", written) {
                    self.customer_fields(&object);
                }
            }
            Some(Key::Partnerid) => self.partnerid(written),
            Some(Key::Robotid) => self.found.robotid = self.id(field, written).or(self.found.robotid.take()),
            Some(Key::Unionid) => self.found.unionid = self.id(field, written).or(self.found.unionid.take()),
            Some(Key::Ts) => self.ts = self.id(field, written).or(self.ts.take()),
            Some(Key::Sig) => self.sig = self.id(field, written).or(self.sig.take()),
            None => {
                if let Some(value) = self.text(name, written) {
                    self.found.extra.insert(name.to_owned(), value);
                }
            }
        }
    }

    /// What belongs to no field.
    pub(super) fn stray(&mut self, pieces: &[String]) {
        if !pieces.is_empty() {
            self.warn(Oddity::StrayText);
            self.found.extra.insert(STRAY.to_owned(), pieces.join("|"));
        }
    }

    fn transfer_action(&mut self, written: &str) {
        let field = Key::TransferAction.name();
        let levels = match self.json(field, written, 1) {
            Some(Ok(Value::Array(levels))) => levels,
            Some(Ok(single)) => {
                self.warn_of(Oddity::SingleObject, field);
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
                self.warn_of(Oddity::WrongType, &field);
            } else {
                read.push(level);
            }
        }
        self.found.transfer_action = read;
    }

    fn platform_action(&mut self, written: &str) {
        let field = Key::PlatformAction.name();
        let Some(object) = self.object(field, written) else { return };
        let action = PlatformAction {
            customer_code: self.member(field, &object, "customerCode"),
            flow_group_id: self.member(field, &object, "flowGroupId"),
        };
        if action == PlatformAction::default() {
            self.warn_of(Oddity::WrongType, field);
        } else {
            self.found.platform_action = Some(action);
        }
    }

    /// A member of an object in text, under its name in any case and with or without underscores.
    fn member(&mut self, field: &str, object: &Map<String, Value>, name: &str) -> Option<String> {
        let wanted = keyed::canonical(name);
        let (_, value) = object.iter().find(|(name, _)| keyed::canonical(name) == wanted)?;
        let path = format!("{field}.{name}");
        if value.is_object() || value.is_array() {
            self.warn_of(Oddity::WrongType, &path);
        }
        let text = json::scalar(value)?;
        if let Some(oddity) = text::marker(&text) {
            self.warn_of(oddity, &path);
            return None;
        }
        (!text.is_empty()).then_some(text)
    }

    fn object(&mut self, field: &str, written: &str) -> Option<Map<String, Value>> {
        match self.json(field, written, usize::MAX)? {
            Ok(Value::Object(object)) => return Some(object),
            Ok(_) => {
                self.warn_of(Oddity::WrongType, field);
                self.keep(field, written.trim().to_owned());
            }
            Err(text) => self.keep(field, text),
        }
        None
    }

    fn keep(&mut self, field: &str, text: String) {
        self.found.extra.insert(field.to_owned(), text);
    }

    /// A field in JSON, or its text if it is none. Nothing if the field is absent.
    fn json(&mut self, field: &str, written: &str, depth: usize) -> Option<Result<Value, String>> {
        let written = written.trim();
        if written.is_empty() || text::absent(written, false).is_some() {
            return self.text(field, written).map(Err);
        }
        if let Some(reading) = json::read(written, depth) {
            for oddity in reading.oddities {
                self.warn_of(oddity, field);
            }
            return Some(Ok(reading.value));
        }
        self.warn_of(Oddity::NotJson, field);
        self.text(field, written).map(Err)
    }
}
