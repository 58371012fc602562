//! WeChat's JSON: one object whose values are mostly strings and numbers.

use std::{borrow::Cow, fmt};

use memchr::memchr;
use serde::{
    Deserialize, Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::document::Unreadable;

/// See [`crate::document::walk`]. A string is given as it reads, anything else as its JSON text (a number keeps all its
/// digits), and `null` counts as missing.
pub(crate) fn walk<'a>(document: &'a str, visit: impl FnMut(&str, Cow<'a, str>)) -> Result<(), Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    deserializer
        .deserialize_map(Fields(visit))
        .and_then(|()| deserializer.end())
        .map_err(|_| Unreadable::Because("JSON that is not well-formed"))
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
            (self.0)(&name.0, reading(source));
        }
        Ok(())
    }
}

fn reading(source: &str) -> Cow<'_, str> {
    match source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // The usual case, and no second pass over what may be most of the body.
        Some(text) if memchr(b'\\', text.as_bytes()).is_none() => Cow::Borrowed(text),
        // A string with half a surrogate pair has no reading: it stands as it was written.
        Some(_) => serde_json::from_str::<Text<'_>>(source).map_or(Cow::Borrowed(source), |text| text.0),
        None => Cow::Borrowed(source),
    }
}
