//! Faults that tests and the phone's page set: the next calls to a path answer an errcode, wait, or reset the connection. With the path
//! [`PUSH`] the next pushes do not reach the callback, and seem to be answered with `status`.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::api_error::{self, ApiError};
use super::connection::Connection;
use super::state::WeChatState;

/// The path of faults of pushes.
pub(super) const PUSH: &str = "push";

/// Before or after the effect of the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    /// The call has had no effect yet. It has none at all if the client closes the connection during the wait.
    #[default]
    Before,
    /// The call has had its effect (the message is on the phone); its answer is late or lost.
    After,
}

/// A fault of the next `times` calls of `path`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) path: String,
    /// Only calls of this mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    #[serde(default = "once")]
    times: u32,
    /// Answer this errcode; the call has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errmsg: Option<String>,
    /// Wait for this time, in milliseconds of real time.
    #[serde(default)]
    wait_ms: u64,
    #[serde(default)]
    wait: Moment,
    /// Reset the connection instead of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_off: Option<Moment>,
    /// Answer, and reset the connection at its next request, as if it had ended while the client was frozen.
    #[serde(default)]
    ends_when_idle: bool,
    /// Answer this HTTP status; the call has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Answer this body instead of doing anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Answer the HTML error page of a gateway (status 502 if `status` is missing).
    #[serde(default)]
    html: bool,
}

fn once() -> u32 {
    1
}

impl WeChatState {
    /// Takes the fault for a call of `path`, if there is one.
    pub(super) fn take_fault(&mut self, path: &str, app_id: &str) -> Option<Fault> {
        let applies = |fault: &Fault| fault.path == path && fault.app_id.as_deref().is_none_or(|only| only == app_id);
        let at = self.faults.iter().position(applies)?;
        let fault = self.faults.get_mut(at)?;
        fault.times = fault.times.saturating_sub(1);
        let taken = fault.clone();
        if taken.times == 0 {
            self.faults.remove(at);
        }
        Some(taken)
    }
}

impl Fault {
    /// Runs a call with this fault.
    pub(super) async fn run(self, connection: &Connection, call: impl Future<Output = Response>) -> Response {
        self.pause(Moment::Before).await;
        if self.break_off == Some(Moment::Before) {
            connection.reset();
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let response = match self.replacement() {
            Some(answer) => answer,
            None => call.await,
        };
        self.pause(Moment::After).await;
        if self.ends_when_idle {
            connection.end_when_idle();
        }
        if self.break_off == Some(Moment::After) {
            connection.reset();
        }
        response
    }

    /// The answer that replaces that of the call, if any.
    fn replacement(&self) -> Option<Response> {
        if let Some(errcode) = self.errcode {
            let errmsg = self.errmsg.as_deref().unwrap_or_else(|| api_error::message(errcode));
            return Some(ApiError::new(errcode, errmsg).into_response());
        }
        if self.status.is_none() && self.body.is_none() && !self.html {
            return None;
        }
        let default = if self.html { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default);
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n";
        let (kind, text) = if self.html { ("text/html", page) } else { ("text/plain", "") };
        let text = self.body.clone().unwrap_or_else(|| text.to_owned());
        Some((status, [(CONTENT_TYPE, kind)], Body::from(text)).into_response())
    }

    async fn pause(&self, moment: Moment) {
        if self.wait == moment && self.wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.wait_ms)).await;
        }
    }
}
