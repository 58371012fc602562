//! Pictures are fetched from addresses that somebody else chose, and nothing else is reached that way.
//!
//! Plain http is taken from the simulated WeChat's own origin alone. So here that origin is a gallery: it has every kind of
//! bad picture, and passes everything else on to the simulator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use local::wechat::Simulator;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::desk::{Chat, problem};
use crate::support::{Answer, World};

const APP: &str = "wx0000000000000fe1";

/// The smallest PNG there is: one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\
    \xff?\0\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\0\0\0\0IEND\xaeB`\x82";

const MEGABYTE: usize = 1024 * 1024;

/// A bundle whose WeChat has the gallery.
async fn world() -> World {
    let (gallery, simulator) = (listener(), listener());
    World::options(|options| {
        let simulator = Simulator::serve(simulator, options.clock.clone());
        let url = simulator.url();
        options.wechat_api = Some(format!("http://{}", gallery.local_addr().unwrap()));
        let app = Router::new()
            .route("/gallery/{picture}", get(picture))
            .fallback(move |request: Request| pass_on(url.clone(), request));
        tokio::spawn(async move { axum::serve(gallery, app).await.unwrap() });
    })
    .await
}

fn listener() -> TcpListener {
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
        "page.png" => typed("image/png", "<!DOCTYPE html><script>alert(1)</script>".into()),
        "vector.png" => typed("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>".into()),
        "page.html" => typed("text/html", "<!DOCTYPE html>".into()),
        "as-page.png" => typed("text/html", PNG.into()),
        "without-type.png" => Response::new(PNG.into()),
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

/// A server in the private network: it counts who comes.
struct Private {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Private {
    fn open() -> Self {
        let (listener, came) = (listener(), Arc::new(AtomicUsize::new(0)));
        let port = listener.local_addr().unwrap().port();
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((_line, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, came }
    }
}

fn gallery(world: &World, name: &str) -> String {
    format!("{}/gallery/{name}", world.bundle.wechat_url())
}

fn redirected(world: &World, to: &str) -> String {
    let url = reqwest::Url::parse_with_params(&gallery(world, "redirect"), [("to", to)]).unwrap();
    url.into()
}

/// A card with its cover at this address, which is refused: nothing is kept, uploaded or sent.
async fn refused(chat: &Chat<'_>, address: &str) -> Answer {
    let answer = chat.card(&chat.card_from(address)).await;
    assert_eq!(answer.status, 422, "{address}: {}", answer.raw);
    let image = chat.post(&json!({ "type": "image", "image": { "url": address } })).await;
    assert_eq!(problem(&image).0, 422, "{address}: {}", image.raw);
    assert_eq!(image.body["code"], answer.body["code"], "{address}");
    assert_eq!(answer.body["errors"][0]["field"], "miniPage.thumbUrl", "{address}");
    assert_eq!(image.body["errors"][0]["field"], "image.url", "{address}");
    answer
}

async fn nothing_happened(chat: &Chat<'_>) {
    assert_eq!(chat.world.items("outbound").await, Vec::<Value>::new());
    for path in ["/cgi-bin/media/upload", "/cgi-bin/message/custom/send"] {
        assert_eq!(chat.world.sim_calls(path).await, 0, "{path}");
    }
    assert_eq!(chat.visitor.phone().await, Vec::<Value>::new());
}

/// Addresses that lead into the private network, without going through a redirect.
fn private(port: u16) -> Vec<String> {
    let mut addresses = Vec::new();
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
    ] {
        addresses.push(format!("https://{host}:{port}/cover.png"));
    }
    for host in [
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.1.254",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.1.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[fc00::1]",
        "[ff02::1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2001:db8::1]",
    ] {
        addresses.push(format!("https://{host}/latest/meta-data/iam/security-credentials/"));
    }
    addresses
}

#[tokio::test]
async fn no_address_of_a_cover_reaches_into_the_private_network() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let private_server = Private::open();
    for address in private(private_server.port) {
        let answer = refused(&chat, &address).await;
        assert_eq!(answer.body["code"], "picture.address_not_public", "{address}: {}", answer.raw);
        if !address.is_ascii() {
            continue; // a header cannot hold it
        }
        let answer = refused(&chat, &redirected(&world, &address)).await;
        assert_eq!(answer.body["code"], "picture.address_not_public", "redirect to {address}: {}", answer.raw);
    }
    assert_eq!(private_server.came.load(Ordering::SeqCst), 0);
    nothing_happened(&chat).await;
}

#[tokio::test]
async fn a_name_of_this_machine_leads_nowhere() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let private_server = Private::open();
    let own = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    for name in [own.trim(), "localhost.", "ip6-localhost", "localhost.localdomain", "kefu.localhost", "kefu.invalid"] {
        if name.is_empty() {
            continue;
        }
        let answer = refused(&chat, &format!("https://{name}:{}/a.png", private_server.port)).await;
        // Which names this machine knows is its own affair; what it knows is private.
        let code = answer.text("code");
        assert!(matches!(code.as_str(), "picture.address_not_public" | "picture.unreachable"), "{name}: {code}");
    }
    assert_eq!(private_server.came.load(Ordering::SeqCst), 0);
    nothing_happened(&chat).await;
}

#[tokio::test]
async fn only_https_addresses_without_credentials_are_fetched() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let private_server = Private::open();
    let port = private_server.port;
    let origin = world.bundle.wechat_url().to_owned();
    for address in [
        "http://1.1.1.1/a.png".to_owned(),
        "http://example.com/a.png".to_owned(),
        // Plain http from the simulator's very origin, and from nothing that looks like it.
        format!("http://127.0.0.1:{port}/a.png"),
        format!("http://localhost:{}/gallery/good.png", origin.rsplit(':').next().unwrap()),
        format!("{origin}@127.0.0.1:{port}/a.png"),
        format!("http://127.0.0.1.example.com:{port}/a.png"),
        "https://user@example.com/a.png".to_owned(),
        "https://user:password@example.com/a.png".to_owned(),
        format!("https://example.com@127.0.0.1:{port}/a.png"),
        format!("https://example.com\\@127.0.0.1:{port}/a.png\u{0}"),
        "file:///etc/passwd".to_owned(),
        "ftp://example.com/a.png".to_owned(),
        "gopher://127.0.0.1:6379/_INFO".to_owned(),
        "data:image/png;base64,iVBORw0KGgo=".to_owned(),
        "javascript:alert(1)".to_owned(),
        "//example.com/a.png".to_owned(),
        "/phone/cover.png".to_owned(),
        "example.com/a.png".to_owned(),
        "https://".to_owned(),
        "https://[::1".to_owned(),
        "https://exa mple.com/".to_owned(),
    ] {
        let answer = refused(&chat, &address).await;
        let code = answer.text("code");
        let expected: &[&str] = if address.contains('\\') || address.contains("http://127.0.0.1.example") {
            &["picture.bad_address", "picture.unreachable", "picture.address_not_public"]
        } else {
            &["picture.bad_address"]
        };
        assert!(expected.contains(&code.as_str()), "{address}: {}", answer.raw);
    }
    for to in
        ["file:///etc/passwd", "http://1.1.1.1/a.png", "ftp://1.1.1.1/", "https://u:p@1.1.1.1/", "http://127.0.0.1:1/"]
    {
        assert_eq!(
            refused(&chat, &redirected(&world, to)).await.body["code"],
            "picture.bad_address",
            "redirect to {to}"
        );
    }
    assert_eq!(private_server.came.load(Ordering::SeqCst), 0);
    nothing_happened(&chat).await;
}

#[tokio::test]
async fn what_is_no_picture_that_wechat_takes_is_refused() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for (name, code) in [
        ("page.png", "picture.wrong_type"),
        ("vector.png", "picture.wrong_type"),
        ("page.html", "picture.wrong_type"),
        ("as-page.png", "picture.wrong_type"),
        ("without-type.png", "picture.wrong_type"),
        ("empty.png", "picture.wrong_type"),
        ("over.png", "picture.too_large"),
        ("20-mb.png", "picture.too_large"),
        ("endless.png", "picture.too_large"),
        ("missing.png", "picture.refused"),
        ("gone.png", "picture.refused"),
        ("broken.png", "picture.refused"),
        ("loop", "picture.redirects"),
        ("4-hops", "picture.redirects"),
        ("redirect-nowhere", "picture.bad_address"),
    ] {
        let answer = refused(&chat, &gallery(&world, name)).await;
        assert_eq!(answer.body["code"], code, "{name}: {}", answer.raw);
    }
    nothing_happened(&chat).await;
}

#[tokio::test]
async fn a_picture_is_fetched_over_a_few_redirects_and_up_to_two_megabytes() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let mut sent = Vec::new();
    for name in ["good.png", "1-hop", "3-hops", "full.png"] {
        let card = chat.card(&chat.card_from(&gallery(&world, name))).await.expect(201);
        sent.push(card.body["miniprogrampage"]["thumb_media_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((&sent[0], &sent[0]), (&sent[1], &sent[2]), "the same picture");
    assert_ne!(sent[0], sent[3]);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 2);
    assert_eq!(chat.visitor.phone().await.len(), 4);
}
