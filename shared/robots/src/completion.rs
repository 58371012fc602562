//! Reads a completion, in the forms in which servers send it.
//!
//! - as JSON, or as server-sent events, which some servers send though no stream is asked for;
//! - `content` as a string, or as parts, of which the text parts count;
//! - in the content: a thinking block (whole, or its end alone, or without an end), code fences, words around the JSON.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Failure, refusal::Refusal};

/// The status of a refusal in a successful response.
const OK: u16 = 200;
/// The ends of thinking blocks, as models write them.
const THINKING_ENDS: [&str; 5] = ["</think>", "</thinking>", "</thought>", "</reasoning>", "◁/think▷"];
/// Their beginnings.
const THINKING_STARTS: [&str; 5] = ["<think>", "<thinking>", "<thought>", "<reasoning>", "◁think▷"];
/// The fields by which the JSON that was asked for is recognized.
const REPLY_FIELDS: [&str; 3] = ["answer", "sources", "handover"];

/// What a model wrote.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The text, without the model's thinking where that is separate.
    content: String,
    /// Whether it ended at the limit of its length.
    is_cut: bool,
    /// Whether the model or the server refused to write it.
    pub(crate) is_declined: bool,
}

/// The reply in a completion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The answer; empty if the model has none.
    pub(crate) answer: String,
    /// The cited passages, from 1.
    pub(crate) sources: Vec<usize>,
    /// Whether a person is to take over.
    pub(crate) handover: bool,
    /// Why.
    pub(crate) reason: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    error: Value,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    delta: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Value,
}

impl Completion {
    /// The completion in the body of a response. `secrets` are taken out of an error's message.
    pub(crate) fn read(body: &[u8], secrets: &[&str]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(body).map_err(|_| Failure::Malformed)?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let mut completion = Self::default();
        let mut choices = 0;
        let mut add = |chunk: Chunk| {
            if !chunk.error.is_null() && chunk.choices.as_ref().is_none_or(Vec::is_empty) {
                let error = serde_json::json!({ "error": chunk.error }).to_string();
                return Err(Failure::Refused(Refusal::read(OK, error.as_bytes(), secrets)));
            }
            if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
                choices += 1;
                completion.add(choice);
            }
            Ok(())
        };
        if text.starts_with('{') {
            // The first value: some proxies add `data: [DONE]` even to JSON.
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<Chunk>();
            add(values.next().ok_or(Failure::Malformed)?.map_err(|_| Failure::Malformed)?)?;
        } else {
            for chunk in events::<Chunk>(text) {
                add(chunk?)?;
            }
        }
        if choices == 0 { Err(Failure::Malformed) } else { Ok(completion) }
    }

    fn add(&mut self, choice: Choice) {
        match choice.finish_reason.as_deref() {
            Some("length") => self.is_cut = true,
            Some("content_filter" | "sensitive") => self.is_declined = true,
            _ => {}
        }
        let Some(message) = choice.message.or(choice.delta) else { return };
        self.is_declined |= message.refusal.as_str().is_some_and(|refusal| !refusal.is_empty());
        match &message.content {
            Value::String(text) => self.content.push_str(text),
            Value::Array(parts) => self.content.extend(parts.iter().filter_map(text_of_part)),
            _ => {}
        }
    }

    /// The JSON that was asked for. `None` if there is none, or it is another one.
    pub(crate) fn reply(&self) -> Option<Reply> {
        let content = &*self.content;
        let thinking_end = last_end(content, &THINKING_ENDS).map_or(0, |(_, end)| end);
        let is_thinking = last_end(&content[thinking_end..], &THINKING_STARTS).is_some();
        if self.is_cut && is_thinking {
            return None;
        }
        let found = last_object(content, thinking_end).or_else(|| {
            let escaped = with_escaped_lines(&content[thinking_end..]);
            last_object(&escaped, 0)
        });
        Reply::of(&found?)
    }
}

