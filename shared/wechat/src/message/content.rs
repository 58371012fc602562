//! The content of a message, and its form in the API's JSON.

use std::fmt;

use serde_json::{Value, json};

pub(super) const ENTER_TEMP_SESSION: &str = "user_enter_tempsession";

/// The content of an inbound message. `Debug` shows the kind alone, to keep visitors' texts out of logs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text {
        /// May be empty.
        content: String,
    },
    /// An image.
    Image {
        /// The URL of the image, valid for a limited time.
        pic_url: String,
        /// The id of the image as temporary media, valid for three days.
        media_id: String,
    },
    /// A card of a mini program page.
    MiniProgramPage {
        /// The card's title.
        title: String,
        /// The appid of the page's mini program.
        app_id: String,
        /// The page with its query.
        page_path: String,
        /// The URL of the cover, valid for a limited time. May be empty.
        thumb_url: String,
        /// The cover as temporary media. May be empty.
        thumb_media_id: String,
    },
    /// The visitor opened the chat with the contact button (`user_enter_tempsession`).
    EnterTempSession {
        /// The button's `session-from`. May be empty.
        session_from: String,
    },
    /// Any other kind, with the whole document.
    Other {
        /// `MsgType`. Empty where it is missing.
        msg_type: String,
        /// `Event`, if `msg_type` is `event`.
        event: Option<String>,
        /// The decrypted document.
        raw: String,
    },
}

impl Content {
    /// The type's name in the API: `text`, `image`, `miniprogrampage`, `event`, or `raw` for an unknown kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::MiniProgramPage { .. } => "miniprogrampage",
            Self::EnterTempSession { .. } | Self::Other { event: Some(_), .. } => "event",
            Self::Other { event: None, .. } => "raw",
        }
    }

    /// The object under the type's name in the API.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text { content } => json!({ "content": content }),
            Self::Image { pic_url, media_id } => {
                json!({ "pic_url": pic_url, "media_id": media_id })
            }
            Self::MiniProgramPage { title, app_id, page_path, thumb_url, thumb_media_id } => json!({
                "title": title,
                "appid": app_id,
                "pagepath": page_path,
                "thumb_url": thumb_url,
                "thumb_media_id": thumb_media_id,
            }),
            Self::EnterTempSession { session_from } => {
                json!({ "event": ENTER_TEMP_SESSION, "session_from": session_from })
            }
            Self::Other { event: Some(event), raw, .. } => json!({ "event": event, "raw": raw }),
            Self::Other { event: None, msg_type, raw } => json!({ "msg_type": msg_type, "raw": raw }),
        }
    }

    /// The inverse of [`kind`](Self::kind) and [`to_json`](Self::to_json). A missing string is empty. `None` for a kind that does
    /// not exist.
    pub fn from_json(kind: &str, value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(match kind {
            "text" => Self::Text { content: text("content") },
            "image" => Self::Image { pic_url: text("pic_url"), media_id: text("media_id") },
            "miniprogrampage" => Self::MiniProgramPage {
                title: text("title"),
                app_id: text("appid"),
                page_path: text("pagepath"),
                thumb_url: text("thumb_url"),
                thumb_media_id: text("thumb_media_id"),
            },
            "event" if value.get("raw").is_none() => Self::EnterTempSession { session_from: text("session_from") },
            "event" => Self::Other { msg_type: "event".to_owned(), event: Some(text("event")), raw: text("raw") },
            "raw" => Self::Other { msg_type: text("msg_type"), event: None, raw: text("raw") },
            _ => return None,
        })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({})", self.kind())
    }
}
