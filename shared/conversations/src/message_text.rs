//! What a visitor wrote, as a robot reads it.

use store::Message;

/// Messages as one text, a line each. What is not text is named in brackets.
pub(crate) fn message_text(messages: &[Message]) -> String {
    let field = |message: &Message, name: &str| {
        message.content.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    let line = |message: &Message| match message.kind.as_str() {
        "text" => field(message, "content"),
        "image" => "[图片]".to_owned(),
        "miniprogrampage" => format!("[小程序卡片] {}", field(message, "title")),
        _ => "[其他消息]".to_owned(),
    };
    messages.iter().map(line).collect::<Vec<_>>().join("\n")
}
