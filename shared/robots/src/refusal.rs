//! What a robot's server says when it refuses a request.

use std::fmt;

use serde_json::Value;

use crate::parameters::Parameter;

/// The longest error message that is kept, in characters.
const MESSAGE_MAX: usize = 200;
/// How much of an error message is searched for the name of a parameter, in bytes.
const SEARCHED_MAX: usize = 4096;
/// What stands in place of a key.
const REDACTED: &str = "[…]";
/// How keys begin.
const KEY_PREFIXES: [&str; 4] = ["sk-", "sk_", "whsec_", "bearer"];

/// A refusal by a robot's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; 200 for an error in a successful response.
    pub status: u16,
    /// The server's `error.message`, at most 200 characters, on one line and without keys. `None` where the body is not JSON
    /// with a message.
    pub message: Option<String>,
    /// The parameter that the server does not take.
    pub(crate) parameter: Option<Parameter>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the robot answered with HTTP {}", self.status)?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// The refusal in a response with this body. `secrets` are taken out of the message.
    pub(crate) fn read(status: u16, body: &[u8], secrets: &[&str]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = message(&body);
        let names_parameter = matches!(status, 400 | 422);
        let named = body["error"]["param"].as_str().or_else(|| body["param"].as_str());
        let parameter = message.as_deref().unwrap_or_default();
        let parameter = &parameter[..parameter.floor_char_boundary(SEARCHED_MAX)];
        let parameter = names_parameter.then(|| Parameter::named(named, parameter)).flatten();
        let message = message.map(|message| shown(&message, secrets)).filter(|message| !message.is_empty());
        Self { status, message, parameter }
    }
}

/// The message of an error in the forms of `OpenAI`, `FastAPI` and the vendors' gateways.
fn message(body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let error = &body["error"];
    let of_error = text(&error["message"]).or_else(|| text(error)).or_else(|| text(&body["message"]));
    let of_error = of_error.or_else(|| text(&body["detail"])).or_else(|| text(&body["msg"]));
    of_error.or_else(|| text(&body["error_msg"])).or_else(|| {
        // `{"detail": [{"loc": ["body", "max_tokens"], "msg": "…"}]}`
        let fault = body["detail"].as_array()?.first()?;
        let place: Vec<_> = fault["loc"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Some(format!("{}: {}", place.join("."), fault["msg"].as_str()?))
    })
}

/// The message without secrets and control characters, cut short.
fn shown(message: &str, secrets: &[&str]) -> String {
    let mut message = message.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        message = message.replace(secret, REDACTED);
    }
    let mut is_after_bearer = false;
    let words = message.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<String> = words
        .map(|word| {
            let is_key = std::mem::replace(&mut is_after_bearer, word.eq_ignore_ascii_case("bearer"));
            if is_key { REDACTED.to_owned() } else { without_keys(word) }
        })
        .collect();
    let hidden = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    words.join(" ").chars().filter(hidden).take(MESSAGE_MAX).collect()
}

/// The word with what looks like a key replaced: `sk-…`, `whsec_…`, and what is already masked with asterisks.
fn without_keys(word: &str) -> String {
    // The secret of a webhook is Base64.
    let is_base64 = word.contains("whsec_");
    let is_inside = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.') || is_base64 && matches!(c, '+' | '/' | '=')
    };
    let mut redacted = String::with_capacity(word.len());
    for run in word.split_inclusive(|c| !is_inside(c)) {
        let part = run.trim_end_matches(|c| !is_inside(c));
        let lower = part.to_ascii_lowercase();
        let is_key = KEY_PREFIXES.iter().any(|prefix| lower.starts_with(prefix) && lower.len() > prefix.len() + 3);
        redacted.push_str(if is_key || part.contains("**") { REDACTED } else { part });
        redacted.push_str(&run[part.len()..]);
    }
    redacted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Refusal {
        Refusal::read(400, body.to_string().as_bytes(), &["planted-key", "1234567"])
    }

    #[test]
    fn message_is_found_in_every_form() {
        for (body, expected) in [
            (json!({"error": {"message": "no such model", "type": "x"}}), Some("no such model")),
            (json!({"error": "no such model"}), Some("no such model")),
            (json!({"message": "no such model"}), Some("no such model")),
            (json!({"detail": "no such model"}), Some("no such model")),
            (
                json!({"detail": [{"loc": ["body", "max_tokens"], "msg": "too large", "type": "x"}]}),
                Some("body.max_tokens: too large"),
            ),
            (json!({"error": {"message": " a\r\n\u{1b}[1m b\u{202e} "}}), Some("a [1m b")),
            (json!({"error": {}}), None),
            (json!({"error": {"message": " "}}), None),
            (json!("sk-secret"), None),
        ] {
            assert_eq!(read(&body).message.as_deref(), expected, "{body}");
        }
        assert_eq!(Refusal::read(502, b"<html>", &[]).message, None);
        assert_eq!(read(&json!({"error": "长".repeat(900)})).message.unwrap().chars().count(), 200);
    }

    #[test]
    fn keys_are_not_shown() {
        for (message, expected) in [
            ("Incorrect API key provided: sk-abcd1234. See", "Incorrect API key provided: […] See"),
            ("bad key (ab12****9z), Bearer xyz123", "bad key ([…]), Bearer […]"),
            ("planted-key is wrong: key=planted-key", "[…] is wrong: key=[…]"),
            ("whsec_abcdef, SK-ABCD1234", "[…], […]"),
            ("https://api.test/?k=1234567&x=1", "https://api.test/?k=[…]&x=1"),
            ("model deepseek-r1-distill-qwen-32b is a task-1", "model deepseek-r1-distill-qwen-32b is a task-1"),
        ] {
            assert_eq!(read(&json!({"error": {"message": message}})).message.as_deref(), Some(expected));
        }
    }
}
