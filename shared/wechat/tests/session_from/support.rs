//! A reading as the tests compare it.

use serde_json::Value;
use wechat::session_from::{Entrant, SessionFrom};

/// The secret of the vectors.
pub(crate) const SECRET: &[u8] = b"kefu-test-secret";
/// The time of the vectors.
pub(crate) const NOW: i64 = 1_750_000_000;
/// The visitor of the tests.
pub(crate) const ENTRANT: Entrant<'_> =
    Entrant { app_id: "wx0123456789abcdef", openid: "o6_bmjrPTlm6_2sgVt7hMZOPfL2M" };

/// What was found, without what was not, and without the warnings.
pub(crate) fn found(read: &SessionFrom) -> Value {
    let mut value = serde_json::to_value(read).unwrap();
    let fields = value.as_object_mut().unwrap();
    fields.remove("warnings");
    fields.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    });
    prune(&mut value);
    value
}

/// Leaves out the empty fields of levels and merchants. `null` within params is the merchant's own.
fn prune(value: &mut Value) {
    for field in ["transfer_action", "platform_action"] {
        let one = value.get_mut(field);
        let each = match one {
            Some(Value::Array(levels)) => levels.iter_mut().collect(),
            Some(single) => vec![single],
            None => Vec::new(),
        };
        for object in each.into_iter().filter_map(Value::as_object_mut) {
            object.retain(|_, value| !value.is_null());
        }
    }
}

/// `code` or `code field` of each warning, sorted.
pub(crate) fn warnings(read: &SessionFrom) -> Vec<String> {
    let mut warnings: Vec<_> = read
        .warnings
        .iter()
        .map(|warning| match &warning.field {
            Some(field) => format!("{} {field}", warning.code()),
            None => warning.code().to_owned(),
        })
        .collect();
    warnings.sort();
    warnings
}
