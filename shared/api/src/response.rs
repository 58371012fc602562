//! Typed answers.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use store::{Message, MessageState};

use crate::{Code, FieldError, Json, Problem};

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        render(StatusCode::OK, "application/json", &self.0)
    }
}

/// 201 with a JSON body.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        render(StatusCode::CREATED, "application/json", &self.0)
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// 200 with JSON that is part of the program.
#[derive(Debug)]
pub struct StaticJson(pub &'static str);

impl IntoResponse for StaticJson {
    fn into_response(self) -> Response {
        with_type(StatusCode::OK, "application/json", Body::from(self.0))
    }
}

/// A message that was to be sent, as it is now. 201: WeChat accepted it. 202: it is being sent, it is held, or the result
/// is not known; the message's `state` says which. A problem: it was not sent.
#[derive(Debug)]
pub struct Sent(pub Message);

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        let message = self.0;
        let status = match message.state {
            MessageState::Sent | MessageState::Received => StatusCode::CREATED,
            MessageState::Pending | MessageState::Sending | MessageState::Unknown | MessageState::Held => {
                StatusCode::ACCEPTED
            }
            MessageState::Released | MessageState::Cancelled => StatusCode::OK,
            MessageState::Failed => return failed(&message).into_response(),
        };
        render(status, "application/json", &message)
    }
}

fn failed(message: &Message) -> Problem {
    let Some(failure) = &message.failure else {
        return Problem::internal();
    };
    let mut problem = Problem::unsent(failure);
    if let Some(field) = refused_field(message, problem.code) {
        problem.errors = vec![FieldError::new(field, failure.detail.clone())];
    }
    problem.message_id = Some(message.id.clone());
    problem
}

/// The field of the request that the failure of its message is about.
fn refused_field(message: &Message, code: Code) -> Option<&'static str> {
    let is_given = |field: &str| message.content.get(field).is_some_and(|given| given.as_str() != Some(""));
    match (code, message.kind.as_str()) {
        (Code::WechatTextTooLong, "text") => Some("text.content"),
        (Code::WechatInvalidMedia | Code::WechatInvalidMediaType, "image") => {
            Some(if is_given("url") { "image.url" } else { "image.media_id" })
        }
        (Code::WechatInvalidMedia | Code::WechatInvalidMediaType, "miniprogrampage") => {
            Some(if is_given("thumb_url") { "miniPage.thumbUrl" } else { "miniPage.thumbMediaId" })
        }
        (code, "image") if code.as_str().starts_with("picture.") => Some("image.url"),
        (code, "miniprogrampage") if code.as_str().starts_with("picture.") => Some("miniPage.thumbUrl"),
        _ => None,
    }
}

/// An answer with this value as its body.
pub(crate) fn render(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => with_type(status, content_type, Body::from(body)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be serialised");
            with_type(StatusCode::INTERNAL_SERVER_ERROR, content_type, Body::empty())
        }
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
