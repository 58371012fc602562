//! A conversation changes hands: claim, accept, transfer, close.

use ::conversations::{Actor, HandoffError, TransferTarget};
use function::http::{self, Assignee, Caller, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{Conversation, Kind, Role};

use crate::{Deps, conversations, duty, me};

/// Longest reason of a transfer, in characters.
const REASON_MAX: usize = 200;
/// Longest summary, in bytes of its JSON.
const SUMMARY_MAX: usize = 4096;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    agent_id: Option<String>,
}

/// Takes a conversation that no agent has. An admin may take it for another.
pub(crate) async fn claim(
    deps: &Deps,
    request: &Request,
    caller: &Caller,
    cid: &str,
) -> Result<Response<Body>, Problem> {
    let asked: Claim = http::optional_body(request)?;
    let agent = match asked.agent_id {
        Some(id) if caller.role == Role::Admin => id,
        Some(id) if me::known(deps, caller).await?.as_ref() == Some(&id) => id,
        Some(_) => {
            let detail = "Your token takes conversations for its own agent only.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
        }
        None => {
            // Nobody is made an agent by asking for what is not there.
            conversations::find(deps, cid).await?;
            me::present(deps, caller).await?
        }
    };
    let handed = if Kind::Agent.is_id(&agent) {
        Box::pin(deps.desk.claim(cid, &agent)).await?
    } else {
        Err(HandoffError::NoAgent)
    };
    answer(deps, handed).await
}

/// Takes up a conversation that was assigned to the caller.
pub(crate) async fn accept(deps: &Deps, caller: &Caller, cid: &str) -> Result<Response<Body>, Problem> {
    conversations::find(deps, cid).await?;
    let agent = me::present(deps, caller).await?;
    answer(deps, Box::pin(deps.desk.accept(cid, &agent)).await?).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    agent_id: Option<String>,
    group_id: Option<String>,
    reason: Option<String>,
}

/// Hands a conversation on.
pub(crate) async fn transfer(
    deps: &Deps,
    request: &Request,
    caller: &Caller,
    cid: &str,
) -> Result<Response<Body>, Problem> {
    let asked: Transfer = http::body(request)?;
    let reason = asked.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        return Err(Problem::invalid(vec![FieldError::new("reason", "must have at most 200 characters")]));
    }
    let to = match (asked.agent_id, asked.group_id) {
        (Some(agent), None) if Kind::Agent.is_id(&agent) => TransferTarget::Agent(agent),
        (None, Some(group)) if Kind::Group.is_id(&group) => TransferTarget::Group(group),
        (Some(_), None) => return Err(refused(HandoffError::NoAgent)),
        (None, Some(_)) => return Err(refused(HandoffError::NoGroup)),
        _ => {
            let detail = "must have either an agent_id or a group_id";
            return Err(Problem::invalid(vec![FieldError::new("body", detail)]));
        }
    };
    conversations::find(deps, cid).await?;
    let agent = match caller.role {
        Role::Admin => None,
        Role::Supervisor | Role::Agent | Role::Integrator => Some(me::agent(deps, caller).await?),
    };
    let by = agent.as_deref().map_or(Actor::Admin, Actor::Agent);
    answer(deps, Box::pin(deps.desk.transfer(cid, &to, reason, by)).await?).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    summary: Option<Map<String, Value>>,
}

/// Closes a conversation; one that is closed already is the same answer.
pub(crate) async fn close(
    deps: &Deps,
    request: &Request,
    caller: &Caller,
    cid: &str,
) -> Result<Response<Body>, Problem> {
    let asked: Close = http::optional_body(request)?;
    let summary = asked.summary.map(Value::Object);
    if summary.as_ref().is_some_and(|summary| summary.to_string().len() > SUMMARY_MAX) {
        return Err(Problem::invalid(vec![FieldError::new("summary", "must have at most 4096 bytes")]));
    }
    let own = match caller.role {
        Role::Admin => None,
        // A token that never acted has no agent and no conversation of its own.
        Role::Supervisor | Role::Agent | Role::Integrator => Some(me::known(deps, caller).await?.unwrap_or_default()),
    };
    let by = own.as_deref().map_or(Actor::Admin, Actor::Agent);
    answer(deps, Box::pin(deps.desk.close(cid, by, summary.as_ref())).await?).await
}

async fn answer(deps: &Deps, handed: Result<Conversation, HandoffError>) -> Result<Response<Body>, Problem> {
    match handed {
        Ok(conversation) => conversations::show(deps, &conversation).await,
        Err(failure) => Err(refused(failure)),
    }
}

fn refused(failure: HandoffError) -> Problem {
    let conflict = |code: &str, detail: &str| Problem::new(StatusCode::CONFLICT, code, detail);
    match failure {
        HandoffError::NoConversation => Problem::not_found("conversation"),
        HandoffError::Closed => Problem::conversation_closed(),
        HandoffError::Taken { agent_id, name } => {
            let who = if name.is_empty() { &agent_id } else { &name };
            let mut problem = conflict("conversation.taken", &format!("{who} has this conversation."));
            problem.assignee = Some(Box::new(Assignee { agent_id, name }));
            problem
        }
        HandoffError::NoAgent => Problem::invalid(vec![FieldError::new("agent_id", "must be the id of an agent")]),
        HandoffError::NoGroup => Problem::invalid(vec![FieldError::new("group_id", "must be the id of a group")]),
        HandoffError::AgentOffline => duty::offline(),
        HandoffError::AgentFull => conflict(
            "agent.at_capacity",
            "The agent has as many conversations as they take. Close one, or raise the capacity.",
        ),
        HandoffError::GroupUnavailable(why) => {
            let mut detail = "The group cannot take the conversation; it stays where it is.".to_owned();
            if !why.is_empty() {
                detail = format!("{detail} Why: {why}");
            }
            conflict("group.unavailable", &detail)
        }
        HandoffError::NotYours => {
            conflict("conversation.not_assigned", "The conversation is assigned to nobody. Claim it to take it.")
        }
    }
}
