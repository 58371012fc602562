//! Changing, listing and deleting bindings; health.

use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, PLANTED_KEY, SECRET, asked, assert_nothing_stored, of};
use crate::open_conversation::{fields, problem};
use crate::support::World;

#[tokio::test]
async fn patch_changes_only_the_named_fields() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.get(&of(APP)).await.expect(200).body;
    world.advance(60);
    let change = json!({ "name": " 新名字 ", "auto_reply": "您好 👋" });
    let mut changed = world.patch(&of(APP), &change).await.expect(200).body;
    changed.as_object_mut().unwrap().remove("warnings");
    assert_eq!((&changed["name"], &changed["auto_reply"]), (&json!("新名字"), &json!("您好 👋")));
    assert_eq!((&changed["status"], &changed["created_at"]), (&before["status"], &before["created_at"]));
    assert_eq!(changed["updated_at"], "2026-03-02T08:01:00Z");
    assert_eq!(world.get(&of(APP)).await.expect(200).body, changed);

    let named = world.patch(&of(APP), &json!({ "name": "只改名字" })).await.expect(200).body;
    assert_eq!(named["auto_reply"], "您好 👋", "what is not named stays");
    let removed = world.patch(&of(APP), &json!({ "auto_reply": null })).await.expect(200).body;
    assert_eq!((&removed["auto_reply"], &removed["name"]), (&Value::Null, &json!("只改名字")));
    world.patch(&of(APP), &json!({ "auto_reply": "再来" })).await.expect(200);
    let emptied = world.patch(&of(APP), &json!({ "auto_reply": "" })).await.expect(200).body;
    assert_eq!(emptied["auto_reply"], Value::Null);

    let all = json!({ "name": "", "app_secret": "a b", "token": "?", "encoding_aes_key": "?", "auto_reply": "长".repeat(683) });
    let answer = world.patch(&of(APP), &all).await.expect(422);
    assert_eq!(fields(&answer), ["name", "app_secret", "token", "encoding_aes_key", "auto_reply"]);
    let answer = world.patch(&of(APP), &json!({ "app_id": "wx0000000000000b02" })).await.expect(422);
    assert_eq!(fields(&answer), ["app_id"], "an AppID is what a binding is; it does not change");
    assert_eq!(problem(&world.patch(&of("wx0000000000000bff"), &json!({ "name": "x" })).await).0, 404);
}

#[tokio::test]
async fn new_app_secret_is_checked_before_it_is_stored() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.all_items().await;
    world.advance(5);
    let both = json!({ "name": "新名字", "app_secret": "another0123456789abcdef012345678" });
    let refused = world.patch(&of(APP), &both).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40125)));
    assert_eq!(world.all_items().await, before, "a change is made whole or not at all");
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "errcode": -1 })).await;
    assert_eq!(problem(&world.patch(&of(APP), &both).await), (502, "wechat.busy", Some(-1)));
    assert_eq!(world.all_items().await, before);

    // 重置 in WeChat's console, then in Kefu.
    let reset = json!({ "app_secret": both["app_secret"] });
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &reset).await.expect(200);
    assert_eq!(world.patch(&of(APP), &both).await.expect(200).body["name"], "新名字");
}

#[tokio::test]
async fn token_change_resets_the_callback_verification() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "verified");
    let changed = world.patch(&of(APP), &json!({ "token": "anotherToken" })).await.expect(200);
    assert_eq!((&changed.body["status"], &changed.body["verified_at"]), (&json!("unverified"), &Value::Null));
    let mut console = json!({
        "app_id": APP, "callback_url": binding.callback_url, "token": binding.token, "encoding_aes_key": binding.key,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], false);
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "unverified");
    console["token"] = json!("anotherToken");
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "verified");
}

#[tokio::test]
async fn previous_encoding_aes_key_is_still_accepted_after_a_change() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let changed = world.patch(&of(APP), &json!({ "encoding_aes_key": PLANTED_KEY })).await.expect(200);
    assert_eq!(changed.body["status"], "verified", "the signature does not depend on the key");
    let visitor = world.visitor(&binding, "o-key");
    visitor.text("用旧密钥").await;
    let console = json!({
        "app_id": APP, "callback_url": binding.callback_url, "token": binding.token, "encoding_aes_key": PLANTED_KEY,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    visitor.text("用新密钥").await;
    let kept: Vec<Value> =
        visitor.inbound().await.into_iter().map(|message| message["text"]["content"].clone()).collect();
    assert_eq!(kept, ["用旧密钥", "用新密钥"]);
}

#[tokio::test]
async fn concurrent_patch_returns_409_to_one_caller() {
    let world = World::start().await;
    world.bind(APP).await;
    world.reset_wechat_calls().await;
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "wait_ms": 2000 })).await;
    let path = of(APP);
    let change = json!({ "name": "慢", "app_secret": SECRET });
    let slow = world.patch(&path, &change);
    let quick = async {
        // The slow request has read the binding and waits for WeChat.
        while world.token_calls().await == 0 {
            tokio::task::yield_now().await;
        }
        world.patch(&of(APP), &json!({ "name": "快" })).await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    quick.expect(200);
    assert_eq!(problem(&slow), (409, "conflict", None));
    assert_eq!(world.get(&of(APP)).await.expect(200).body["name"], "快");
}

