//! Access tokens are renewed ahead of time, once, by one function at a time.

mod lease;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, problem};
use crate::support::{Binding, World};

const APP: &str = "wx0000000000000e01";
const OTHER: &str = "wx0000000000000e02";
const TOKEN: &str = "/cgi-bin/stable_token";
/// Lifetime of an access token in seconds.
const LIFE: i64 = 7200;

/// The number of token requests for a mini program.
async fn token_requests(world: &World, app_id: &str) -> u64 {
    world.sim_get(&format!("/sim/calls?path={TOKEN}&app_id={app_id}")).await.expect(200).body["total"].as_u64().unwrap()
}

async fn health(world: &World) -> Value {
    world.get(&format!("/api/bindings/{APP}/health")).await.expect(200).body
}

/// Gives the mini program a group, without which it is not healthy.
async fn set_group(world: &World) {
    let agent = world.create("agents", &json!({ "name": "小王" })).await;
    let group = world.group(&[&agent]).await;
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "reception": { "group_id": group } })).await.expect(200);
}

async fn chats<'a>(world: &'a World, binding: &'a Binding, count: usize) -> Vec<OpenConversation<'a>> {
    let mut chats = Vec::new();
    for number in 0..count {
        chats.push(world.open_conversation(binding, &format!("o-{number}")).await);
    }
    chats
}

/// Delays WeChat's next token until all readers wait for it.
async fn slow_token(world: &World) {
    world.sim_fault(&json!({ "path": TOKEN, "wait_ms": 1500 })).await;
}

