//! Connections to WeChat that end while a function is frozen.

use serde_json::json;

use super::{APP, SEND};
use crate::support::World;

#[tokio::test]
async fn send_after_a_freeze_that_ended_the_connection_is_sent() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-frozen").await;
    for path in [SEND, "/cgi-bin/stable_token", "/cgi-bin/message/custom/typing"] {
        world.sim_fault(&json!({ "path": path, "times": 100, "ends_when_idle": true })).await;
    }
    for text in ["1", "2", "3", "4"] {
        let answer = chat.send_text(text).await.expect(201);
        assert_eq!(answer.body["state"], "sent", "{}", answer.body);
    }
    assert_eq!(chat.visitor.received_texts().await, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn binding_is_refused_when_wechat_is_unreachable() {
    let world = World::options(|options| options.wechat_api = Some("http://127.0.0.1:1".to_owned())).await;
    let refused = world
        .post("/api/bindings", &json!({ "app_id": APP, "name": "x", "app_secret": "0123456789abcdef0123456789abcdef" }))
        .await;
    assert_eq!((refused.status, refused.text("code").as_str()), (502, "wechat.unreachable"));
}
