//! HTTP answers: JSON, and RFC 9457 problem details with a stable code.

mod body;
mod problem;

pub use body::{MAX_BODY, body, long_body, optional_body, read};
pub use problem::{Assignee, FieldError, Problem, chain};

use std::{future::ready, pin::Pin};

use lambda_http::{Body, IntoResponse, Request, RequestExt, Response, http::StatusCode, request::RequestContext};
use serde::Serialize;
use store::{Message, MessageState, Once, Role, content_hash};

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    render(status, "application/json", value)
}

/// The answer about a message that was to be sent. 201: WeChat took it. 202: somebody is at it, or it is held, or nobody
/// knows whether it arrived, which is said in the message's `state`. A problem: it did not go out.
pub fn sent(message: &Message) -> Response<Body> {
    let status = match message.state {
        MessageState::Sent | MessageState::Received => StatusCode::CREATED,
        MessageState::Pending | MessageState::Sending | MessageState::Unknown | MessageState::Held => {
            StatusCode::ACCEPTED
        }
        MessageState::Released | MessageState::Cancelled => StatusCode::OK,
        MessageState::Failed => return failed(message).response(),
    };
    json(status, message)
}

fn failed(message: &Message) -> Problem {
    let Some(failure) = &message.failure else {
        return Problem::internal();
    };
    let mut problem = Problem::unsent(failure);
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

/// Who is calling, as the authorizer found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they may do.
    pub role: Role,
    /// Which token they hold.
    pub token_id: String,
    /// Their name, if the token has one.
    pub name: Option<String>,
    /// The agent whom they stand for, if the token says so.
    pub agent_id: Option<String>,
}

impl Caller {
    /// The caller of a request that came through the authorizer; a refusal otherwise.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let context = request.request_context_ref();
        let fields = context.and_then(RequestContext::authorizer).map(|authorizer| &authorizer.fields);
        let text = |name: &str| fields.and_then(|fields| fields.get(name)).and_then(|value| value.as_str());
        let Some(role @ (Role::Admin | Role::Agent)) = text("role").and_then(Role::named) else {
            let detail = "Send a token: Authorization: Bearer <token>.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        };
        let known = |name: &str| text(name).filter(|value| !value.is_empty()).map(ToOwned::to_owned);
        let token_id = text("token_id").unwrap_or_default().to_owned();
        Ok(Self { role, token_id, name: known("name"), agent_id: known("agent_id") })
    }

    /// Refuses everybody but admins.
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Supervisor | Role::Agent | Role::Integrator => {
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
