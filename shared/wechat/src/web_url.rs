//! Addresses on the web that people and mini programs give.

use std::fmt;

use url::{Host, Url};

use crate::public_address::is_public;

/// The longest address, in bytes.
pub const MAX_WEB_URL: usize = 2048;

/// Domains that are not on the public internet: RFC 6761 (`localhost`), RFC 6762 (`local`), RFC 8375 (`home.arpa`), and `internal`, which
/// ICANN reserves for private use.
const PRIVATE_DOMAINS: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// Where WeChat keeps the pictures of its users. Its addresses begin with `http://`, and answer to `https://` too.
const WECHAT_PICTURES: &str = "qlogo.cn";

/// An https address on the public internet, normalised as the WHATWG URL standard says: a host name of several labels, in Punycode if it
/// has other letters than ASCII, or a public IP address; no user name, no password; at most [`MAX_WEB_URL`] bytes. Whether a host name
/// has public addresses is known only when it is resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

/// Why an address is no [`WebUrl`]. The text continues a sentence that begins with the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebUrlError {
    /// It is not an https URL, or holds a user name or a password.
    #[error("must be an https address without a user name")]
    Address,
    /// Its host is in a private network.
    #[error("must be an address on the public internet")]
    NotPublic,
    /// It has more than [`MAX_WEB_URL`] bytes.
    #[error("must have at most 2048 bytes")]
    TooLong,
}

impl WebUrl {
    /// Reads an address. White space at its ends is left out.
    pub fn parse(text: &str) -> Result<Self, WebUrlError> {
        let text = text.trim();
        if text.len() > MAX_WEB_URL {
            return Err(WebUrlError::TooLong);
        }
        // The parser would leave out line breaks and tabs.
        if text.contains(char::is_control) {
            return Err(WebUrlError::Address);
        }
        let url = Url::parse(text).map_err(|_| WebUrlError::Address)?;
        Self::check(&url)?;
        if url.as_str().len() > MAX_WEB_URL { Err(WebUrlError::TooLong) } else { Ok(Self(url)) }
    }

    /// Reads the address of a visitor's picture. One of WeChat's own and one without a scheme become https.
    pub fn of_avatar(text: &str) -> Result<Self, WebUrlError> {
        let text = text.trim();
        if text.starts_with("//") {
            return Self::parse(&format!("https:{text}"));
        }
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let host =
            |url: Url| url.host_str().is_some_and(|host| is_within(host, WECHAT_PICTURES)) && url.port().is_none();
        match scheme {
            Some(_) if Url::parse(text).is_ok_and(host) => Self::parse(&format!("https://{}", &text[7..])),
            _ => Self::parse(text),
        }
    }

    /// Checks an address that is parsed, such as the target of a redirect.
    pub fn check(url: &Url) -> Result<(), WebUrlError> {
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(WebUrlError::Address);
        }
        let is_public = match url.host().ok_or(WebUrlError::Address)? {
            Host::Domain(name) => is_public_name(name),
            // The parser has read decimal, octal and hexadecimal forms of an IPv4 address.
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
        };
        if is_public { Ok(()) } else { Err(WebUrlError::NotPublic) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.0.into()
    }
}

/// Shows no path and no query, which may say who a visitor is.
impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebUrl({})", self.0.host_str().unwrap_or_default())
    }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && !PRIVATE_DOMAINS.iter().any(|domain| is_within(name, domain))
}

fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_on_the_public_internet_is_read() {
        for (text, expected) in [
            ("https://a.example/b?c=%E4%BD%A0#d", "https://a.example/b?c=%E4%BD%A0#d"),
            (" https://A.Example \n", "https://a.example/"),
            ("https://例子.中国/图.png", "https://xn--fsqu00a.xn--fiqs8s/%E5%9B%BE.png"),
            ("https://1.1.1.1:8443/", "https://1.1.1.1:8443/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ] {
            assert_eq!(WebUrl::parse(text).unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn other_address_is_refused() {
        use WebUrlError::{Address, NotPublic, TooLong};
        for (text, expected) in [
            ("", Address),
            ("a.example", Address),
            ("http://a.example/", Address),
            ("javascript:alert(1)", Address),
            ("data:image/png;base64,AAAA", Address),
            ("//a.example/", Address),
            ("https://user@a.example/", Address),
            ("https://:password@a.example/", Address),
            ("https://a.exa\nmple/", Address),
            ("https://a.example/\u{0}", Address),
            ("https://", Address),
            ("https://localhost/", NotPublic),
            ("https://intranet/", NotPublic),
            ("https://kefu.localhost/", NotPublic),
            ("https://metadata.google.internal./", NotPublic),
            ("https://printer.local/", NotPublic),
            ("https://127.0.0.1/", NotPublic),
            ("https://0x7f.1/", NotPublic),
            ("https://①②⑦.⓪.⓪.①/", NotPublic),
            ("https://[::ffff:10.0.0.1]/", NotPublic),
        ] {
            assert_eq!(WebUrl::parse(text), Err(expected), "{text}");
        }
        assert_eq!(WebUrl::parse(&format!("https://a.example/{}", "a".repeat(2031))), Err(TooLong));
        assert_eq!(
            WebUrl::parse(&format!("https://a.example/{}", "你".repeat(300))),
            Err(TooLong),
            "as it is normalised"
        );
        assert!(WebUrl::parse(&format!("https://a.example/{}", "a".repeat(2030))).is_ok());
    }

    #[test]
    fn picture_of_a_wechat_user_becomes_https() {
        for (text, expected) in [
            ("http://thirdwx.qlogo.cn/mmopen/vi_32/a/132", Ok("https://thirdwx.qlogo.cn/mmopen/vi_32/a/132")),
            ("HTTP://wx.qlogo.cn/a", Ok("https://wx.qlogo.cn/a")),
            ("//a.example/b", Ok("https://a.example/b")),
            ("https://a.example/b", Ok("https://a.example/b")),
            ("http://qlogo.cn.evil.example/a", Err(WebUrlError::Address)),
            ("http://evilqlogo.cn/a", Err(WebUrlError::Address)),
            ("http://thirdwx.qlogo.cn:8080/a", Err(WebUrlError::Address)),
            ("http://user@thirdwx.qlogo.cn/a", Err(WebUrlError::Address)),
            ("http://a.example/b", Err(WebUrlError::Address)),
        ] {
            assert_eq!(WebUrl::of_avatar(text).as_ref().map(WebUrl::as_str), expected.as_ref().copied(), "{text}");
        }
    }
}
