//! How a message is divided into the messages that WeChat takes.

use serde_json::Value;
use store::{Message, SendFailure};
use wechat::{Outbound, text::SplitRule};

/// The WeChat messages that carry a message: one, or several for a text longer than [`MAX_TEXT`](wechat::text::MAX_TEXT) bytes. Their
/// texts are [clean](Outbound::cleaned).
pub(crate) fn split_message(message: &Message) -> Result<Vec<Outbound>, SendFailure> {
    let unsendable =
        |detail: &str| SendFailure { code: "message.unsendable".to_owned(), errcode: None, detail: detail.to_owned() };
    let outbound = Outbound::from_json(&message.kind, &message.content);
    Ok(match outbound.map_err(|_| unsendable("This kind of message cannot be sent."))? {
        Outbound::Text { content } => {
            let parts = message.split.parts(&content);
            if parts.is_empty() {
                return Err(unsendable("The text has no visible character."));
            }
            parts.into_iter().map(|content| Outbound::Text { content }).collect()
        }
        whole => vec![whole.cleaned()],
    })
}

/// How many WeChat messages, and so replies of the quota, a new message of this kind and content takes.
pub(crate) fn part_count(kind: &str, content: &Value) -> u32 {
    parts(kind, content, SplitRule::default())
}

/// How many WeChat messages, and so replies of the quota, a message takes, those included that WeChat has taken.
pub(crate) fn parts_of(message: &Message) -> u32 {
    parts(&message.kind, &message.content, message.split)
}

/// How many WeChat messages, and so replies of the quota, a text takes.
pub fn text_part_count(text: &str) -> u32 {
    count(&SplitRule::default().parts(text))
}

/// What of a text WeChat has not taken yet: all of it, or the rest of one that was sent in part.
pub fn unsent_text(message: &Message) -> String {
    message.split.rest(text_of(&message.content).unwrap_or_default(), message.parts_sent)
}

/// What a message says of its parts, in the words of a failure. `None` if no part was sent, or all.
pub(crate) fn progress(sent: u32, total: u32) -> Option<String> {
    (1..total).contains(&sent).then(|| format!("{sent} of {total} parts were sent"))
}

fn parts(kind: &str, content: &Value, rule: SplitRule) -> u32 {
    match text_of(content) {
        Some(text) if kind == "text" => count(&rule.parts(text)),
        _ => 1,
    }
}

fn text_of(content: &Value) -> Option<&str> {
    content.get("content").and_then(Value::as_str)
}

fn count(parts: &[String]) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}
