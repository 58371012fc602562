//! Documents in JSON: one object, whose values are mostly strings and numbers.

use std::{borrow::Cow, fmt};

use memchr::memchr;
use serde::{
    Deserialize, Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::fields::DocumentError;

/// See [`crate::fields::visit`]. A string is unescaped, any other value is its JSON text (a number keeps all its digits),
/// and a field with `null` is skipped.
pub(crate) fn visit<'a>(document: &'a str, visitor: impl FnMut(&str, Cow<'a, str>)) -> Result<(), DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    deserializer
        .deserialize_map(Fields(visitor))
        .and_then(|()| deserializer.end())
        .map_err(|_| DocumentError::Malformed("JSON that is not well-formed"))
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Fields<F>(F);

impl<'de, F: FnMut(&str, Cow<'de, str>)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            let source = value.get();
            if source == "null" {
                continue;
            }
            (self.0)(&name.0, unescaped(source));
        }
        Ok(())
    }
}

fn unescaped(source: &str) -> Cow<'_, str> {
    match source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // The usual case, without a second pass over the value.
        Some(text) if memchr(b'\\', text.as_bytes()).is_none() => Cow::Borrowed(text),
        // A string with half a surrogate pair cannot be unescaped and is taken as written.
        Some(_) => serde_json::from_str::<Text<'_>>(source).map_or(Cow::Borrowed(source), |text| text.0),
        None => Cow::Borrowed(source),
    }
}
