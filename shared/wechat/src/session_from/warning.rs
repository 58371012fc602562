//! Warnings about a malformed text.

use serde::{Deserialize, Serialize};

/// The stable code of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionFromWarningCode))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// The text is longer than [`MAX_TEXT`](super::MAX_TEXT) and was truncated.
    TooLong,
    /// The text has exactly the length of [`LIMIT`](super::LIMIT), so its end may have been cut off.
    AtLimit,
    /// The field's end is missing. Its complete members were kept, if any.
    Truncated,
    /// `{{…}}`: the mini program's template was not filled in.
    UnresolvedPlaceholder,
    /// `undefined`, `null`, `NaN` or `[object Object]`: the mini program wrote an absent value.
    NotAValue,
    /// 微信用户, the nickname that WeChat returns for every visitor since 2022-11-08.
    AnonymousNickname,
    /// The field is repeated. The last one counts.
    Duplicate,
    /// The fixed slots are not at their positions and were found by their content.
    MisplacedSlots,
    /// The nickname contains a `|` and was joined again.
    NicknameRepaired,
    /// The field's value contains a `|` and was joined again.
    ValueRepaired,
    /// Text without a name after the fixed slots.
    StrayText,
    /// The field should be JSON and is not. Its text was kept.
    NotJson,
    /// The field is JSON of the wrong type.
    WrongType,
    /// `transfer_action` is a single level instead of an array.
    SingleObject,
    /// The JSON was malformed (a quote, a line break, a comma) and was repaired.
    JsonRepaired,
    /// The JSON is in a JSON string.
    DoubleEncoded,
    /// Text follows the JSON.
    TrailingText,
    /// The whole text was percent-encoded.
    PercentEncoded,
    /// The percent escapes are not UTF-8. The text was kept as it is.
    BadEscape,
    /// Control characters were removed.
    ControlCharacters,
    /// The id is in quotation marks.
    Quoted,
    /// The partnerid is longer than [`MAX_PARTNERID`](super::MAX_PARTNERID) and was dropped.
    PartneridTooLong,
    /// The avatar is not a URL that other devices can open, such as a file on the phone.
    AvatarNotUrl,
    /// `ts` or `sig` is missing, or `ts` is not a number.
    IncompleteSignature,
    /// `sig` names a version that does not exist, or is not `2.` and 43 characters of base64url.
    MalformedSignature,
    /// `ts` looks like milliseconds and must be seconds.
    TsInMilliseconds,
    /// The value is longer than what is kept of it. A nickname was cut; an id, an avatar and the fields that did not fit were
    /// dropped.
    FieldTooLong,
    /// There were further warnings.
    TooManyWarnings,
}

impl WarningKind {
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
            Self::MalformedSignature => "malformed_signature",
            Self::TsInMilliseconds => "ts_in_milliseconds",
            Self::FieldTooLong => "field_too_long",
            Self::TooManyWarnings => "too_many_warnings",
        }
    }
}

/// A warning about a `session-from`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionFromWarning))]
pub struct Warning {
    /// The kind.
    #[serde(rename = "code")]
    pub kind: WarningKind,
    /// The field, such as `params.age` or `transfer_action[0].deciId`. Missing for the whole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub field: Option<String>,
}

impl Warning {
    /// The stable code of the kind.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}
