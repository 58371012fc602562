//! The names of fields.

/// A named field of the Sobot format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    TransferAction,
    PlatformAction,
    CustomerFields,
    Partnerid,
    Robotid,
    Unionid,
    Ts,
    Sig,
}

impl Key {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::TransferAction => "transfer_action",
            Self::PlatformAction => "platform_action",
            Self::CustomerFields => "customer_fields",
            Self::Partnerid => "partnerid",
            Self::Robotid => "robotid",
            Self::Unionid => "unionid",
            Self::Ts => "ts",
            Self::Sig => "sig",
        }
    }

    /// The field with this name in `snake_case` or `camelCase`; both are in use.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match canonical(name).as_str() {
            "transferaction" => Self::TransferAction,
            "platformaction" => Self::PlatformAction,
            "customerfields" => Self::CustomerFields,
            "partnerid" => Self::Partnerid,
            "robotid" => Self::Robotid,
            "unionid" => Self::Unionid,
            "ts" => Self::Ts,
            "sig" => Self::Sig,
            _ => return None,
        })
    }
}

/// A named field of the Qiyu format. `foreignid` is the user's id in the merchant's system, as in Qiyu's other interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QiyuKey {
    NickName,
    AvatarUrl,
    ReferrerTitle,
    Foreignid,
}

impl QiyuKey {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match canonical(name).as_str() {
            "nickname" => Self::NickName,
            "avatarurl" => Self::AvatarUrl,
            "referrertitle" => Self::ReferrerTitle,
            "foreignid" => Self::Foreignid,
            _ => return None,
        })
    }
}

/// A name in lower case without underscores.
pub(super) fn canonical(name: &str) -> String {
    name.chars().filter(|&char| char != '_').map(|char| char.to_ascii_lowercase()).collect()
}

/// The name and the value of `name=value`. `None` if the text does not begin with a name.
pub(super) fn pair(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=')?;
    let name = name.trim();
    is_name(name).then_some((name, value))
}

/// Whether the text can be a field's name: 1 to 64 bytes without white space and the punctuation of JSON, URLs and this format.
pub(super) fn is_name(name: &str) -> bool {
    const MAX_NAME: usize = 64;
    (1..=MAX_NAME).contains(&name.len())
        && !name.contains(|char: char| char.is_whitespace() || char.is_control() || "{}[]\"'`<>:/?&%=|,".contains(char))
}

/// Whether the text begins with a named field that one of the formats defines.
pub(super) fn begins_with_known_field(text: &str) -> bool {
    pair(text).is_some_and(|(name, _)| Key::of(name).is_some() || QiyuKey::of(name).is_some())
}
