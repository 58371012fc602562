//! Converts YAML with CloudFormation's short tags (`!Ref X`) into JSON with the long form (`{"Ref": "X"}`).

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::{Result, TemplateError};

/// Parses one YAML document.
pub(super) fn parse(text: &str) -> Result<Value> {
    let documents = Yaml::load_from_str(text).map_err(|error| TemplateError::new(error.to_string()))?;
    match documents.as_slice() {
        [document] => value(document),
        _ => Err(TemplateError::new("expected one YAML document")),
    }
}

fn value(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Representation(text, ..) => json!(text),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, item) in entries {
                let key = key.as_str().ok_or_else(|| TemplateError::new("a key that is not a string"))?;
                map.insert(key.to_owned(), value(item)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tag, inner) => long_form(&tag.suffix, &value(inner)?),
        Yaml::Alias(_) | Yaml::BadValue => return Err(TemplateError::new("YAML that CloudFormation does not support")),
    })
}

/// The long form of a tag: `!Name` is `Fn::Name`, except for `Ref` and `Condition`. The argument of `!GetAtt A.B` is a list.
fn long_form(tag: &str, argument: &Value) -> Value {
    match (tag, argument) {
        ("Ref" | "Condition", _) => json!({ tag: argument }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        _ => json!({ format!("Fn::{tag}"): argument }),
    }
}
