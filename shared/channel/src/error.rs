//! The errors of this crate.

use store::{CredentialProblem, SendFailure, StoreError};
use wechat::{ApiError, WebUrlError};

/// An error of [`Channel::new`](crate::Channel::new) and other constructors of HTTP clients.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// `WECHAT_API_URL` is not an https URL, or not even an http URL with [`Reach::Local`](crate::Reach::Local).
    #[error("WECHAT_API_URL is not an https address")]
    ApiUrl,
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be built")]
    HttpClient,
}

/// An error of a call to WeChat that takes an access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The mini program is not bound.
    #[error("the mini program is not bound")]
    NotBound,
    /// WeChat refused the binding's credentials, and the pause before the next attempt is not over.
    #[error("WeChat refuses the credentials: {}", .0.reason)]
    Refused(CredentialProblem),
    /// Another function is renewing the token and has not finished within 6 s.
    #[error("the access token is being renewed")]
    Busy,
    /// WeChat issued no token, so the call was not made.
    #[error("no access token: {0}")]
    NoToken(ApiError),
    /// The call itself failed.
    #[error(transparent)]
    WeChat(ApiError),
    /// The table or the vault failed, so the call was not made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    /// The failure as the API shows it.
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

/// WeChat's error as the API shows it.
pub(crate) fn wechat_failure(error: &ApiError) -> SendFailure {
    SendFailure {
        code: error.code().to_owned(),
        errcode: error.errcode().map(|code| code.0),
        detail: error.meaning_en().to_owned(),
    }
}

/// The explanation of a failed token request. The call that needed the token was not made, whatever the request's outcome.
fn without_token(error: &ApiError) -> String {
    match error.errcode() {
        Some(_) => format!("{} Nothing was sent.", error.meaning_en()),
        None => "WeChat gave no access token, so nothing was sent. Try again in a moment.".to_owned(),
    }
}

/// An error of [`Fetcher::image`](crate::Fetcher::image). Its text continues a sentence that begins with the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is not an https URL, or holds a user name or a password.
    #[error("is not an https address")]
    Address,
    /// The address, or one it redirects to, is in a private network.
    #[error("must be an address on the public internet")]
    NotPublic,
    /// The host cannot be resolved or reached, or did not answer within 8 s.
    #[error("could not be reached")]
    Unreachable,
    /// The host answered with an error.
    #[error("was answered with HTTP {0}")]
    Status(u16),
    /// More than 3 redirects.
    #[error("redirects too often")]
    Redirects,
    /// The file has more than [`MAX_IMAGE`](crate::MAX_IMAGE) bytes.
    #[error("leads to more than 2 MB, which is more than WeChat takes")]
    TooLarge,
    /// The file is not a PNG, JPEG or GIF.
    #[error("does not lead to a PNG, JPEG or GIF picture")]
    Type,
}

impl From<WebUrlError> for FetchError {
    fn from(error: WebUrlError) -> Self {
        match error {
            WebUrlError::NotPublic => Self::NotPublic,
            WebUrlError::Address | WebUrlError::TooLong => Self::Address,
        }
    }
}

impl FetchError {
    /// The stable code of the error in the API.
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

/// An error of [`Channel::cover_media_id`](crate::Channel::cover_media_id).
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is neither a media id nor an address.
    #[error("there is neither a media id nor an address")]
    Missing,
    /// The picture could not be downloaded.
    #[error("the address {0}")]
    Fetch(#[from] FetchError),
    /// The picture could not be uploaded to WeChat.
    #[error(transparent)]
    Upload(#[from] TokenError),
}

impl MediaError {
    /// The failure as the API shows it.
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
