//! What a visitor does with a phone: enter, write, send a picture or a card, read.

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

use super::act::{Act, compose};
use super::chat::Visitor;
use super::media::Media;
use super::problem::{Problem, read};
use super::push::{Attempt, Push};
use super::state::Shared;

/// How long a phone may wait for something new.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// `POST /sim/visitors/{openid}/{enter,text,image,card,raw}`.
pub(super) async fn act(
    State(sim): State<Shared>,
    Path((openid, kind)): Path<(String, String)>,
    body: Bytes,
) -> Result<impl IntoResponse, Problem> {
    let act: Act = read(&body)?;
    let app_id = act.app_id.clone();
    let (composed, item, push) = sim.change(|world, now| {
        let composed = compose(world, &sim, &act, &openid, &kind, now)?;
        let visitor = world.visitor(&app_id, &openid).ok_or_else(|| Problem::unknown(&app_id))?;
        if composed.msgtype != "event" {
            visitor.quota.message(now);
        } else if composed.content.get("event").and_then(Value::as_str) == Some("user_enter_tempsession") {
            visitor.quota.enter(now);
        }
        let item = visitor.send(&composed.msgtype, composed.content.clone(), composed.msg_id.as_deref(), now);
        let app = world.mini_programs.get(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        let push = app.push.clone().map(|config| Push {
            app_id: app_id.clone(),
            original_id: app.original_id.clone(),
            openid: openid.clone(),
            document: composed.document.clone(),
            config,
        });
        Ok((composed, item, push))
    })?;
    let mut answer = json!({ "msg_id": composed.msg_id, "create_time": composed.create_time });
    if push.is_none() {
        answer["detail"] = json!("no 消息推送配置 has been submitted for this mini program");
    }
    // A task of its own: the push goes on when the one who asked for it hangs up.
    let delivery = tokio::spawn(deliver(sim, openid, push, item, act.deliveries));
    if act.wait == Some(false) {
        answer["delivered"] = Value::Null;
        answer["attempts"] = json!([]);
        return Ok((StatusCode::ACCEPTED, Json(answer)));
    }
    let (delivered, attempts) = delivery.await.unwrap_or_default();
    answer["delivered"] = json!(delivered);
    answer["attempts"] = json!(attempts);
    Ok((StatusCode::OK, Json(answer)))
}

/// Delivers a push, with retries, or `deliveries` times at once; then the phone learns what came of it.
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
            let settings = sim.look(|world| world.settings.clone());
            join_all((0..times).map(|_| push.attempt(&sim, &settings))).await
        }
    };
    let delivered = match deliveries {
        None => attempts.last().is_some_and(Attempt::accepted),
        Some(_) => attempts.iter().all(Attempt::accepted),
    };
    sim.change(|world, now| {
        if let Some(visitor) = world.visitor(&push.app_id, &openid) {
            visitor.settle(item, delivered, now);
        }
    });
    (delivered, attempts)
}

/// The query of `GET /sim/visitors/{openid}/messages`.
#[derive(Deserialize)]
pub(super) struct Reading {
    app_id: String,
    /// Also what the visitor sent and what WeChat itself said.
    #[serde(default)]
    all: bool,
    /// Wait until the chat has changed since this revision …
    after: Option<u64>,
    /// … but no longer than so many milliseconds.
    wait_ms: Option<u64>,
}

/// `GET /sim/visitors/{openid}/messages?app_id=…`: what the phone shows, oldest first.
pub(super) async fn messages(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(reading): Query<Reading>,
) -> Result<Json<Value>, Problem> {
    let wait = Duration::from_millis(reading.wait_ms.unwrap_or(0)).min(LONGEST_WAIT);
    let deadline = Instant::now() + wait;
    let mut changes = sim.changes();
    // Typing ends by time alone, without a change of state.
    let mut was_typing = None;
    loop {
        let now = sim.now();
        let (answer, revision, typing) = sim.look(|world| {
            let app = world.mini_programs.get(&reading.app_id).ok_or_else(|| Problem::unknown(&reading.app_id))?;
            let visitor = app.visitors.get(&openid);
            let revision = visitor.map_or(0, Visitor::revision);
            let typing = visitor.and_then(|visitor| visitor.typing_until(now));
            let answer = json!({
                "items": visitor.map(|visitor| visitor.items(reading.all)).unwrap_or_default(),
                "typing": typing.is_some(),
                "revision": revision,
                "quota_left": visitor.map_or(0, |visitor| visitor.quota.left(now)),
            });
            Ok((answer, revision, typing))
        })?;
        let news = reading.after.is_none_or(|after| revision != after)
            || was_typing.is_some_and(|was| was != typing.is_some());
        if news || sim.closing() || Instant::now() >= deadline {
            return Ok(Json(answer));
        }
        was_typing = Some(typing.is_some());
        let typing_ends = typing.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
        let until = typing_ends.map_or(deadline, |left| deadline.min(Instant::now() + left));
        // Either way the state is looked at again.
        let _ = tokio::time::timeout_at(until, changes.changed()).await;
    }
}

/// The query of `GET /sim/visitors/{openid}/quota`.
#[derive(Deserialize)]
pub(super) struct Asking {
    app_id: String,
}

/// `GET /sim/visitors/{openid}/quota?app_id=…`: how many messages WeChat still lets through to the visitor (0 to 5), and
/// until when (RFC 3339, `null` when no time is open).
pub(super) async fn quota(
    State(sim): State<Shared>,
    Path(openid): Path<String>,
    Query(Asking { app_id }): Query<Asking>,
) -> Result<Json<Value>, Problem> {
    let now = sim.now();
    sim.look(|world| {
        let app = world.mini_programs.get(&app_id).ok_or_else(|| Problem::unknown(&app_id))?;
        let quota = app.visitors.get(&openid).map(|visitor| visitor.quota).unwrap_or_default();
        Ok(Json(json!({ "left": quota.left(now), "window_ends_at": quota.window_ends_at(now) })))
    })
}

/// `GET /sim/media/{media_id}`: a picture, for the phone's page.
pub(super) async fn media(State(sim): State<Shared>, Path(media_id): Path<String>) -> Result<Media, Problem> {
    sim.look(|world| world.media.get(&media_id).cloned()).ok_or_else(Problem::no_media)
}
