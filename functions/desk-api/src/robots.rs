//! Robots: create, list, get, change, delete.

use api::{Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation};
use desk::policy::Action;
use serde_json::Value;
use store::Kind;

use crate::{
    parameters::IdPath,
    records::{self, RecordView},
    schema,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadSettings)
        .route(operation!(list))
        .route(operation!(read))
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::AliasTaken)])
        .route_refusing(operation!(change), &[(409, Code::AliasTaken)])
        .route_refusing(operation!(delete), &[(409, Code::RobotInUse)]);
}

/// List all robots
///
/// In the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/robots",
    operation_id = "listRobots",
    tag = "robots",
    params(PageRequest),
    responses((status = 200, description = "A page of robots.", body = schema::RobotPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<RecordView>>, Problem> {
    records::list(&services, Kind::Robot, &page).await.map(Json)
}

/// Create a robot
///
/// `api_key` and `secret` are kept sealed and no answer has them again. What the robot knows is set under `questions`.
#[utoipa::path(
    post,
    path = "/api/robots",
    operation_id = "createRobot",
    tag = "robots",
    request_body = schema::NewRobot,
    responses((status = 201, description = "The new robot.", body = schema::CreatedRobot)),
)]
async fn create(Acting(services): Acting, Json(new): Json<Value>) -> Result<Created<RecordView>, Problem> {
    records::create_robot(&services, new).await.map(Created)
}

/// Get a robot
#[utoipa::path(
    get,
    path = "/api/robots/{id}",
    operation_id = "getRobot",
    tag = "robots",
    params(IdPath),
    responses((status = 200, description = "The robot.", body = schema::Robot)),
)]
async fn read(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<RecordView>, Problem> {
    records::read(&services, Kind::Robot, &id).await.map(Json)
}

/// Change a robot
///
/// A JSON merge patch (RFC 7396): `null` sets a field back to its default. A change of `kind`
/// gives all that the new kind needs. The change takes effect within 10 seconds.
#[utoipa::path(
    patch,
    path = "/api/robots/{id}",
    operation_id = "changeRobot",
    tag = "robots",
    params(IdPath),
    request_body = schema::RobotChange,
    responses((status = 200, description = "The robot as it is now.", body = schema::CreatedRobot)),
)]
async fn change(
    Acting(services): Acting,
    Path(IdPath { id }): Path<IdPath>,
    Json(patch): Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    records::change(&services, Kind::Robot, &id, patch).await.map(Json)
}

/// Delete a robot
///
/// Its questions are deleted with it. Refused while a binding's `reception` names the robot (`robot.in_use`).
#[utoipa::path(
    delete,
    path = "/api/robots/{id}",
    operation_id = "deleteRobot",
    tag = "robots",
    params(IdPath),
    responses((status = 204, description = "The robot is deleted.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    records::delete(&services, Kind::Robot, &id).await?;
    Ok(NoContent)
}
