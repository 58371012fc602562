//! The phone of a visitor: enter, send a text, a picture or a card, read.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::chat::Visitor;
use super::media::Media;
use super::problem::{Problem, parse_json};
use super::push::{Attempt, Push};
use super::state::Shared;
use super::visitor_action::{VisitorAction, compose};

/// The longest wait of a long poll.
const MAX_WAIT: Duration = Duration::from_secs(25);

/// `POST /sim/visitors/{openid}/{enter,text,image,card,raw}`.
pub(super) async fn action(
    State(sim): State<Shared>,
    Path((openid, kind)): Path<(String, String)>,
    body: Bytes,
) -> Result<impl IntoResponse, Problem> {
    let action: VisitorAction = parse_json(&body)?;
    let app_id = action.app_id.clone();
    let (message, item, push) = sim.update(|state, now| {
        let message = compose(state, &sim, &action, &openid, &kind, now)?;
        let visitor = state.visitor(&app_id, &openid).ok_or_else(|| Problem::unknown(&app_id))?;
        if message.msgtype != "event" {
            visitor.quota.message(now);
        } else if message.content.get("event").and_then(Value::as_str) == Some("user_enter_tempsession") {
            visitor.quota.enter(now);
        }
        let item = visitor.send(&message.msgtype, message.content.clone(), message.msg_id.as_deref(), now);
        let app = state.mini_programs.get(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        let push = app.push.clone().map(|config| Push {
            app_id: app_id.clone(),
            original_id: app.original_id.clone(),
            openid: openid.clone(),
            document: message.document.clone(),
            config,
        });
        Ok((message, item, push))
    })?;
    let mut answer = json!({ "msg_id": message.msg_id, "create_time": message.create_time });
    if push.is_none() {
        answer["detail"] = json!("this mini program has no 消息推送配置");
    }
    // A separate task, so that the push continues when the client closes the connection.
    let delivery = tokio::spawn(deliver(sim, openid, push, item, action.deliveries));
    if action.wait == Some(false) {
        answer["delivered"] = Value::Null;
        answer["attempts"] = json!([]);
        return Ok((StatusCode::ACCEPTED, Json(answer)));
    }
    let (delivered, attempts) = delivery.await.unwrap_or_default();
    answer["delivered"] = json!(delivered);
    answer["attempts"] = json!(attempts);
    Ok((StatusCode::OK, Json(answer)))
}

/// Delivers a push, with retries, or `deliveries` times at once, and sets its result on the phone.
async fn deliver(
    sim: Shared,
    openid: String,
    push: Option<Push>,
    item: u64,
    deliveries: Option<usize>,
) -> (bool, Vec<Attempt>) {
    let Some(push) = push else { return (false, Vec::new()) };
    let attempts = match deliveries {
        None => push.deliver(&sim).await,
        Some(times) => {
            let settings = sim.read(|state| state.settings.clone());
            join_all((0..times).map(|_| push.attempt(&sim, &settings))).await
        }
    };
    let delivered = match deliveries {
        None => attempts.last().is_some_and(Attempt::accepted),
        Some(_) => attempts.iter().all(Attempt::accepted),
    };
    sim.update(|state, now| {
        if let Some(visitor) = state.visitor(&push.app_id, &openid) {
            visitor.set_delivered(item, delivered, attempts.clone(), now);
        }
    });
    (delivered, attempts)
}

/// The query of `GET /sim/visitors/{openid}/messages`.
#[derive(Deserialize)]
pub(super) struct MessagesQuery {
    app_id: String,
    /// Include the messages of the visitor and the notices of WeChat.
    #[serde(default)]
    all: bool,
    /// Wait until the chat has another revision than this one.
    after: Option<u64>,
    /// The longest wait, in milliseconds; at most 25000.
    wait_ms: Option<u64>,
}

/// `GET /sim/visitors/{openid}/messages?app_id=…`: the messages on the phone, oldest first.
pub(super) async fn messages(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Value>, Problem> {
    let wait = Duration::from_millis(query.wait_ms.unwrap_or(0)).min(MAX_WAIT);
    let deadline = Instant::now() + wait;
    let mut changes = sim.changes();
    // Typing and windows end with time, without a change of the state.
    let mut seen = None;
    loop {
        let now = sim.now();
        let (answer, revision, typing, left) = sim.read(|state| {
            let app = state.mini_programs.get(&query.app_id).ok_or_else(|| Problem::unknown(&query.app_id))?;
            let visitor = app.visitors.get(&openid);
            let revision = visitor.map_or(0, Visitor::revision);
            let typing = visitor.and_then(|visitor| visitor.typing_until(now));
            let left = visitor.map_or(0, |visitor| visitor.quota.left(now));
            let answer = json!({
                "items": visitor.map(|visitor| visitor.items(query.all)).unwrap_or_default(),
                "typing": typing.is_some(),
                "revision": revision,
                "now": now,
                "quota_left": left,
            });
            Ok((answer, revision, typing, left))
        })?;
        let shown = (typing.is_some(), left);
        let is_new = query.after.is_none_or(|after| revision != after) || seen.is_some_and(|seen| seen != shown);
        if is_new || sim.closing() || Instant::now() >= deadline {
            return Ok(Json(answer));
        }
        seen = Some(shown);
        let typing_ends = typing.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
        let until = typing_ends.map_or(deadline, |left| deadline.min(Instant::now() + left));
        // After a timeout, too, the state is read again.
        let _ = tokio::time::timeout_at(until, changes.changed()).await;
    }
}

/// The query of `GET /sim/visitors/{openid}/quota`.
#[derive(Deserialize)]
pub(super) struct QuotaQuery {
    app_id: String,
}

/// `GET /sim/visitors/{openid}/quota?app_id=…`: the number of messages that can be sent to the visitor (0 to 5), and the end of
/// the window (RFC 3339, `null` if none is open).
pub(super) async fn quota(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(QuotaQuery { app_id }): Query<QuotaQuery>,
) -> Result<Json<Value>, Problem> {
    let now = sim.now();
    sim.read(|state| {
        let app = state.mini_programs.get(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        let quota = app.visitors.get(&openid).map(|visitor| visitor.quota).unwrap_or_default();
        Ok(Json(json!({ "left": quota.left(now), "window_ends_at": quota.window_ends_at(now) })))
    })
}

/// `GET /sim/media/{media_id}`: a picture, for the phone's page.
pub(super) async fn media(State(sim): State<Shared>, Path(media_id): Path<String>) -> Result<Media, Problem> {
    sim.read(|state| state.media.get(&media_id).cloned()).ok_or_else(Problem::no_media)
}
