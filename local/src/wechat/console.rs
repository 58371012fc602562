//! WeChat's console, and the controls for tests.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

use super::crypto::Key;
use super::document::Format;
use super::faults::Fault;
use super::mini_program::{MiniProgram, Page};
use super::problem::{Problem, parse_json};
use super::push::{self, Config, Mode};
use super::state::{Settings, Shared};
use super::{Callbacks, api_error};

/// The body of `POST /sim/mini-programs`.
#[derive(Deserialize)]
struct Submission {
    app_id: String,
    app_secret: Option<String>,
    original_id: Option<String>,
    name: Option<String>,
    page: Option<Page>,
    callback_url: Option<Url>,
    token: Option<String>,
    encoding_aes_key: Option<String>,
    #[serde(default)]
    format: Format,
    mode: Option<Mode>,
    /// `false` stores the configuration without a check, which WeChat does not allow.
    check: Option<bool>,
}

impl Submission {
    /// The push configuration, if one is submitted. Checks its fields as the console does.
    fn config(&self, callbacks: Callbacks) -> Result<Option<Config>, Problem> {
        let Some(callback_url) = self.callback_url.clone() else { return Ok(None) };
        if !matches!(callback_url.scheme(), "http" | "https") {
            return Err(Problem::invalid("callback_url must begin with http:// or https://"));
        }
        if !callbacks.permit(&callback_url) {
            return Err(Problem::invalid("callback_url must lead to the API of this bundle"));
        }
        let token = self.token.clone().ok_or_else(|| Problem::invalid("token is missing"))?;
        if !(3..=32).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Problem::invalid("token must be 3 to 32 letters and digits"));
        }
        let mode = self.mode.unwrap_or(Mode::Safe);
        let valid_key = self.encoding_aes_key.as_deref().map(|key| Key::from_text(key).is_some());
        if valid_key == Some(false) || (valid_key.is_none() && mode != Mode::Plain) {
            return Err(Problem::invalid("encoding_aes_key must be 43 letters and digits"));
        }
        let encoding_aes_key = self.encoding_aes_key.clone();
        Ok(Some(Config { callback_url, token, encoding_aes_key, mode, format: self.format }))
    }
}

/// `POST /sim/mini-programs`: creates or changes the mini program, then submits its push configuration (提交).
pub(super) async fn submit(State(sim): State<Shared>, body: Bytes) -> Result<Json<Value>, Problem> {
    let submission: Submission = parse_json(&body)?;
    let app_id = submission.app_id.clone();
    if !MiniProgram::is_app_id(&app_id) {
        return Err(Problem::invalid("app_id must be wx and 16 characters of 0-9 a-f"));
    }
    let config = submission.config(sim.callbacks)?;
    sim.update(|state, _| {
        let secret = submission.app_secret.as_deref();
        if !state.mini_programs.contains_key(&app_id) {
            let secret = secret.ok_or_else(|| Problem::invalid("app_secret is missing"))?;
            state.mini_programs.insert(app_id.clone(), MiniProgram::new(&app_id, secret));
        }
        let app = state.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        if let Some(secret) = secret {
            app.reset_secret(secret);
        }
        if let Some(id) = submission.original_id {
            app.original_id = id;
        }
        if let Some(name) = submission.name {
            app.name = name;
        }
        if let Some(page) = submission.page {
            app.page = page;
        }
        Ok(())
    })?;
    let (verified, stored, detail) = match config {
        None => (false, None, "registered without 消息推送配置".to_owned()),
        Some(config) if submission.check == Some(false) => (false, Some(config), "stored without a check".to_owned()),
        Some(config) => match push::check(&sim, &config).await {
            Ok(detail) => (true, Some(config), detail),
            Err(detail) => (false, None, detail),
        },
    };
    sim.update(|state, now| {
        let app = state.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        // WeChat keeps the previous configuration if the new one fails its check.
        if stored.is_some() {
            app.push = stored;
            app.verified = verified;
        }
        let mut answer = to_json(app, now);
        answer["verified"] = json!(verified);
        answer["detail"] = json!(detail);
        Ok(Json(answer))
    })
}

/// `GET /sim/mini-programs`.
pub(super) async fn list(State(sim): State<Shared>) -> Json<Value> {
    let now = sim.now();
    let items: Vec<Value> = sim.read(|state| state.mini_programs.values().map(|app| to_json(app, now)).collect());
    Json(json!({ "items": items }))
}

/// `GET /sim/mini-programs/{app_id}`.
pub(super) async fn show(State(sim): State<Shared>, Path(app_id): Path<String>) -> Result<Json<Value>, Problem> {
    let now = sim.now();
    let found = sim.read(|state| state.mini_programs.get(&app_id).map(|app| to_json(app, now)));
    found.map(Json).ok_or_else(|| Problem::unknown(&app_id))
}

