//! `/cgi-bin/message/custom/send` and `/cgi-bin/message/custom/typing`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::Call;
use super::chat::Visitor;
use super::quota::Denied;
use super::refusal::{self, Refusal};
use super::state::{Sim, World};

/// A text may have so many bytes of UTF-8.
const TEXT_LIMIT: usize = 2048;
/// Typing is shown only to a visitor with whom something was exchanged this recently.
const TYPING_WINDOW: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn send(sim: &Sim, call: &Call) -> Result<Response, Refusal> {
    sim.change(|world, now| {
        let app_id = world.bearer(call.query("access_token"), now)?;
        let body = call.json()?;
        if escapes(&call.body) {
            return Err(40033.into());
        }
        let msgtype = body.get("msgtype").and_then(Value::as_str).ok_or(40008)?;
        let content = body.get(msgtype).cloned().unwrap_or_default();
        let shown = match msgtype {
            "text" => text(&content)?,
            "image" => image(world, &sim.url, &app_id, &content, now)?,
            "link" => link(&content)?,
            "miniprogrampage" => card(world, &sim.url, &app_id, &content, now)?,
            _ => return Err(45162.into()),
        };
        let ai = body.pointer("/aimsgcontext/is_ai_msg").and_then(Value::as_i64) == Some(1);
        let visitor = known(world, &app_id, &body)?;
        visitor.quota.take(now).map_err(|denied| match denied {
            Denied::WindowOver => 45015,
            Denied::CountOver => 45047,
        })?;
        visitor.receive(msgtype, shown, ai, now);
        Ok(ok())
    })
}

pub(super) fn typing(sim: &Sim, call: &Call) -> Result<Response, Refusal> {
    sim.change(|world, now| {
        let app_id = world.bearer(call.query("access_token"), now)?;
        let body = call.json()?;
        let begins = match body.get("command").and_then(Value::as_str) {
            Some("Typing") => true,
            Some("CancelTyping") => false,
            _ => return Err(45072.into()),
        };
        let visitor = known(world, &app_id, &body)?;
        if begins && !visitor.exchanged_within(TYPING_WINDOW, now) {
            return Err(45080.into());
        }
        if begins && visitor.typing_until(now).is_some() {
            return Err(45081.into());
        }
        visitor.set_typing(begins, now);
        Ok(ok())
    })
}

fn ok() -> Response {
    Json(json!({ "errcode": 0, "errmsg": "ok" })).into_response()
}

/// The visitor in `touser`, who must have been seen by this very mini program.
fn known<'w>(world: &'w mut World, app_id: &str, body: &Value) -> Result<&'w mut Visitor, Refusal> {
    let openid = body.get("touser").and_then(Value::as_str).unwrap_or_default();
    let app = world.mini_programs.get_mut(app_id).ok_or(refusal::INVALID_APP_ID)?;
    app.visitors.get_mut(openid).ok_or_else(|| refusal::INVALID_OPENID.into())
}

fn text(content: &Value) -> Result<Value, Refusal> {
    let text = member(content, "content").ok_or(44004)?;
    if text.len() > TEXT_LIMIT {
        return Err(45002.into());
    }
    Ok(json!({ "content": text }))
}

fn image(world: &World, url: &str, app_id: &str, content: &Value, now: Timestamp) -> Result<Value, Refusal> {
    let media_id = member(content, "media_id").ok_or(refusal::INVALID_MEDIA_ID)?;
    world.alive(app_id, media_id, now)?;
    Ok(json!({ "media_id": media_id, "url": media_url(url, media_id) }))
}

fn link(content: &Value) -> Result<Value, Refusal> {
    let title = member(content, "title").ok_or(40097)?;
    let address = member(content, "url").filter(|url| url.starts_with("http")).ok_or(40097)?;
    let or_empty = |name: &str| member(content, name).unwrap_or_default();
    Ok(json!({
        "title": title,
        "description": or_empty("description"),
        "url": address,
        "thumb_url": or_empty("thumb_url"),
    }))
}

fn card(world: &World, url: &str, app_id: &str, content: &Value, now: Timestamp) -> Result<Value, Refusal> {
    let title = member(content, "title").ok_or(40097)?;
    let page = member(content, "pagepath").ok_or(40165)?;
    let own = content.get("appid").is_none_or(|other| other.as_str() == Some(app_id));
    if !own {
        return Err(refusal::INVALID_APP_ID.into());
    }
    let thumb = member(content, "thumb_media_id").ok_or(refusal::INVALID_MEDIA_ID)?;
    world.alive(app_id, thumb, now)?;
    Ok(json!({
        "title": title,
        "appid": app_id,
        "pagepath": page,
        "thumb_media_id": thumb,
        "thumb_url": media_url(url, thumb),
    }))
}

/// Where the phone finds a picture.
pub(super) fn media_url(url: &str, media_id: &str) -> String {
    format!("{url}/sim/media/{media_id}")
}

/// A string member that is not empty.
fn member<'a>(content: &'a Value, name: &str) -> Option<&'a str> {
    content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether a character that JSON lets stand as it is was written as `\uXXXX`. (Control characters have no other form.)
fn escapes(body: &[u8]) -> bool {
    let mut rest = body;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            continue;
        }
        let Some((letter, tail)) = rest.split_first() else { return false };
        rest = tail;
        let control = matches!(rest, [b'0', b'0', b'0' | b'1', ..]);
        if *letter == b'u' && !control {
            return true;
        }
    }
    false
}
