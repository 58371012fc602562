//! `GET /` and `GET /{proxy+}`: the web console, whose files are embedded.
//!
//! - `/assets/…`: their names contain a hash of their content, so they are cached for a year. One that is gone answers 404 and
//!   never the page, because a tab from before a deployment would take it for a script.
//! - `/` and any path whose last part has no dot: `index.html`, which is never cached, with the policy of the page.
//! - Other files: with a strong `ETag`.
//!
//! A file is sent in brotli where the request accepts it. No request reads the table.

mod files;
mod policy;

use function::{Env, StartError, http};
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use store::SharedClock;

use files::File;

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The policy of the page.
    policy: HeaderValue,
}

impl Deps {
    /// Reads `REALTIME_URL`, the address of the WebSocket API, or its path where it is on the same host.
    // As the functions that have something to wait for.
    #[allow(clippy::unused_async)]
    pub async fn new(env: &Env, _clock: SharedClock) -> Result<Self, StartError> {
        let realtime = env.get("REALTIME_URL").filter(|url| !url.starts_with('/')).map(policy::origin_of);
        let policy = policy::content_security_policy(realtime, &policy::frame_origins())
            .map_err(|error| StartError::Settings(vec![format!("REALTIME_URL {error}")]))?;
        Ok(Self { policy })
    }
}

/// Answers a request for a file or for the page.
#[tracing::instrument(name = "console", skip_all)]
#[allow(clippy::unused_async)]
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = http::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let mut answer = match files::find(request.raw_http_path()) {
        Some(file) => of_file(deps, file, request.headers()),
        None => http::text(StatusCode::NOT_FOUND, "not found"),
    };
    policy::add_headers(answer.headers_mut());
    if request.method() == Method::HEAD {
        *answer.body_mut() = Body::Empty;
    }
    answer
}

/// The answer with a file, or 304 where the browser has it.
fn of_file(deps: &Deps, file: &'static File, asked: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(Body::Empty);
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.caching()));
    if file.is_page() {
        headers.insert(header::CONTENT_SECURITY_POLICY, deps.policy.clone());
    } else {
        headers.insert(header::ETAG, HeaderValue::from_static(file.etag));
        if files::is_known(asked, file.etag) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return answer;
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type()));
    *answer.body_mut() = match file.brotli.filter(|_| files::accepts_brotli(asked)) {
        Some(brotli) => {
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            Body::from(brotli)
        }
        None => Body::from(file.bytes),
    };
    answer
}
