//! The types of message that a mini program may send (发送客服消息).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::text::{clean, clean_line};

/// A message to a visitor. Serializes as `{"text": {"content": "…"}}`, in WeChat's API and in ours. `Debug` shows the kind alone,
/// to keep agents' texts out of logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outbound {
    /// A text, at most [`MAX_TEXT`](crate::text::MAX_TEXT) bytes.
    Text {
        /// The text. May contain `<a href="…">` links and line breaks.
        content: String,
    },
    /// An image.
    Image {
        /// The id of temporary media, valid for three days.
        media_id: String,
    },
    /// A link to a web page.
    Link {
        /// The link's title.
        title: String,
        /// The line below the title.
        #[serde(default)]
        description: String,
        /// The page's address.
        url: String,
        /// The address of the preview image.
        #[serde(default)]
        thumb_url: String,
    },
    /// A card that opens a page of the mini program.
    MiniProgramPage {
        /// The card's title.
        title: String,
        /// The mini program's own appid.
        appid: String,
        /// The page with its query.
        pagepath: String,
        /// The id of the cover as temporary media. WeChat recommends 520 × 416 pixels.
        thumb_media_id: String,
    },
}

impl Outbound {
    /// The type's name, WeChat's `msgtype`: `text`, `image`, `link` or `miniprogrampage`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Link { .. } => "link",
            Self::MiniProgramPage { .. } => "miniprogrampage",
        }
    }

    /// The object under the type's name.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text { content } => json!({ "content": content }),
            Self::Image { media_id } => json!({ "media_id": media_id }),
            Self::Link { title, description, url, thumb_url } => {
                json!({ "title": title, "description": description, "url": url, "thumb_url": thumb_url })
            }
            Self::MiniProgramPage { title, appid, pagepath, thumb_media_id } => {
                json!({ "title": title, "appid": appid, "pagepath": pagepath, "thumb_media_id": thumb_media_id })
            }
        }
    }

    /// The message without characters that WeChat refuses: texts as [`clean`](crate::text::clean()) says, titles and addresses on one
    /// line. A description keeps its lines.
    #[must_use]
    pub fn cleaned(self) -> Self {
        let line = |text: String| clean_line(&text).into_owned();
        match self {
            Self::Text { content } => Self::Text { content: clean(&content).into_owned() },
            Self::Image { media_id } => Self::Image { media_id },
            Self::Link { title, description, url, thumb_url } => {
                let description = description.replace("\r\n", "\n");
                let lines: Vec<_> = description.split('\n').map(clean_line).collect();
                let description = lines.join("\n");
                Self::Link { title: line(title), description, url: line(url), thumb_url: line(thumb_url) }
            }
            Self::MiniProgramPage { title, appid, pagepath, thumb_media_id } => {
                Self::MiniProgramPage { title: line(title), appid, pagepath: line(pagepath), thumb_media_id }
            }
        }
    }

    /// The inverse of [`kind`](Self::kind) and [`to_json`](Self::to_json). Unknown fields are ignored. The error names a missing
    /// field or a wrong type, without any value.
    pub fn from_json(kind: &str, value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(&json!({ kind: value }))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbound({})", self.kind())
    }
}