/// The stored token item of `APP`.
async fn token_item(world: &World) -> Value {
    let tokens = world.items("token").await;
    tokens.into_iter().find(|token| token["pk"]["S"].as_str().unwrap().ends_with(APP)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_readers_of_an_expired_token_cause_one_call() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chats = chats(&world, &binding, 50).await;
    world.advance(LIFE);
    world.reset_wechat_calls().await;
    slow_token(&world).await;
    let answers = join_all(chats.iter().map(|chat| chat.send_text("都在"))).await;
    for answer in answers {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    for chat in &chats {
        assert_eq!(chat.visitor.received_texts().await, ["都在"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_in_several_functions_cause_one_call() {
    let world = World::start().await;
    let binding = world.bind_with(json!({ "app_id": APP, "auto_reply": "稍等" })).await;
    let chats = chats(&world, &binding, 20).await;
    let media_id = chats[0].upload_cover(&format!("{}/phone/cover.png", world.bundle.wechat_url())).await;
    world.advance(LIFE);
    // Reception, the schedule, `desk-api` and `card-send` at the same time.
    let newcomer = world.visitor(&binding, "o-new");
    newcomer.text("在吗").await;
    world.reset_wechat_calls().await;
    slow_token(&world).await;
    let texts = join_all(chats.iter().map(|chat| chat.send_text("文字")));
    let cards = join_all(chats.iter().map(|chat| async { chat.send_card(&chat.card_with_media_id(&media_id)).await }));
    let (texts, cards, (), ()) = tokio::join!(texts, cards, world.settle(), world.tick("TokenRefresh"));
    for answer in texts.into_iter().chain(cards) {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    assert_eq!(newcomer.received_texts().await, ["稍等"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refused_token_is_renewed_once_for_fifty_readers() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chats = chats(&world, &binding, 50).await;
    world.sim_post(&format!("/sim/mini-programs/{APP}/expire-tokens"), &json!({ "errcode": 40001 })).await.expect(200);
    world.reset_wechat_calls().await;
    slow_token(&world).await;
    for answer in join_all(chats.iter().map(|chat| chat.send_text("都在"))).await {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    for chat in &chats {
        assert_eq!(chat.visitor.received_texts().await, ["都在"]);
    }
}

#[tokio::test]
async fn schedule_renews_due_tokens_only() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.advance(3600);
    world.bind(OTHER).await;
    world.reset_wechat_calls().await;
    // Renewals start five minutes before the end, spread over two minutes.
    world.advance(LIFE - 3600 - 301);
    world.tick("TokenRefresh").await;
    assert_eq!(world.token_calls().await, 0, "too early");
    world.advance(121);
    world.tick("TokenRefresh").await;
    assert_eq!((token_requests(&world, APP).await, token_requests(&world, OTHER).await), (1, 0));
    world.tick("TokenRefresh").await;
    assert_eq!(token_requests(&world, APP).await, 1, "once");

    // The old token has ended and the new one is stored.
    world.advance(180);
    world.bundle.end_environments().await;
    let chat = world.open_conversation(&binding, "o-1").await;
    chat.send_text("不用等").await.expect(201);
    assert_eq!(token_requests(&world, APP).await, 1);

    // One call every two hours per mini program.
    world.reset_wechat_calls().await;
    for _ in 0..24 * 12 {
        world.advance(300);
        world.tick("TokenRefresh").await;
        assert!(health(&world).await["checks"][2]["ok"] == true, "never without a token");
    }
    let (one, other) = (token_requests(&world, APP).await, token_requests(&world, OTHER).await);
    assert!((12..=14).contains(&one) && (12..=14).contains(&other), "{one}, {other}");
}

#[tokio::test]
async fn refused_credentials_are_reported_with_back_off_and_recover_at_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    set_group(&world).await;
    let console = format!("/sim/mini-programs/{APP}");
    let secret = "ffffffffffffffffffffffffffffffff";
    // 重置 AppSecret invalidates the stored secret and all tokens.
    world.sim_call(Method::PATCH, &console, &json!({ "app_secret": secret })).await.expect(200);
    world.advance(LIFE - 100);
    world.reset_wechat_calls().await;
    world.tick("TokenRefresh").await;
    assert_eq!(world.token_calls().await, 1);
    let bound = world.get(&format!("/api/bindings/{APP}")).await.expect(200).body;
    assert_eq!(bound["status"], "credentials_refused");
    assert_eq!(
        (&bound["problem"]["errcode"], &bound["problem"]["code"]),
        (&json!(40125), &json!("wechat.credentials_refused"))
    );
    assert!(bound["problem"]["reason"].as_str().unwrap().contains("AppSecret"), "{bound}");
    let since = bound["problem"]["since"].clone();
    assert_eq!(health(&world).await["healthy"], false);

    // The sender gets the reason, and WeChat is not called.
    for _ in 0..3 {
        let answer = chat.send_text("在吗").await;
        assert_eq!(problem(&answer), (502, "wechat.credentials_refused", Some(40125)));
        assert!(answer.text("detail").contains("AppSecret"), "{}", answer.raw);
        world.tick("TokenRefresh").await;
    }
    assert_eq!(world.token_calls().await, 1);
    // Retried after 1, 2, 4 … minutes, at most an hour.
    let mut pauses = Vec::new();
    let mut minutes = 0;
    while pauses.len() < 9 {
        let before = world.token_calls().await;
        world.advance(60);
        minutes += 1;
        world.tick("TokenRefresh").await;
        if world.token_calls().await > before {
            pauses.push(minutes);
            minutes = 0;
        }
        assert!(minutes <= 61, "it is asked again: {pauses:?}");
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    let bound = world.get(&format!("/api/bindings/{APP}")).await.expect(200).body;
    assert_eq!(bound["problem"]["since"], since, "since when it first was so");

    let wrong = world.patch(&format!("/api/bindings/{APP}"), &json!({ "app_secret": "wrong-again" })).await;
    assert_eq!(problem(&wrong).0, 422);
    let healed = world.patch(&format!("/api/bindings/{APP}"), &json!({ "app_secret": secret })).await.expect(200).body;
    assert_eq!((&healed["status"], healed.get("problem")), (&json!("verified"), None));
    assert_eq!(health(&world).await["healthy"], true);
    let calls = world.token_calls().await;
    chat.send_text("又能用了").await.expect(201);
    assert_eq!(world.token_calls().await, calls, "the check itself brought the token");
}

#[tokio::test]
async fn valid_credentials_recover_without_intervention() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    set_group(&world).await;
    let console = format!("/sim/mini-programs/{APP}");
    for (lever, release, errcode) in [
        (json!({ "frozen": true }), json!({ "frozen": false }), 40243),
        (json!({ "whitelist": ["203.0.113.9"] }), json!({ "whitelist": null }), 40164),
    ] {
        world.sim_call(Method::PATCH, &console, &lever).await.expect(200);
        world.advance(LIFE);
        // Readers notice it as well as the schedule.
        let answer = chat.send_text("在吗").await;
        assert_eq!((problem(&answer).0, problem(&answer).2), (502, Some(errcode)));
        assert_eq!(health(&world).await["status"], "credentials_refused");
        world.sim_call(Method::PATCH, &console, &release).await.expect(200);
        world.advance(60);
        world.tick("TokenRefresh").await;
        assert_eq!(health(&world).await["healthy"], true);
        chat.send_text("在").await.expect(201);
    }
}

#[tokio::test]
async fn wechat_outage_is_an_error_and_leaves_the_binding_unchanged() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (mut fault, code, errcode) in [
        (json!({ "errcode": -1 }), "wechat.busy", Some(-1)),
        (json!({ "errcode": 45009 }), "wechat.daily_quota_used", Some(45009)),
        (json!({ "html": true }), "wechat.answer_unreadable", None),
        (json!({ "body": "{}" }), "wechat.answer_unreadable", None),
        (json!({ "break_off": "before" }), "wechat.broken_off", None),
        (json!({ "break_off": "after" }), "wechat.broken_off", None),
        (json!({ "wait_ms": 5500 }), "wechat.timed_out", None),
    ] {
        world.advance(LIFE);
        chat.visitor.text("在吗").await;
        world.settle().await;
        let sent = chat.visitor.received().await.len();
        fault["path"] = json!(TOKEN);
        world.sim_fault(&fault).await;
        let answer = chat.send_text("在").await;
        assert_eq!(problem(&answer), (502, code, errcode), "{fault}");
        let message = chat.message(&answer.text("message_id")).await;
        assert_eq!(message["state"], "failed", "{fault}: without a token nothing was sent, and that is known");
        let bound = world.get(&format!("/api/bindings/{APP}")).await.expect(200).body;
        assert_eq!((&bound["status"], bound.get("problem")), (&json!("verified"), None), "{fault}");
        chat.send_text("在").await.expect(201);
        assert_eq!(chat.visitor.received().await.len(), sent + 1, "{fault}");
    }
}

#[tokio::test]
async fn failed_renewal_keeps_the_current_token_usable() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    world.advance(LIFE - 150);
    world.bundle.end_environments().await;
    world.sim_fault(&json!({ "path": TOKEN, "errcode": -1 })).await;
    world.tick("TokenRefresh").await;
    world.reset_wechat_calls().await;
    chat.send_text("还能用").await.expect(201);
    assert_eq!(world.token_calls().await, 0);
    // It is retried before the old token ends.
    world.advance(60);
    world.tick("TokenRefresh").await;
    assert_eq!(world.token_calls().await, 1);
    assert_eq!(token_item(&world).await.get("failures"), None);
}

#[tokio::test]
async fn deleted_binding_is_not_renewed() {
    let world = World::start().await;
    world.bind(APP).await;
    let token = token_item(&world).await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    // As if a renewal had written during the deletion.
    world.put_item(&token).await;
    world.reset_wechat_calls().await;
    for _ in 0..3 {
        world.advance(LIFE);
        world.tick("TokenRefresh").await;
    }
    assert_eq!(world.token_calls().await, 0);
    assert_eq!(token_item(&world).await.get("due_pk"), None, "it is out of the schedule");
}