/// The chunks of a stream of server-sent events (HTML standard, section 9.2.6).
fn events<T: DeserializeOwned>(text: &str) -> impl Iterator<Item = Result<T, Failure>> {
    let mut data = String::new();
    let lines = text.split(['\n', '\r']).chain(std::iter::once(""));
    lines.filter_map(move |line| {
        let Some(part) = line.strip_prefix("data:").map(str::trim) else {
            // Between two events, or another field of one.
            let is_unread = line.is_empty() && !std::mem::take(&mut data).is_empty();
            return is_unread.then_some(Err(Failure::Malformed));
        };
        if part == "[DONE]" {
            return None;
        }
        data.push_str(part);
        // An event may have its data on several lines.
        let chunk = serde_json::from_str(&data).ok()?;
        data.clear();
        Some(Ok(chunk))
    })
}

/// The tokens of prompt and completion that a response counts, whatever else it says.
pub(crate) fn counted_tokens(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        usage: Value,
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Counted>();
        return values.next()?.ok().and_then(|counted| tokens(&counted.usage));
    }
    // Servers count in the last chunk, or in each what there is so far.
    events::<Counted>(text).filter_map(|counted| tokens(&counted.ok()?.usage)).last()
}

fn tokens(usage: &Value) -> Option<u64> {
    let count = |name: &str| usage[name].as_u64();
    count("total_tokens").or_else(|| count("prompt_tokens")?.checked_add(count("completion_tokens")?))
}

fn text_of_part(part: &Value) -> Option<&str> {
    match part["type"].as_str() {
        None | Some("text" | "output_text") => part.as_str().or_else(|| part["text"].as_str()),
        Some(_) => None,
    }
}

/// Where the last of these tags begins and ends, in any case.
fn last_end(text: &str, tags: &[&str]) -> Option<(usize, usize)> {
    let text = text.to_ascii_lowercase();
    tags.iter().filter_map(|tag| text.rfind(tag).map(|at| (at, at + tag.len()))).max()
}

/// The last JSON object with a field of a reply that ends after `from`: what a model drafts in its thinking is not its reply,
/// and a reply may quote the end of a thinking block.
fn last_object(text: &str, from: usize) -> Option<Map<String, Value>> {
    let mut last = None;
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|start| at + start) {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Map<String, Value>>();
        let object = values.next().and_then(Result::ok);
        let end = start + values.byte_offset();
        at = start + 1;
        if let Some(object) = object
            && REPLY_FIELDS.iter().any(|field| object.contains_key(*field))
        {
            at = end;
            if end > from {
                last = Some(object);
            }
        }
    }
    last
}

/// The text with line breaks and tabs within JSON strings escaped, which some models forget.
fn with_escaped_lines(text: &str) -> String {
    let text = &text[text.find('{').unwrap_or(text.len())..];
    let (mut is_string, mut is_escaped) = (false, false);
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if is_string => escaped.push_str("\\n"),
            '\t' if is_string => escaped.push_str("\\t"),
            '\r' if is_string => {}
            c => escaped.push(c),
        }
        is_string ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
    }
    escaped
}

impl Reply {
    fn of(object: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| match object.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let handover = match object.get("handover") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(handover)) => *handover,
            Some(Value::String(word)) => word.trim().to_ascii_lowercase().parse().ok()?,
            Some(_) => return None,
        };
        let sources = object.get("sources").map(source_numbers).unwrap_or_default();
        Some(Self { answer: text("answer")?.unwrap_or_default(), sources, handover, reason: text("reason").flatten() })
    }
}

/// The numbers of cited passages: `[1, 2]`, `1`, `["1"]`, `"[1]"`, `"1, 2"`.
fn source_numbers(sources: &Value) -> Vec<usize> {
    match sources {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()).into_iter().collect(),
        Value::String(text) => {
            text.split([',', '，', '、', ' ', '[', ']']).filter_map(|number| number.parse().ok()).collect()
        }
        Value::Array(sources) => sources.iter().filter(|source| !source.is_array()).flat_map(source_numbers).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
