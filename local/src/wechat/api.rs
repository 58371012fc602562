//! WeChat's API on the paths of `api.weixin.qq.com`: authentication, call counts, faults, dispatch.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::api_error::{self, ApiError};
use super::connection::Connection;
use super::mini_program::MiniProgram;
use super::state::{Shared, Sim, WeChatState};
use super::{media, send};

/// The largest body, in bytes. Larger than the largest image, so that a larger one gets WeChat's error.
pub(super) const BODY_LIMIT: usize = 12 * 1024 * 1024;

/// One call.
pub(super) struct Call {
    method: Method,
    path: String,
    query: HashMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    caller: IpAddr,
}

impl Call {
    /// A query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The JSON object in the body.
    pub(super) fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Err(44002.into());
        }
        serde_json::from_slice::<Value>(&self.body).ok().filter(Value::is_object).ok_or_else(|| 47001.into())
    }

    /// A string member of the body, or empty.
    fn member(&self, name: &str) -> String {
        let body = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The app ID of the mini program that the call is for; empty if unknown.
    fn app_id(&self, sim: &Sim) -> String {
        match self.path.as_str() {
            "/cgi-bin/stable_token" => self.member("appid"),
            "/cgi-bin/token" => self.query("appid").unwrap_or_default().to_owned(),
            _ => sim.read(|state| {
                let token = self.query("access_token").unwrap_or_default();
                let owner = state.mini_programs.values().find(|app| app.tokens.check(token, sim.now()).is_some());
                owner.map(|app| app.app_id.clone()).unwrap_or_default()
            }),
        }
    }
}

/// Answers a call to `/cgi-bin/…`.
pub(super) async fn call(
    State(sim): State<Shared>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    if connection.was_closed_while_idle() {
        connection.reset();
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers: parts.headers,
        body,
        caller: connection.peer.ip(),
    };
    let app_id = call.app_id(&sim);
    let fault = sim.update(|state, _| {
        *state.calls.entry((call.path.clone(), app_id.clone())).or_default() += 1;
        state.take_fault(&call.path, &app_id)
    });
    let answered = async { answer(&sim, &call).await.unwrap_or_else(IntoResponse::into_response) };
    match fault {
        Some(fault) => fault.run(&connection, answered).await,
        None => answered.await,
    }
}

async fn answer(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    let (method, wrong_method) = match call.path.as_str() {
        "/cgi-bin/token" | "/cgi-bin/media/get" => (Method::GET, 43001),
        _ => (Method::POST, 43002),
    };
    if call.method != method {
        return Err(wrong_method.into());
    }
    match call.path.as_str() {
        "/cgi-bin/stable_token" => stable_token(sim, call),
        "/cgi-bin/token" => token(sim, call),
        "/cgi-bin/message/custom/send" => send::send(sim, call),
        "/cgi-bin/message/custom/typing" => send::typing(sim, call),
        // The paths for sub-merchants.
        "/cgi-bin/message/custom/business/send" | "/cgi-bin/message/custom/business/typing" => Err(40101.into()),
        "/cgi-bin/media/upload" => media::upload(sim, call).await,
        "/cgi-bin/media/get" => media::get(sim, call),
        _ => Err(40066.into()),
    }
}

fn stable_token(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let force = body.get("force_refresh").and_then(Value::as_bool).unwrap_or(false);
    let grant = sim.update(|state, now| {
        let app = state.check_secret(text("grant_type"), text("appid"), text("secret"), call.caller)?;
        app.tokens.stable(now, force).map_err(ApiError::from)
    })?;
    Ok(Json(json!({ "access_token": grant.access_token, "expires_in": grant.expires_in })).into_response())
}

fn token(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    let text = |name: &str| call.query(name).unwrap_or_default();
    let grant = sim.update(|state, now| {
        let app = state.check_secret(text("grant_type"), text("appid"), text("secret"), call.caller)?;
        Ok::<_, ApiError>(app.tokens.plain(now))
    })?;
    Ok(Json(json!({ "access_token": grant.access_token, "expires_in": grant.expires_in })).into_response())
}

impl WeChatState {
    /// The mini program that an app ID and secret belong to.
    ///
    /// Registers an unknown app ID with the given secret, unless `strict` is set, so that a new binding needs no preparation in
    /// the simulator. Refuses every secret that starts with `wrong`, so that a test can provoke the error.
    fn check_secret(
        &mut self,
        grant: &str,
        app_id: &str,
        secret: &str,
        caller: IpAddr,
    ) -> Result<&mut MiniProgram, ApiError> {
        if grant != "client_credential" {
            return Err(40002.into());
        }
        if app_id.is_empty() {
            return Err(41002.into());
        }
        if secret.is_empty() {
            return Err(41004.into());
        }
        let known = self.mini_programs.contains_key(app_id);
        if !known && (self.settings.strict || !MiniProgram::is_app_id(app_id)) {
            return Err(api_error::INVALID_APP_ID.into());
        }
        if secret.starts_with("wrong") {
            return Err(40125.into());
        }
        let app = self.mini_programs.entry(app_id.to_owned()).or_insert_with(|| MiniProgram::new(app_id, secret));
        if app.app_secret != secret {
            return Err(40125.into());
        }
        if app.frozen {
            return Err(40243.into());
        }
        if app.whitelist.as_ref().is_some_and(|list| !list.contains(&caller.to_string())) {
            return Err(ApiError::new(40164, format!("invalid ip {caller} ipv6 ::ffff:{caller}, not in whitelist")));
        }
        Ok(app)
    }
}
