//! Pictures of visitors are kept, and those of agents are uploaded; both are shown by the API.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::{OpenConversation, problem},
    service_desk::ServiceDesk,
    support::{ADMIN, Answer, World},
};

/// The least that is taken for a PNG.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\xff\xfe";

/// A JPEG that contains a text.
pub(crate) fn jpeg(text: &str) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0][..], text.as_bytes()].concat()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Uploads a file.
pub(crate) async fn upload(world: &World, token: &str, path: &str, bytes: &[u8]) -> Answer {
    world.request(Some(token), Method::POST, path, None).body(bytes.to_vec()).send().await
}

/// An answer with a file: its status, its headers by name, and its bytes.
struct File(reqwest::Response);

impl File {
    fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn bytes(self) -> Vec<u8> {
        self.0.bytes().await.unwrap().to_vec()
    }
}

async fn media(world: &World, token: &str, chat: &OpenConversation<'_>, id: &Value) -> File {
    let path =
        format!("{}/api/conversations/{}/messages/{}/media", world.bundle.api_url(), chat.cid, id.as_str().unwrap());
    File(world.client().get(path).bearer_auth(token).send().await.unwrap())
}

/// A conversation of an agent, whose token is the second.
async fn chat<'a>(world: &'a World, desk: &'a ServiceDesk) -> (OpenConversation<'a>, String) {
    let chat = world.open_conversation(&desk.binding, "o-1").await;
    (chat, world.agent_token(&desk.agent).await)
}

async fn sends_photo(chat: &OpenConversation<'_>, bytes: &[u8]) -> Value {
    chat.visitor.pushes("image", json!({ "media_base64": base64(bytes) })).await;
    chat.world.settle().await;
    chat.visitor.inbound().await.last().unwrap()["id"].clone()
}

#[tokio::test]
async fn picture_of_a_visitor_is_kept_and_shown_after_wechat_has_deleted_it() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    let photo = jpeg("a photo");
    let id = sends_photo(&chat, &photo).await;
    let kept = world.bundle.object_keys();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].starts_with(&format!("kefu-Pictures/{}/", chat.uid)), "{kept:?}");
    let calls = world.sim_calls("/cgi-bin/media/get").await;
    world.advance(4 * 24 * 3600);
    let shown = media(&world, &token, &chat, &id).await;
    assert_eq!((shown.0.status().as_u16(), shown.header("content-type")), (200, "image/jpeg"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "inline"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "private, max-age=43200, immutable"),
        ("vary", "authorization"),
    ] {
        assert_eq!(shown.header(name), value, "{name}");
    }
    assert_eq!(shown.bytes().await, photo);
    assert_eq!((calls, world.sim_calls("/cgi-bin/media/get").await), (1, 1), "WeChat is asked once");
    // Other messages have none, and others may not see it.
    let text = chat.visitor.inbound().await[0]["id"].clone();
    assert_eq!(media(&world, &token, &chat, &text).await.0.status(), 404);
    assert_eq!(media(&world, &token, &chat, &json!("unknown")).await.0.status(), 404);
    let stranger = world.agent("外人", 5).await;
    let stranger = world.agent_token(&stranger).await;
    assert_eq!(media(&world, &stranger, &chat, &id).await.0.status(), 404);
}

#[tokio::test]
async fn picture_that_is_not_kept_yet_is_asked_of_wechat_and_kept() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    world.sim_fault(&json!({ "path": "/cgi-bin/media/get", "errcode": -1 })).await;
    let photo = jpeg("later");
    let id = sends_photo(&chat, &photo).await;
    assert_eq!(world.bundle.object_keys(), [""; 0], "WeChat was busy; the queue delivers it again");
    let shown = media(&world, &token, &chat, &id).await;
    assert_eq!(shown.bytes().await, photo);
    assert_eq!(world.bundle.object_keys().len(), 1);
}

#[tokio::test]
async fn picture_is_tried_again_by_the_queue() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, _token) = chat(&world, &desk).await;
    world.sim_fault(&json!({ "path": "/cgi-bin/media/get", "errcode": -1 })).await;
    sends_photo(&chat, &jpeg("again")).await;
    assert_eq!(world.bundle.object_keys(), [""; 0]);
    world.advance(19 * 60);
    world.settle().await;
    assert_eq!(world.bundle.object_keys().len(), 1);
}

#[tokio::test]
async fn picture_that_cannot_be_had_is_not_asked_for_again() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    world.sim_fault(&json!({ "path": "/cgi-bin/media/get", "errcode": 40007 })).await;
    let id = sends_photo(&chat, &jpeg("gone")).await;
    world.advance(19 * 60);
    world.settle().await;
    assert_eq!(world.sim_calls("/cgi-bin/media/get").await, 1);
    // WeChat keeps a picture for three days; after four, WeChat is not asked for it.
    world.advance(4 * 24 * 3600);
    assert_eq!(media(&world, &token, &chat, &id).await.0.status(), 404);
    assert_eq!(world.sim_calls("/cgi-bin/media/get").await, 1);
}

