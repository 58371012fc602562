//! Which form a text has, and the forms of Qiyu, Easemob and Udesk.

use serde_json::{Map, Value};

use super::{
    Dialect, LIMIT, Oddity, SCENE, SessionFrom, draft::Draft, json, keyed, keyed::QiyuKey, sobot, split, text,
};

/// Reads a text. `cut` says that it goes on where it ends.
pub(super) fn read(text: &str, cut: bool) -> SessionFrom {
    let written = text.trim_start_matches('\u{feff}').trim();
    let decoded = decoded_whole(written);
    let mut draft =
        dialect(decoded.as_deref().unwrap_or(written), cut).unwrap_or_else(|| without_dialect(text, written));
    if cut {
        draft.warn(Oddity::TooLong);
    }
    let has_dialect = !matches!(draft.found.dialect, Dialect::Raw | Dialect::Empty);
    if has_dialect && decoded.is_some() {
        draft.warn(Oddity::PercentEncoded);
    }
    if has_dialect && (text.len() == LIMIT || text.chars().count() == LIMIT) {
        draft.warn(Oddity::AtLimit);
    }
    draft.finish()
}

/// A text that went through `encodeURIComponent` as a whole.
fn decoded_whole(written: &str) -> Option<String> {
    let encoded = ["sobot%7C", "nickName%3D", "%7B%22"]
        .iter()
        .any(|start| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)));
    if !encoded || written.contains('|') {
        return None;
    }
    text::decode(written).ok().map(std::borrow::Cow::into_owned)
}

fn dialect(text: &str, cut: bool) -> Option<Draft> {
    if let Some(body) = sobot::body(text) {
        return Some(sobot::read(body, cut));
    }
    if json::looks_like_object(text) {
        return json_object(text);
    }
    qiyu(text, cut)
}

/// A text that is the merchant's own, or none at all.
fn without_dialect(text: &str, written: &str) -> Draft {
    let mut draft = Draft::new(Dialect::Empty);
    if let Some(oddity) = text::absent(written, false) {
        draft.warn(oddity);
    } else if !written.is_empty() {
        draft.found.dialect = Dialect::Raw;
        draft.found.extra.insert(SCENE.to_owned(), text.to_owned());
    }
    draft
}

/// `nickName=…|avatarUrl=…|referrerTitle=…`. Fields of the Sobot form are read as well, for a merchant who adds them.
fn qiyu(text: &str, cut: bool) -> Option<Draft> {
    let mut pieces = split::pieces(text);
    keyed::pair(pieces.first()?)?;
    if !pieces.iter().filter_map(|piece| keyed::pair(piece)).any(|(name, _)| QiyuKey::of(name).is_some()) {
        return None;
    }
    let mut draft = Draft::new(Dialect::Qiyu);
    if cut {
        split::drop_cut(&mut pieces, &mut draft);
    }
    split::fields(&pieces, &mut draft, |draft, name, value| match QiyuKey::of(name) {
        Some(QiyuKey::NickName) => {
            draft.see("nickname");
            draft.nickname(value);
        }
        Some(QiyuKey::AvatarUrl) => {
            draft.see("avatar");
            draft.avatar(value);
        }
        Some(QiyuKey::Foreignid) => draft.keyed("partnerid", value),
        Some(QiyuKey::ReferrerTitle) => draft.keyed("referrerTitle", value),
        None => draft.keyed(name, value),
    });
    Some(draft)
}

/// The JSON forms. What has no field of its own is for the agent to see, like params.
fn json_object(text: &str) -> Option<Draft> {
    let reading = json::read(text, usize::MAX)?;
    let Value::Object(object) = reading.value else { return None };
    let mut draft = udesk(&object).or_else(|| easemob(object))?;
    for oddity in reading.oddities {
        draft.warn(oddity);
    }
    Some(draft)
}

/// Udesk's page gives the fields of `customer_info` and not how it is embedded, so it is taken bare, under its name, and as a string
/// under its name.
fn udesk(object: &Map<String, Value>) -> Option<Draft> {
    const OWN: [&str; 4] = ["customer_name", "nick_name", "customer_token", "custom_fields"];
    let mut info = match object.get("customer_info") {
        None if OWN.iter().any(|name| object.contains_key(*name)) => object.clone(),
        Some(Value::Object(info)) => info.clone(),
        Some(Value::String(text)) => json::read(text, usize::MAX)?.value.as_object()?.clone(),
        None | Some(_) => return None,
    };
    // Beside it stand the fields of a business record.
    info.extend(
        object.iter().filter(|(name, _)| *name != "customer_info").map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut draft = Draft::new(Dialect::Udesk);
    if let Some(name) = take(&mut info, "nick_name").or_else(|| take(&mut info, "customer_name")) {
        draft.nickname(&name);
    }
    if let Some(avatar) = take(&mut info, "avatar") {
        draft.avatar(&avatar);
    }
    if let Some(token) = take(&mut info, "customer_token") {
        draft.partnerid(&token);
    }
    if let Some(Value::Object(fields)) = info.get("custom_fields") {
        draft.customer_fields(fields);
        info.remove("custom_fields");
    }
    draft.param_object(info);
    Some(draft)
}

fn easemob(mut object: Map<String, Value>) -> Option<Draft> {
    let name_of = |wanted: &str| object.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
    let (nickname, avatar) = (name_of("nickName"), name_of("avatarUrl"));
    if nickname.is_none() && avatar.is_none() {
        return None;
    }
    let mut draft = Draft::new(Dialect::Easemob);
    if let Some(nickname) = nickname.and_then(|name| take(&mut object, &name)) {
        draft.nickname(&nickname);
    }
    if let Some(avatar) = avatar.and_then(|name| take(&mut object, &name)) {
        draft.avatar(&avatar);
    }
    draft.param_object(object);
    Some(draft)
}

/// Takes a member out as text, unless it holds other values.
fn take(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    let value = object.get(name)?;
    let text = json::scalar(value);
    if text.is_some() || value.is_null() {
        object.remove(name);
    }
    text
}
