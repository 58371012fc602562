//! Who would get a conversation, and why.

use ::conversations::Simulation;
use function::http::{self, Problem};
use jiff::Timestamp;
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use wechat::is_app_id;

use crate::Deps;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulate {
    app_id: String,
    #[serde(default)]
    session_from: String,
    #[serde(default)]
    text: String,
    openid: Option<String>,
    at: Option<Timestamp>,
}

/// Who would get a conversation.
pub(crate) async fn simulate(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let asked: Simulate = http::body(request)?;
    let wanted = Simulation {
        app_id: &asked.app_id,
        session_from: &asked.session_from,
        text: &asked.text,
        openid: asked.openid.as_deref().filter(|openid| !openid.is_empty()),
        at: asked.at.unwrap_or_else(|| deps.table().clock().now()),
    };
    let simulated = if is_app_id(wanted.app_id) { deps.desk.simulate(&wanted).await? } else { None };
    let simulated = simulated.ok_or_else(|| Problem::not_found("binding"))?;
    Ok(http::json(StatusCode::OK, &simulated))
}
