//! Misbehaviour on demand: the next calls to a path answer an errcode, wait, or break off.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::line::Line;
use super::refusal::{self, Refusal};
use super::state::World;

/// When, relative to what the call does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    /// The call has had no effect. A caller that hangs up while it waits has caused none either.
    #[default]
    Before,
    /// The call has had its effect (a message is on the phone), only the answer is late or lost.
    After,
}

/// What happens to the next `times` calls of `path`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) path: String,
    /// Only calls for this mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    #[serde(default = "once")]
    times: u32,
    /// Answer this instead of doing anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errmsg: Option<String>,
    /// Let so many milliseconds of real time pass.
    #[serde(default)]
    wait_ms: u64,
    #[serde(default)]
    wait: Moment,
    /// Reset the connection instead of answering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_off: Option<Moment>,
    /// Answer this HTTP status instead of doing anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Answer this body instead of doing anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Answer a gateway's HTML page (502 unless `status` says otherwise).
    #[serde(default)]
    html: bool,
}

fn once() -> u32 {
    1
}

impl World {
    /// The fault that the next call to `path` meets, used up by one.
    pub(super) fn take_fault(&mut self, path: &str, app_id: &str) -> Option<Fault> {
        let meets = |fault: &Fault| fault.path == path && fault.app_id.as_deref().is_none_or(|only| only == app_id);
        let at = self.faults.iter().position(meets)?;
        let fault = self.faults.get_mut(at)?;
        fault.times = fault.times.saturating_sub(1);
        let met = fault.clone();
        if met.times == 0 {
            self.faults.remove(at);
        }
        Some(met)
    }
}

impl Fault {
    /// Runs a call as this fault has it.
    pub(super) async fn run(self, line: &Line, call: impl Future<Output = Response>) -> Response {
        self.pause(Moment::Before).await;
        if self.break_off == Some(Moment::Before) {
            line.cut();
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let response = match self.instead() {
            Some(answer) => answer,
            None => call.await,
        };
        self.pause(Moment::After).await;
        if self.break_off == Some(Moment::After) {
            line.cut();
        }
        response
    }

    /// The answer given in place of the call's own.
    fn instead(&self) -> Option<Response> {
        if let Some(errcode) = self.errcode {
            let words = self.errmsg.as_deref().unwrap_or_else(|| refusal::words(errcode));
            return Some(Refusal::new(errcode, words).into_response());
        }
        if self.status.is_none() && self.body.is_none() && !self.html {
            return None;
        }
        let usual = if self.html { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(usual);
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
