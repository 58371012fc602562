//! How a message is divided into the messages that WeChat takes.

use serde_json::Value;
use store::{Message, SendFailure};
use wechat::{
    Outbound,
    text::{MAX_TEXT, split},
};

/// The WeChat messages that carry a message: one, or several for a text longer than [`MAX_TEXT`] bytes.
pub(crate) fn split_message(message: &Message) -> Result<Vec<Outbound>, SendFailure> {
    let unsendable = |_| SendFailure {
        code: "message.unsendable".to_owned(),
        errcode: None,
        detail: "This kind of message cannot be sent.".to_owned(),
    };
    Ok(match Outbound::from_json(&message.kind, &message.content).map_err(unsendable)? {
        Outbound::Text { content } => {
            split(&content, MAX_TEXT).into_iter().map(|part| Outbound::Text { content: part.to_owned() }).collect()
        }
        whole => vec![whole],
    })
}

/// How many WeChat messages, and so replies of the quota, a message of this kind and content takes.
pub(crate) fn part_count(kind: &str, content: &Value) -> u32 {
    match content.get("content").and_then(Value::as_str) {
        Some(text) if kind == "text" => text_part_count(text),
        _ => 1,
    }
}

/// How many WeChat messages, and so replies of the quota, a text takes: one per [`MAX_TEXT`] bytes.
pub fn text_part_count(text: &str) -> u32 {
    u32::try_from(split(text, MAX_TEXT).len()).unwrap_or(u32::MAX)
}
