//! What a mini program may send: the types that `custom/send` takes from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A message to a visitor. Serialises as `{"text": {"content": "…"}}`, the type's name over its fields, in WeChat's spelling and in
/// ours. `Debug` shows the kind alone: what an agent writes is not for logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outbound {
    /// A text, at most [`MAX_TEXT`](crate::text::MAX_TEXT) bytes.
    Text {
        /// May hold `<a href="…">` links and line breaks.
        content: String,
    },
    /// An image.
    Image {
        /// Temporary media, three days old at most.
        media_id: String,
    },
    /// A link to a web page.
    Link {
        /// The link's title.
        title: String,
        /// The line below.
        #[serde(default)]
        description: String,
        /// Where it leads.
        url: String,
        /// The address of an image, not a media id.
        #[serde(default)]
        thumb_url: String,
    },
    /// A card that leads to a page of a mini program.
    MiniProgramPage {
        /// The card's title.
        title: String,
        /// The mini program's own appid.
        appid: String,
        /// The page with its query.
        pagepath: String,
        /// The cover, 520 × 416, as temporary media.
        thumb_media_id: String,
    },
}

impl Outbound {
    /// The name of its type, WeChat's `msgtype`: `text`, `image`, `link` or `miniprogrampage`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Link { .. } => "link",
            Self::MiniProgramPage { .. } => "miniprogrampage",
        }
    }

    /// The object that stands under the name of its type.
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

    /// The message of a kind with the fields of [`to_json`](Self::to_json); fields that are not known are passed over. The error says
    /// what is missing or of a wrong type, without any value.
    pub fn from_json(kind: &str, value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(&json!({ kind: value }))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbound({})", self.kind())
    }
}
