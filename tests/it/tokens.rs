//! Access tokens: renewed before anyone waits for one, once, by one function at a time.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Chat, problem};
use crate::support::{Binding, World};

const APP: &str = "wx0000000000000e01";
const OTHER: &str = "wx0000000000000e02";
const TOKEN: &str = "/cgi-bin/stable_token";
/// How long a token of WeChat's lives, in seconds.
const LIFE: i64 = 7200;

/// How often WeChat was asked for this mini program's token.
async fn asked(world: &World, app_id: &str) -> u64 {
    world.sim_get(&format!("/sim/calls?path={TOKEN}&app_id={app_id}")).await.expect(200).body["total"].as_u64().unwrap()
}

async fn health(world: &World) -> Value {
    world.get(&format!("/api/bindings/{APP}/health")).await.expect(200).body
}

async fn chats<'a>(world: &'a World, binding: &'a Binding, count: usize) -> Vec<Chat<'a>> {
    let mut chats = Vec::new();
    for number in 0..count {
        chats.push(world.chat(binding, &format!("o-{number}")).await);
    }
    chats
}

/// WeChat takes its time over the next token, so that everybody who wants one is there before it is.
async fn slow_token(world: &World) {
    world.sim_fault(&json!({ "path": TOKEN, "wait_ms": 1500 })).await;
}

