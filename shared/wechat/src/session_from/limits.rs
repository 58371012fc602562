//! The most that a service keeps of a `session-from`.
//!
//! The text is the visitor's phone's, and some of its parts grow when they are read: a name in nested JSON is repeated in the
//! path of each of its members, and in each warning about them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{MAX_TEXT, Params, SessionFrom, Warning, WarningKind, json, parse};

/// The longest nickname, in bytes. A longer one is cut.
pub const MAX_NAME: usize = 256;

/// The longest id of a robot, group, agent or merchant, and the longest unionid, in bytes. A longer one is dropped, because a
/// part of an id is another id.
pub const MAX_ID: usize = 128;

/// The longest address of an avatar, in bytes. A longer one is dropped.
pub const MAX_AVATAR: usize = 2048;

/// The size of the free fields, and that of the merchant's custom fields: names and values together, in bytes of JSON. Fields
/// that do not fit are dropped.
pub const MAX_FIELDS: usize = 4096;

/// How many warnings are kept, and the longest name of a field in them, in bytes.
const MAX_WARNINGS: usize = 32;
const MAX_WARNING_FIELD: usize = 128;

/// Parses any text as [`parse`] does, and bounds every field that a service stores.
pub fn parse_bounded(text: &str) -> SessionFrom {
    bounded(parse(text))
}

/// The part of a text that [`parse`] reads. Of a longer text it has a few bytes more, so that [`parse`] gives the same result for
/// it: the last field of a text that was cut is dropped.
pub fn significant(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT + 4)]
}

fn bounded(mut from: SessionFrom) -> SessionFrom {
    let mut too_long = TooLong::default();
    if let Some(nickname) = from.nickname.as_mut().filter(|nickname| nickname.len() > MAX_NAME) {
        nickname.truncate(nickname.floor_char_boundary(MAX_NAME));
        too_long.field("nickname");
    }
    too_long.drop("avatar", &mut from.avatar, MAX_AVATAR);
    too_long.drop("robotid", &mut from.robotid, MAX_ID);
    too_long.drop("unionid", &mut from.unionid, MAX_ID);
    if let Some(action) = &mut from.platform_action {
        too_long.drop("platform_action.customerCode", &mut action.customer_code, MAX_ID);
        too_long.drop("platform_action.flowGroupId", &mut action.flow_group_id, MAX_ID);
    }
    for (at, level) in from.transfer_action.iter_mut().enumerate() {
        for (name, value) in [
            ("actionType", &mut level.action_type),
            ("deciId", &mut level.deci_id),
            ("optionId", &mut level.option_id),
            ("spillId", &mut level.spill_id),
        ] {
            too_long.drop(&format!("transfer_action[{at}].{name}"), value, MAX_ID);
        }
    }
    from.params = from.params.map(|params| too_long.params(params));
    let (fields, all) = fitting(std::mem::take(&mut from.customer_fields));
    from.customer_fields = fields;
    if !all {
        too_long.field("customer_fields");
    }
    from.warnings = bounded_warnings(from.warnings, too_long.0);
    from
}

/// The warnings about fields that are too long.
#[derive(Default)]
struct TooLong(Vec<Warning>);

impl TooLong {
    fn field(&mut self, field: &str) {
        self.0.push(Warning { kind: WarningKind::FieldTooLong, field: Some(field.to_owned()) });
    }

    fn drop(&mut self, field: &str, value: &mut Option<String>, longest: usize) {
        if value.take_if(|value| value.len() > longest).is_some() {
            self.field(field);
        }
    }

    /// Params whose display has at most [`MAX_FIELDS`]. An object that is larger becomes one of its leaves that fit, by path.
    fn params(&mut self, params: Params) -> Params {
        match params {
            Params::Object(object) => match fitting(json::leaves(&object)) {
                (_, true) => Params::Object(object),
                (fields, false) => {
                    self.field("params");
                    let flat = fields.into_iter().map(|(name, value)| (name, Value::from(value)));
                    Params::Object(flat.collect::<Map<_, _>>())
                }
            },
            Params::Text(mut text) => {
                if escaped_length(&text) > MAX_FIELDS {
                    self.field("params");
                    while escaped_length(&text) > MAX_FIELDS {
                        text.truncate(text.floor_char_boundary(text.len() / 2));
                    }
                }
                Params::Text(text)
            }
        }
    }
}

/// The fields that fit into [`MAX_FIELDS`] bytes, in their order, and whether all fit.
fn fitting(fields: impl IntoIterator<Item = (String, String)>) -> (BTreeMap<String, String>, bool) {
    let (mut room, mut all) = (MAX_FIELDS, true);
    let fit = fields.into_iter().filter(|(name, value)| {
        let length = escaped_length(name) + escaped_length(value);
        let fits = length <= room;
        if fits {
            room -= length;
        } else {
            all = false;
        }
        fits
    });
    (fit.collect(), all)
}

/// The length of a text in JSON, where a control character takes six bytes.
fn escaped_length(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}

fn bounded_warnings(found: Vec<Warning>, too_long: Vec<Warning>) -> Vec<Warning> {
    // What was dropped matters more than how the text was written.
    let mut warnings: Vec<_> = too_long.into_iter().chain(found).collect();
    if warnings.len() > MAX_WARNINGS {
        warnings.truncate(MAX_WARNINGS - 1);
        warnings.push(Warning { kind: WarningKind::TooManyWarnings, field: None });
    }
    for field in warnings.iter_mut().filter_map(|warning| warning.field.as_mut()) {
        field.truncate(field.floor_char_boundary(MAX_WARNING_FIELD));
    }
    warnings
}
