//! Calls to WeChat's API. Feature `client`.
//!
//! [`Api`] takes a [`reqwest::Client`] that the caller has built, with its timeouts and trust store. The client should not follow redirects:
//! WeChat sends none, and a send must not be repeated. No call is repeated here: whether that is safe is told by [`ApiError::outcome`].
//!
//! Access tokens travel in the URL, because WeChat wants it so; they are taken out of every error.

mod error;
mod media;
mod message;
mod token;
mod transport;

pub use error::{ApiError, Outcome};
pub use media::{Download, MAX_DOWNLOAD, Media};
pub use message::{SendOptions, Typing};
pub use token::AccessToken;

use reqwest::Url;

use crate::Error;

/// WeChat's own address.
pub const WECHAT_API_URL: &str = "https://api.weixin.qq.com";

/// WeChat's API at one address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
}

impl Api {
    /// The API at `base_url`: [`WECHAT_API_URL`], or that of a simulator. A path in it is kept.
    pub fn new(http: reqwest::Client, base_url: &str) -> Result<Self, Error> {
        let base = Url::parse(base_url.trim_end_matches('/')).map_err(|_| Error::BadBaseUrl)?;
        if matches!(base.scheme(), "http" | "https") && base.has_host() && base.query().is_none() {
            Ok(Self { http, base })
        } else {
            Err(Error::BadBaseUrl)
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.query_pairs_mut().extend_pairs(query);
        url
    }
}