#[tokio::test]
async fn delete_removes_credentials_and_keeps_messages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-stays").await;
    chat.send_text("您好").await.expect(201);
    let said = chat.messages().await;

    assert_eq!(world.delete(&of(APP)).await.expect(204).raw, "");
    for path in [of(APP), format!("{}/health", of(APP)), format!("{}/visitors/o-stays/messages", of(APP))] {
        assert_eq!(problem(&world.get(&path).await), (404, "not_found", None), "{path}");
    }
    assert_eq!(problem(&world.delete(&of(APP)).await).0, 404);
    assert_nothing_stored(&world).await;
    assert_eq!(chat.messages().await, said);

    // Functions that start now do not find it.
    world.bundle.end_environments().await;
    assert_eq!(chat.visitor.pushes_unchecked("text", json!({ "content": "还在吗" })).await.body["delivered"], false);
    assert_eq!(chat.messages().await, said, "a push for it is refused");
    assert_eq!(problem(&chat.send_text("在的").await), (409, "binding.gone", None));
    assert_eq!(chat.visitor.received_texts().await, ["您好"]);

    world.post("/api/bindings", &asked(APP)).await.expect(201);
    chat.send_text("回来了").await.expect(201);
}

#[tokio::test]
async fn bindings_are_listed_in_pages() {
    let world = World::start().await;
    let mut ids: Vec<String> = (1..=5).map(|number| format!("wx0000000000000c{number:02}")).collect();
    for id in ids.iter().rev() {
        world.post("/api/bindings", &asked(id)).await.expect(201);
    }
    let mut pages = Vec::new();
    let mut path = "/api/bindings?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        pages.push(items.iter().map(|item| item["app_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/bindings?limit=2&cursor={cursor}");
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    ids.sort();
    assert_eq!(pages.concat(), ids);

    for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1e9", "limit=", "cursor=%21", "cursor=AAAA"] {
        let answer = world.get(&format!("/api/bindings?{wrong}")).await;
        let field = wrong.split('=').next().unwrap();
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{wrong}");
    }
}

#[tokio::test]
async fn health_reports_each_cause() {
    let world = World::start().await;
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201);
    let health = async || world.get(&format!("{}/health", of(APP))).await.expect(200).body;
    let check = |health: &Value, name: &str| {
        let checks = health["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };

    let new = health().await;
    assert_eq!((&new["healthy"], &new["status"]), (&json!(false), &json!("unverified")));
    assert_eq!(check(&new, "callback")["ok"], false);
    assert!(check(&new, "callback")["detail"].as_str().unwrap().contains("消息推送"));
    assert_eq!((&check(&new, "credentials")["ok"], &check(&new, "access_token")["ok"]), (&json!(true), &json!(true)));
    assert_eq!(check(&new, "access_token")["expires_at"], "2026-03-02T10:00:00Z");

    let console = json!({
        "app_id": APP, "callback_url": bound.body["callback_url"], "token": bound.body["token"],
        "encoding_aes_key": bound.body["encoding_aes_key"],
    });
    world.sim_post("/sim/mini-programs", &console).await.expect(200);
    let unreceived = health().await;
    assert_eq!((&unreceived["healthy"], &check(&unreceived, "reception")["ok"]), (&json!(false), &json!(false)));
    let agent = world.agent("小王", 5).await;
    let group = world.group(&[&agent]).await;
    world.patch(&of(APP), &json!({ "reception": { "group_id": group } })).await.expect(200);
    let verified = health().await;
    assert_eq!((&verified["healthy"], &verified["status"]), (&json!(true), &json!("verified")));

    world.advance(7200);
    let expired = health().await;
    assert_eq!((&expired["healthy"], &check(&expired, "access_token")["ok"]), (&json!(false), &json!(false)));

    let frozen = json!({ "frozen": true });
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &frozen).await.expect(200);
    world.tick("TokenRefresh").await;
    let refused = health().await;
    assert_eq!((&refused["healthy"], &refused["status"]), (&json!(false), &json!("credentials_refused")));
    let credentials = check(&refused, "credentials");
    assert_eq!((&credentials["ok"], &credentials["errcode"]), (&json!(false), &json!(40243)));
    assert_eq!(credentials["code"], "wechat.credentials_refused");
    assert!(credentials["detail"].as_str().unwrap().contains("frozen"), "{credentials}");
}

#[tokio::test]
async fn patch_of_settings_that_a_later_version_wrote_is_refused_and_changes_nothing() {
    let world = World::start().await;
    world.bind(APP).await;
    let stored = || async { world.items("binding").await.remove(0) };
    let mut item = stored().await;
    item["reception"] = json!({ "S": r#"{"mode":"agents_only","lane":"express"}"# });
    world.put_item(&item).await;
    for patch in [json!({ "reception": { "mode": "robot_only" } }), json!({ "name": "新名字" })] {
        assert_eq!(problem(&world.patch(&of(APP), &patch).await).0, 500);
        assert_eq!(stored().await, item, "{patch}");
    }
    // An admin can still start over.
    let reset = world.patch(&of(APP), &json!({ "reception": null })).await.expect(200).body;
    assert_eq!(reset["reception"]["mode"], "agents_only");
}
