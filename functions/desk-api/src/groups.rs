//! Groups: create, list, get, change, delete.

use api::{
    Caller, Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation, require,
};
use desk::policy::{Action, GroupChange, Subject};
use desk::staff::Group;
use serde_json::Value;
use store::Kind;

use crate::{
    lookup,
    parameters::IdPath,
    records::{self, RecordView},
    schema,
    services::{Acting, Services},
    settings::Settings,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadStaff).route(operation!(list)).route(operation!(read));
    let _ = routes
        .allow(Action::ChangeGroup)
        .route_refusing(operation!(change), &[(409, Code::AliasTaken)])
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::AliasTaken)])
        .route_refusing(operation!(delete), &[(409, Code::GroupInUse), (409, Code::GroupHasWaiting)]);
}

/// List all groups
///
/// In the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/groups",
    operation_id = "listGroups",
    tag = "groups",
    params(PageRequest),
    responses((status = 200, description = "A page of groups.", body = schema::GroupPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<RecordView>>, Problem> {
    records::list(&services, Kind::Group, &page).await.map(Json)
}

/// Create a group
#[utoipa::path(
    post,
    path = "/api/groups",
    operation_id = "createGroup",
    tag = "groups",
    request_body = Group,
    responses((status = 201, description = "The new group.", body = schema::Group)),
)]
async fn create(Acting(services): Acting, Json(new): Json<Group>) -> Result<Created<RecordView>, Problem> {
    records::create(&services, Settings::Group(new)).await.map(Created)
}

/// Get a group
#[utoipa::path(
    get,
    path = "/api/groups/{id}",
    operation_id = "getGroup",
    tag = "groups",
    params(IdPath),
    responses((status = 200, description = "The group.", body = schema::Group)),
)]
async fn read(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<RecordView>, Problem> {
    records::read(&services, Kind::Group, &id).await.map(Json)
}

/// Change a group
///
/// A JSON merge patch (RFC 7396): `null` sets a field back to its default. Waiting conversations are
/// assigned anew. Supervisors change `members` and `calendar_id` of their groups. For new messages the change takes effect
/// within 10 seconds.
#[utoipa::path(
    patch,
    path = "/api/groups/{id}",
    operation_id = "changeGroup",
    tag = "groups",
    params(IdPath),
    request_body = schema::GroupChange,
    responses((status = 200, description = "The group as it is now.", body = schema::Group)),
)]
async fn change(
    Acting(services): Acting,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
    Json(patch): Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    lookup::find(&services, Kind::Group, &id).await?;
    let of_supervisor = |field: &String| matches!(field.as_str(), "members" | "calendar_id");
    let only_members_and_hours = patch.as_object().is_some_and(|patch| patch.keys().all(of_supervisor));
    let subject = Subject::Group(GroupChange { id: &id, only_members_and_hours });
    require(&services.conversations, &caller, Action::ChangeGroup, &subject, "group").await?;
    records::change(&services, Kind::Group, &id, patch).await.map(Json)
}

/// Delete a group
///
/// Refused while a binding's `reception` or a merchant names the group (`group.in_use`), and while conversations wait for
/// it (`group.has_waiting`).
#[utoipa::path(
    delete,
    path = "/api/groups/{id}",
    operation_id = "deleteGroup",
    tag = "groups",
    params(IdPath),
    responses((status = 204, description = "The group is deleted.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    records::delete(&services, Kind::Group, &id).await?;
    Ok(NoContent)
}