/// The token of `APP` as it is kept.
async fn kept(world: &World) -> Value {
    let tokens = world.items("token").await;
    tokens.into_iter().find(|token| token["pk"]["S"].as_str().unwrap().ends_with(APP)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_readers_of_an_expired_token_are_one_call_to_wechat() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chats = chats(&world, &binding, 50).await;
    world.advance(LIFE);
    world.forget_calls().await;
    slow_token(&world).await;
    let answers = join_all(chats.iter().map(|chat| chat.say("都在"))).await;
    for answer in answers {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    for chat in &chats {
        assert_eq!(chat.visitor.phone_texts().await, ["都在"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_in_several_functions_are_one_call_to_wechat() {
    let world = World::start().await;
    let binding = world.bind_with(json!({ "app_id": APP, "auto_reply": "稍等" })).await;
    let chats = chats(&world, &binding, 20).await;
    let media_id = chats[0].uploaded(&format!("{}/phone/cover.png", world.bundle.wechat_url())).await;
    world.advance(LIFE);
    // Reception, the schedule, and people by two other functions, all at once.
    let newcomer = world.visitor(&binding, "o-new");
    newcomer.text("在吗").await;
    world.forget_calls().await;
    slow_token(&world).await;
    let texts = join_all(chats.iter().map(|chat| chat.say("文字")));
    let cards = join_all(chats.iter().map(|chat| async { chat.card(&chat.card_with(&media_id)).await }));
    let (texts, cards, (), ()) = tokio::join!(texts, cards, world.settle(), world.tick("TokenRefresh"));
    for answer in texts.into_iter().chain(cards) {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    assert_eq!(newcomer.phone_texts().await, ["稍等"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_token_is_renewed_once_for_fifty_readers() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chats = chats(&world, &binding, 50).await;
    world.sim_post(&format!("/sim/mini-programs/{APP}/expire-tokens"), &json!({ "errcode": 40001 })).await.expect(200);
    world.forget_calls().await;
    slow_token(&world).await;
    for answer in join_all(chats.iter().map(|chat| chat.say("都在"))).await {
        answer.expect(201);
    }
    assert_eq!(world.token_calls().await, 1);
    for chat in &chats {
        assert_eq!(chat.visitor.phone_texts().await, ["都在"]);
    }
}

#[tokio::test]
async fn the_schedule_renews_what_falls_due_before_it_ends_and_nothing_else() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.advance(3600);
    world.bind(OTHER).await;
    world.forget_calls().await;
    // Renewals begin five minutes before the end, spread over two.
    world.advance(LIFE - 3600 - 301);
    world.tick("TokenRefresh").await;
    assert_eq!(world.token_calls().await, 0, "too early");
    world.advance(121);
    world.tick("TokenRefresh").await;
    assert_eq!((asked(&world, APP).await, asked(&world, OTHER).await), (1, 0));
    world.tick("TokenRefresh").await;
    assert_eq!(asked(&world, APP).await, 1, "once");

    // Nobody waits: the old token has ended, the new one is there.
    world.advance(180);
    world.bundle.end_environments().await;
    let chat = world.chat(&binding, "o-1").await;
    chat.say("不用等").await.expect(201);
    assert_eq!(asked(&world, APP).await, 1);

    // So it goes on, one call in two hours for each.
    world.forget_calls().await;
    for _ in 0..24 * 12 {
        world.advance(300);
        world.tick("TokenRefresh").await;
        assert!(health(&world).await["checks"][2]["ok"] == true, "never without a token");
    }
    let (one, other) = (asked(&world, APP).await, asked(&world, OTHER).await);
    assert!((12..=14).contains(&one) && (12..=14).contains(&other), "{one}, {other}");
}

#[tokio::test]
async fn refused_credentials_put_the_binding_into_words_back_off_and_heal_at_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let console = format!("/sim/mini-programs/{APP}");
    let secret = "ffffffffffffffffffffffffffffffff";
    // 重置 AppSecret: the secret that is bound stops working, and every token with it.
    world.sim_call(Method::PATCH, &console, &json!({ "app_secret": secret })).await.expect(200);
    world.advance(LIFE - 100);
    world.forget_calls().await;
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

    // Whoever sends is told why, and WeChat is left in peace.
    for _ in 0..3 {
        let answer = chat.say("在吗").await;
        assert_eq!(problem(&answer), (502, "wechat.credentials_refused", Some(40125)));
        assert!(answer.text("detail").contains("AppSecret"), "{}", answer.raw);
        world.tick("TokenRefresh").await;
    }
    assert_eq!(world.token_calls().await, 1);
    // Asked again after 1, 2, 4 … minutes, at most an hour.
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
    chat.say("又能用了").await.expect(201);
    assert_eq!(world.token_calls().await, calls, "the check itself brought the token");
}

#[tokio::test]
async fn credentials_that_are_right_again_heal_by_themselves() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let console = format!("/sim/mini-programs/{APP}");
    for (lever, release, errcode) in [
        (json!({ "frozen": true }), json!({ "frozen": false }), 40243),
        (json!({ "whitelist": ["203.0.113.9"] }), json!({ "whitelist": null }), 40164),
    ] {
        world.sim_call(Method::PATCH, &console, &lever).await.expect(200);
        world.advance(LIFE);
        // A reader finds it out, not only the schedule.
        let answer = chat.say("在吗").await;
        assert_eq!((problem(&answer).0, problem(&answer).2), (502, Some(errcode)));
        assert_eq!(health(&world).await["status"], "credentials_refused");
        world.sim_call(Method::PATCH, &console, &release).await.expect(200);
        world.advance(60);
        world.tick("TokenRefresh").await;
        assert_eq!(health(&world).await["healthy"], true);
        chat.say("在").await.expect(201);
    }
}

#[tokio::test]
async fn a_wechat_out_of_order_is_a_typed_error_and_the_binding_stays_as_it_is() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
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
        let sent = chat.visitor.phone().await.len();
        fault["path"] = json!(TOKEN);
        world.sim_fault(&fault).await;
        let answer = chat.say("在").await;
        assert_eq!(problem(&answer), (502, code, errcode), "{fault}");
        let message = chat.message(&answer.text("message_id")).await;
        assert_eq!(message["state"], "failed", "{fault}: without a token nothing was sent, and that is known");
        let bound = world.get(&format!("/api/bindings/{APP}")).await.expect(200).body;
        assert_eq!((&bound["status"], bound.get("problem")), (&json!("verified"), None), "{fault}");
        chat.say("在").await.expect(201);
        assert_eq!(chat.visitor.phone().await.len(), sent + 1, "{fault}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_costs_nobody_the_token_that_still_lives() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    world.advance(LIFE - 150);
    world.bundle.end_environments().await;
    world.sim_fault(&json!({ "path": TOKEN, "errcode": -1 })).await;
    world.tick("TokenRefresh").await;
    world.forget_calls().await;
    chat.say("还能用").await.expect(201);
    assert_eq!(world.token_calls().await, 0);
    // It is tried again soon, before the old one ends.
    world.advance(60);
    world.tick("TokenRefresh").await;
    assert_eq!(world.token_calls().await, 1);
    assert_eq!(kept(&world).await.get("failures"), None);
}

#[tokio::test]
async fn when_the_one_who_renews_is_killed_another_takes_over_after_the_lease() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let mut leases = 0;
    for awaits in 0.. {
        // Due, and not yet over.
        while kept(&world).await["due_sk"]["S"].as_str().unwrap()
            > format!("{:013}", world.now().as_millisecond()).as_str()
        {
            world.advance(30);
        }
        let (kills, version) = (world.bundle.kills("TokenRefresh").unwrap(), kept(&world).await["version"].clone());
        world.bundle.kill_next("TokenRefresh", awaits).unwrap();
        // Killed, it has no answer.
        let _ = world.bundle.tick("TokenRefresh").await;
        if world.bundle.kills("TokenRefresh").unwrap() == kills {
            break;
        }
        let token = kept(&world).await;
        if token.get("lease_owner").is_some() {
            leases += 1;
            world.forget_calls().await;
            world.tick("TokenRefresh").await;
            assert_eq!(world.token_calls().await, 0, "{awaits}: nobody else renews it during the lease");
            chat.visitor.text("在吗").await;
            world.settle().await;
            world.bundle.end_environments().await;
            chat.say("旧的还能用").await.expect(201);
            assert_eq!(world.token_calls().await, 0, "{awaits}");
            world.advance(16);
        }
        world.tick("TokenRefresh").await;
        let renewed = kept(&world).await;
        assert_ne!(renewed["version"], version, "{awaits}");
        assert_eq!(renewed.get("lease_owner"), None, "{awaits}");
    }
    assert!(leases > 0, "it was never killed while it held the lease");
}

#[tokio::test]
async fn a_reader_takes_over_from_a_killed_one_whose_token_has_ended() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    world.advance(LIFE);
    for awaits in 0.. {
        world.bundle.kill_next("TokenRefresh", awaits).unwrap();
        assert!(world.bundle.tick("TokenRefresh").await.is_err(), "it renewed the token before it held the lease");
        if kept(&world).await.get("lease_owner").is_some() {
            break;
        }
    }
    world.forget_calls().await;
    let waits = chat.say("等到了");
    let time = async {
        // The reader has looked and found the lease taken.
        while world.calls("DeskApi", "UpdateItem") < 2 {
            tokio::task::yield_now().await;
        }
        world.advance(16);
    };
    world.bundle.reset_request_counts();
    let (answer, ()) = tokio::join!(waits, time);
    answer.expect(201);
    assert_eq!(world.token_calls().await, 1);
}

#[tokio::test]
async fn a_deleted_binding_is_renewed_no_more() {
    let world = World::start().await;
    world.bind(APP).await;
    let token = kept(&world).await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    // As if a renewal had written while the binding was deleted.
    world.put_item(&token).await;
    world.forget_calls().await;
    for _ in 0..3 {
        world.advance(LIFE);
        world.tick("TokenRefresh").await;
    }
    assert_eq!(world.token_calls().await, 0);
    assert_eq!(kept(&world).await.get("due_pk"), None, "it is out of the schedule");
}
