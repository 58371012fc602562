//! A robot that is a language model, grounded in its own knowledge.
//!
//! Protocol: `POST /chat/completions`, in the subset that the vendors and the servers of open models have in common (the API
//! reference of `OpenAI`, and `DeepSeek`'s "JSON Output"). A server that refuses one of the optional parameters is asked
//! without it.
//!
//! A completion is sent only if it cites a given passage, and contains no number, link or commitment that the cited passages do
//! not contain, and has enough content in common with them. The citation alone is no proof: a model under prompt injection may
//! still cite a passage.

use std::{borrow::Cow, fmt, time::Duration};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    Answer, Client, Failure, MAX_ANSWER, Outcome, Passage, TurnRequest, Usage, Withheld, WithheldAnswer,
    completion::{Completion, Reply, counted_tokens},
    grounding, plain, prompt,
    transport::{Call, TimeLimit},
};

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
    /// The time limit from the first byte sent to the last byte received, with all that is asked again.
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

/// Tokens for the model's thinking, for the JSON around an answer and for the reason of a handoff. With the longest answer
/// they are 4096, the lowest limit of the models in use.
const EXTRA_TOKENS: usize = 3072;

impl Client {
    /// Requests an answer from a language model. Without passages it returns [`Answer::DontKnow`] and sends no request.
    ///
    /// Also returns [`Answer::DontKnow`] for a completion without an answer, and for one that cites no passage or is not
    /// grounded in the cited passages, which is [withheld](Outcome::withheld). A completion without the JSON that was asked
    /// for is [`Failure::Malformed`]. `usage` counts the requests and the tokens, of a malformed completion as well. `now` is the
    /// time of the request.
    #[tracing::instrument(skip_all, fields(app_id = request.app_id, cid = request.cid, uid = request.uid))]
    pub async fn chat(
        &self,
        robot: &Chat,
        request: &TurnRequest<'_>,
        usage: &Usage,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        let passages: Vec<_> = request.bounded_passages().collect();
        if passages.is_empty() {
            return Ok(Outcome::of(Answer::DontKnow));
        }
        let url = endpoint(self.address(&robot.base_url)?);
        let limit = robot.max_answer_bytes.min(MAX_ANSWER);
        // A key may be in the query of the URL. An error may quote what the visitor wrote.
        let query: Vec<Cow<'_, str>> = url.query_pairs().map(|(_, value)| value).collect();
        let secrets = query.iter().map(|value| &**value).chain([robot.api_key.expose_secret(), request.text]).collect();
        let headers = authorization(&robot.api_key).ok_or(Failure::Secret)?;
        let limit_of_time = TimeLimit::new(now, robot.deadline);
        let call = Call { url: url.clone(), headers, secrets, limit: limit_of_time, usage: Some(usage) };
        let messages = json!([
            {"role": "system", "content": prompt::system(&robot.instructions, passages.iter().copied())},
            {"role": "user", "content": prompt::user(request)},
        ]);
        // A Chinese character has three bytes, and seldom more than one token.
        let body = self.complete(robot, &call, &messages, limit / 2 + EXTRA_TOKENS).await?;
        let tokens = counted_tokens(&body);
        usage.add_tokens(tokens.unwrap_or_default());
        let completion = Completion::read(&body, &call.secrets)?;
        let outcome = match completion.reply() {
            Some(reply) => check_reply(&reply, &passages, limit),
            None if completion.is_declined => Outcome::of(Answer::DontKnow),
            None => return Err(Failure::Malformed),
        };
        Ok(Outcome { tokens, ..outcome })
    }

    /// Requests a completion, again without each optional parameter that the server refuses. Returns the body.
    async fn complete(
        &self,
        robot: &Chat,
        call: &Call<'_>,
        messages: &Value,
        tokens: usize,
    ) -> Result<Vec<u8>, Failure> {
        let known = self.known.get(&robot.base_url, &robot.model);
        let mut parameters = known;
        loop {
            let mut body = Map::new();
            body.insert("model".to_owned(), robot.model.as_str().into());
            body.insert("messages".to_owned(), messages.clone());
            parameters.write(&mut body, tokens);
            match self.post(call, Value::Object(body).to_string().as_bytes()).await {
                Ok(response) => {
                    if parameters != known {
                        self.known.remember(&robot.base_url, &robot.model, parameters);
                    }
                    return Ok(response.body);
                }
                Err(Failure::Refused(refusal)) => {
                    let next = refusal.parameter.and_then(|refused| parameters.after(refused));
                    let Some(next) = next else { return Err(Failure::Refused(refusal)) };
                    tracing::info!(refused = ?refusal.parameter, "the model is asked without a parameter");
                    parameters = next;
                }
                Err(failure) => return Err(failure),
            }
        }
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

/// The answer in a reply, or the reason to withhold it.
pub(crate) fn check_reply(reply: &Reply, passages: &[Passage<'_>], limit: usize) -> Outcome {
    if reply.handover {
        return Outcome::of(Answer::hand_over(reply.reason.as_deref()));
    }
    // Only the text that is sent is checked.
    let Answer::Text(text) = Answer::text(&plain::from_markdown(&reply.answer), limit) else {
        return Outcome::of(Answer::DontKnow);
    };
    let cited = cited_passages(&reply.sources, passages);
    let sources: Vec<_> = cited.iter().flat_map(|passage| [passage.title, passage.answer]).collect();
    let reason =
        if cited.is_empty() { Some(Withheld::NoSource) } else { grounding::unsupported_claim(&text, &sources) };
    let cited = cited.iter().map(|passage| passage.id.to_owned()).collect();
    match reason {
        Some(reason) => {
            tracing::info!(%reason, "completion withheld");
            Outcome { withheld: Some(WithheldAnswer { reason, text }), ..Outcome::of(Answer::DontKnow) }
        }
        None => Outcome { sources: cited, ..Outcome::of(Answer::Text(text)) },
    }
}

/// The passages with the cited numbers, each once. Unknown numbers are ignored.
fn cited_passages<'p, 'a>(sources: &[usize], passages: &'p [Passage<'a>]) -> Vec<&'p Passage<'a>> {
    let is_cited = |place: usize| sources.contains(&(place + 1));
    passages.iter().enumerate().filter(|(place, _)| is_cited(*place)).map(|(_, passage)| passage).collect()
}
