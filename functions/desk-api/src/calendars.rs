//! Calendars: create, list, get, change, delete.

use api::{
    Caller, Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation, require,
};
use desk::calendar::Calendar;
use desk::policy::{Action, Subject};
use serde_json::Value;
use store::Kind;

use crate::{
    lookup,
    parameters::IdPath,
    records::{self, RecordView},
    schema,
    services::{Acting, Services},
    settings::Settings,
    usage,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadSettings)
        .route(operation!(list))
        .route(operation!(read))
        .allow(Action::ChangeCalendar)
        .route_refusing(operation!(change), &[(409, Code::AliasTaken)])
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::AliasTaken)])
        .route_refusing(operation!(delete), &[(409, Code::CalendarInUse)]);
}

/// List all calendars
///
/// In the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/calendars",
    operation_id = "listCalendars",
    tag = "calendars",
    params(PageRequest),
    responses((status = 200, description = "A page of calendars.", body = schema::CalendarPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<RecordView>>, Problem> {
    records::list(&services, Kind::Calendar, &page).await.map(Json)
}

/// Create a calendar
#[utoipa::path(
    post,
    path = "/api/calendars",
    operation_id = "createCalendar",
    tag = "calendars",
    request_body = Calendar,
    responses((status = 201, description = "The new calendar.", body = schema::Calendar)),
)]
async fn create(Acting(services): Acting, Json(new): Json<Calendar>) -> Result<Created<RecordView>, Problem> {
    records::create(&services, Settings::Calendar(new)).await.map(Created)
}

/// Get a calendar
#[utoipa::path(
    get,
    path = "/api/calendars/{id}",
    operation_id = "getCalendar",
    tag = "calendars",
    params(IdPath),
    responses((status = 200, description = "The calendar.", body = schema::Calendar)),
)]
async fn read(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<RecordView>, Problem> {
    records::read(&services, Kind::Calendar, &id).await.map(Json)
}

/// Change a calendar
///
/// A JSON merge patch (RFC 7396): `null` sets a field back to its default. Supervisors change a calendar that is used by
/// their own groups only. The change takes effect within 10 seconds.
#[utoipa::path(
    patch,
    path = "/api/calendars/{id}",
    operation_id = "changeCalendar",
    tag = "calendars",
    params(IdPath),
    request_body = schema::CalendarChange,
    responses((status = 200, description = "The calendar as it is now.", body = schema::Calendar)),
)]
async fn change(
    Acting(services): Acting,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
    Json(patch): Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    lookup::find(&services, Kind::Calendar, &id).await?;
    let used_by = usage::groups_by_calendar(&services, &id).await?;
    let subject = Subject::Calendar { used_by: &used_by };
    require(&services.conversations, &caller, Action::ChangeCalendar, &subject, "calendar").await?;
    records::change(&services, Kind::Calendar, &id, patch).await.map(Json)
}

/// Delete a calendar
///
/// Refused while a group uses the calendar (`calendar.in_use`).
#[utoipa::path(
    delete,
    path = "/api/calendars/{id}",
    operation_id = "deleteCalendar",
    tag = "calendars",
    params(IdPath),
    responses((status = 204, description = "The calendar is deleted.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    records::delete(&services, Kind::Calendar, &id).await?;
    Ok(NoContent)
}
