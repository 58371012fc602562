//! Values that no caller has a reason to send.

use serde_json::{Value, json};

use super::Place;

/// Values for a place: of every other type, and of its own type those at and beyond its limits.
pub(super) fn hostile_values(place: &Place) -> Vec<Value> {
    let mut values = vec![json!(null), json!(true), json!(7), json!("x"), json!([]), json!({}), json!([[]])];
    match place.kind() {
        "string" => values.extend(texts(place).into_iter().map(Value::from)),
        "integer" | "number" => {
            values.extend([
                json!(-1),
                json!(0),
                json!(1.5),
                json!(1e300),
                json!(u64::MAX),
                json!(i64::MIN),
                json!("7"),
            ]);
            let beyond = [("minimum", -1), ("maximum", 1)];
            let limit = |(name, step): (&str, i64)| Some(json!(place.limit(name)? + step));
            values.extend(beyond.into_iter().filter_map(limit));
        }
        "array" => values.extend([json!([null]), json!([{}]), json!(vec!["x"; 1001]), json!(["x", "x"])]),
        "object" => values.extend([json!({ "": 1 }), json!({ "__proto__": {} }), json!({ "x": "y".repeat(5000) })]),
        _ => values.extend([json!("true"), json!(0)]),
    }
    values
}

fn texts(place: &Place) -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "\u{0}",
        "a\u{7}b",
        "\u{202e}txt",
        "a\u{200b}b",
        "\u{feff}x",
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "http://127.0.0.1/",
        "bootstrap",
        "{visitor}{{}}%s",
        "9999-99-99",
        "👩‍👩‍👧‍👦",
    ]
    .map(str::to_owned)
    .into();
    if let Some(limit) = place.limit("maxLength").and_then(|limit| usize::try_from(limit).ok()) {
        texts.extend(["a".repeat(limit + 1), "字".repeat(limit + 1)]);
    }
    texts.push("a".repeat(3000));
    texts
}

/// Bodies that are hostile as a whole, made from one that is valid.
pub(super) fn hostile_bodies(valid: &Value) -> Vec<String> {
    let mut bodies: Vec<String> =
        ["{", "nul", "[]", "\"x\"", "7", "null", "\u{feff}{}", "{\"x\":\"\\ud800\"}"].map(str::to_owned).into();
    let nested = 500;
    bodies.push(format!("{}{}", "[".repeat(nested), "]".repeat(nested)));
    bodies.push(json!({ "x": "字".repeat(30_000) }).to_string());
    bodies.push(format!("{valid}{valid}"));
    let mut unknown = valid.clone();
    unknown["colour"] = json!("blue");
    bodies.push(unknown.to_string());
    for (name, value) in valid.as_object().into_iter().flatten() {
        let twice = valid.to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let surrogate = valid.to_string().replacen('{', &format!("{{\"{name}\":\"\\udc00\","), 1);
        bodies.extend([twice, surrogate]);
    }
    bodies
}
