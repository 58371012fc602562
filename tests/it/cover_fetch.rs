//! Covers are fetched from URLs chosen by callers; nothing private can be reached (SSRF).
//!
//! Plain http is accepted from the simulator's origin only. The tests put a proxy there that serves bad pictures and
//! forwards everything else to the simulator.

pub(crate) mod gallery;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gallery::{gallery, listener, redirected, world};
use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, problem};
use crate::support::Answer;

const APP: &str = "wx0000000000000fe1";

/// A server in the private network that counts connections.
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

/// Sends a card with this cover URL and asserts that it is refused: nothing is stored, uploaded or sent.
async fn refused(chat: &OpenConversation<'_>, address: &str) -> Answer {
    let answer = chat.send_card(&chat.card_with_cover_at(address)).await;
    assert_eq!(answer.status, 422, "{address}: {}", answer.raw);
    let image = chat.post(&json!({ "type": "image", "image": { "url": address } })).await;
    assert_eq!(problem(&image).0, 422, "{address}: {}", image.raw);
    assert_eq!(image.body["code"], answer.body["code"], "{address}");
    assert_eq!(answer.body["errors"][0]["field"], "miniPage.thumbUrl", "{address}");
    assert_eq!(image.body["errors"][0]["field"], "image.url", "{address}");
    answer
}

async fn assert_nothing_happened(chat: &OpenConversation<'_>) {
    assert_eq!(chat.world.items("outbound").await, Vec::<Value>::new());
    for path in ["/cgi-bin/media/upload", "/cgi-bin/message/custom/send"] {
        assert_eq!(chat.world.sim_calls(path).await, 0, "{path}");
    }
    assert_eq!(chat.visitor.received().await, Vec::<Value>::new());
}

/// URLs that point into the private network without a redirect.
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
async fn cover_url_cannot_reach_the_private_network() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
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
    assert_nothing_happened(&chat).await;
}

#[tokio::test]
async fn cover_url_with_a_local_host_name_is_refused() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let private_server = Private::open();
    let own = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    for name in [own.trim(), "localhost.", "ip6-localhost", "localhost.localdomain", "kefu.localhost", "kefu.invalid"] {
        if name.is_empty() {
            continue;
        }
        let answer = refused(&chat, &format!("https://{name}:{}/a.png", private_server.port)).await;
        // The machine's host names differ, but all of them are private.
        let code = answer.text("code");
        assert!(matches!(code.as_str(), "picture.address_not_public" | "picture.unreachable"), "{name}: {code}");
    }
    assert_eq!(private_server.came.load(Ordering::SeqCst), 0);
    assert_nothing_happened(&chat).await;
}

#[tokio::test]
async fn only_https_urls_without_credentials_are_fetched() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let private_server = Private::open();
    let port = private_server.port;
    let origin = world.bundle.wechat_url().to_owned();
    for address in [
        "http://1.1.1.1/a.png".to_owned(),
        "http://example.com/a.png".to_owned(),
        // Plain http from the simulator's exact origin only.
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
    assert_nothing_happened(&chat).await;
}

#[tokio::test]
async fn unsupported_pictures_are_refused() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (name, code) in [
        ("page.png", "picture.wrong_type"),
        ("vector.png", "picture.wrong_type"),
        ("page.html", "picture.wrong_type"),
        ("photo.webp", "picture.wrong_type"),
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
    assert_nothing_happened(&chat).await;
}

#[tokio::test]
async fn picture_up_to_2_mb_is_fetched_over_a_few_redirects() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let mut sent = Vec::new();
    for name in ["good.png", "1-hop", "3-hops", "full.png"] {
        let card = chat.send_card(&chat.card_with_cover_at(&gallery(&world, name))).await.expect(201);
        sent.push(card.body["miniprogrampage"]["thumb_media_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((&sent[0], &sent[0]), (&sent[1], &sent[2]), "the same picture");
    assert_ne!(sent[0], sent[3]);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 2);
    assert_eq!(chat.visitor.received().await.len(), 4);
}

#[tokio::test]
async fn picture_is_recognised_by_its_first_bytes_whatever_type_is_declared() {
    let world = world().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for name in ["as-bytes.png", "as-binary.png", "as-page.png"] {
        chat.send_card(&chat.card_with_cover_at(&gallery(&world, name))).await.expect(201);
    }
    for name in ["without-type.png", "as-webp.png"] {
        let image = json!({ "type": "image", "image": { "url": gallery(&world, name) } });
        chat.post(&image).await.expect(201);
    }
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 1);
}
