//! Changes a visitor: blocks, names, tags and stars them.

use ::conversations::{Actor, NewBlock};
use api::{Caller, Json, Path, Problem, Routes, operation, present};
use desk::{
    limits::REASON_MAX,
    policy::{Action, Role},
};
use jiff::Timestamp;
use serde::Deserialize;
use store::{MarksChange, TAG_MAX, TAGS_MAX, Thread};
use utoipa::ToSchema;
use wechat::Name;

use crate::{
    handoff::acting_agent,
    parameters::VisitorPath,
    services::{Acting, Services},
    visitors::{self, VisitorView},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::NoteVisitor).route(operation!(change));
}

/// A change of a visitor. A field that is missing stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a field that is missing, null, or a value")]
#[schema(as = VisitorChange, example = json!({ "tags": ["VIP"], "starred": true }))]
struct Change {
    /// The name by which agents know the visitor: one line of at most 64 bytes; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    remark_name: Option<Option<String>>,
    /// All tags of the visitor: lines of at most 64 bytes, each once; null removes them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    tags: Option<Option<Vec<String>>>,
    /// Whether the visitor is starred, for all agents; null ends it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    starred: Option<Option<bool>>,
    /// The block; null ends it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Blocked>)]
    blocked: Option<Option<Blocked>>,
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

/// Change a visitor
///
/// `remark_name`, `tags` and `starred` are what agents note about the visitor for each other; the visitor never learns of them.
/// Whoever may read the visitor may change them.
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
    Json(Change { remark_name, tags, starred, blocked }): Json<Change>,
) -> Result<Json<VisitorView>, Problem> {
    let thread = Thread::new(&app_id, &openid);
    let marks = MarksChange {
        remark_name: remark_name.map(|name| name.map(|name| line("remark_name", &name)).transpose()).transpose()?,
        tags: tags.map(|tags| validated_tags(&tags.unwrap_or_default())).transpose()?,
        starred: starred.map(Option::unwrap_or_default),
    };
    let block = blocked.map(|blocked| blocked.map(|blocked| validated(&services, blocked)).transpose()).transpose()?;
    // All is permitted before anything is changed.
    let mut visitor = None;
    if block.is_some() {
        visitor = Some(visitors::permitted(&services, &caller, Action::BlockVisitor, &thread).await?);
    }
    if block.is_none() || !marks.is_empty() {
        visitor = Some(visitors::permitted(&services, &caller, Action::NoteVisitor, &thread).await?);
    }
    if !marks.is_empty() {
        visitor = services.store.visitor_notes.mark(&thread, &marks).await?;
    }
    if let Some(block) = block {
        visitor = set_block(&services, &caller, &thread, block.as_ref()).await?;
    }
    let visitor = visitor.ok_or_else(|| Problem::not_found("visitor"))?;
    visitors::view(&services, &caller, thread, visitor).await.map(Json)
}

async fn set_block(
    services: &Services,
    caller: &Caller,
    thread: &Thread,
    block: Option<&NewBlock>,
) -> Result<Option<store::Visitor>, Problem> {
    let agent = acting_agent(services, caller).await?;
    let by = match agent.as_deref() {
        None => Actor::Admin,
        Some(agent) if caller.role() == Role::Supervisor => Actor::Supervisor(agent),
        Some(agent) => Actor::Agent(agent),
    };
    Ok(Box::pin(services.actions.block(thread, block, by)).await?)
}

fn line(field: &str, text: &str) -> Result<String, Problem> {
    let name = Name::parse(text, TAG_MAX).map_err(|error| Problem::invalid_field(field, error.to_string()))?;
    Ok(name.into())
}

/// The tags in their order, each once.
fn validated_tags(tags: &[String]) -> Result<Vec<String>, Problem> {
    if tags.len() > TAGS_MAX {
        return Err(Problem::invalid_field("tags", format!("must have at most {TAGS_MAX} tags")));
    }
    let mut validated = Vec::with_capacity(tags.len());
    for (place, tag) in tags.iter().enumerate() {
        let tag = line(&format!("tags[{place}]"), tag)?;
        if !validated.contains(&tag) {
            validated.push(tag);
        }
    }
    Ok(validated)
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
