//! Reads JSON and queries more strictly than serde does by itself.
//!
//! Serde reads a struct also from a list of its fields, and an enum also from an object. The API has objects and texts: a list in the
//! place of an object is refused at every depth, and so is an object in the place of a text.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Number, Value};

use crate::{
    FieldError,
    wording::{Wrong, expected_by},
};

/// Reads JSON. An error names the field by its path, such as `weekly[0].days`; `whole` is the name of the value itself.
pub(crate) fn from_json<T: DeserializeOwned>(value: Value, whole: &str) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(Json(value)).map_err(|error| field_error(error, whole))
}

/// Reads the parameters of a query. Those that `T` does not name are ignored.
pub(crate) fn from_query<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, FieldError> {
    let parameters = MapDeserializer::<_, Wrong>::new(pairs.into_iter().map(|(name, value)| (name, Parameter(value))));
    serde_path_to_error::deserialize(parameters).map_err(|error| field_error(error, "query"))
}

fn field_error(error: serde_path_to_error::Error<Wrong>, whole: &str) -> FieldError {
    let path = Some(error.path().to_string()).filter(|path| path != ".");
    let wrong = error.into_inner();
    let detail = wrong.to_string();
    let field = match (wrong, path) {
        (Wrong::Missing(field), Some(path)) => format!("{path}.{field}"),
        (Wrong::Missing(field) | Wrong::Repeated(field), None) => field.to_owned(),
        (_, Some(path)) => path,
        (_, None) => whole.to_owned(),
    };
    FieldError::new(field, detail)
}

/// A value of JSON.
struct Json(Value);

impl IntoDeserializer<'_, Wrong> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Json {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => visit_number(&number, visitor),
            Value::String(text) => visit_text(text, visitor),
            Value::Array(items) => {
                let mut items = SeqDeserializer::<_, Wrong>::new(items.into_iter().map(Json));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(fields) => {
                let mut fields =
                    MapDeserializer::<_, Wrong>::new(fields.into_iter().map(|(name, value)| (name, Self(value))));
                let value = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(Wrong::must_be("an object")) }
    }

    /// A map of `serde_json` reads `null` as empty.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            _ => Err(Wrong::must_be_one_of(variants)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Wrong> {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => visitor.visit_u64(number),
        (None, Some(number)) => visitor.visit_i64(number),
        (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: String, visitor: V) -> Result<V::Value, Wrong> {
    let expected = expected_by(&visitor);
    visitor.visit_string(text).map_err(|wrong: Wrong| wrong.or_must_be(&expected))
}

/// A parameter of a query: a text, or what a text says.
struct Parameter(String);

