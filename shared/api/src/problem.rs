//! Refusals: RFC 9457 problem details.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use function::http::chain;
use serde::Serialize;
use store::{SendFailure, StoreError};
use utoipa::ToSchema;

use crate::{Code, response::render};

/// A refusal: RFC 9457 problem details with a stable code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "title": "Conflict", "status": 409, "code": "conversation.closed",
    "detail": "The conversation is closed. The visitor's next message opens a new one.",
}))]
pub struct Problem {
    /// The status in words.
    title: String,
    /// The HTTP status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The stable code of the refusal.
    pub code: Code,
    /// What is wrong and what to do, for a person.
    pub detail: String,
    /// The fields of the request that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// WeChat's errcode, where WeChat refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub errcode: Option<i64>,
    /// The message that was kept as failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message_id: Option<String>,
    /// `conversation.taken`: the agent who has the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<ProblemAssignee>)]
    pub assignee: Option<Box<ProblemAssignee>>,
}

/// The agent who has a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemAssignee {
    /// The agent's id.
    pub agent_id: String,
    /// The agent's name.
    pub name: String,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The path of the field in the body, such as `weekly[0].days`, or the name of a parameter or header; `body` is the
    /// whole body.
    #[schema(example = "members[3]")]
    pub field: String,
    /// What is wrong, for a person.
    pub detail: String,
}

impl FieldError {
    /// An error of this field.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A refusal with this HTTP status, code and explanation.
    pub fn new(status: u16, code: Code, detail: impl Into<String>) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Problem");
        Self {
            title: title.to_owned(),
            status,
            code,
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
        let mut problem = Self::new(422, Code::Invalid, detail.join("; "));
        problem.errors = errors;
        problem
    }

    /// 422 for one field.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, detail)])
    }

    /// 403: the token does not permit the operation.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, Code::Forbidden, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, Code::NotFound, format!("There is no such {what}."))
    }

    /// 409 with this code.
    pub fn conflict(code: Code, detail: impl Into<String>) -> Self {
        Self::new(409, code, detail)
    }

    /// 500: the log has the cause.
    pub fn internal() -> Self {
        let detail = "An unexpected error. Please try again; if it continues, see the function's log.";
        Self::new(500, Code::Internal, detail)
    }

    /// 409: a closed conversation takes no more messages.
    pub fn conversation_closed() -> Self {
        let detail = "The conversation is closed. The visitor's next message opens a new one.";
        Self::conflict(Code::ConversationClosed, detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A message was not sent, for this reason.
    pub fn unsent(failure: &SendFailure) -> Self {
        let code = Code::parse(&failure.code).unwrap_or_else(|| {
            tracing::error!(code = failure.code, "a failed send has a code that the API does not describe");
            Code::WechatRefused
        });
        let mut problem = Self::new(code.status_of_failed_send(), code, &failure.detail);
        problem.errcode = failure.errcode;
        problem
    }

    /// A picture cannot be sent. `media_id` and `address` are the fields that could have given one.
    pub fn no_picture(error: &channel::MediaError, media_id: &str, address: &str) -> Self {
        match error {
            channel::MediaError::Missing => {
                let detail = format!("is over three days old, so WeChat no longer has it; give {address} instead");
                Self::invalid_field(media_id, detail)
            }
            channel::MediaError::Fetch(reason) => {
                let mut problem = Self::invalid_field(address, reason.to_string());
                problem.code = Code::parse(reason.code()).unwrap_or(Code::Invalid);
                problem
            }
            channel::MediaError::Upload(error) => {
                let mut problem = Self::unsent(&error.failure());
                if problem.status == 422 {
                    problem.errors = vec![FieldError::new(address, problem.detail.clone())];
                }
                problem
            }
        }
    }
}

/// The `Retry-After` of a refusal with 503, in seconds: a transaction whose answer was lost is completed by then
/// (`TransactionInProgressException`), and a throttled table has new capacity.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = render(status, "application/problem+json", &self);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                tracing::warn!(error = %chain(&error), "the store is unavailable");
                // The answer to a write may have been lost.
                let detail = "The database did not answer. Whether the request took effect is not known: read the \
                    resource before you repeat it.";
                Self::new(503, Code::Unavailable, detail)
            }
            StoreError::Throttled { .. } | StoreError::TransactionConflict => {
                tracing::warn!(error = %chain(&error), "the store is unavailable");
                let detail = "The database did not accept the call. Please try again in a moment.";
                Self::new(503, Code::Unavailable, detail)
            }
            StoreError::Exhausted => {
                tracing::warn!("other requests changed the same items at every attempt");
                let detail =
                    "Other requests changed this at every attempt. Nothing was changed; please try again in a moment.";
                Self::new(503, Code::Unavailable, detail)
            }
            StoreError::Conflict | StoreError::NotFound(_) => {
                let detail =
                    "Another request changed this at the same time, or it already exists. Read it and try again.";
                Self::conflict(Code::Conflict, detail)
            }
            StoreError::Cursor => Self::invalid_field("cursor", "is not one that this list has given out"),
            StoreError::Rejected { .. }
            | StoreError::Denied { .. }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_lost_every_race_may_be_repeated() {
        let problem = Problem::from(StoreError::Exhausted);
        assert_eq!((problem.status().as_u16(), problem.code), (503, Code::Unavailable));
        let problem = Problem::from(StoreError::Conflict);
        assert_eq!((problem.status().as_u16(), problem.code), (409, Code::Conflict));
    }

    /// Every code that WeChat's client and the pictures can give is one that the API describes.
    #[test]
    fn unknown_code_of_a_send_is_reported_as_refused_by_wechat() {
        let failure = SendFailure { code: "new.code".to_owned(), errcode: Some(7), detail: "x".to_owned() };
        let problem = Problem::unsent(&failure);
        assert_eq!((problem.status().as_u16(), problem.code, problem.errcode), (502, Code::WechatRefused, Some(7)));
    }
}
