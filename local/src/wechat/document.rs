//! The documents of pushes: XML with CDATA, or JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The data format (数据格式) that is set in WeChat's console.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// XML.
    #[default]
    Xml,
    /// JSON.
    Json,
}

impl Format {
    /// The `Content-Type` of a push.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }

    /// The document with these fields in this order.
    pub(super) fn render(self, fields: &[(String, Value)]) -> String {
        match self {
            Self::Xml => {
                let inner: String = fields.iter().map(|(name, value)| element(name, value)).collect();
                format!("<xml>{inner}</xml>")
            }
            Self::Json => {
                let members: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// The document with an additional text field at its end. 兼容模式 has `Encrypt` beside the plain fields.
    pub(super) fn with_field(self, document: &str, name: &str, value: &str) -> String {
        match self {
            Self::Xml => {
                let inner = document.strip_suffix("</xml>").unwrap_or(document);
                format!("{inner}{}</xml>", element(name, &Value::from(value)))
            }
            Self::Json => {
                let members = document.strip_suffix('}').unwrap_or(document);
                format!("{members},{}:{}}}", Value::from(name), Value::from(value))
            }
        }
    }

    /// The text of a top-level field of a callback's answer.
    pub(super) fn field(self, document: &str, name: &str) -> Option<String> {
        match self {
            Self::Xml => {
                let from = document.split_once(&format!("<{name}>"))?.1;
                let text = from.split_once(&format!("</{name}>"))?.0.trim();
                let plain = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>"));
                Some(plain.unwrap_or(text).to_owned())
            }
            Self::Json => match serde_json::from_str::<Value>(document).ok()?.get(name)? {
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
        }
    }
}

fn element(name: &str, value: &Value) -> String {
    match value {
        Value::Array(many) => many.iter().map(|one| element(name, one)).collect(),
        Value::Object(members) => {
            let inner: String = members.iter().map(|(name, value)| element(name, value)).collect();
            format!("<{name}>{inner}</{name}>")
        }
        Value::String(text) => {
            let text: String = text.chars().filter(|letter| allowed(*letter)).collect();
            // `]]>` ends a CDATA section, so it is split over two sections.
            let text = text.replace("]]>", "]]]]><![CDATA[>");
            format!("<{name}><![CDATA[{text}]]></{name}>")
        }
        Value::Null => format!("<{name}></{name}>"),
        Value::Bool(_) | Value::Number(_) => format!("<{name}>{value}</{name}>"),
    }
}

/// Whether XML 1.0 allows the character.
fn allowed(letter: char) -> bool {
    !matches!(letter, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}
