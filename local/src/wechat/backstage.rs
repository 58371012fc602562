//! What the phone's page controls and sees of the bundle behind the simulator.

use std::sync::{Arc, Weak};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problem::{Problem, parse_json};
use super::state::{Shared, Sim};
use crate::RequestCounts;

/// The most that the clock can be ahead, in seconds: 90 days.
const OFFSET_MAX: i64 = 90 * 24 * 60 * 60;

/// The bundle that a simulator belongs to.
pub(crate) trait Backstage: Send + Sync {
    /// How far the clock is ahead, and what it shows.
    fn now(&self) -> (SignedDuration, Timestamp);
    /// Moves the clock of the whole bundle.
    fn move_clock(&self, offset: SignedDuration) -> BoxFuture<'_, Result<Moved, String>>;
    /// Who would answer a visitor who entered now with this `session-from`; `None` if it is not known.
    fn reception<'a>(&'a self, app_id: &'a str, openid: &'a str, from: &'a str) -> BoxFuture<'a, Option<Reception>>;
    /// The address of a visitor's conversation in the workbench.
    fn conversation<'a>(&'a self, app_id: &'a str, openid: &'a str) -> BoxFuture<'a, Option<String>>;
    /// The number of requests to AWS by function and operation, since the start.
    fn requests(&self) -> RequestCounts;
    /// Sets the agent of the demo online.
    fn begin_demo(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// The clock after it was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// How far it is ahead.
    pub(crate) offset: SignedDuration,
    /// What it shows.
    pub(crate) now: Timestamp,
    /// How often schedules were fired for it.
    pub(crate) fired: usize,
}

/// Who would answer a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reception {
    /// An agent.
    Online,
    /// An agent, after others.
    Busy,
    /// A robot alone.
    Robot,
    /// Neither an agent nor a robot; the visitor can leave a message.
    Offline,
}

fn bundle(sim: &Sim) -> Result<Arc<dyn Backstage>, Problem> {
    sim.backstage.get().and_then(Weak::upgrade).ok_or_else(Problem::no_bundle)
}

/// `GET /sim/clock`: `offset_seconds`, and `now` (RFC 3339).
pub(super) async fn clock(State(sim): State<Shared>) -> Result<Json<Value>, Problem> {
    let (offset, now) = bundle(&sim)?.now();
    Ok(Json(json!({ "offset_seconds": offset.as_secs(), "now": now })))
}

/// The body of `PUT /sim/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    offset_seconds: i64,
}

/// `PUT /sim/clock {offset_seconds}`: moves the clock of the whole bundle to this far ahead of the machine's, 0 to 90 days. Answers
/// when the schedules that became due have been fired; `fired` says how often.
pub(super) async fn set_clock(State(sim): State<Shared>, body: Bytes) -> Result<Json<Value>, Problem> {
    let Offset { offset_seconds } = parse_json(&body)?;
    if !(0..=OFFSET_MAX).contains(&offset_seconds) {
        return Err(Problem::invalid(format!("offset_seconds must be 0 to {OFFSET_MAX}")));
    }
    let moved = bundle(&sim)?.move_clock(SignedDuration::from_secs(offset_seconds)).await.map_err(Problem::failed)?;
    // Windows have ended or opened on every phone.
    sim.update(|_, _| ());
    Ok(Json(json!({ "offset_seconds": moved.offset.as_secs(), "now": moved.now, "fired": moved.fired })))
}

/// The query of `GET /sim/visitors/{openid}/{reception,conversation}`.
#[derive(Deserialize)]
pub(super) struct VisitorQuery {
    app_id: String,
    #[serde(default)]
    session_from: String,
}

/// `GET /sim/visitors/{openid}/reception?app_id=…&session_from=…`: who would answer the visitor; null if it is not known.
pub(super) async fn reception(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(query): Query<VisitorQuery>,
) -> Result<Json<Value>, Problem> {
    let reception = bundle(&sim)?.reception(&query.app_id, &openid, &query.session_from).await;
    Ok(Json(json!({ "reception": reception })))
}

/// `GET /sim/visitors/{openid}/conversation?app_id=…`: the address of the visitor's conversation in the workbench, or null.
pub(super) async fn conversation(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(query): Query<VisitorQuery>,
) -> Result<Json<Value>, Problem> {
    let url = bundle(&sim)?.conversation(&query.app_id, &openid).await;
    Ok(Json(json!({ "url": url })))
}

/// `GET /sim/requests`: the number of requests to AWS since the start, by function and operation, for measurements.
pub(super) async fn requests(State(sim): State<Shared>) -> Result<Json<Value>, Problem> {
    let counts = bundle(&sim)?.requests();
    let item = |((function, operation), count)| json!({ "function": function, "operation": operation, "count": count });
    Ok(Json(json!({ "items": counts.into_iter().map(item).collect::<Vec<_>>() })))
}

/// `POST /sim/demo`: sets the agent of the demo online, for the page that opens signed in as that agent.
pub(super) async fn begin_demo(State(sim): State<Shared>) -> Result<StatusCode, Problem> {
    bundle(&sim)?.begin_demo().await.map_err(Problem::failed)?;
    Ok(StatusCode::NO_CONTENT)
}
