//! The fields of a body, read from the description of the API.

use serde_json::{Value, json};

/// A field of a body, or an item of a list: where it is, and its schema.
pub(crate) struct Place {
    /// A JSON pointer.
    at: String,
    /// Without references and alternatives of `null`.
    schema: Value,
}

/// The schema of an operation's body, if it takes one.
pub(crate) fn body_schema(described: &Value, operation: &Value) -> Option<Value> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    Some(resolved(described, schema))
}

/// All fields of a body, down to the items of lists.
pub(crate) fn places(described: &Value, schema: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    collect(described, "", schema, &mut found);
    found
}

fn collect(described: &Value, at: &str, schema: &Value, found: &mut Vec<Place>) {
    let schema = resolved(described, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        collect(described, &format!("{at}/{name}"), field, found);
    }
    if schema.get("items").is_some() {
        collect(described, &format!("{at}/0"), &schema["items"], found);
    }
    found.push(Place { at: at.to_owned(), schema });
}

/// The schema behind a reference, and the one alternative that is not `null`.
fn resolved(described: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(described, described.pointer(reference.strip_prefix('#').unwrap()).unwrap());
    }
    let alternatives: Vec<_> =
        schema["oneOf"].as_array().into_iter().flatten().filter(|one| one["type"] != "null").collect();
    match alternatives.as_slice() {
        [one] => resolved(described, one),
        _ => schema.clone(),
    }
}

/// The type of a value that is not `null`.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(one) => one,
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).find(|one| *one != "null").unwrap_or_default()
        }
        _ => "",
    }
}

impl Place {
    /// The path of the field; the whole body has none.
    pub(crate) fn name(&self) -> &str {
        &self.at
    }

    /// Whether it is a text with a name, not an item of a list.
    pub(crate) fn is_text_of_an_object(&self) -> bool {
        type_of(&self.schema) == "string" && !self.at.ends_with("/0")
    }

    /// Whether the description bounds the text.
    pub(crate) fn has_limit(&self) -> bool {
        let limits = ["maxLength", "pattern", "enum"];
        let is_date = self.schema["format"].as_str().is_some_and(|format| format.starts_with("date"));
        is_date || limits.iter().any(|limit| self.schema.get(limit).is_some())
    }

    /// The type of its values, without `null`; empty where it has several.
    pub(super) fn kind(&self) -> &str {
        type_of(&self.schema)
    }

    /// A limit of the description.
    pub(super) fn limit(&self, name: &str) -> Option<i64> {
        self.schema[name].as_i64()
    }

    /// A body with a value at this place. `None` where the objects or lists around the place are none of this body's.
    pub(super) fn with(&self, body: &Value, value: Value) -> Option<Value> {
        let mut body = body.clone();
        let Some((around, name)) = self.at.rsplit_once('/') else { return Some(value) };
        for (end, _) in self.at.match_indices('/').skip(1) {
            let part = body.pointer_mut(&self.at[..end])?;
            if part.is_null() {
                *part = if self.at[end..].starts_with("/0") { json!([]) } else { json!({}) };
            }
        }
        match body.pointer_mut(around)? {
            Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
            Value::Array(items) if items.is_empty() => items.push(value),
            Value::Array(items) => items[0] = value,
            _ => return None,
        }
        Some(body)
    }
}
