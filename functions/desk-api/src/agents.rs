//! Agents: create, list, get, change, delete.

use api::{Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation};
use desk::policy::Action;
use desk::staff::Agent;
use serde_json::Value;
use store::Kind;

use crate::{
    parameters::IdPath,
    records::{self, RecordView},
    schema,
    services::{Acting, Services},
    settings::Settings,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadStaff).route(operation!(list)).route(operation!(read));
    let _ = routes
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::AliasTaken)])
        .route_refusing(
            operation!(change),
            &[
                (409, Code::AliasTaken),
                (409, Code::AgentHasConversations),
                (409, Code::AgentHasWaiting),
                (409, Code::AccessTokenLastAdmin),
            ],
        )
        .route_refusing(
            operation!(delete),
            &[
                (409, Code::AgentHasConversations),
                (409, Code::AgentHasWaiting),
                (409, Code::AgentInGroups),
                (409, Code::AccessTokenLastAdmin),
            ],
        );
}

/// List all agents
///
/// In the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/agents",
    operation_id = "listAgents",
    tag = "agents",
    params(PageRequest),
    responses((status = 200, description = "A page of agents.", body = schema::AgentPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<RecordView>>, Problem> {
    records::list(&services, Kind::Agent, &page).await.map(Json)
}

/// Create an agent
#[utoipa::path(
    post,
    path = "/api/agents",
    operation_id = "createAgent",
    tag = "agents",
    request_body = Agent,
    responses((status = 201, description = "The new agent.", body = schema::Agent)),
)]
async fn create(Acting(services): Acting, Json(new): Json<Agent>) -> Result<Created<RecordView>, Problem> {
    records::create(&services, Settings::Agent(new)).await.map(Created)
}

/// Get an agent
#[utoipa::path(
    get,
    path = "/api/agents/{id}",
    operation_id = "getAgent",
    tag = "agents",
    params(IdPath),
    responses((status = 200, description = "The agent.", body = schema::Agent)),
)]
async fn read(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<RecordView>, Problem> {
    records::read(&services, Kind::Agent, &id).await.map(Json)
}

/// Change an agent
///
/// A JSON merge patch (RFC 7396): `null` sets a field back to its default. An agent whose
/// capacity grows gets waiting conversations.
#[utoipa::path(
    patch,
    path = "/api/agents/{id}",
    operation_id = "changeAgent",
    tag = "agents",
    params(IdPath),
    request_body = schema::AgentChange,
    responses((status = 200, description = "The agent as it is now.", body = schema::Agent)),
)]
async fn change(
    Acting(services): Acting,
    Path(IdPath { id }): Path<IdPath>,
    Json(patch): Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    records::change(&services, Kind::Agent, &id, patch).await.map(Json)
}

/// Delete an agent
///
/// Refused while the agent has conversations (`agent.has_conversations`), while conversations wait for them
/// (`agent.has_waiting`), and while they are a member of a group (`agent.in_groups`).
#[utoipa::path(
    delete,
    path = "/api/agents/{id}",
    operation_id = "deleteAgent",
    tag = "agents",
    params(IdPath),
    responses((status = 204, description = "The agent is deleted.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    records::delete(&services, Kind::Agent, &id).await?;
    Ok(NoContent)
}
