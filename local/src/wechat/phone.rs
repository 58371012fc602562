//! The phone's web pages: a mini program with a 联系客服 button and its chat, and the page that shows up to three of these phones, with
//! their controls, alone or beside the workbench.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

use super::state::Shared;

/// The picture of the card, 520×416 pixels.
pub(super) const COVER: &[u8] = include_bytes!("phone/cover.png");
/// The path of the picture.
pub(super) const COVER_PATH: &str = "/phone/cover.png";

/// Scripts and styles come from this server only; pictures from any URL in a message. This server's own page shows it in a frame.
const PHONE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: http: https:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// `GET /phone`: one phone.
pub(super) async fn page() -> Response {
    html(include_str!("phone/phone.html").to_owned(), PHONE_POLICY)
}

/// `GET /` and `GET /desk`: the phones, and the phones beside the workbench.
pub(super) async fn stage(State(sim): State<Shared>) -> Response {
    let console = sim.callbacks.workbench();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         frame-src 'self' {console}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    html(include_str!("phone/stage.html").replace("{{console}}", &console), &policy)
}

/// The answer with a page and its `content-security-policy`.
pub(super) fn html(page: String, policy: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page).into_response()
}

/// `GET /phone/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((kind, bytes)) = asset(&name) else { return StatusCode::NOT_FOUND.into_response() };
    asset_of(kind, bytes)
}

/// The answer with a script, a style or a picture.
pub(super) fn asset_of(kind: &'static str, bytes: &'static [u8]) -> Response {
    ([(CONTENT_TYPE, kind), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")], bytes).into_response()
}

fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let bytes: &'static [u8] = match name {
        "phone.css" => include_bytes!("phone/phone.css"),
        "chat.css" => include_bytes!("phone/chat.css"),
        "stage.css" => include_bytes!("phone/stage.css"),
        "phone.js" => include_bytes!("phone/phone.js"),
        "button.js" => include_bytes!("phone/button.js"),
        "visitor.js" => include_bytes!("phone/visitor.js"),
        "chat.js" => include_bytes!("phone/chat.js"),
        "composer.js" => include_bytes!("phone/composer.js"),
        "message.js" => include_bytes!("phone/message.js"),
        "wechat.js" => include_bytes!("phone/wechat.js"),
        "words.js" => include_bytes!("phone/words.js"),
        "stage.js" => include_bytes!("phone/stage.js"),
        "controls.js" => include_bytes!("phone/controls.js"),
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
