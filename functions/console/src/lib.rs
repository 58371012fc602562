//! `GET /` and `GET /{proxy+}`: the web console, whose files are embedded.
//!
//! - `/assets/…`: their names contain a hash of their content, so they are cached for a year. One that is gone answers 404 and
//!   never the page, because a tab from before a deployment would take it for a script.
//! - `/` and any path whose last part has no dot: `index.html`, which is never cached, with the policy of the page.
//! - Other files: with a strong `ETag`.
//!
//! A file is sent in brotli where the request accepts it. Only a request for the page reads the table: one item, the frames, whose origins
//! the policy allows.

mod files;
mod policy;

use function::{Aws, CallLimits, Env, StartError, http};
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use store::{Frame, FrameReader, SharedClock};

use files::File;

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The origin of the WebSocket API, where it is another host.
    realtime: Option<String>,
    frames: FrameReader,
}

impl Deps {
    /// Reads `TABLE_NAME` and `REALTIME_URL`, the address of the WebSocket API, or its path where it is on the same host.
    // As the functions that have something to wait for.
    #[allow(clippy::unused_async)]
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let realtime = env.get("REALTIME_URL").filter(|url| !url.starts_with('/')).map(policy::origin_of);
        policy::content_security_policy(realtime, &[])
            .map_err(|error| StartError::Settings(vec![format!("REALTIME_URL {error}")]))?;
        let mut settings = env.settings();
        let table = settings.text("TABLE_NAME");
        settings.done()?;
        let frames = Aws::new(env, CallLimits::OneSecond)?.table(&table, clock).frame_reader();
        Ok(Self { realtime: realtime.map(ToOwned::to_owned), frames })
    }

    /// The policy of the page. Where the frames cannot be read, it allows none.
    async fn policy(&self) -> Option<HeaderValue> {
        let frames = self.frames.frames().await;
        let frames = frames.inspect_err(|error| tracing::warn!(error = %http::chain(error), "frames were not read"));
        let frames = frames.unwrap_or_default().items;
        let origins: Vec<&str> = frames.iter().map(Frame::origin).collect();
        policy::content_security_policy(self.realtime.as_deref(), &origins).ok()
    }
}

/// Answers a request for a file or for the page.
#[tracing::instrument(name = "console", skip_all)]
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = http::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let mut answer = match files::find(request.raw_http_path()) {
        Some(file) if file.is_page() => match deps.policy().await {
            Some(policy) => of_file(file, Some(policy), request.headers()),
            None => http::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
        },
        Some(file) => of_file(file, None, request.headers()),
        None => http::text(StatusCode::NOT_FOUND, "not found"),
    };
    policy::add_headers(answer.headers_mut());
    if request.method() == Method::HEAD {
        *answer.body_mut() = Body::Empty;
    }
    answer
}

/// The answer with a file, or 304 where the browser has it. The page comes with its policy.
fn of_file(file: &'static File, policy: Option<HeaderValue>, asked: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(Body::Empty);
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.caching()));
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
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
