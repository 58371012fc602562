//! Refusals: RFC 9457 problem details.

use lambda_http::{Body, Response, http::StatusCode};
use serde::Serialize;
use store::{SendFailure, StoreError};

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
    /// Who has what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Box<Assignee>>,
}

/// An agent who has a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignee {
    /// Which agent.
    pub agent_id: String,
    /// Their name.
    pub name: String,
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
            assignee: None,
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

    /// 409: a conversation that has ended takes nothing more.
    pub fn conversation_closed() -> Self {
        let detail = "The conversation is closed. The visitor's next message opens a new one.";
        Self::new(StatusCode::CONFLICT, "conversation.closed", detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status_code
    }

    /// The answer.
    pub fn response(&self) -> Response<Body> {
        super::render(self.status_code, "application/problem+json", self)
    }
}

impl Problem {
    /// Something did not go out, for this reason.
    pub fn unsent(failure: &SendFailure) -> Self {
        let status = match failure.code.as_str() {
            // The conversation's state forbids it: the visitor has to write first.
            "wechat.reply_window_closed" | "wechat.reply_limit_reached" | "binding.gone" => StatusCode::CONFLICT,
            "unavailable" | "token.busy" => StatusCode::SERVICE_UNAVAILABLE,
            code if code.starts_with("quota.") => StatusCode::CONFLICT,
            code if code.starts_with("picture.") || code.starts_with("message.") => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_GATEWAY,
        };
        let mut problem = Self::new(status, &failure.code, &failure.detail);
        problem.errcode = failure.errcode;
        problem
    }
}

#[cfg(feature = "channel")]
impl Problem {
    /// There is no media of WeChat's for a picture. `media_id` and `address` are the fields that could have given it.
    pub fn no_picture(error: &channel::MediaError, media_id: &str, address: &str) -> Self {
        match error {
            channel::MediaError::Missing => {
                let detail = format!("is over three days old, so WeChat no longer has it; give {address} instead");
                Self::invalid(vec![FieldError::new(media_id, detail)])
            }
            channel::MediaError::Fetch(reason) => {
                let mut problem = Self::invalid(vec![FieldError::new(address, reason.to_string())]);
                reason.code().clone_into(&mut problem.code);
                problem
            }
            channel::MediaError::Upload(error) => Self::unsent(&error.failure()),
        }
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
            StoreError::Conflict | StoreError::NotFound(_) | StoreError::Exhausted => {
                let detail =
                    "Somebody else changed this at the same time, or it exists already. Read it and try again.";
                Self::new(StatusCode::CONFLICT, "conflict", detail)
            }
            StoreError::Cursor => {
                Self::invalid(vec![FieldError::new("cursor", "is not one that this list has given out")])
            }
            StoreError::Denied { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Sealed
            | StoreError::Invalid(_)
            | StoreError::Internal(_) => {
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
