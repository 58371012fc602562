//! An example of a page of the team's own beside a conversation: orders of the visitor, whose cards an agent sends with one click.
//!
//! It shows what such a page does: its server verifies the signed context before it shows anything, and its script speaks with the
//! desk by `embed.js`. The orders are made up from the visitor's id.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::phone::{COVER_PATH, asset_of, html};
use super::problem::{Problem, parse_json};
use super::state::{Shared, Sim};

/// The claims of a context that the page uses.
#[derive(Deserialize)]
struct Context {
    iss: String,
    aud: String,
    openid: String,
    partnerid: Option<String>,
    partnerid_verified: bool,
    exp: i64,
}

/// The body of `PUT /sim/orders/key`.
#[derive(Deserialize)]
struct Key {
    key: String,
}

/// The body of `POST /orders/list`.
#[derive(Deserialize)]
struct Asked {
    context: String,
}

/// `PUT /sim/orders/key`: the key of the frame's contexts, which the desk's admin got once.
pub(super) async fn set_key(State(sim): State<Shared>, body: Bytes) -> Result<StatusCode, Problem> {
    let Key { key } = parse_json(&body)?;
    sim.update(|state, _| state.orders_key = Some(key));
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /orders`.
pub(super) async fn page(State(sim): State<Shared>) -> Response {
    let desk = sim.callbacks.workbench();
    let policy = format!(
        "default-src 'none'; script-src 'self' {desk}; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'self' {desk}"
    );
    html(include_str!("orders/index.html").replace("{{desk}}", &desk), &policy)
}

/// `GET /orders/orders.js`.
pub(super) async fn script() -> Response {
    asset_of("text/javascript; charset=utf-8", include_bytes!("orders/orders.js"))
}

/// `GET /orders/orders.css`.
pub(super) async fn style() -> Response {
    asset_of("text/css; charset=utf-8", include_bytes!("orders/orders.css"))
}

/// `POST /orders/list`: the orders of the visitor that a context names.
pub(super) async fn list(State(sim): State<Shared>, body: Bytes) -> Result<Response, Problem> {
    let Asked { context } = parse_json(&body)?;
    let key = sim.read(|state| state.orders_key.clone()).unwrap_or_default();
    Ok(match verified(&context, &key, &sim.url, sim.now()) {
        Ok(context) => axum::Json(orders(&sim, &context)).into_response(),
        Err(why) => (StatusCode::UNAUTHORIZED, axum::Json(json!({ "detail": why }))).into_response(),
    })
}

/// The claims of a context that this frame's key signed for this origin and that is still valid.
fn verified(token: &str, key: &str, origin: &str, now: Timestamp) -> Result<Context, &'static str> {
    let (signed, signature) = token.rsplit_once('.').ok_or("the context is no token")?;
    let (header, claims) = signed.split_once('.').ok_or("the context is no token")?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "the context is no token");
    // The algorithm is this one, whatever the header says; another is refused rather than ignored.
    let header: Value = serde_json::from_slice(&bytes(header)?).map_err(|_| "the context is no token")?;
    if header["alg"] != "HS256" {
        return Err("the context has another algorithm");
    }
    if key.is_empty() {
        return Err("this page has no key");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| "this page has no key")?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&bytes(signature)?).map_err(|_| "the signature of the context is wrong")?;
    let context: Context =
        serde_json::from_slice(&bytes(claims)?).map_err(|_| "the context lacks what it should say")?;
    if context.iss != "kefu" || context.aud != origin {
        return Err("the context is for another page");
    }
    if context.exp <= now.as_second() {
        return Err("the context is over");
    }
    Ok(context)
}

const GOODS: [(&str, u32); 4] =
    [("云南小粒咖啡 250g", 6800), ("耶加雪菲 挂耳 10 包", 4900), ("手冲滤纸 100 张", 1900), ("冷萃壶 600ml", 8900)];
const STATES: [&str; 3] = ["待发货", "运输中", "已签收"];

/// Three orders, the same at each look.
fn orders(sim: &Sim, context: &Context) -> Value {
    let who = context.partnerid.as_deref().unwrap_or(&context.openid);
    let seed: [u8; 32] = Sha256::digest(who.as_bytes()).into();
    let items: Vec<Value> = (0..3_u8)
        .map(|place| {
            let byte = usize::from(seed[usize::from(place)]);
            let (title, cents) = GOODS[(byte + usize::from(place)) % GOODS.len()];
            let id = format!("2026{:02}{byte:03}", u16::from(place) + 1);
            let at = sim.now() - SignedDuration::from_hours(24 * (i64::from(place) * 9 + 1));
            json!({
                "id": id,
                "title": title,
                "price": format!("¥{}.{:02}", cents / 100, cents % 100),
                "state": STATES[usize::from(place) % STATES.len()],
                "placed_at": at,
                "pagepath": format!("pages/order/order?id={id}"),
                "cover": format!("{}{COVER_PATH}", sim.url),
            })
        })
        .collect();
    json!({ "visitor": { "partnerid": context.partnerid, "verified": context.partnerid_verified }, "orders": items })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://127.0.0.1:3001";

    fn token(header: &Value, claims: &Value, key: &str) -> String {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn claims(exp: i64) -> Value {
        json!({ "iss": "kefu", "aud": ORIGIN, "openid": "o1", "partnerid": "m1", "partnerid_verified": true, "exp": exp })
    }

    #[test]
    fn only_a_valid_context_of_this_page_is_taken() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let end = now.as_second() + 300;
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let check = |token: &str| verified(token, "key", ORIGIN, now).map(|context| context.openid);
        assert_eq!(check(&token(&header, &claims(end), "key")).as_deref(), Ok("o1"));
        assert_eq!(check(&token(&header, &claims(end), "other")).unwrap_err(), "the signature of the context is wrong");
        assert_eq!(check(&token(&header, &claims(now.as_second()), "key")).unwrap_err(), "the context is over");
        let mut elsewhere = claims(end);
        elsewhere["aud"] = json!("https://evil.example");
        assert_eq!(check(&token(&header, &elsewhere, "key")).unwrap_err(), "the context is for another page");
        let none = token(&json!({ "alg": "none" }), &claims(end), "key");
        assert_eq!(check(&none).unwrap_err(), "the context has another algorithm");
        for text in ["", ".", "a.b.c", "..", "é.é.é"] {
            assert!(check(text).is_err(), "{text}");
        }
        assert!(verified(&token(&header, &claims(end), ""), "", ORIGIN, now).is_err());
    }
}
