//! A proxy at WeChat's origin that serves pictures of every kind and forwards everything else to the simulator.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use local::wechat::{Callbacks, Simulator};
use tokio::net::TcpListener;

use crate::support::World;

/// A PNG of one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\
    \xff?\0\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\0\0\0\0IEND\xaeB`\x82";

const MEGABYTE: usize = 1024 * 1024;

/// A bundle whose WeChat origin is the proxy.
pub(crate) async fn world() -> World {
    let (gallery, simulator) = (listener(), listener());
    World::options(|options| {
        let simulator = Simulator::serve(simulator, options.clock.clone(), Callbacks::Anywhere);
        let url = simulator.url();
        options.wechat_api = Some(format!("http://{}", gallery.local_addr().unwrap()));
        let app = Router::new()
            .route("/gallery/{picture}", get(picture))
            .fallback(move |request: Request| pass_on(url.clone(), request));
        tokio::spawn(async move { axum::serve(gallery, app).await.unwrap() });
    })
    .await
}

pub(super) fn listener() -> TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    TcpListener::from_std(listener).unwrap()
}

#[derive(serde::Deserialize)]
struct To {
    to: Option<String>,
}

async fn picture(Path(name): Path<String>, Query(query): Query<To>) -> Response {
    let typed = |kind: &'static str, body: Body| ([(header::CONTENT_TYPE, kind)], body).into_response();
    let redirect = |to: String| (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    let padded = |length: usize| {
        let mut bytes = PNG.to_vec();
        bytes.resize(length, 0);
        bytes
    };
    match name.as_str() {
        "good.png" => typed("image/png", PNG.into()),
        "good-too.png" => typed("image/png", padded(100).into()),
        "page.png" => typed("image/png", "<!DOCTYPE html><script>alert(1)</script>".into()),
        "vector.png" => typed("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>".into()),
        "page.html" => typed("text/html", "<!DOCTYPE html>".into()),
        "as-page.png" => typed("text/html", PNG.into()),
        "without-type.png" => Response::new(PNG.into()),
        "as-bytes.png" => typed("application/octet-stream", PNG.into()),
        "as-binary.png" => typed("binary/octet-stream", PNG.into()),
        "as-webp.png" => typed("image/webp", PNG.into()),
        "photo.webp" => typed(
            "image/webp",
            b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0".as_slice().into(),
        ),
        "empty.png" => typed("image/png", Body::empty()),
        "full.png" => typed("image/png", padded(2 * MEGABYTE).into()),
        "over.png" => typed("image/png", padded(2 * MEGABYTE + 1).into()),
        "20-mb.png" => typed("image/png", padded(20 * MEGABYTE).into()),
        "endless.png" => {
            let first = Bytes::from(padded(MEGABYTE));
            typed("image/png", Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(first.clone()))))
        }
        "redirect" => redirect(query.to.unwrap()),
        "redirect-nowhere" => StatusCode::FOUND.into_response(),
        "loop" => redirect("/gallery/loop".to_owned()),
        "1-hop" => redirect("/gallery/good.png".to_owned()),
        "2-hops" => redirect("1-hop".to_owned()),
        "3-hops" => redirect("2-hops".to_owned()),
        "4-hops" => redirect("3-hops".to_owned()),
        "gone.png" => StatusCode::GONE.into_response(),
        "broken.png" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn pass_on(simulator: String, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut forward = client.request(parts.method, format!("{simulator}{}", parts.uri));
    for name in [header::CONTENT_TYPE] {
        if let Some(value) = parts.headers.get(&name) {
            forward = forward.header(name, value);
        }
    }
    let answer = forward.body(to_bytes(body, usize::MAX).await.unwrap()).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    if let Some(kind) = answer.headers().get(header::CONTENT_TYPE) {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    response.body(answer.bytes().await.unwrap().into()).unwrap()
}

/// The URL of a picture of the gallery.
pub(crate) fn gallery(world: &World, name: &str) -> String {
    format!("{}/gallery/{name}", world.bundle.wechat_url())
}

/// A URL of the gallery that redirects.
pub(super) fn redirected(world: &World, to: &str) -> String {
    let url = reqwest::Url::parse_with_params(&gallery(world, "redirect"), [("to", to)]).unwrap();
    url.into()
}
