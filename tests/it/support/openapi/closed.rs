//! The description with every object closed: no property is valid that its schema does not name.

use serde_json::{Map, Value};

/// Closes every schema of a description.
///
/// A schema of `allOf` names only some of the properties, so it stays open and the schema around it is closed. For the
/// references of `allOf`, `components/open` has each component schema with its own properties left open.
pub(super) fn closed(description: &Value) -> Value {
    let mut description = description.clone();
    let mut open = description["components"]["schemas"].clone();
    open.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(leave_open);
    let schemas = description["components"]["schemas"].as_object_mut();
    schemas.into_iter().flat_map(Map::values_mut).for_each(close);
    close_content(&mut description["paths"]);
    close_content(&mut description["components"]["responses"]);
    description["components"]["open"] = open;
    description
}

/// Closes the schemas of the contents below a value.
fn close_content(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "schema" { close(value) } else { close_content(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_content),
        _ => {}
    }
}

fn close(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.contains_key("allOf") {
        fields.insert("unevaluatedProperties".to_owned(), false.into());
    } else if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        fields.insert("additionalProperties".to_owned(), false.into());
    }
    for (name, value) in fields {
        match name.as_str() {
            "allOf" => value.as_array_mut().into_iter().flatten().for_each(leave_open),
            "oneOf" | "anyOf" => value.as_array_mut().into_iter().flatten().for_each(close),
            _ => close_members(name, value),
        }
    }
}

fn leave_open(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("$ref", Value::String(reference)) => *reference = reference.replace("/schemas/", "/open/"),
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => parts.iter_mut().for_each(leave_open),
            (_, value) => close_members(name, value),
        }
    }
}

/// Closes the schemas of properties and items.
fn close_members(keyword: &str, value: &mut Value) {
    match keyword {
        "properties" => value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(close),
        "items" | "additionalProperties" => close(value),
        _ => {}
    }
}
