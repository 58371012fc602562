//! HTTP answers: JSON, and RFC 9457 problem details with a stable code.

use std::{future::ready, pin::Pin};

use lambda_http::{Body, IntoResponse, Request, RequestExt, Response, http::StatusCode, request::RequestContext};
use serde::{Serialize, de::DeserializeOwned};
use store::{Message, MessageState, Once, Role, StoreError, content_hash};

/// Longest body of an API request, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// A refusal, as the caller reads it. The words are for a person, the code is for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(skip)]
    status_code: StatusCode,
    title: String,
    status: u16,
    /// Stable code for a program to act on.
    pub code: String,
    /// What went wrong and what to do, for a person.
    pub detail: String,
    /// What is wrong with which field of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// WeChat's errcode, where the refusal is WeChat's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errcode: Option<i64>,
    /// The message that the refusal is about, where one was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// One field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a path such as `miniPage.title`.
    pub field: String,
    /// What is wrong, in words.
    pub detail: String,
}

impl FieldError {
    /// A field error.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A refusal with this status, code and explanation.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status_code: status,
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            errcode: None,
            message_id: None,
        }
    }

    /// 422: the request is well formed but its fields are not.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect::<Vec<_>>();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail.join("; "));
        problem.errors = errors;
        problem
    }

    /// 404: there is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// 500: it is our fault, and the log says why.
    pub fn internal() -> Self {
        let detail = "Something went wrong on our side. Please try again; if it goes on, see the function's log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status_code
    }

    /// The answer.
    pub fn response(&self) -> Response<Body> {
        render(self.status_code, "application/problem+json", self)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                tracing::warn!(error = %chain(&error), "the store is unavailable");
                let detail = "The database did not take the call. Nothing was lost; please try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
            StoreError::Conflict => {
                let detail =
                    "Somebody else changed this at the same time, or it exists already. Read it and try again.";
                Self::new(StatusCode::CONFLICT, "conflict", detail)
            }
            StoreError::Cursor => {
                Self::invalid(vec![FieldError::new("cursor", "is not one that this list has given out")])
            }
            StoreError::Denied { .. } | StoreError::Corrupt { .. } | StoreError::Sealed => {
                tracing::error!(error = %chain(&error), "the store refused");
                Self::internal()
            }
        }
    }
}

/// An error with all its causes, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    render(status, "application/json", value)
}

/// The answer about a message that was to be sent. 201: WeChat took it. 202: somebody is at it, or nobody knows
/// whether it arrived, which is said in the message's `state`. A problem: it did not go out.
pub fn sent(message: &Message) -> Response<Body> {
    let status = match message.state {
        MessageState::Sent | MessageState::Received => StatusCode::CREATED,
        MessageState::Pending | MessageState::Sending | MessageState::Unknown => StatusCode::ACCEPTED,
        MessageState::Failed => return failed(message).response(),
    };
    json(status, message)
}

fn failed(message: &Message) -> Problem {
    let Some(failure) = &message.failure else {
        return Problem::internal();
    };
    let status = match failure.code.as_str() {
        // The conversation's state forbids it: the visitor has to write first.
        "wechat.reply_window_closed" | "wechat.reply_limit_reached" | "binding.gone" => StatusCode::CONFLICT,
        "unavailable" | "token.busy" => StatusCode::SERVICE_UNAVAILABLE,
        code if code.starts_with("picture.") || code.starts_with("message.") => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_GATEWAY,
    };
    let mut problem = Problem::new(status, &failure.code, &failure.detail);
    problem.errcode = failure.errcode;
    problem.message_id = Some(message.id.clone());
    problem
}

/// An answer as the functions' `main` hands it to `lambda_http`, which need not find out from its content type whether it
/// is text: the body says so. Finding out takes the tables of forty character encodings, 150 kB of the binary.
#[derive(Debug)]
pub struct Answer(pub Response<Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// A plain text answer.
pub fn text(status: StatusCode, body: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.into()));
    *response.status_mut() = status;
    set_type(&mut response, "text/plain; charset=utf-8");
    response
}

/// An answer without a body.
pub fn empty() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn render(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Response<Body> {
    let (status, body) = match serde_json::to_string(value) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    set_type(&mut response, content_type);
    response
}

fn set_type(response: &mut Response<Body>, content_type: &'static str) {
    use lambda_http::http::{HeaderValue, header};
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// The request's body as JSON. A mistake is answered with the path to it.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > MAX_BODY {
        let detail = format!("The body has {} bytes; at most {MAX_BODY} are taken.", bytes.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { path };
        let cause = error.into_inner();
        if cause.is_data() {
            Problem::invalid(vec![FieldError::new(field, without_value(&cause.to_string()))])
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("The body is not JSON: {cause}."))
        }
    })?;
    json.end().map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "malformed", "The body goes on after the JSON."))?;
    Ok(value)
}

/// serde names the offending value; a secret in the wrong field must not come back in an answer.
fn without_value(message: &str) -> String {
    match (message.find(['"', '`']), message.rfind(", expected")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", message[..start].trim_end(), &message[end..]),
        _ => message.to_owned(),
    }
}

/// Who is calling, as the authorizer found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they may do.
    pub role: Role,
    /// Which token they hold.
    pub token_id: String,
    /// Their name, if the token has one.
    pub name: Option<String>,
}

impl Caller {
    /// The caller of a request that came through the authorizer; a refusal otherwise.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let context = request.request_context_ref();
        let fields = context.and_then(RequestContext::authorizer).map(|authorizer| &authorizer.fields);
        let text = |name: &str| fields.and_then(|fields| fields.get(name)).and_then(|value| value.as_str());
        let role = match text("role") {
            Some("admin") => Role::Admin,
            Some("agent") => Role::Agent,
            _ => {
                let detail = "Send a token: Authorization: Bearer <token>.";
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
            }
        };
        let name = text("name").filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        Ok(Self { role, token_id: text("token_id").unwrap_or_default().to_owned(), name })
    }

    /// Refuses everybody but admins.
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Agent => {
                let detail = "This needs an admin's token; yours is an agent's.";
                Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
            }
        }
    }
}

/// Longest `Idempotency-Key`, in bytes.
const IDEMPOTENCY_KEY_MAX: usize = 255;

/// The request as one that is to be carried out once, if it has an `Idempotency-Key`
/// (IETF draft "The Idempotency-Key HTTP Header Field").
pub fn once(request: &Request, caller: &Caller) -> Result<Option<Once>, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_MAX);
    let Some(key) = key else {
        let wrong = FieldError::new("Idempotency-Key", "must be 1 to 255 printable ASCII characters");
        return Err(Problem::invalid(vec![wrong]));
    };
    let scope = [caller.token_id.clone(), request.uri().path().to_owned(), key.to_owned()];
    let body: &[u8] = request.body().as_ref();
    Ok(Some(Once { scope, fingerprint: content_hash(body) }))
}

/// The refusal of a request whose `Idempotency-Key` another request used.
pub fn key_reused() -> Problem {
    let detail = "This Idempotency-Key was used for a request with other content. Use a new key for a new request.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency.key_reused", detail)
}
