//! Objects of one S3 bucket: put, get, delete.
//!
//! The requests are signed by the SDK's own signer and sent by the HTTP client of the other AWS clients. The SDK's client of S3, with its
//! checksums, multipart uploads and endpoint rules, would weigh more than all others together, and three plain requests are all that is
//! needed (Amazon S3 API reference, `PutObject`, `GetObject`, `DeleteObject`).

use std::{fmt, time::Duration, time::SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_types::body::SdkBody;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    clock::SharedClock,
    error::{Cause, Result, StoreError},
};

/// The time limit of one attempt: 10 MB within a region take far less than a second.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How often a request is tried that is not answered, or answered with a 5xx status. Each has the same effect when repeated.
const ATTEMPTS: u32 = 3;

/// The pause before a further attempt.
const PAUSE: Duration = Duration::from_millis(100);

const SERVICE: &str = "S3";

/// An object, if it is there and small enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is larger than the caller takes.
    TooLarge,
    /// There is none.
    Missing,
}

/// The answer to a request.
enum Answer {
    Done(Vec<u8>),
    TooLarge,
    Refused(StatusCode),
}

/// The objects of a bucket. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    connector: SharedHttpConnector,
    credentials: Credentials,
    region: String,
    /// The address of the bucket, without a slash at its end.
    bucket: String,
    clock: SharedClock,
}

impl Objects {
    /// The objects of the bucket at this address, which has no slash at its end.
    pub fn new(
        connector: SharedHttpConnector,
        credentials: Credentials,
        region: String,
        bucket: String,
        clock: SharedClock,
    ) -> Self {
        Self { connector, credentials, region, bucket, clock }
    }

    /// Stores an object in place of one that has its key. Keys are letters, digits, `-` and `/`.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        done(&self.send(Method::PUT, key, bytes, 0).await?)
    }

    /// An object of at most `max` bytes.
    pub(crate) async fn get(&self, key: &str, max: usize) -> Result<Object> {
        match self.send(Method::GET, key, &[], max).await? {
            Answer::Done(bytes) => Ok(Object::Bytes(bytes)),
            Answer::TooLarge => Ok(Object::TooLarge),
            // Without the permission to list the bucket, S3 answers 403 for what it does not have.
            Answer::Refused(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => Ok(Object::Missing),
            refused @ Answer::Refused(_) => done(&refused).map(|()| Object::Missing),
        }
    }

    /// Deletes an object; nothing happens where there is none.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        done(&self.send(Method::DELETE, key, &[], 0).await?)
    }

    async fn send(&self, method: Method, key: &str, body: &[u8], max: usize) -> Result<Answer> {
        let mut failed = unavailable("no answer in time");
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let request = self.signed(&method, key, body)?;
            match tokio::time::timeout(ATTEMPT, self.answer(request, max)).await {
                Ok(Err(error @ StoreError::Unavailable { .. })) => failed = error,
                Ok(answer) => return answer,
                Err(_) => failed = unavailable("no answer in time"),
            }
        }
        Err(failed)
    }

    /// A request with a version 4 signature (Amazon S3 API reference, "Authenticating Requests").
    fn signed(&self, method: &Method, key: &str, body: &[u8]) -> Result<Request<SdkBody>> {
        let wrong = || StoreError::Internal("a request of S3 cannot be signed");
        let url = format!("{}/{key}", self.bucket);
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::from(self.clock.now()))
            .settings(settings)
            .build()
            .map_err(|_| wrong())?
            .into();
        let signable = SignableRequest::new(method.as_str(), &url, std::iter::empty(), SignableBody::Bytes(body));
        let (instructions, _) = sign(signable.map_err(|_| wrong())?, &params).map_err(|_| wrong())?.into_parts();
        let length = body.len();
        let request = Request::builder().method(method).uri(&url).header(header::CONTENT_LENGTH, length);
        let mut request = request.body(SdkBody::from(body)).map_err(|_| wrong())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    async fn answer(&self, request: Request<SdkBody>, max: usize) -> Result<Answer> {
        let request = request.try_into().map_err(|_| StoreError::Internal("a request of S3 is not HTTP"))?;
        let answer = self.connector.call(request).await.map_err(|error| unavailable(&Cause::of(&error).to_string()))?;
        let answer = answer.try_into_http1x().map_err(|error| unavailable(&error.to_string()))?;
        let status = answer.status();
        // The body of a refusal is read so that the connection can be used again.
        let limit = if status.is_success() { max.max(1) } else { REFUSAL_MAX };
        let body = Limited::new(answer.into_body(), limit).collect().await;
        if status.is_success() {
            return match body {
                Ok(body) => Ok(Answer::Done(body.to_bytes().to_vec())),
                Err(error) if error.is::<LengthLimitError>() => Ok(Answer::TooLarge),
                Err(error) => Err(unavailable(&error.to_string())),
            };
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(unavailable(&format!("status {status}")));
        }
        Ok(Answer::Refused(status))
    }
}

/// The longest refusal that is read, in bytes.
const REFUSAL_MAX: usize = 64 * 1024;

fn done(answer: &Answer) -> Result<()> {
    match answer {
        Answer::Done(_) | Answer::TooLarge => Ok(()),
        Answer::Refused(StatusCode::FORBIDDEN) => {
            Err(StoreError::Denied { service: SERVICE, message: "access denied".to_owned() })
        }
        Answer::Refused(status) => {
            let code = status.as_str().to_owned();
            Err(StoreError::Rejected { service: SERVICE, code, cause: Cause::new("the request was refused") })
        }
    }
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable { service: SERVICE, code: "request".to_owned(), cause: Cause::new(cause) }
}

/// Shows no credentials.
impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({})", self.bucket)
    }
}
