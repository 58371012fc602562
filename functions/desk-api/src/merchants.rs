//! Merchants: create, list, get, change, delete.

use api::{Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation};
use desk::merchant::Merchant;
use desk::policy::Action;
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
    let _ = routes
        .allow(Action::ReadSettings)
        .route(operation!(list))
        .route(operation!(read))
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::AliasTaken)])
        .route_refusing(operation!(change), &[(409, Code::AliasTaken)])
        .route(operation!(delete));
}

/// List all merchants
///
/// In the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/merchants",
    operation_id = "listMerchants",
    tag = "merchants",
    params(PageRequest),
    responses((status = 200, description = "A page of merchants.", body = schema::MerchantPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<RecordView>>, Problem> {
    records::list(&services, Kind::Merchant, &page).await.map(Json)
}

/// Create a merchant
#[utoipa::path(
    post,
    path = "/api/merchants",
    operation_id = "createMerchant",
    tag = "merchants",
    request_body = Merchant,
    responses((status = 201, description = "The new merchant.", body = schema::Merchant)),
)]
async fn create(Acting(services): Acting, Json(new): Json<Merchant>) -> Result<Created<RecordView>, Problem> {
    records::create(&services, Settings::Merchant(new)).await.map(Created)
}

/// Get a merchant
#[utoipa::path(
    get,
    path = "/api/merchants/{id}",
    operation_id = "getMerchant",
    tag = "merchants",
    params(IdPath),
    responses((status = 200, description = "The merchant.", body = schema::Merchant)),
)]
async fn read(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<RecordView>, Problem> {
    records::read(&services, Kind::Merchant, &id).await.map(Json)
}

/// Change a merchant
///
/// A JSON merge patch (RFC 7396): `null` sets a field back to its default.
#[utoipa::path(
    patch,
    path = "/api/merchants/{id}",
    operation_id = "changeMerchant",
    tag = "merchants",
    params(IdPath),
    request_body = schema::MerchantChange,
    responses((status = 200, description = "The merchant as it is now.", body = schema::Merchant)),
)]
async fn change(
    Acting(services): Acting,
    Path(IdPath { id }): Path<IdPath>,
    Json(patch): Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    records::change(&services, Kind::Merchant, &id, patch).await.map(Json)
}

/// Delete a merchant
#[utoipa::path(
    delete,
    path = "/api/merchants/{id}",
    operation_id = "deleteMerchant",
    tag = "merchants",
    params(IdPath),
    responses((status = 204, description = "The merchant is deleted.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    records::delete(&services, Kind::Merchant, &id).await?;
    Ok(NoContent)
}
