//! What is wrong with a value, in the words of the API.
//!
//! Serde describes what it expected in the words of Rust ("expected struct Create with 7 elements"). [`Wrong`] is the error type of
//! the deserializers of bodies and queries, so that these words are replaced where they arise.

use std::fmt;

use serde::de::{Error, Expected, Unexpected, Visitor};

/// Why a value was refused. No form of it contains the value: a secret in the wrong field must not come back in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// This field is missing.
    Missing(&'static str),
    /// This field was given more than once.
    Repeated(&'static str),
    /// The value itself, for a person.
    Value(String),
    /// The value was not accepted for a reason that is not for a caller.
    Other,
}

impl Wrong {
    /// The value must be this.
    pub(crate) fn must_be(what: impl fmt::Display) -> Self {
        Self::Value(format!("must be {what}"))
    }

    /// The value must be one of these.
    pub(crate) fn must_be_one_of(values: &[&str]) -> Self {
        Self::must_be(format_args!("one of {}", values.join(", ")))
    }

    /// What the visitor expects, where there is no better explanation.
    pub(crate) fn or_must_be(self, expected: &str) -> Self {
        if self == Self::Other { Self::must_be(expected) } else { self }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing(_) => "is missing",
            Self::Repeated(_) => "must be given only once",
            Self::Value(detail) => detail,
            Self::Other => "must have another form",
        })
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    /// Explanations of our own begin with "must"; those of libraries may quote the value.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        if message.starts_with("must ") { Self::Value(message) } else { Self::Other }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(api_words(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(api_words(&expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::must_be(api_words(&expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::must_be_one_of(expected)
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Value(match expected {
            [] => "is not a field of this object, which has none".to_owned(),
            fields => format!("is not a field of this object, which has {}", fields.join(", ")),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Repeated(field)
    }
}

/// What a visitor expects, in the words of the API.
pub(crate) fn expected_by<'de>(visitor: &impl Visitor<'de>) -> String {
    struct Expects<'v, V>(&'v V);
    impl<'de, V: Visitor<'de>> fmt::Display for Expects<'_, V> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }
    }
    api_words(&Expects(visitor).to_string())
}

/// Words of Rust that begin what serde expects, and the words of the API for them.
const WORDS: [(&[&str], &str); 10] = [
    (
        &["struct ", "internally tagged ", "adjacently tagged ", "a map", "map", "newtype variant", "struct variant"],
        "an object",
    ),
    (&["tuple", "a sequence", "sequence", "an array", "a tuple"], "a list"),
    (&["enum ", "variant ", "field ", "unit variant", "string or map"], "one of the values that are described"),
    (&["a boolean", "bool"], "true or false"),
    (&["usize", "u8", "u16", "u32", "u64", "u128"], "a whole number of 0 or more"),
    (&["isize", "i8", "i16", "i32", "i64", "i128", "integer", "an integer"], "a whole number"),
    (&["f32", "f64", "float", "a float", "any number", "a number"], "a number"),
    (&["a string containing", "a timestamp", "a datetime", "an RFC"], "a time such as 2026-03-02T08:00:00Z"),
    (&["a date string"], "a date such as 2026-03-02"),
    (&["unit", "null"], "null"),
];

/// Words that are Rust's wherever they stand.
const RUSTS: [&str; 9] = ["struct", "enum", "sequence", "map", "element", "Option", "variant", "u32", "i64"];

/// What serde expected (`serde::de::Expected`), in the words of the API.
fn api_words(expected: &str) -> String {
    let begins = |words: &[&str]| words.iter().any(|word| expected.starts_with(word));
    if let Some((_, words)) = WORDS.iter().find(|(rusts, _)| begins(rusts)) {
        return (*words).to_owned();
    }
    let texts = ["a string", "a character", "string", "str", "a borrowed string", "borrowed string", "char"];
    if texts.contains(&expected) {
        return "text".to_owned();
    }
    if expected.contains("sequence") {
        return "a list of another length".to_owned();
    }
    // An `expecting` of our own may be a whole sentence.
    let expected = expected.strip_prefix("must be ").unwrap_or(expected);
    if RUSTS.iter().any(|word| expected.contains(word)) { "of another form".to_owned() } else { expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_of_serde_become_words_of_the_api() {
        for (expected, words) in [
            ("struct Create with 7 elements", "an object"),
            ("struct Thresholds", "an object"),
            ("internally tagged enum RobotKind", "an object"),
            ("a map", "an object"),
            ("a sequence", "a list"),
            ("tuple variant", "a list"),
            ("enum Mode", "one of the values that are described"),
            ("variant identifier", "one of the values that are described"),
            ("string or map", "one of the values that are described"),
            ("a string", "text"),
            ("a boolean", "true or false"),
            ("u32", "a whole number of 0 or more"),
            ("usize", "a whole number of 0 or more"),
            ("i64", "a whole number"),
            ("f64", "a number"),
            ("a timestamp string", "a time such as 2026-03-02T08:00:00Z"),
            ("a date string", "a date such as 2026-03-02"),
            ("must be a text or a whole number", "a text or a whole number"),
            ("2 elements in sequence", "a list of another length"),
            ("one Option<Rust>", "of another form"),
        ] {
            assert_eq!(api_words(expected), words, "{expected}");
        }
    }

    #[test]
    fn explanation_of_a_library_is_not_shown_and_our_own_is() {
        assert_eq!(Wrong::custom("failed to parse sk-secret").to_string(), "must have another form");
        assert_eq!(Wrong::custom("must be 26").to_string(), "must be 26");
        assert_eq!(Wrong::Other.or_must_be("a number").to_string(), "must be a number");
        assert_eq!(Wrong::custom("must be 26").or_must_be("text").to_string(), "must be 26");
    }
}
