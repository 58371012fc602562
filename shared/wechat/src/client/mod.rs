//! Calls of WeChat's API. Requires the feature `client`.
//!
//! [`Api`] takes a [`reqwest::Client`] with the caller's timeouts and trust store. The client must not follow redirects: WeChat
//! sends none, and a redirect could repeat a send. No call is retried here; [`ApiError::outcome`] tells whether a retry is safe.
//!
//! WeChat's protocol passes access tokens in the URL. They are removed from every error.

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

/// The base URL of WeChat's API.
pub const WECHAT_API_URL: &str = "https://api.weixin.qq.com";

/// A client of WeChat's API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
}

impl Api {
    /// A client of the API at `base_url`: [`WECHAT_API_URL`] or a simulator's URL, which may have a path.
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
