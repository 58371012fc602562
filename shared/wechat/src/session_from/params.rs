//! The free fields of a `session-from`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{json, text};

/// Free fields: a JSON object, or the text that should have been one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Params {
    /// The JSON object.
    Object(Map<String, Value>),
    /// A text that is not a JSON object.
    Text(String),
}

impl Params {
    /// The JSON object. `None` for a text.
    pub const fn as_object(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Text(_) => None,
        }
    }

    /// The fields in the form that an agent sees: strings by name. A nested value has the name `outer.inner` or `list.0.inner`, an
    /// array of plain values is one string, and absent values are left out. A text is under the name `params`.
    pub fn display_fields(&self) -> BTreeMap<String, String> {
        match self {
            Self::Object(object) => json::leaves(object)
                .into_iter()
                .filter(|(_, value)| text::placeholder(value).is_none())
                .map(|(name, value)| (name, text::display_text(&value).into_owned()))
                .collect(),
            Self::Text(whole) => BTreeMap::from([("params".to_owned(), whole.clone())]),
        }
    }
}