impl IntoDeserializer<'_, Wrong> for Parameter {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Parameter {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visit_text(self.0, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.parse() {
            Ok(value) => visitor.visit_bool(value),
            Err(_) => Err(Wrong::must_be("true or false")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.parse() {
            Ok(value) => visitor.visit_u32(value),
            Err(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.parse() {
            Ok(value) => visitor.visit_i64(value),
            Err(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        DarkBlue,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        colour: Colour,
        #[serde(default)]
        count: Option<u32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
        #[serde(default)]
        rows: Vec<Inner>,
        #[serde(default)]
        named: BTreeMap<String, f64>,
        #[serde(default)]
        pair: Option<(String, bool)>,
        #[serde(default)]
        any: Value,
    }

    fn refusal(value: Value) -> (String, String) {
        let error = from_json::<Outer>(value, "body").unwrap_err();
        (error.field, error.detail)
    }

    #[test]
    fn right_values_are_read() {
        let any = json!({ "a": [1, -2, 0.5, null, true, "x", { "b": {} }], "large": u64::MAX });
        let value = json!({
            "inner": { "colour": "dark_blue", "count": null }, "rows": [{ "colour": "red", "count": 3 }],
            "named": { "x": 1, "y": 0.5 }, "pair": ["a", true], "any": any,
        });
        let read: Outer = from_json(value, "body").unwrap();
        let inner = Inner { colour: Colour::DarkBlue, count: None };
        let rows = vec![Inner { colour: Colour::Red, count: Some(3) }];
        let named = BTreeMap::from([("x".to_owned(), 1.0), ("y".to_owned(), 0.5)]);
        assert_eq!(read, Outer { inner, rows, named, pair: Some(("a".to_owned(), true)), any });
    }

    #[test]
    fn list_in_the_place_of_an_object_is_refused_at_every_depth() {
        let inner = json!({ "colour": "red" });
        for (value, field) in [
            (json!([inner, [], {}, null, null]), "body"),
            (json!({ "inner": ["red", 1] }), "inner"),
            (json!({ "inner": inner, "rows": [inner, ["red", 1]] }), "rows[1]"),
            (json!({ "inner": inner, "named": [["x", 1]] }), "named"),
        ] {
            assert_eq!(refusal(value.clone()), (field.to_owned(), "must be an object".to_owned()), "{value}");
        }
    }

    #[test]
    fn wrong_value_is_explained_in_words_of_the_api() {
        let inner = json!({ "colour": "red" });
        for (value, field, detail) in [
            (json!({}), "inner", "is missing"),
            (json!({ "inner": {} }), "inner.colour", "is missing"),
            (json!({ "inner": inner, "rows": [{ "count": 1 }] }), "rows[0].colour", "is missing"),
            (json!({ "inner": { "colour": "green" } }), "inner.colour", "must be one of red, dark_blue"),
            (json!({ "inner": { "colour": { "red": null } } }), "inner.colour", "must be one of red, dark_blue"),
            (json!({ "inner": { "colour": 5 } }), "inner.colour", "must be one of red, dark_blue"),
            (
                json!({ "inner": { "colour": "red", "count": -1 } }),
                "inner.count",
                "must be a whole number of 0 or more",
            ),
            (
                json!({ "inner": { "colour": "red", "count": "x" } }),
                "inner.count",
                "must be a whole number of 0 or more",
            ),
            (json!({ "inner": inner, "rows": {} }), "rows", "must be a list"),
            (json!({ "inner": inner, "named": { "x": "1" } }), "named.x", "must be a number"),
            (json!({ "inner": inner, "pair": ["a", true, 1] }), "pair", "must be a list of another length"),
            (
                json!({ "inner": { "color": "red" } }),
                "inner.color",
                "is not a field of this object, which has colour, count",
            ),
        ] {
            assert_eq!(refusal(value.clone()), (field.to_owned(), detail.to_owned()), "{value}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Asked {
        colour: Option<Colour>,
        number: Option<u32>,
        offset: Option<i64>,
        all: Option<bool>,
        text: String,
    }

    #[test]
    fn query_is_read_and_a_wrong_parameter_is_named() {
        let query = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            from_query::<Asked>(pairs).map_err(|error| (error.field, error.detail))
        };
        let all =
            [("colour", "red"), ("number", "7"), ("offset", "-7"), ("all", "true"), ("text", "x"), ("other", "y")];
        let colour = Some(Colour::Red);
        let read = Asked { colour, number: Some(7), offset: Some(-7), all: Some(true), text: "x".to_owned() };
        assert_eq!(query(&all), Ok(read));
        for (name, value, detail) in [
            ("colour", "green", "must be one of red, dark_blue"),
            ("number", "-1", "must be a whole number of 0 or more"),
            ("offset", "x", "must be a whole number"),
            ("all", "yes", "must be true or false"),
        ] {
            assert_eq!(query(&[("text", "x"), (name, value)]), Err((name.to_owned(), detail.to_owned())), "{name}");
        }
        assert_eq!(query(&[]), Err(("text".to_owned(), "is missing".to_owned())));
        let twice = Err(("text".to_owned(), "must be given only once".to_owned()));
        assert_eq!(query(&[("text", "x"), ("text", "y")]), twice);
    }
}
