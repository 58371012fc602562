//! What can go wrong on the way to WeChat.

use store::{CredentialProblem, SendFailure, StoreError};
use wechat::ApiError;

/// Why the channel cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// `WECHAT_API_URL` is not an http or https address.
    #[error("WECHAT_API_URL is not an http or https address")]
    ApiUrl,
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be built")]
    HttpClient,
}

/// Why there is no access token, or why a call that needed one failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The mini program is not bound.
    #[error("the mini program is not bound")]
    NotBound,
    /// WeChat refuses the binding's credentials, and it is not yet time to ask again.
    #[error("WeChat refuses the credentials: {}", .0.reason)]
    Refused(CredentialProblem),
    /// Another function is renewing the token and takes long.
    #[error("the access token is being renewed")]
    Busy,
    /// WeChat gave no token, so that the call itself was never made.
    #[error("no access token: {0}")]
    NoToken(ApiError),
    /// The call itself failed.
    #[error(transparent)]
    WeChat(ApiError),
    /// The table or the vault failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    /// What a person is told.
    pub fn failure(&self) -> SendFailure {
        let failure =
            |code: &str, detail: &str| SendFailure { code: code.to_owned(), errcode: None, detail: detail.to_owned() };
        match self {
            Self::NotBound => failure("binding.gone", "The mini program is no longer bound."),
            Self::Refused(problem) => SendFailure {
                code: problem.code.clone(),
                errcode: Some(problem.errcode),
                detail: problem.reason.clone(),
            },
            Self::Busy => failure("token.busy", "The access token is being renewed. Please try again in a moment."),
            Self::NoToken(error) => SendFailure { detail: without_token(error), ..wechat_failure(error) },
            Self::WeChat(error) => wechat_failure(error),
            Self::Store(_) => failure("unavailable", "The database did not take the call. Please try again."),
        }
    }
}

/// What a person is told of WeChat's refusal.
pub(crate) fn wechat_failure(error: &ApiError) -> SendFailure {
    SendFailure {
        code: error.code().to_owned(),
        errcode: error.errcode().map(|code| code.0),
        detail: error.meaning_en().to_owned(),
    }
}

/// Whatever became of the call for the token, the call that needed it was never made.
fn without_token(error: &ApiError) -> String {
    match error.errcode() {
        Some(_) => format!("{} Nothing was sent.", error.meaning_en()),
        None => "WeChat gave no access token, so nothing was sent. Try again in a moment.".to_owned(),
    }
}

/// Why a picture could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is not a usable URL.
    #[error("is not an https address")]
    Address,
    /// The address, or one it redirects to, leads into a private network.
    #[error("must be an address on the public internet")]
    NotPublic,
    /// The host cannot be found or reached, or took too long.
    #[error("could not be reached")]
    Unreachable,
    /// The host answered with an error.
    #[error("was answered with HTTP {0}")]
    Status(u16),
    /// Too many redirects.
    #[error("redirects too often")]
    Redirects,
    /// More than [`MAX_IMAGE`](crate::MAX_IMAGE) bytes.
    #[error("leads to more than 2 MB, which is more than WeChat takes")]
    TooLarge,
    /// Not a PNG, JPEG or GIF.
    #[error("does not lead to a PNG, JPEG or GIF picture")]
    Type,
}

impl FetchError {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Address => "picture.bad_address",
            Self::NotPublic => "picture.address_not_public",
            Self::Unreachable => "picture.unreachable",
            Self::Status(_) => "picture.refused",
            Self::Redirects => "picture.redirects",
            Self::TooLarge => "picture.too_large",
            Self::Type => "picture.wrong_type",
        }
    }
}

/// Why there is no media id for a picture.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Neither a media id nor an address.
    #[error("there is neither a media id nor an address")]
    Missing,
    /// The picture could not be fetched.
    #[error("the address {0}")]
    Fetch(#[from] FetchError),
    /// It could not be uploaded.
    #[error(transparent)]
    Upload(#[from] TokenError),
}

impl MediaError {
    /// What a person is told.
    pub fn failure(&self) -> SendFailure {
        match self {
            Self::Missing => SendFailure {
                code: "picture.missing".to_owned(),
                errcode: None,
                detail: "There is neither a media id that WeChat still has nor an address to fetch the picture from."
                    .to_owned(),
            },
            Self::Fetch(error) => SendFailure {
                code: error.code().to_owned(),
                errcode: None,
                detail: format!("The picture's address {error}."),
            },
            Self::Upload(error) => error.failure(),
        }
    }
}
