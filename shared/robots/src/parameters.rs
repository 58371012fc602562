//! The parameters of a completion that some servers refuse, and what is sent in their place.
//!
//! "OpenAI-compatible" servers differ in the optional parameters. One that refuses a parameter names it in the error; the
//! request is then made without it, and the choice is remembered for that server and model in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

/// How many servers and models are remembered at most.
const REMEMBERED_MAX: usize = 64;
/// Low, because answers are taken from the passages.
const TEMPERATURE: f64 = 0.1;

/// A parameter that a server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    ResponseFormat,
    TokenLimit,
    Temperature,
    /// Whether the server asks for a stream.
    Stream {
        required: bool,
    },
    /// The server asks that thinking is switched off.
    EnableThinking,
}

/// What servers call the parameters.
const NAMES: [(&str, Parameter); 12] = [
    ("response_format", Parameter::ResponseFormat),
    ("json_object", Parameter::ResponseFormat),
    ("json_schema", Parameter::ResponseFormat),
    ("json mode", Parameter::ResponseFormat),
    ("structured output", Parameter::ResponseFormat),
    ("max_tokens", Parameter::TokenLimit),
    ("max_completion_tokens", Parameter::TokenLimit),
    ("max_output_tokens", Parameter::TokenLimit),
    ("maximum context length", Parameter::TokenLimit),
    ("temperature", Parameter::Temperature),
    ("stream", Parameter::Stream { required: false }),
    ("enable_thinking", Parameter::EnableThinking),
];

impl Parameter {
    /// The parameter in an error's `param`, or the one that its message names first.
    pub(crate) fn named(param: Option<&str>, message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        let param = param.map(str::to_ascii_lowercase);
        let first = |text: &str| {
            let found = NAMES.iter().filter_map(|(name, parameter)| Some((word(text, name)?, *parameter)));
            found.min_by_key(|(at, _)| *at).map(|(_, parameter)| parameter)
        };
        let parameter = param.as_deref().and_then(first).or_else(|| first(&message))?;
        let asks = ["only support", "must be true", "enable the stream", "required", "set stream"];
        Some(match parameter {
            Self::Stream { .. } => Self::Stream { required: asks.iter().any(|words| message.contains(words)) },
            parameter => parameter,
        })
    }
}

/// Where the text has this word.
fn word(text: &str, word: &str) -> Option<usize> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(is_inside) && !text[*at + word.len()..].starts_with(is_inside))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    #[default]
    JsonObject,
    JsonSchema,
    Text,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum TokenLimit {
    #[default]
    MaxTokens,
    MaxCompletionTokens,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stream {
    #[default]
    Off,
    On,
    Absent,
}

/// The optional parameters that a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parameters {
    format: Format,
    limit: TokenLimit,
    stream: Stream,
    no_temperature: bool,
    no_thinking: bool,
}

impl Parameters {
    /// The parameters to try after this one was refused; `None` if it was not sent.
    pub(crate) fn after(self, refused: Parameter) -> Option<Self> {
        let next = match refused {
            Parameter::ResponseFormat => {
                let format = match self.format {
                    Format::JsonObject => Format::JsonSchema,
                    Format::JsonSchema => Format::Text,
                    Format::Text | Format::Absent => Format::Absent,
                };
                Self { format, ..self }
            }
            Parameter::TokenLimit => {
                let is_first = self.limit == TokenLimit::MaxTokens;
                let limit = if is_first { TokenLimit::MaxCompletionTokens } else { TokenLimit::Absent };
                Self { limit, ..self }
            }
            Parameter::Temperature => Self { no_temperature: true, ..self },
            Parameter::Stream { required } => {
                let stream = if required && self.stream == Stream::Off { Stream::On } else { Stream::Absent };
                Self { stream, ..self }
            }
            Parameter::EnableThinking => Self { no_thinking: true, ..self },
        };
        (next != self).then_some(next)
    }

