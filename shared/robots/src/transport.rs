//! HTTP requests to robots, with a deadline for the whole exchange and a size limit for the response.

use std::time::Duration;

use channel::{ChannelError, FetchError, Reach};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use url::Url;

use crate::Failure;

/// The largest response body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// A client of robots. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    reach: Reach,
}

impl Client {
    /// A client of robots at addresses in `reach`.
    pub fn new(reach: Reach) -> Result<Self, ChannelError> {
        let http = channel::untrusted_url_client(reach)?
            .user_agent(concat!("kefu/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ChannelError::HttpClient)?;
        Ok(Self { http, reach })
    }

    /// The parsed address, if requests to it are allowed.
    pub(crate) fn address(&self, address: &str) -> Result<Url, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::Address)?;
        if self.reach == Reach::Public {
            return channel::check_public(&url).map(|()| url).map_err(failure);
        }
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if plain { Ok(url) } else { Err(Failure::Address) }
    }

    /// Posts JSON to a URL from [`address`](Self::address). Returns the status, always 2xx, and the body.
    pub(crate) async fn post(
        &self,
        url: Url,
        mut headers: HeaderMap,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = self.http.post(url).headers(headers).body(body);
        let exchange = async {
            let response = request.send().await.map_err(|error| failure(channel::request_error(&error)))?;
            let status = response.status();
            if !status.is_success() {
                return Err(Failure::Status(status.as_u16()));
            }
            Ok((status, read(response).await?))
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or(Err(Failure::Timeout))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    if response.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |length| length > MAX_BODY))
    {
        return Err(Failure::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: FetchError) -> Failure {
    match error {
        FetchError::Address => Failure::Address,
        FetchError::NotPublic => Failure::NotPublic,
        _ => Failure::Unreachable,
    }
}