/// A mini program without its secrets.
fn to_json(app: &MiniProgram, now: Timestamp) -> Value {
    json!({
        "app_id": app.app_id,
        "name": app.name,
        "original_id": app.original_id,
        "verified": app.verified,
        "callback_url": app.push.as_ref().map(|push| &push.callback_url),
        "format": app.push.as_ref().map(|push| push.format),
        "mode": app.push.as_ref().map(|push| push.mode),
        "frozen": app.frozen,
        "whitelist": app.whitelist,
        "valid_tokens": app.tokens.valid(now),
        "visitors": app.visitors.keys().collect::<Vec<_>>(),
        "page": app.page,
    })
}

/// The body of `PATCH /sim/mini-programs/{app_id}`. Missing fields stay unchanged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    page: Option<Page>,
    app_secret: Option<String>,
    frozen: Option<bool>,
    /// The IP whitelist of the `AppSecret` interfaces; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    whitelist: Option<Whitelist>,
}

struct Whitelist(Option<Vec<String>>);

/// A field that is present, possibly `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Whitelist>, D::Error> {
    Option::deserialize(from).map(|list| Some(Whitelist(list)))
}

/// `PATCH /sim/mini-programs/{app_id}`.
pub(super) async fn change(
    State(sim): State<Shared>,
    Path(app_id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let change: Change = parse_json(&body)?;
    sim.update(|state, now| {
        let app = state.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        if let Some(secret) = change.app_secret {
            app.reset_secret(&secret);
        }
        app.name = change.name.unwrap_or_else(|| app.name.clone());
        app.page = change.page.unwrap_or_else(|| app.page.clone());
        app.frozen = change.frozen.unwrap_or(app.frozen);
        if let Some(Whitelist(whitelist)) = change.whitelist {
            app.whitelist = whitelist;
        }
        Ok(Json(to_json(app, now)))
    })
}

/// The body of `POST /sim/mini-programs/{app_id}/expire-tokens`.
#[derive(Deserialize)]
struct Expiry {
    /// The errcode of calls with the expired tokens; 42001 if missing.
    errcode: Option<i64>,
}

/// `POST /sim/mini-programs/{app_id}/expire-tokens`.
pub(super) async fn expire_tokens(
    State(sim): State<Shared>,
    Path(app_id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let expiry: Expiry = parse_json(&body)?;
    sim.update(|state, now| {
        let app = state.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        app.tokens.revoke_all(expiry.errcode.unwrap_or(api_error::TOKEN_EXPIRED));
        Ok(Json(to_json(app, now)))
    })
}

/// `POST /sim/faults`.
pub(super) async fn add_fault(State(sim): State<Shared>, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let fault: Fault = parse_json(&body)?;
    let faults = sim.update(|state, _| {
        state.faults.push(fault);
        json!({ "items": state.faults })
    });
    Ok((StatusCode::CREATED, Json(faults)))
}

/// `GET /sim/faults`: the remaining faults.
pub(super) async fn faults(State(sim): State<Shared>) -> Json<Value> {
    Json(sim.read(|state| json!({ "items": state.faults })))
}

/// `DELETE /sim/faults`.
pub(super) async fn clear_faults(State(sim): State<Shared>) -> StatusCode {
    sim.update(|state, _| state.faults.clear());
    StatusCode::NO_CONTENT
}

/// `GET /sim/calls?path=…&app_id=…`: the number of calls of each path of the API, including those with a fault.
pub(super) async fn calls(State(sim): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let matches = |name: &str, value: &str| query.get(name).is_none_or(|expected| expected == value);
    Json(sim.read(|state| {
        let counted = state.calls.iter().filter(|((path, app), _)| matches("path", path) && matches("app_id", app));
        let items: Vec<Value> = counted
            .clone()
            .map(|((path, app_id), count)| json!({ "path": path, "app_id": app_id, "count": count }))
            .collect();
        json!({ "total": counted.map(|(_, count)| count).sum::<u64>(), "items": items })
    }))
}

/// `DELETE /sim/calls`.
pub(super) async fn clear_calls(State(sim): State<Shared>) -> StatusCode {
    sim.update(|state, _| state.calls.clear());
    StatusCode::NO_CONTENT
}

/// `GET /sim/settings`.
pub(super) async fn settings(State(sim): State<Shared>) -> Json<Settings> {
    Json(sim.read(|state| state.settings.clone()))
}

/// `PUT /sim/settings`. Missing fields get WeChat's value.
pub(super) async fn set_settings(State(sim): State<Shared>, body: Bytes) -> Result<Json<Settings>, Problem> {
    let settings: Settings = parse_json(&body)?;
    sim.update(|state, _| state.settings = settings.clone());
    Ok(Json(settings))
}
