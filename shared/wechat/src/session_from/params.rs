//! Free fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{json, text};

/// Free fields: a JSON object, or the text that should have been one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Params {
    /// What was sent.
    Object(Map<String, Value>),
    /// A text that is no JSON object.
    Text(String),
}

impl Params {
    /// The object, if it is one.
    pub const fn as_object(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Text(_) => None,
        }
    }

    /// What to show to an agent: texts by name. What lies deeper is named `outer.inner` and `list.0.inner`, a list of plain values
    /// becomes one text, and what has no value is left out. A text that is no object is shown under `params`.
    pub fn shown(&self) -> BTreeMap<String, String> {
        match self {
            Self::Object(object) => json::leaves(object)
                .into_iter()
                .filter(|(_, value)| text::marker(value).is_none())
                .map(|(name, value)| (name, text::shown(&value).into_owned()))
                .collect(),
            Self::Text(whole) => BTreeMap::from([("params".to_owned(), whole.clone())]),
        }
    }
}
