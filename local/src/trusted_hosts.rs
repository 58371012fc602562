//! Refuses requests that a page of another site makes the developer's browser send.
//!
//! Loopback is reachable by every page that the developer visits: by a form or `fetch`, of which the browser names the site in
//! `Origin` and `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C), and by a host name of the page's own that its DNS server
//! resolves to 127.0.0.1, which is then in `Host`.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// The paths that any page may load, each with the `Sec-Fetch-Dest` of the request: the script for pages in frames, and the example
/// of such a page.
const FOR_ANY_PAGE: [(&str, &str); 2] = [("/embed.js", "script"), ("/orders", "iframe")];

/// The host names, with ports, by which a listener may be called.
#[derive(Debug, Clone)]
pub(crate) struct TrustedHosts {
    names: Vec<String>,
    /// The origin whose page may show this server's pages in a frame.
    framed_by: Option<HeaderValue>,
}

impl TrustedHosts {
    /// The names of a listener on loopback, and others that lead to it, as that of a tunnel.
    pub(crate) fn of(address: SocketAddr, others: &[String]) -> Self {
        let port = address.port();
        let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        let names = own.into_iter().chain(others.iter().map(|name| name.to_ascii_lowercase())).collect();
        Self { names, framed_by: None }
    }

    /// The same names, and an origin whose page may show this server's pages in a frame, as the phone's page shows the workbench.
    /// No other page may, and no page may where the bundle is deployed.
    pub(crate) fn framed_by(self, origin: Option<String>) -> Self {
        let framed_by = origin.and_then(|origin| HeaderValue::try_from(origin).ok());
        Self { framed_by, ..self }
    }

    /// Whether a host name with its port is one of these.
    pub(crate) fn contains(&self, host: &str) -> bool {
        self.names.iter().any(|trusted| trusted.eq_ignore_ascii_case(host))
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
            Some(site) if *method == Method::GET && fetch("sec-fetch-mode") == Some("navigate") => {
                // Another port is the same site. Of those, the browser shows the frame to the one that the answer names.
                let is_frame = self.framed_by.is_some() && site == "same-site" && is_for_a_frame(headers);
                let is_permitted = is_frame || fetch("sec-fetch-dest") == Some("document");
                (!is_permitted).then_some("Sec-Fetch-Dest is not a document")
            }
            Some(_) => Some("Sec-Fetch-Site is another site"),
        }
    }

    /// Whether a page of another port of this machine loads one of [`FOR_ANY_PAGE`]. Both have the same content for all pages, and the
    /// policy of the example page names the origins that may show it.
    fn is_for_any_page(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        let value = |name| only(headers, &HeaderName::from_static(name));
        *method == Method::GET
            && !headers.contains_key(header::ORIGIN)
            && value("host").is_some_and(|host| self.contains(host))
            && value("sec-fetch-site") == Some("same-site")
            && FOR_ANY_PAGE.iter().any(|(own, dest)| *own == path && value("sec-fetch-dest") == Some(dest))
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
    let refusal = trusted.refusal(request.method(), request.headers());
    let refusal =
        refusal.filter(|_| !trusted.is_for_any_page(request.method(), request.uri().path(), request.headers()));
    if let Some(reason) = refusal {
        return (StatusCode::FORBIDDEN, format!("refused: {reason}\n")).into_response();
    }
    let framed_by = trusted.framed_by.filter(|_| is_for_a_frame(request.headers()));
    let mut response = next.run(request).await;
    if let Some(origin) = framed_by {
        let policy = policy_for_a_frame(response.headers().get(header::CONTENT_SECURITY_POLICY), &origin);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whether a request loads a page into a frame.
fn is_for_a_frame(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe")
}

/// The policy of an answer, with one origin whose page may show it in a frame.
fn policy_for_a_frame(policy: Option<&HeaderValue>, origin: &HeaderValue) -> HeaderValue {
    let (policy, origin) = (policy.and_then(|policy| policy.to_str().ok()), origin.to_str().unwrap_or("'none'"));
    let directives = policy.unwrap_or_default().split(';').map(str::trim);
    let others = directives.filter(|directive| !directive.is_empty() && !directive.starts_with("frame-ancestors"));
    let ancestors = format!("frame-ancestors {origin}");
    let policy = others.chain([ancestors.as_str()]).collect::<Vec<_>>().join("; ");
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"))
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

    #[test]
    fn script_and_example_of_frames_are_for_pages_of_other_ports() {
        let hosts = TrustedHosts::of(([127, 0, 0, 1], 3000).into(), &[]);
        let open = |method: &Method, path: &str, headers: &[(&'static str, &'static str)]| {
            let pairs =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            hosts.is_for_any_page(method, path, &pairs.collect())
        };
        let (host, near) = (("host", "127.0.0.1:3000"), ("sec-fetch-site", "same-site"));
        let (script, frame) = (("sec-fetch-dest", "script"), ("sec-fetch-dest", "iframe"));
        assert!(open(&Method::GET, "/embed.js", &[host, near, script]));
        assert!(open(&Method::GET, "/orders", &[host, near, frame]));
        for (method, path, headers) in [
            (Method::POST, "/embed.js", vec![host, near, script]),
            (Method::GET, "/", vec![host, near, frame]),
            (Method::GET, "/orders/list", vec![host, near, frame]),
            (Method::GET, "/embed.js", vec![host, near, frame]),
            (Method::GET, "/embed.js", vec![host, ("sec-fetch-site", "cross-site"), script]),
            (Method::GET, "/embed.js", vec![("host", "rebound.example:3000"), near, script]),
            (Method::GET, "/embed.js", vec![host, near, script, ("origin", "http://127.0.0.1:3001")]),
        ] {
            assert!(!open(&method, path, &headers), "{method} {path} {headers:?}");
        }
    }

    #[test]
    fn frame_of_the_named_origin_alone_may_show_an_answer() {
        let hosts = TrustedHosts::of(([127, 0, 0, 1], 3000).into(), &[]);
        let headers = |site: &'static str| {
            [
                ("host", "127.0.0.1:3000"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ]
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>()
        };
        assert!(hosts.refusal(&Method::GET, &headers("same-site")).is_some(), "no origin is named");
        let hosts = hosts.framed_by(Some("http://127.0.0.1:3001".to_owned()));
        assert_eq!(hosts.refusal(&Method::GET, &headers("same-site")), None);
        assert!(hosts.refusal(&Method::GET, &headers("cross-site")).is_some());
        assert!(hosts.refusal(&Method::POST, &headers("same-site")).is_some());
        let policy = |before: Option<&'static str>| {
            let origin = hosts.framed_by.clone().unwrap();
            policy_for_a_frame(before.map(HeaderValue::from_static).as_ref(), &origin)
        };
        let of_the_page = policy(Some("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"));
        assert_eq!(of_the_page, "default-src 'none'; base-uri 'none'; frame-ancestors http://127.0.0.1:3001");
        assert_eq!(policy(None), "frame-ancestors http://127.0.0.1:3001");
    }
}