#[tokio::test]
async fn picture_over_four_megabytes_is_kept_and_not_shown() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    let mut photo = jpeg("large");
    photo.resize(4 * 1024 * 1024 + 1, 0xfe);
    let id = sends_photo(&chat, &photo).await;
    assert_eq!(world.bundle.object_keys().len(), 1);
    let shown = media(&world, &token, &chat, &id).await;
    assert_eq!(shown.0.status(), 422);
    let body: Value = serde_json::from_slice(&shown.bytes().await).unwrap();
    assert_eq!(body["code"], "media.too_large");
    // A picture of exactly four megabytes is shown.
    let mut largest = jpeg("fits");
    largest.resize(4 * 1024 * 1024, 0xfe);
    let id = sends_photo(&chat, &largest).await;
    assert_eq!(media(&world, &token, &chat, &id).await.bytes().await.len(), 4 * 1024 * 1024);
}

#[tokio::test]
async fn uploaded_picture_is_sent_as_an_image_and_as_the_cover_of_a_card() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    let path = format!("/api/conversations/{}/uploads", chat.cid);
    let uploaded = upload(&world, &token, &path, PNG).await.expect(201).body;
    assert_eq!((&uploaded["content_type"], &uploaded["size"]), (&json!("image/png"), &json!(PNG.len())));
    let image = json!({ "type": "image", "image": { "media_id": uploaded["media_id"] } });
    let sent = world.call(Some(&token), Method::POST, &chat.messages_path(), Some(&image)).await.expect(201);
    let mut card = chat.card_without_cover();
    card["miniPage"]["thumbMediaId"] = uploaded["media_id"].clone();
    let card = world.call(Some(&token), Method::POST, &chat.cards_path(), Some(&card)).await.expect(201);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 1);
    // The workbench shows it, also after WeChat has deleted it.
    world.advance(4 * 24 * 3600);
    let shown = media(&world, &token, &chat, &sent.body["id"]).await;
    assert_eq!((shown.header("content-type"), shown.0.status().as_u16()), ("image/png", 200));
    assert_eq!(shown.bytes().await, PNG);
    assert_eq!(media(&world, &token, &chat, &card.body["id"]).await.bytes().await, PNG, "the cover of the card");
    assert_eq!(world.sim_calls("/cgi-bin/media/get").await, 0);
}

#[tokio::test]
async fn wrong_upload_is_refused_and_stores_nothing() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    let path = format!("/api/conversations/{}/uploads", chat.cid);
    let mut large = jpeg("");
    large.resize(2 * 1024 * 1024 + 1, 0);
    let webp = b"RIFF\0\0\0\0WEBP".to_vec();
    for (file, status, code) in [
        (large, 413, "too_large"),
        (webp, 422, "picture.wrong_type"),
        (b"<svg onload=alert(1)>".to_vec(), 422, "picture.wrong_type"),
        (b"GIF".to_vec(), 422, "picture.wrong_type"),
        (Vec::new(), 422, "picture.wrong_type"),
    ] {
        assert_eq!(problem(&upload(&world, &token, &path, &file).await), (status, code, None));
    }
    world.sim_fault(&json!({ "path": "/cgi-bin/media/upload", "errcode": 45009 })).await;
    let refused = upload(&world, &token, &path, PNG).await;
    assert_eq!(problem(&refused).1, "wechat.daily_quota_used", "{}", refused.raw);
    assert_eq!((world.bundle.object_keys(), world.items("upload").await), (vec![], vec![]));
    let mut most = jpeg("");
    most.resize(2 * 1024 * 1024, 0);
    upload(&world, &token, &path, &most).await.expect(201);
    world.call(Some(&token), Method::POST, &format!("/api/conversations/{}/close", chat.cid), None).await.expect(200);
    assert_eq!(problem(&upload(&world, &token, &path, PNG).await).1, "conversation.closed");
}

#[tokio::test]
async fn bucket_that_does_not_answer_fails_the_request_and_not_the_conversation() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, token) = chat(&world, &desk).await;
    let faults = world.bundle.table_faults();
    faults.add(local::TableFault::new(local::Fault::InternalError).operation("PutObject").times(10));
    let path = format!("/api/conversations/{}/uploads", chat.cid);
    assert_eq!(problem(&upload(&world, &token, &path, PNG).await).0, 503);
    let id = sends_photo(&chat, &jpeg("photo")).await;
    assert_eq!(chat.visitor.stage().await, "assigned");
    faults.clear();
    assert_eq!(media(&world, &token, &chat, &id).await.bytes().await, jpeg("photo"));
    // One failure is bridged by a second attempt.
    faults.add(local::TableFault::new(local::Fault::CloseBefore).operation("PutObject"));
    upload(&world, &token, &path, PNG).await.expect(201);
}

#[tokio::test]
async fn picture_of_a_visitor_who_is_erased_meanwhile_is_not_kept() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (chat, _token) = chat(&world, &desk).await;
    world.sim_fault(&json!({ "path": "/cgi-bin/media/get", "errcode": -1 })).await;
    sends_photo(&chat, &jpeg("photo")).await;
    let visitor = format!("/api/bindings/{}/visitors/o-1", desk.binding.app_id);
    world.call(Some(ADMIN), Method::DELETE, &visitor, None).await.expect(204);
    world.advance(19 * 60);
    world.settle().await;
    assert_eq!(world.bundle.object_keys(), [""; 0]);
}
