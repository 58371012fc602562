//! A robot that is a language model, grounded in its own knowledge.
//!
//! Protocol: `POST /chat/completions`, in the subset that the vendors and the servers of open models have in common (the API
//! reference of `OpenAI`, and `DeepSeek`'s "JSON Output").
//!
//! A completion is sent only if it cites a given passage, and contains no number, link or commitment that the cited passages do
//! not contain, and has enough content in common with them. The citation alone is no proof: a model under prompt injection may
//! still cite a passage.

use std::{fmt, time::Duration};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{Answer, Client, Failure, MAX_ANSWER, Passage, TurnRequest, Withheld, grounding, prompt};

/// A language model. `Debug` shows the model's name and the limits alone, because the URL may contain a key too.
#[derive(Clone)]
pub struct Chat {
    /// The API's base URL, such as `https://api.deepseek.com/v1`: https, on the public internet. Its query is kept.
    pub base_url: String,
    /// The model's name in the API.
    pub model: String,
    /// The bearer token. Not sent if empty.
    pub api_key: SecretString,
    /// The admin's instructions for the tone of answers.
    pub instructions: String,
    /// The time limit from the first byte sent to the last byte received.
    pub deadline: Duration,
    /// The longest answer, in bytes of UTF-8, at most [`MAX_ANSWER`]. A longer one is truncated at the end of a sentence.
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

/// Low, because answers are taken from the passages.
const TEMPERATURE: f64 = 0.1;
/// Tokens for the JSON around an answer and for the reason of a handoff.
const EXTRA_TOKENS: usize = 256;

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
    /// Requests an answer from a language model. Without passages it returns [`Answer::DontKnow`] and sends no request.
    ///
    /// Also returns [`Answer::DontKnow`] for a completion that is not the requested JSON, cites no passage, or is not grounded
    /// in the cited passages.
    #[tracing::instrument(skip_all, fields(app_id = request.app_id, cid = request.cid, uid = request.uid))]
    pub async fn chat(&self, robot: &Chat, request: &TurnRequest<'_>) -> Result<Answer, Failure> {
        let passages: Vec<_> = request.bounded_passages().collect();
        if passages.is_empty() {
            return Ok(Answer::DontKnow);
        }
        let url = endpoint(self.address(&robot.base_url)?);
        let limit = robot.max_answer_bytes.min(MAX_ANSWER);
        let body = json!({
            "model": robot.model,
            "messages": [
                {"role": "system", "content": prompt::system(&robot.instructions, passages.iter().copied())},
                {"role": "user", "content": prompt::user(request)},
            ],
            "response_format": {"type": "json_object"},
            "temperature": TEMPERATURE,
            "max_tokens": limit / 2 + EXTRA_TOKENS, // a Chinese character has three bytes, and seldom more than one token
            "stream": false,
        });
        let headers = authorization(&robot.api_key).ok_or(Failure::Secret)?;
        let (_, body) = self.post(url, headers, body.to_string().into_bytes(), robot.deadline).await?;
        let completion: Completion = serde_json::from_slice(&body).map_err(|_| Failure::Malformed)?;
        let choice = completion.choices.into_iter().next().ok_or(Failure::Malformed)?;
        Ok(check_reply(&choice.message.content.unwrap_or_default(), &passages, limit).unwrap_or_else(|why| {
            tracing::info!(reason = %why, "completion withheld");
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

/// The answer in a completion, or the reason to withhold it.
fn check_reply(content: &str, passages: &[Passage<'_>], limit: usize) -> Result<Answer, Withheld> {
    let Ok(reply) = serde_json::from_str::<Reply>(strip_code_fence(content)) else {
        tracing::info!("completion is not the JSON asked for");
        return Ok(Answer::DontKnow);
    };
    if reply.handover {
        return Ok(Answer::hand_over(reply.reason.as_deref()));
    }
    let Some(answer) = reply.answer.filter(|answer| !answer.trim().is_empty()) else { return Ok(Answer::DontKnow) };
    let cited = cited_passages(&reply.sources, passages);
    if cited.is_empty() {
        return Err(Withheld::NoSource);
    }
    let sources: Vec<_> = cited.iter().flat_map(|passage| [passage.title, passage.answer]).collect();
    // Only the text that is sent is checked.
    let Answer::Text(text) = Answer::text(&answer, limit) else { return Ok(Answer::DontKnow) };
    match grounding::unsupported_claim(&text, &sources) {
        Some(why) => Err(why),
        None => Ok(Answer::Text(text)),
    }
}

/// The JSON without a Markdown code fence, which some models add against the instructions.
fn strip_code_fence(content: &str) -> &str {
    let content = content.trim();
    let inner = content.strip_prefix("```").and_then(|inner| inner.strip_suffix("```"));
    inner.map_or(content, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

/// The passages with the cited numbers. Numbers in strings are accepted; unknown numbers are ignored.
fn cited_passages<'p, 'a>(sources: &Value, passages: &'p [Passage<'a>]) -> Vec<&'p Passage<'a>> {
    let number = |source: &Value| match source {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().trim_start_matches('[').trim_end_matches(']').parse().ok(),
        _ => None,
    };
    let numbers = sources.as_array().into_iter().flatten().filter_map(number);
    numbers.filter_map(|number| passages.get(usize::try_from(number).ok()?.checked_sub(1)?)).collect()
}
