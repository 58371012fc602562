//! Refuses requests that a page of another site makes the developer's browser send.
//!
//! Loopback is reachable by every page that the developer visits: by a form or `fetch`, of which the browser names the site in
//! `Origin` and `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C), and by a host name of the page's own that its DNS server
//! resolves to 127.0.0.1, which is then in `Host`.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

/// The host names, with ports, by which a listener may be called.
#[derive(Debug, Clone)]
pub(crate) struct TrustedHosts(Vec<String>);

impl TrustedHosts {
    /// The names of a listener on loopback, and others that lead to it, as that of a tunnel.
    pub(crate) fn of(address: SocketAddr, others: &[String]) -> Self {
        let port = address.port();
        let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        Self(own.into_iter().chain(others.iter().map(|name| name.to_ascii_lowercase())).collect())
    }

    /// Whether a host name with its port is one of these.
    pub(crate) fn contains(&self, host: &str) -> bool {
        self.0.iter().any(|trusted| trusted.eq_ignore_ascii_case(host))
    }

    /// Why a request is refused; `None` if it is not.
    pub(crate) fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        if !only(headers, &header::HOST).is_some_and(|host| self.contains(host)) {
            return Some("the Host is not a name of this server");
        }
        if headers.contains_key(header::ORIGIN)
            && !only(headers, &header::ORIGIN).is_some_and(|from| self.is_origin(from))
        {
            return Some("the Origin is another site");
        }
        let fetch = |name| headers.get(HeaderName::from_static(name)).map(|value| value.to_str().unwrap_or_default());
        match fetch("sec-fetch-site") {
            None | Some("same-origin" | "none") => None,
            // A link that a person follows. The page that has the link sees nothing of the answer.
            Some(_) if *method == Method::GET && fetch("sec-fetch-mode") == Some("navigate") => {
                (fetch("sec-fetch-dest") != Some("document")).then_some("Sec-Fetch-Dest is not a document")
            }
            Some(_) => Some("Sec-Fetch-Site is another site"),
        }
    }

    fn is_origin(&self, origin: &str) -> bool {
        origin
            .split_once("://")
            .is_some_and(|(scheme, host)| ["http", "https"].contains(&scheme) && self.contains(host))
    }
}

/// The value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Refuses untrusted requests with 403. A layer of the axum servers.
pub(crate) async fn refuse_untrusted(State(trusted): State<TrustedHosts>, request: Request, next: Next) -> Response {
    match trusted.refusal(request.method(), request.headers()) {
        Some(reason) => (StatusCode::FORBIDDEN, format!("refused: {reason}\n")).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(method: &Method, headers: &[(&'static str, &str)]) -> Option<&'static str> {
        let trusted = TrustedHosts::of(([127, 0, 0, 1], 3000).into(), &["Kefu.example.com".to_owned()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        trusted.refusal(method, &map)
    }

    #[test]
    fn request_of_a_program_or_of_the_own_page_is_let_through() {
        for host in ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000", "[::1]:3000", "kefu.example.com"] {
            assert_eq!(refusal(&Method::POST, &[("host", host)]), None, "{host}");
        }
        let own = [("host", "localhost:3000"), ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin")];
        assert_eq!(refusal(&Method::POST, &own), None);
        let typed = [("host", "localhost:3000"), ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
        assert_eq!(refusal(&Method::GET, &typed), None);
        let link = [
            ("host", "localhost:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(refusal(&Method::GET, &link), None);
        assert!(refusal(&Method::POST, &link).is_some());
    }

    #[test]
    fn request_by_another_name_or_from_another_site_is_refused() {
        let host = ("host", "127.0.0.1:3000");
        for headers in [
            vec![],
            vec![("host", "rebound.example:3000")],
            vec![("host", "127.0.0.1:3001")],
            vec![("host", "127.0.0.1")],
            vec![host, ("host", "127.0.0.1:3000")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://127.0.0.1:3001")],
            vec![host, ("origin", "http://127.0.0.1:3000"), ("origin", "https://evil.example")],
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        ] {
            assert!(refusal(&Method::GET, &headers).is_some(), "{headers:?}");
        }
    }
}
