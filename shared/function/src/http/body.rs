//! What a request carries. What is not JSON is `malformed`; what is JSON and something else than was asked for is
//! `invalid`, with the field.

use lambda_http::{Request, http::StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{FieldError, Problem};

/// Longest body of an API request, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// What stands for the whole where a field is named.
const WHOLE: &str = "body";

/// The request's body as JSON. A mistake is answered with the path to it.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    long_body(request, MAX_BODY)
}

/// The same for a request that may come without a body.
pub fn optional_body<T: DeserializeOwned + Default>(request: &Request) -> Result<T, Problem> {
    if request.body().is_empty() { Ok(T::default()) } else { body(request) }
}

/// The same for a body of up to `max` bytes.
pub fn long_body<T: DeserializeOwned>(request: &Request, max: usize) -> Result<T, Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > max {
        let detail = format!("The body has {} bytes; at most {max} are taken.", bytes.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
    }
    // By way of a value: read at once, a number where a word should be is as much of a mistake as a missing brace.
    let value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    read(value).map_err(|wrong| Problem::invalid(vec![wrong]))
}

/// Reads JSON that is at hand already. A mistake comes with the path to it.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = Some(error.path().to_string()).filter(|path| path != ".");
        let words = error.into_inner().to_string();
        if let Some(missing) = missing(&words) {
            let field = path.map_or_else(|| missing.to_owned(), |path| format!("{path}.{missing}"));
            return FieldError::new(field, "is missing");
        }
        FieldError::new(path.unwrap_or_else(|| WHOLE.to_owned()), without_value(&words))
    })
}

/// The place is left out: it is one in the text as it came here, which is rarely the text that somebody has before them.
fn malformed(error: &serde_json::Error) -> Problem {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("The body is not JSON: {words}."))
}

/// The field that serde misses, in the words of `serde::de::Error::missing_field`.
fn missing(words: &str) -> Option<&str> {
    words.strip_prefix("missing field `")?.strip_suffix('`')
}

/// serde names the offending value; a secret in the wrong field must not come back in an answer.
fn without_value(message: &str) -> String {
    match (message.find(['"', '`']), message.rfind(", expected")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", message[..start].trim_end(), &message[end..]),
        _ => message.to_owned(),
    }
}