    /// Adds the parameters to a request. `tokens` is the longest completion.
    pub(crate) fn write(self, request: &mut Map<String, Value>, tokens: usize) {
        let mut set = |name: &str, value: Value| drop(request.insert(name.to_owned(), value));
        match self.format {
            Format::JsonObject => set("response_format", json!({"type": "json_object"})),
            Format::JsonSchema => set("response_format", schema()),
            Format::Text => set("response_format", json!({"type": "text"})),
            Format::Absent => {}
        }
        match self.limit {
            TokenLimit::MaxTokens => set("max_tokens", tokens.into()),
            TokenLimit::MaxCompletionTokens => set("max_completion_tokens", tokens.into()),
            TokenLimit::Absent => {}
        }
        match self.stream {
            Stream::Off => set("stream", false.into()),
            Stream::On => set("stream", true.into()),
            Stream::Absent => {}
        }
        if !self.no_temperature {
            set("temperature", TEMPERATURE.into());
        }
        if self.no_thinking {
            set("enable_thinking", false.into());
        }
    }
}

fn schema() -> Value {
    json!({
        "type": "json_schema",
        "json_schema": {
            "name": "reply",
            "strict": true,
            "schema": {
                "type": "object",
                "properties": {
                    "answer": {"type": "string"},
                    "sources": {"type": "array", "items": {"type": "integer"}},
                    "handover": {"type": "boolean"},
                    "reason": {"type": "string"},
                },
                "required": ["answer", "sources", "handover", "reason"],
                "additionalProperties": false,
            },
        },
    })
}

/// A server's base URL and a model.
type Key = (String, String);

/// The parameters that servers took, by base URL and model. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownParameters(Arc<Mutex<HashMap<Key, Parameters>>>);

impl KnownParameters {
    /// The parameters that this server takes, as far as known.
    pub(crate) fn get(&self, base_url: &str, model: &str) -> Parameters {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(base_url.to_owned(), model.to_owned())).copied().unwrap_or_default()
    }

    /// Remembers the parameters of a request that was answered.
    pub(crate) fn remember(&self, base_url: &str, model: &str, parameters: Parameters) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert((base_url.to_owned(), model.to_owned()), parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_parameter_is_the_one_named_first() {
        let stream = |required| Some(Parameter::Stream { required });
        for (param, message, expected) in [
            (None, "'response_format.type' must be 'json_schema' or 'text'", Some(Parameter::ResponseFormat)),
            (Some("response_format"), "not supported", Some(Parameter::ResponseFormat)),
            (None, "JSON mode is not supported for this model", Some(Parameter::ResponseFormat)),
            (
                None,
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Some(Parameter::TokenLimit),
            ),
            (None, "body.max_tokens: Input should be less than 4096", Some(Parameter::TokenLimit)),
            (None, "This model's maximum context length is 8192 tokens", Some(Parameter::TokenLimit)),
            (Some("temperature"), "Only the default (1) value is supported", Some(Parameter::Temperature)),
            (Some("messages"), "temperature", Some(Parameter::Temperature)),
            (None, "This model only support stream mode, please enable the stream parameter", stream(true)),
            (None, "unknown field: stream", stream(false)),
            (
                None,
                "parameter.enable_thinking must be set to false for non-streaming calls",
                Some(Parameter::EnableThinking),
            ),
            (None, "upstream error", None),
            (None, "max_tokens_to_sample", None),
            (Some("messages"), "content policy", None),
            (None, "", None),
        ] {
            assert_eq!(Parameter::named(param, message), expected, "{message}");
        }
    }

    #[test]
    fn parameters_end_after_each_was_refused() {
        for refused in [
            Parameter::ResponseFormat,
            Parameter::TokenLimit,
            Parameter::Temperature,
            Parameter::Stream { required: true },
            Parameter::Stream { required: false },
            Parameter::EnableThinking,
        ] {
            let tried = std::iter::successors(Some(Parameters::default()), |parameters| parameters.after(refused));
            assert!((2..=4).contains(&tried.take(9).count()), "{refused:?}");
        }
    }

    #[test]
    fn remembered_servers_are_bounded() {
        let known = KnownParameters::default();
        let other = Parameters::default().after(Parameter::Temperature).unwrap();
        for number in 0..1000 {
            known.remember(&number.to_string(), "m", other);
        }
        assert!(known.0.lock().unwrap().len() <= REMEMBERED_MAX);
        assert_eq!((known.get("999", "m"), known.get("999", "n")), (other, Parameters::default()));
    }
}
