//! `/cgi-bin/message/custom/send` and `/cgi-bin/message/custom/typing`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::Call;
use super::api_error::{self, ApiError};
use super::chat::Visitor;
use super::quota::Denied;
use super::state::{Sim, WeChatState};

/// The longest text, in bytes of UTF-8.
const TEXT_LIMIT: usize = 2048;
/// The typing command needs a message of either side within this time.
const TYPING_WINDOW: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn send(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    sim.update(|state, now| {
        let app_id = state.authenticate(call.query("access_token"), now)?;
        let body = call.json()?;
        if has_unicode_escape(&call.body) {
            return Err(40033.into());
        }
        let msgtype = body.get("msgtype").and_then(Value::as_str).ok_or(40008)?;
        let content = body.get(msgtype).cloned().unwrap_or_default();
        let item = match msgtype {
            "text" => text(&content)?,
            "image" => image(state, &sim.url, &app_id, &content, now)?,
            "link" => link(&content)?,
            "miniprogrampage" => card(state, &sim.url, &app_id, &content, now)?,
            _ => return Err(45162.into()),
        };
        let ai = body.pointer("/aimsgcontext/is_ai_msg").and_then(Value::as_i64) == Some(1);
        let visitor = recipient(state, &app_id, &body)?;
        visitor.quota.take(now).map_err(|denied| match denied {
            Denied::WindowOver => 45015,
            Denied::CountOver => 45047,
        })?;
        visitor.receive(msgtype, item, ai, now);
        Ok(ok())
    })
}

pub(super) fn typing(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    sim.update(|state, now| {
        let app_id = state.authenticate(call.query("access_token"), now)?;
        let body = call.json()?;
        let typing = match body.get("command").and_then(Value::as_str) {
            Some("Typing") => true,
            Some("CancelTyping") => false,
            _ => return Err(45072.into()),
        };
        let visitor = recipient(state, &app_id, &body)?;
        if typing && !visitor.exchanged_within(TYPING_WINDOW, now) {
            return Err(45080.into());
        }
        if typing && visitor.typing_until(now).is_some() {
            return Err(45081.into());
        }
        visitor.set_typing(typing, now);
        Ok(ok())
    })
}

fn ok() -> Response {
    Json(json!({ "errcode": 0, "errmsg": "ok" })).into_response()
}

/// The visitor in `touser`, who must have contacted this mini program.
fn recipient<'w>(state: &'w mut WeChatState, app_id: &str, body: &Value) -> Result<&'w mut Visitor, ApiError> {
    let openid = body.get("touser").and_then(Value::as_str).unwrap_or_default();
    let app = state.mini_programs.get_mut(app_id).ok_or(api_error::INVALID_APP_ID)?;
    app.visitors.get_mut(openid).ok_or_else(|| api_error::INVALID_OPENID.into())
}

fn text(content: &Value) -> Result<Value, ApiError> {
    let text = member(content, "content").ok_or(44004)?;
    if text.len() > TEXT_LIMIT {
        return Err(45002.into());
    }
    Ok(json!({ "content": text }))
}

fn image(state: &WeChatState, url: &str, app_id: &str, content: &Value, now: Timestamp) -> Result<Value, ApiError> {
    let media_id = member(content, "media_id").ok_or(api_error::INVALID_MEDIA_ID)?;
    state.media(app_id, media_id, now)?;
    Ok(json!({ "media_id": media_id, "url": media_url(url, media_id) }))
}

fn link(content: &Value) -> Result<Value, ApiError> {
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

fn card(state: &WeChatState, url: &str, app_id: &str, content: &Value, now: Timestamp) -> Result<Value, ApiError> {
    let title = member(content, "title").ok_or(40097)?;
    let page = member(content, "pagepath").ok_or(40165)?;
    let own = content.get("appid").is_none_or(|other| other.as_str() == Some(app_id));
    if !own {
        return Err(api_error::INVALID_APP_ID.into());
    }
    let thumb = member(content, "thumb_media_id").ok_or(api_error::INVALID_MEDIA_ID)?;
    state.media(app_id, thumb, now)?;
    Ok(json!({
        "title": title,
        "appid": app_id,
        "pagepath": page,
        "thumb_media_id": thumb,
        "thumb_url": media_url(url, thumb),
    }))
}

/// The URL of a picture for the phone.
pub(super) fn media_url(url: &str, media_id: &str) -> String {
    format!("{url}/sim/media/{media_id}")
}

/// A non-empty string member.
fn member<'a>(content: &'a Value, name: &str) -> Option<&'a str> {
    content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether the body has a `\uXXXX` escape other than those of control characters, which JSON requires.
fn has_unicode_escape(body: &[u8]) -> bool {
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
