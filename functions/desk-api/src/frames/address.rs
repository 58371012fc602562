//! The address of a frame's page.

use url::{Host, Url};
use wechat::WebUrl;

/// Reads the address of a page: https on the public internet, or on one machine also http on the loopback. The error continues a sentence that
/// begins with the field's name.
pub(super) fn parse(text: &str, is_local: bool) -> Result<String, String> {
    match WebUrl::parse(text) {
        Ok(url) => Ok(url.into()),
        Err(error) => of_this_machine(text).filter(|_| is_local).ok_or_else(|| error.to_string()),
    }
}

fn of_this_machine(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok().filter(|_| text.len() <= 2048 && !text.contains(char::is_control))?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    (is_loopback && is_plain).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_of_this_machine_is_one_in_local_only() {
        for (text, in_aws, in_local) in [
            ("https://shop.example/订单", Some("https://shop.example/%E8%AE%A2%E5%8D%95"), true),
            ("http://127.0.0.1:8000/x", None, true),
            ("http://localhost:8000", None, true),
            ("http://[::1]/", None, true),
            ("http://shop.example/", None, false),
            ("http://10.0.0.1/", None, false),
            ("http://user@127.0.0.1/", None, false),
            ("javascript:alert(1)", None, false),
            ("", None, false),
        ] {
            assert_eq!(parse(text, false).ok().as_deref(), in_aws, "{text}");
            assert_eq!(parse(text, true).is_ok(), in_local, "{text}");
        }
    }
}
