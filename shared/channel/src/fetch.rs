//! Downloads pictures from untrusted URLs, without server-side request forgery.
//!
//! Only https and only addresses on the public internet are allowed. The resolver accepts a name only if all its
//! addresses are public, and the connection is made to exactly those (OWASP, "Server-Side Request Forgery Prevention
//! Cheat Sheet"). Each redirect is checked in the same way. With [`Reach::Local`] the origin of the simulated WeChat is an
//! exception.

use std::{net::IpAddr, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use url::Url;
use wechat::{WebUrl, is_public};

use crate::{
    error::{ChannelError, FetchError},
    image_kind::ImageKind,
    reach::Reach,
    tls,
};

/// The largest picture, in bytes. WeChat's limit (新增临时素材: 图片 2M).
pub const MAX_IMAGE: usize = 2 * 1024 * 1024;

const TIMEOUT: Duration = Duration::from_secs(8);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_REDIRECTS: u32 = 3;

/// A downloaded picture.
#[derive(Debug, Clone)]
pub struct Image {
    /// PNG, JPEG or GIF, detected from the first bytes.
    pub kind: ImageKind,
    /// The file, at most [`MAX_IMAGE`] bytes.
    pub bytes: Vec<u8>,
}

/// Resolves a host name to its addresses.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Downloads pictures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    http: reqwest::Client,
    simulator: Option<Url>,
}

impl Fetcher {
    /// A fetcher that may also download from the simulator's origin.
    pub fn new(simulator: Option<Url>) -> Result<Self, ChannelError> {
        Self::with_lookup(simulator, system_lookup())
    }

    fn with_lookup(simulator: Option<Url>, lookup: Lookup) -> Result<Self, ChannelError> {
        let exempt = simulator.as_ref().and_then(Url::host_str).map(ToOwned::to_owned);
        let http = base_client()?
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(PublicResolver { lookup, exempt }))
            .build()
            .map_err(|_| ChannelError::HttpClient)?;
        Ok(Self { http, simulator })
    }

    /// Downloads the picture at this URL, in at most 8 s and 3 redirects.
    pub async fn image(&self, address: &str) -> Result<Image, FetchError> {
        let mut url = Url::parse(address).map_err(|_| FetchError::Address)?;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let response = self.http.get(url.clone()).send().await.map_err(|error| request_error(&error))?;
            let status = response.status();
            if status.is_redirection() {
                let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
                url = location.and_then(|to| url.join(to).ok()).ok_or(FetchError::Address)?;
                continue;
            }
            if !status.is_success() {
                return Err(FetchError::Status(status.as_u16()));
            }
            return read(response).await;
        }
        Err(FetchError::Redirects)
    }

    fn check(&self, url: &Url) -> Result<(), FetchError> {
        if self.is_origin_of_simulator(url) { Ok(()) } else { check_public(url) }
    }

    /// Whether this is an address of the simulated WeChat.
    pub(crate) fn is_of_simulator(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| self.is_origin_of_simulator(&url))
    }

    fn is_origin_of_simulator(&self, url: &Url) -> bool {
        self.simulator.as_ref().is_some_and(|simulator| simulator.origin() == url.origin())
    }
}

/// Checks an untrusted URL as far as that is possible without resolving its host; see [`WebUrl`]. Host names are checked by the
/// resolver of [`untrusted_url_client`].
pub fn check_public(url: &Url) -> Result<(), FetchError> {
    Ok(WebUrl::check(url)?)
}

/// An HTTP client for untrusted URLs. It follows no redirects and uses no proxy. With [`Reach::Public`] it refuses a host
/// name that has an address in a private network. Check each URL with [`check_public`] first: an IP address in a URL does
/// not reach the resolver.
pub fn untrusted_url_client(reach: Reach) -> Result<reqwest::ClientBuilder, ChannelError> {
    let client = base_client()?;
    if reach == Reach::Local {
        return Ok(client);
    }
    Ok(client.dns_resolver(Arc::new(PublicResolver { lookup: system_lookup(), exempt: None })))
}

fn base_client() -> Result<reqwest::ClientBuilder, ChannelError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config()?)
        .connect_timeout(CONNECT_TIMEOUT)
        // A kept connection may be dead after a freeze of the function.
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy())
}

fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    })
}

/// The picture. Its first bytes decide what it is: stores of files often declare no type or a wrong one.
async fn read(mut response: reqwest::Response) -> Result<Image, FetchError> {
    let limit = u64::try_from(MAX_IMAGE).unwrap_or(u64::MAX);
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(FetchError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| request_error(&error))? {
        if bytes.len() + chunk.len() > MAX_IMAGE {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let kind = ImageKind::of(&bytes).filter(|kind| kind.is_sendable()).ok_or(FetchError::Type)?;
    Ok(Image { kind, bytes })
}

/// The reason of a failed request: [`FetchError::NotPublic`] where the resolver of [`untrusted_url_client`] refused the
/// host name, [`FetchError::Unreachable`] otherwise.
pub fn request_error(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<PrivateAddress>() {
            return FetchError::NotPublic;
        }
        cause = error.source();
    }
    FetchError::Unreachable
}

/// The host name resolves to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name has an address that is not public")]
struct PrivateAddress;

/// Resolves host names, and refuses a name if any of its addresses is not public. A name with both kinds is a sign of DNS
/// rebinding.
struct PublicResolver {
    lookup: Lookup,
    exempt: Option<String>,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempt.as_deref() == Some(name.as_str());
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            if !exempt && !found.iter().all(|address| is_public(*address)) {
                return Err(PrivateAddress.into());
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(addresses: &'static [&'static str]) -> Fetcher {
        let lookup = move |_| -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
            Box::pin(async move { Ok(addresses.iter().map(|address| address.parse().unwrap()).collect()) })
        };
        Fetcher::with_lookup(None, Arc::new(lookup)).unwrap()
    }

    #[tokio::test]
    async fn url_with_private_address_or_without_https_is_refused() {
        let fetcher = fetcher(&["127.0.0.1"]);
        for (address, expected) in [
            ("https://127.0.0.1/a.png", FetchError::NotPublic),
            ("https://10.1.2.3/", FetchError::NotPublic),
            ("https://192.168.0.1/", FetchError::NotPublic),
            ("https://169.254.169.254/latest/meta-data/", FetchError::NotPublic),
            ("https://[::1]/", FetchError::NotPublic),
            ("https://[::ffff:127.0.0.1]/", FetchError::NotPublic),
            ("https://[fe80::1]/", FetchError::NotPublic),
            ("https://[fd00:ec2::254]/", FetchError::NotPublic),
            ("https://2130706433/", FetchError::NotPublic),
            ("https://0177.0.0.1/", FetchError::NotPublic),
            ("https://0x7f.1/", FetchError::NotPublic),
            ("https://127.1/", FetchError::NotPublic),
            ("https://name.example/", FetchError::NotPublic),
            ("http://1.1.1.1/", FetchError::Address),
            ("https://user@1.1.1.1/", FetchError::Address),
            ("file:///etc/passwd", FetchError::Address),
            ("ftp://1.1.1.1/", FetchError::Address),
            ("not a url", FetchError::Address),
            ("", FetchError::Address),
        ] {
            assert_eq!(fetcher.image(address).await.unwrap_err(), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn host_with_public_and_private_addresses_is_refused() {
        let fetcher = fetcher(&["1.1.1.1", "10.0.0.1"]);
        assert_eq!(fetcher.image("https://name.example/a.png").await.unwrap_err(), FetchError::NotPublic);
    }
}
