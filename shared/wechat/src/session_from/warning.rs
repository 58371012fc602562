//! What is odd about a text.

use serde::{Deserialize, Serialize};

/// A kind of oddity. Its serde name is its stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Oddity {
    /// The text is longer than [`MAX_TEXT`](super::MAX_TEXT) and was cut.
    TooLong,
    /// The text fills [`LIMIT`](super::LIMIT) exactly: what stands last may have been cut by the phone.
    AtLimit,
    /// The field's end is missing: what is whole of it was kept, or nothing.
    Truncated,
    /// `{{…}}`: the mini program's template was not filled in.
    UnresolvedPlaceholder,
    /// `undefined`, `null`, `NaN` or `[object Object]`: the mini program wrote a value that is none.
    NotAValue,
    /// 微信用户: what WeChat has given for every nickname since 2022-11-08.
    AnonymousNickname,
    /// The field stands there more than once: the last one counts.
    Duplicate,
    /// The fixed slots are not where the format has them, and were found by what stands in them.
    MisplacedSlots,
    /// The nickname holds a `|` and was put together again.
    NicknameRepaired,
    /// The field's value holds a `|` and was put together again.
    ValueRepaired,
    /// A piece without a name after the fixed slots.
    StrayText,
    /// The field is not JSON, as it should be: its text is kept.
    NotJson,
    /// The field is JSON of another kind than it should be.
    WrongType,
    /// `transfer_action` is one level and not a list of them.
    SingleObject,
    /// The JSON was not well-formed (a quote, a line break, a comma) and was put right.
    JsonRepaired,
    /// The JSON stands in a JSON string.
    DoubleEncoded,
    /// Something follows the JSON.
    TrailingText,
    /// The whole text was percent-encoded.
    PercentEncoded,
    /// There are percent escapes, but not of UTF-8: the text stands as it is.
    BadEscape,
    /// Control characters were taken out.
    ControlCharacters,
    /// An id stands in quotation marks.
    Quoted,
    /// The partnerid is longer than [`MAX_PARTNERID`](super::MAX_PARTNERID) and was rejected.
    PartneridTooLong,
    /// The avatar is no address that others can open, such as a file on the phone.
    AvatarNotUrl,
    /// Of `ts` and `sig` one is missing, or `ts` is no number.
    IncompleteSignature,
    /// `ts` must be seconds and looks like milliseconds.
    TsInMilliseconds,
}

impl Oddity {
    /// Its stable code in `snake_case`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::AtLimit => "at_limit",
            Self::Truncated => "truncated",
            Self::UnresolvedPlaceholder => "unresolved_placeholder",
            Self::NotAValue => "not_a_value",
            Self::AnonymousNickname => "anonymous_nickname",
            Self::Duplicate => "duplicate",
            Self::MisplacedSlots => "misplaced_slots",
            Self::NicknameRepaired => "nickname_repaired",
            Self::ValueRepaired => "value_repaired",
            Self::StrayText => "stray_text",
            Self::NotJson => "not_json",
            Self::WrongType => "wrong_type",
            Self::SingleObject => "single_object",
            Self::JsonRepaired => "json_repaired",
            Self::DoubleEncoded => "double_encoded",
            Self::TrailingText => "trailing_text",
            Self::PercentEncoded => "percent_encoded",
            Self::BadEscape => "bad_escape",
            Self::ControlCharacters => "control_characters",
            Self::Quoted => "quoted",
            Self::PartneridTooLong => "partnerid_too_long",
            Self::AvatarNotUrl => "avatar_not_url",
            Self::IncompleteSignature => "incomplete_signature",
            Self::TsInMilliseconds => "ts_in_milliseconds",
        }
    }
}

/// Something odd and where it is. Serialises as `{"code": "truncated", "field": "params"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// What it is.
    #[serde(rename = "code")]
    pub oddity: Oddity,
    /// Which field it concerns, such as `params.age` or `transfer_action[0].deciId`; none where it is the whole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Warning {
    /// The stable code of what it is.
    pub const fn code(&self) -> &'static str {
        self.oddity.code()
    }
}
