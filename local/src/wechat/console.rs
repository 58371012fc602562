//! What a person does in WeChat's console, and the levers that tests pull.

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
use super::problem::{Problem, read};
use super::push::{self, Config, Mode};
use super::refusal;
use super::state::{Settings, Shared};

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
    /// `false` keeps the configuration unchecked, which WeChat never does.
    check: Option<bool>,
}

impl Submission {
    /// The push configuration, if one is submitted, with the console's own checks of its fields.
    fn config(&self) -> Result<Option<Config>, Problem> {
        let Some(callback_url) = self.callback_url.clone() else { return Ok(None) };
        if !matches!(callback_url.scheme(), "http" | "https") {
            return Err(Problem::invalid("callback_url must begin with http:// or https://"));
        }
        let token = self.token.clone().ok_or_else(|| Problem::invalid("token is missing"))?;
        if !(3..=32).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Problem::invalid("token must be 3 to 32 letters and digits"));
        }
        let mode = self.mode.unwrap_or(Mode::Safe);
        let readable = self.encoding_aes_key.as_deref().map(|key| Key::from_text(key).is_some());
        if readable == Some(false) || (readable.is_none() && mode != Mode::Plain) {
            return Err(Problem::invalid("encoding_aes_key must be 43 letters and digits"));
        }
        let encoding_aes_key = self.encoding_aes_key.clone();
        Ok(Some(Config { callback_url, token, encoding_aes_key, mode, format: self.format }))
    }
}

