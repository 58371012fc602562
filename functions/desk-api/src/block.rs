//! Blocks a visitor.

use ::conversations::{Actor, NewBlock};
use api::{Caller, Json, Path, Problem, Routes, operation};
use desk::{
    limits::REASON_MAX,
    policy::{Action, Role},
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use store::Thread;
use utoipa::ToSchema;
use wechat::Name;

use crate::{
    handoff::acting_agent,
    parameters::VisitorPath,
    services::{Acting, Services},
    visitors::{self, VisitorView},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::BlockVisitor).route(operation!(change));
}

/// A change of a visitor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VisitorChange, example = json!({ "blocked": { "until": "2026-03-09T00:00:00Z", "reason": "abuse" } }))]
struct Change {
    /// The block; null ends it.
    #[serde(deserialize_with = "required")]
    #[schema(required = true)]
    blocked: Option<Blocked>,
}

/// A block to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBlock)]
struct Blocked {
    /// When it ends by itself, in the future; without a value it does not.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Why, for colleagues: one line of at most 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// A field that must be there, be it null.
fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Block a visitor, or end a block
///
/// What a blocked visitor writes is stored and shown, and nothing follows from it: it is neither routed nor answered, and the
/// visitor is not greeted. A conversation that an agent has stays with the agent; any other open one is closed. A block ends
/// by itself at `until`. It ends with the erasure of the visitor, and with their retention.
///
/// An admin may block every visitor. A supervisor may block the visitors that they may read, and the visitors of mini programs
/// whose group they supervise. An agent may block the visitor of a conversation that they have.
#[utoipa::path(
    patch,
    path = "/api/bindings/{app_id}/visitors/{openid}",
    operation_id = "changeVisitor",
    tag = "visitors",
    params(VisitorPath),
    request_body = Change,
    responses((status = 200, description = "The visitor as they are now.", body = VisitorView)),
)]
async fn change(
    Acting(services): Acting,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
    Json(Change { blocked }): Json<Change>,
) -> Result<Json<VisitorView>, Problem> {
    let thread = Thread::new(&app_id, &openid);
    visitors::permitted(&services, &caller, Action::BlockVisitor, &thread).await?;
    let block = blocked.map(|blocked| validated(&services, blocked)).transpose()?;
    let agent = acting_agent(&services, &caller).await?;
    let by = match agent.as_deref() {
        None => Actor::Admin,
        Some(agent) if caller.role() == Role::Supervisor => Actor::Supervisor(agent),
        Some(agent) => Actor::Agent(agent),
    };
    let changed = Box::pin(services.actions.block(&thread, block.as_ref(), by)).await?;
    let visitor = changed.ok_or_else(|| Problem::not_found("visitor"))?;
    visitors::view(&services, &caller, thread, visitor).await.map(Json)
}

fn validated(services: &Services, blocked: Blocked) -> Result<NewBlock, Problem> {
    let Blocked { until, reason } = blocked;
    if until.is_some_and(|until| until <= services.store.clock.now()) {
        return Err(Problem::invalid_field("blocked.until", "must be in the future"));
    }
    let reason = Name::parse(&reason, REASON_MAX)
        .map_err(|error| Problem::invalid_field("blocked.reason", error.to_string()))?;
    Ok(NewBlock { until, reason: reason.into() })
}
