//! The types of pictures, by their first bytes: stores of files and phones often declare none or a wrong one.

/// The type of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP, which a phone may send; WeChat does not take it from a desk.
    WebP,
}

impl ImageKind {
    /// The type of a file; `None` for what is none of these.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }

    /// A file name with the extension that WeChat expects.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Png => "picture.png",
            Self::Jpeg => "picture.jpg",
            Self::Gif => "picture.gif",
            Self::WebP => "picture.webp",
        }
    }

    /// Whether WeChat takes it (新增临时素材).
    pub fn is_sendable(self) -> bool {
        self != Self::WebP
    }
}
