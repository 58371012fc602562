//! A robot that is a language model, held to its own knowledge.
//!
//! Protocol: `POST /chat/completions`, in the part that the vendors and the servers of open models share (the API
//! reference of `OpenAI`, and `DeepSeek`'s "JSON Output").
//!
//! What the model says goes out only if it names a passage that it was given as its source, and says no number, no link
//! and no promise that its sources do not have, nor anything that has little to do with them: a model that a visitor has
//! talked out of its knowledge may still name a source.

use std::{fmt, time::Duration};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{Answer, Asking, Client, Failure, MAX_ANSWER, Passage, grounding, prompt};

/// A language model. `Debug` shows the model's name and the limits alone: an address may hold a key, too.
#[derive(Clone)]
pub struct Chat {
    /// Where the API is, such as `https://api.deepseek.com/v1`: https, on the public internet. Its query is kept.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// Sent as a bearer token; an empty one is not sent.
    pub api_key: SecretString,
    /// The tone to answer in, set by the desk's admin.
    pub instructions: String,
    /// How long it may take from the first byte sent to the last received.
    pub deadline: Duration,
    /// Longest answer, in bytes of UTF-8: what is longer is cut at the end of a sentence. At most [`MAX_ANSWER`].
    pub max_answer_bytes: usize,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat")
            .field("model", &self.model)
            .field("deadline", &self.deadline)
            .field("max_answer_bytes", &self.max_answer_bytes)
            .finish_non_exhaustive()
    }
}

/// What is said of a question is found, not invented.
const TEMPERATURE: f64 = 0.1;
/// Tokens for the JSON around an answer and for the reason of a hand-over.
const TOKENS_BESIDE: usize = 256;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    answer: Option<String>,
    #[serde(default)]
    sources: Value,
    #[serde(default)]
    handover: bool,
    reason: Option<String>,
}

impl Client {
    /// Asks a language model. Without a passage there is nothing that it could answer from, and it is not asked.
    ///
    /// [`Answer::DontKnow`] is also what comes of a reply that is not the JSON asked for, names no source, or says
    /// more than its sources.
    pub async fn chat(&self, robot: &Chat, asking: &Asking<'_>) -> Result<Answer, Failure> {
        let passages: Vec<_> = asking.known().collect();
        if passages.is_empty() {
            return Ok(Answer::DontKnow);
        }
        let url = endpoint(self.address(&robot.base_url)?);
        let limit = robot.max_answer_bytes.min(MAX_ANSWER);
        let body = json!({
            "model": robot.model,
            "messages": [
                {"role": "system", "content": prompt::system(&robot.instructions, passages.iter().copied())},
                {"role": "user", "content": prompt::user(asking)},
            ],
            "response_format": {"type": "json_object"},
            "temperature": TEMPERATURE,
            "max_tokens": limit / 2 + TOKENS_BESIDE, // a Chinese character has three bytes, and seldom more than one token
            "stream": false,
        });
        let headers = authorization(&robot.api_key).ok_or(Failure::Secret)?;
        let (_, body) = self.post(url, headers, body.to_string().into_bytes(), robot.deadline).await?;
        let completion: Completion = serde_json::from_slice(&body).map_err(|_| Failure::Malformed)?;
        let choice = completion.choices.into_iter().next().ok_or(Failure::Malformed)?;
        Ok(judge(&choice.message.content.unwrap_or_default(), &passages, limit).unwrap_or_else(|why| {
            tracing::info!(why, "a model's answer is withheld");
            Answer::DontKnow
        }))
    }
}

fn endpoint(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/');
    if !path.ends_with("/chat/completions") {
        url.set_path(&format!("{path}/chat/completions"));
    }
    url
}

fn authorization(api_key: &SecretString) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let key = api_key.expose_secret();
    if !key.is_empty() {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Some(headers)
}

/// What becomes of the model's words, or why they are withheld.
fn judge(content: &str, passages: &[Passage<'_>], limit: usize) -> Result<Answer, &'static str> {
    let reply: Reply = serde_json::from_str(without_fence(content)).map_err(|_| "not the JSON asked for")?;
    if reply.handover {
        return Ok(Answer::hand_over(reply.reason.as_deref()));
    }
    let answer = reply.answer.filter(|answer| !answer.trim().is_empty()).ok_or("no answer")?;
    let cited = cited(&reply.sources, passages);
    if cited.is_empty() {
        return Err("no source");
    }
    let sources: Vec<_> = cited.iter().flat_map(|passage| [passage.title, passage.answer]).collect();
    // What is cut off is said to nobody.
    let Answer::Text(text) = Answer::text(&answer, limit) else { return Err("no answer") };
    match grounding::fault(&text, &sources) {
        Some(why) => Err(why),
        None => Ok(Answer::Text(text)),
    }
}

/// Models like to wrap JSON into Markdown, even if told not to.
fn without_fence(content: &str) -> &str {
    let content = content.trim();
    let inner = content.strip_prefix("```").and_then(|inner| inner.strip_suffix("```"));
    inner.map_or(content, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

/// The passages of these numbers, which may be written as texts. Numbers that no passage has count for nothing.
fn cited<'p, 'a>(sources: &Value, passages: &'p [Passage<'a>]) -> Vec<&'p Passage<'a>> {
    let number = |source: &Value| match source {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().trim_start_matches('[').trim_end_matches(']').parse().ok(),
        _ => None,
    };
    let numbers = sources.as_array().into_iter().flatten().filter_map(number);
    numbers.filter_map(|number| passages.get(usize::try_from(number).ok()?.checked_sub(1)?)).collect()
}
