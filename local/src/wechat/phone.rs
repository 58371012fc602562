//! The phone's web page: a mini program with a 联系客服 button, and its chat.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// The picture of the card, 520×416 pixels.
pub(super) const COVER: &[u8] = include_bytes!("phone/cover.png");
/// The path of the picture.
pub(super) const COVER_PATH: &str = "/phone/cover.png";

/// Scripts and styles come from this server only; pictures from any URL in a message.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: http: https:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(super) async fn page() -> Response {
    let html = include_str!("phone/index.html");
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, html).into_response()
}

/// `GET /phone/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((kind, bytes)) = asset(&name) else { return StatusCode::NOT_FOUND.into_response() };
    ([(CONTENT_TYPE, kind), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")], bytes).into_response()
}

fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let bytes: &'static [u8] = match name {
        "phone.css" => include_bytes!("phone/phone.css"),
        "phone.js" => include_bytes!("phone/phone.js"),
        "chat.js" => include_bytes!("phone/chat.js"),
        "message.js" => include_bytes!("phone/message.js"),
        "wechat.js" => include_bytes!("phone/wechat.js"),
        "icon.svg" => include_bytes!("phone/icon.svg"),
        "visitor.svg" => include_bytes!("phone/visitor.svg"),
        "cover.png" => COVER,
        _ => return None,
    };
    let kind = match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "image/png",
    };
    Some((kind, bytes))
}
