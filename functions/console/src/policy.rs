//! What the page may load and do. The browser enforces it.

use std::collections::BTreeSet;

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};

/// The page's `content-security-policy`: no script, style or connection of another origin, except the WebSocket API's and
/// those of the frames. Trusted Types let only Vue's own templates make HTML.
///
/// A frame whose origin is not one is left out: it would change the rest of the policy. An error, which continues a sentence, if the
/// address of the WebSocket API has none.
pub(crate) fn content_security_policy(realtime: Option<&str>, frames: &[&str]) -> Result<HeaderValue, String> {
    if realtime.is_some_and(|origin| !is_origin(origin)) {
        return Err("is not an origin, such as wss://example.com".to_owned());
    }
    let frames: BTreeSet<&str> = frames.iter().copied().filter(|origin| is_origin(origin)).collect();
    let realtime = realtime.map(|origin| format!(" {origin}")).unwrap_or_default();
    let frames = if frames.is_empty() { "'none'".to_owned() } else { Vec::from_iter(frames).join(" ") };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; \
         media-src 'self'; manifest-src 'self'; connect-src 'self'{realtime}; frame-src {frames}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue"
    );
    HeaderValue::try_from(policy).map_err(|error| error.to_string())
}

/// The part of a URL before its path.
pub(crate) fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |colon| colon + 3);
    let path = url[host..].find('/').map_or(url.len(), |slash| host + slash);
    &url[..path]
}

/// A scheme and a host with or without a port, and nothing that could begin another directive.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    ["https", "http", "wss", "ws"].contains(&scheme)
        && !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
}

/// The headers of every answer.
pub(crate) fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin-allow-popups"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_names_the_socket_and_the_frames() {
        let frames = ["https://shop.example", "http://127.0.0.1:8000", "https://shop.example"];
        let policy =
            content_security_policy(Some("wss://abc.execute-api.cn-north-1.amazonaws.com.cn"), &frames).unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("connect-src 'self' wss://abc.execute-api.cn-north-1.amazonaws.com.cn; "), "{policy}");
        assert!(policy.contains("frame-src http://127.0.0.1:8000 https://shop.example; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn origin_is_what_stands_before_the_path() {
        for (url, origin) in [
            ("wss://a.example/realtime", "wss://a.example"),
            ("ws://127.0.0.1:3000", "ws://127.0.0.1:3000"),
            ("wss://a/b/c?d=/e", "wss://a"),
            ("a", "a"),
        ] {
            assert_eq!(origin_of(url), origin, "{url}");
        }
    }

    #[test]
    fn policy_without_socket_and_frames_allows_neither() {
        let policy = content_security_policy(None, &[]).unwrap();
        assert!(policy.to_str().unwrap().contains("connect-src 'self'; frame-src 'none'; "));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in
            ["", "wss://", "wss://a; script-src *", "wss://a b", "javascript://a", "https://a/b", "a", "https://*"]
        {
            assert!(content_security_policy(Some(text), &[]).is_err(), "{text}");
            let policy = content_security_policy(None, &[text]).unwrap();
            assert!(policy.to_str().unwrap().contains("; frame-src 'none'; "), "{text}");
        }
    }
}