/// `POST /sim/mini-programs`: creates the mini program or changes it, then does what 提交 does.
pub(super) async fn submit(State(sim): State<Shared>, body: Bytes) -> Result<Json<Value>, Problem> {
    let submission: Submission = read(&body)?;
    let app_id = submission.app_id.clone();
    if !MiniProgram::is_app_id(&app_id) {
        return Err(Problem::invalid("app_id must be wx and 16 characters of 0-9 a-f"));
    }
    let config = submission.config()?;
    sim.change(|world, _| {
        let secret = submission.app_secret.as_deref();
        if !world.mini_programs.contains_key(&app_id) {
            let secret = secret.ok_or_else(|| Problem::invalid("app_secret is missing"))?;
            world.mini_programs.insert(app_id.clone(), MiniProgram::new(&app_id, secret));
        }
        let app = world.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
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
    let (verified, kept, detail) = match config {
        None => (false, None, "registered; nothing was submitted as 消息推送配置".to_owned()),
        Some(config) if submission.check == Some(false) => (false, Some(config), "kept without a check".to_owned()),
        Some(config) => match push::check(&sim, &config).await {
            Ok(detail) => (true, Some(config), detail),
            Err(detail) => (false, None, detail),
        },
    };
    sim.change(|world, now| {
        let app = world.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        // WeChat keeps the configuration before when the new one fails its check.
        if kept.is_some() {
            app.push = kept;
            app.verified = verified;
        }
        let mut answer = state(app, now);
        answer["verified"] = json!(verified);
        answer["detail"] = json!(detail);
        Ok(Json(answer))
    })
}

/// `GET /sim/mini-programs`.
pub(super) async fn list(State(sim): State<Shared>) -> Json<Value> {
    let now = sim.now();
    let items: Vec<Value> = sim.look(|world| world.mini_programs.values().map(|app| state(app, now)).collect());
    Json(json!({ "items": items }))
}

/// `GET /sim/mini-programs/{app_id}`.
pub(super) async fn show(State(sim): State<Shared>, Path(app_id): Path<String>) -> Result<Json<Value>, Problem> {
    let now = sim.now();
    let found = sim.look(|world| world.mini_programs.get(&app_id).map(|app| state(app, now)));
    found.map(Json).ok_or_else(|| Problem::unknown(&app_id))
}

/// What can be seen of a mini program: everything but its secrets.
fn state(app: &MiniProgram, now: Timestamp) -> Value {
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

/// The body of `PATCH /sim/mini-programs/{app_id}`: what is missing stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    page: Option<Page>,
    app_secret: Option<String>,
    frozen: Option<bool>,
    /// The IP whitelist of the `AppSecret` interfaces; `null` switches it off.
    #[serde(default, deserialize_with = "given")]
    whitelist: Option<Whitelist>,
}

struct Whitelist(Option<Vec<String>>);

/// A field that is there, `null` included.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Whitelist>, D::Error> {
    Option::deserialize(from).map(|list| Some(Whitelist(list)))
}

/// `PATCH /sim/mini-programs/{app_id}`.
pub(super) async fn change(
    State(sim): State<Shared>,
    Path(app_id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let change: Change = read(&body)?;
    sim.change(|world, now| {
        let app = world.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        if let Some(secret) = change.app_secret {
            app.reset_secret(&secret);
        }
        app.name = change.name.unwrap_or_else(|| app.name.clone());
        app.page = change.page.unwrap_or_else(|| app.page.clone());
        app.frozen = change.frozen.unwrap_or(app.frozen);
        if let Some(Whitelist(whitelist)) = change.whitelist {
            app.whitelist = whitelist;
        }
        Ok(Json(state(app, now)))
    })
}

/// The body of `POST /sim/mini-programs/{app_id}/expire-tokens`.
#[derive(Deserialize)]
struct Expiry {
    /// What calls with the old tokens answer (42001 where nothing is said).
    errcode: Option<i64>,
}

/// `POST /sim/mini-programs/{app_id}/expire-tokens`.
pub(super) async fn expire_tokens(
    State(sim): State<Shared>,
    Path(app_id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let expiry: Expiry = read(&body)?;
    sim.change(|world, now| {
        let app = world.mini_programs.get_mut(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        app.tokens.void(expiry.errcode.unwrap_or(refusal::TOKEN_EXPIRED));
        Ok(Json(state(app, now)))
    })
}

/// `POST /sim/faults`.
pub(super) async fn add_fault(State(sim): State<Shared>, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let fault: Fault = read(&body)?;
    let left = sim.change(|world, _| {
        world.faults.push(fault);
        json!({ "items": world.faults })
    });
    Ok((StatusCode::CREATED, Json(left)))
}

/// `GET /sim/faults`: what is left.
pub(super) async fn faults(State(sim): State<Shared>) -> Json<Value> {
    Json(sim.look(|world| json!({ "items": world.faults })))
}

/// `DELETE /sim/faults`.
pub(super) async fn clear_faults(State(sim): State<Shared>) -> StatusCode {
    sim.change(|world, _| world.faults.clear());
    StatusCode::NO_CONTENT
}

/// `GET /sim/calls?path=…&app_id=…`: how often each path of the API was called, faults included.
pub(super) async fn calls(State(sim): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let wanted = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    Json(sim.look(|world| {
        let counted = world.calls.iter().filter(|((path, app), _)| wanted("path", path) && wanted("app_id", app));
        let items: Vec<Value> = counted
            .clone()
            .map(|((path, app_id), count)| json!({ "path": path, "app_id": app_id, "count": count }))
            .collect();
        json!({ "total": counted.map(|(_, count)| count).sum::<u64>(), "items": items })
    }))
}

/// `DELETE /sim/calls`.
pub(super) async fn clear_calls(State(sim): State<Shared>) -> StatusCode {
    sim.change(|world, _| world.calls.clear());
    StatusCode::NO_CONTENT
}

/// `GET /sim/settings`.
pub(super) async fn settings(State(sim): State<Shared>) -> Json<Settings> {
    Json(sim.look(|world| world.settings.clone()))
}

/// `PUT /sim/settings`: what is missing goes back to WeChat's own figure.
pub(super) async fn set_settings(State(sim): State<Shared>, body: Bytes) -> Result<Json<Settings>, Problem> {
    let settings: Settings = read(&body)?;
    sim.change(|world, _| world.settings = settings.clone());
    Ok(Json(settings))
}
