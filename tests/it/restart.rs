//! A bundle with a data folder, stopped and started again.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::support::{Binding, World};

const APP: &str = "wx0000000000000f01";

/// A folder that is deleted after the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kefu-it-{}-{name}", std::process::id()));
        // An earlier process can have had the same id.
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // On an error the folder stays in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(directory: &Path, fresh: bool) -> World {
    World::options(|options| {
        options.data = Some(directory.to_owned());
        options.fresh = fresh;
    })
    .await
}

/// Stops a bundle and starts it again with the same data and the same time.
async fn restarted(world: World, directory: &Path) -> World {
    let now = world.now();
    world.bundle.shutdown().await;
    let world = start(directory, false).await;
    world.clock.set(now);
    world
}

/// The answers of the API without the callback URL, whose port differs.
async fn answers(world: &World, paths: &[String], token: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in paths {
        let mut body = world.get(path).await.expect(200).body;
        if let Some(binding) = body.as_object_mut() {
            binding.remove("callback_url");
        }
        answers.push(body);
    }
    answers.push(world.call(Some(token), Method::GET, "/api/conversations", None).await.expect(200).body);
    answers
}

/// Submits the new callback URL in WeChat's console.
async fn submit(world: &World, binding: &Binding) -> Binding {
    let callback_url = world.get(&format!("/api/bindings/{APP}")).await.expect(200).text("callback_url");
    let console = json!({
        "app_id": APP, "callback_url": callback_url, "token": binding.token, "encoding_aes_key": binding.key,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    Binding { callback_url, clock: world.clock.clone(), ..binding.clone() }
}

#[tokio::test]
async fn data_and_credentials_survive_a_restart() {
    let directory = Directory::new("kept");
    let world = start(&directory.0, false).await;
    let binding = world.bind_with(json!({ "app_id": APP, "auto_reply": "稍等" })).await;
    let agent = world.access_token("agent").await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let once = chat.post_once("k-1", &crate::open_conversation::text("您好")).await.expect(201);
    let media_id = chat.upload_cover(&format!("{}/phone/cover.png", world.bundle.wechat_url())).await;
    let closed = world.open_conversation(&binding, "o-2").await;
    for what in ["claim", "close"] {
        let path = format!("/api/conversations/{}/{what}", closed.cid);
        world.call(Some(&agent), Method::POST, &path, None).await.expect(200);
    }
    let paths = [
        format!("/api/bindings/{APP}"),
        format!("/api/bindings/{APP}/health"),
        format!("/api/conversations/{}", chat.cid),
        format!("/api/conversations/{}/messages", chat.cid),
        format!("/api/conversations/{}", closed.cid),
        "/api/access-tokens".to_owned(),
    ];
    let (cid, before) = (chat.cid.clone(), answers(&world, &paths, &agent).await);
    assert_eq!(before[3]["items"].as_array().unwrap().len(), 4);

    let world = restarted(world, &directory.0).await;
    assert_eq!(answers(&world, &paths, &agent).await, before);
    assert_eq!(world.token_calls().await, 0);

    // Sealed credentials, the access token, idempotency keys and uploaded media can still be used.
    let binding = submit(&world, &binding).await;
    let messages = format!("/api/conversations/{cid}/messages");
    let again = world.post_once("k-1", &messages, &crate::open_conversation::text("您好")).await.expect(201);
    assert_eq!(again.body, once.body);
    let chat = world.open_conversation(&binding, "o-1").await;
    assert_eq!(chat.cid, cid, "the conversation is still open");
    chat.send_card(&chat.card_with_cover_at(&format!("{}/phone/cover.png", world.bundle.wechat_url())))
        .await
        .expect(201);
    chat.send_card(&chat.card_with_media_id(&media_id)).await.expect(201);
    assert_eq!((world.token_calls().await, world.sim_calls("/cgi-bin/media/upload").await), (0, 0));
    assert_eq!(chat.visitor.received_texts().await, ["稍等", "您好"]);
}

#[tokio::test]
async fn message_acknowledged_before_a_restart_is_answered_once_after_it() {
    let directory = Directory::new("acknowledged");
    let world = start(&directory.0, false).await;
    let binding = world.bind_with(json!({ "app_id": APP, "auto_reply": "稍等" })).await;
    // Acknowledged, but not yet processed by the stream.
    world.visitor(&binding, "o-1").text("在吗").await;

    let world = restarted(world, &directory.0).await;
    world.settle().await;
    let visitor = world.visitor(&binding, "o-1");
    assert_eq!(visitor.conversation().await["state"], "open");
    assert_eq!(visitor.received_texts().await, ["稍等"]);
    let world = restarted(world, &directory.0).await;
    world.run_minutes(3).await;
    assert_eq!(world.visitor(&binding, "o-1").received_texts().await, ["稍等"], "once");
}

#[tokio::test]
async fn fresh_deletes_all_data() {
    let directory = Directory::new("fresh");
    let world = start(&directory.0, false).await;
    let binding = world.bind(APP).await;
    let agent = world.access_token("agent").await;
    let cid = world.open_conversation(&binding, "o-1").await.cid;
    world.bundle.shutdown().await;

    let world = start(&directory.0, true).await;
    assert_eq!(problem(&world.get(&format!("/api/bindings/{APP}")).await).0, 404);
    assert_eq!(problem(&world.get(&format!("/api/conversations/{cid}")).await).0, 404);
    assert_eq!(world.conversations().await, Vec::<Value>::new());
    world.call(Some(&agent), Method::GET, "/api/conversations", None).await.expect(403);
    assert_eq!(world.sim_get("/sim/mini-programs").await.expect(200).body["items"], json!([]));
    world.bind(APP).await;
}
