//! The embedded files.

use lambda_http::http::{HeaderMap, header};

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    /// Its absolute path.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same bytes in brotli, if that is smaller.
    pub(crate) brotli: Option<&'static [u8]>,
    /// A strong `ETag`, in quotes.
    pub(crate) etag: &'static str,
}

/// All files, sorted by path.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

const PAGE: &str = "/index.html";

/// The first parts of paths that are not the page's. What no route of the API takes is not found.
const NOT_OURS: [&str; 3] = ["api", "callback", "platform"];

/// The file for a path: itself, or the page for a path of the page's own router.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    let by_path = |path: &str| FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|index| &FILES[index]);
    let first = path.split('/').nth(1).unwrap_or_default();
    if NOT_OURS.contains(&first) {
        return None;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.starts_with("/assets/") || last.contains('.') { by_path(path) } else { by_path(PAGE) }
}

impl File {
    /// Whether it is the page itself, which names the current assets.
    pub(crate) fn is_page(&self) -> bool {
        self.path == PAGE
    }

    /// The value of `cache-control`.
    pub(crate) fn caching(&self) -> &'static str {
        if self.is_page() {
            "no-store"
        } else if self.path.starts_with("/assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }

    /// The value of `content-type`.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("json") => "application/json",
            // The types of `embed.js`, to be read.
            Some("ts") => "text/plain; charset=utf-8",
            Some("webmanifest") => "application/manifest+json",
            _ => "application/octet-stream",
        }
    }
}

/// Whether a request accepts brotli.
pub(crate) fn accepts_brotli(headers: &HeaderMap) -> bool {
    list(headers, &header::ACCEPT_ENCODING).any(|item| {
        let (coding, quality) = item.split_once(';').unwrap_or((item, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0));
        coding.trim().eq_ignore_ascii_case("br") && !refused
    })
}

/// Whether a request names the version that it has (`if-none-match`, compared weakly).
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    list(headers, &header::IF_NONE_MATCH).any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == etag)
}

/// The items of a header whose value is a list.
fn list<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn files_are_sorted_and_no_twin_is_a_file() {
        assert!(FILES.is_sorted_by(|one, other| one.path < other.path));
        assert!(FILES.iter().all(|file| !file.path.contains(".br")));
    }

    #[test]
    fn path_without_a_dot_is_the_page_and_missing_files_are_none() {
        for path in ["/", "/desk", "/desk/c0/info", "/a.b/c", ""] {
            assert!(find(path).is_some_and(File::is_page), "{path}");
        }
        for path in [
            "/assets/gone.js",
            "/assets/gone",
            "/assets/",
            "/favicon.ico",
            "/../index.htm",
            "/api",
            "/api/",
            "/callback/x",
            "/platform/",
            "/index.html.br",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn brotli_is_sent_to_those_who_accept_it() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0", true),
            ("BR", true),
            ("gzip", false),
            ("br;q=0", false),
            ("identity;q=1, br ; q=0.000", false),
            ("brx", false),
        ] {
            assert_eq!(accepts_brotli(&with(header::ACCEPT_ENCODING, accepted)), expected, "{accepted}");
        }
        assert!(!accepts_brotli(&HeaderMap::new()));
    }

    #[test]
    fn known_version_is_found_in_a_list() {
        for (value, expected) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false)]
        {
            assert_eq!(is_known(&with(header::IF_NONE_MATCH, value), "\"a\""), expected, "{value}");
        }
    }
}
