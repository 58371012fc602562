//! Redeliveries: WeChat repeats an unanswered push up to three times, also simultaneously. One effect, equal answers.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::push::{Push, text_document};
use crate::support::{Binding, World};

const APP: &str = "wx00000000000000a1";

/// Rounds of four deliveries.
const ROUNDS: usize = 200;

/// The four answers of one push are `success`.
#[track_caller]
fn four_deliveries_succeed(attempts: &Value) {
    let answers: Vec<_> =
        attempts.as_array().unwrap().iter().map(|attempt| (&attempt["status"], &attempt["body"])).collect();
    let success = (&json!(200), &json!("success"));
    assert_eq!(answers, [success; 4]);
}

#[tokio::test]
async fn four_simultaneous_deliveries_have_one_effect_in_200_rounds() {
    let world = World::with_automatic_streams().await;
    let binding = world.bind_with_auto_reply(APP, "您好，已收到。").await;
    for round in 0..ROUNDS {
        // Twenty visitors, so that both first and later messages occur.
        let visitor = world.visitor(&binding, &format!("oFOUR-{}", round % 20));
        let answer = visitor.pushes("text", json!({ "content": format!("round {round}"), "deliveries": 4 })).await;
        four_deliveries_succeed(&answer.body["attempts"]);
        if round % 50 == 25 {
            // The same with a cold function.
            world.bundle.end_environments().await;
        }
    }
    world.settle().await;
    let items = world.items("inbound").await;
    assert_eq!(items.len(), ROUNDS);
    for item in items {
        // A late copy must not undo what reception has written.
        assert!(item.get("cid").is_some() && item.get("due_pk").is_none(), "{item}");
    }
    assert_eq!(world.conversations().await.len(), 20, "one conversation each");
    for number in 0..20 {
        let visitor = world.visitor(&binding, &format!("oFOUR-{number}"));
        let said: Vec<Value> = visitor.inbound().await;
        let mut texts: Vec<&str> = said.iter().map(|message| message["text"]["content"].as_str().unwrap()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!((said.len(), texts.len()), (ROUNDS / 20, ROUNDS / 20), "each once");
        assert_eq!(visitor.received().await.len(), ROUNDS / 20, "one reply to each message");
    }
}

#[tokio::test]
async fn four_simultaneous_deliveries_of_equal_bytes_store_one_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..50_u64 {
        let push = Push::new(&binding, &text_document("oSAME", 1_772_438_400, round, "again"));
        let answers = join_all((0..4).map(|_| world.deliver(&push))).await;
        for answer in answers {
            assert_eq!((answer.status, answer.raw.as_str()), (200, "success"));
        }
    }
    assert_eq!(world.items("inbound").await.len(), 50);
}

#[tokio::test]
async fn late_redelivery_changes_nothing() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, "您好").await;
    let visitor = world.visitor(&binding, "oLATE");
    visitor.pushes("text", json!({ "content": "first", "msg_id": 7, "create_time": 1_772_438_400 })).await;
    world.settle().await;
    let before = world.items("inbound").await;
    world.advance(3600);
    visitor.pushes("text", json!({ "content": "first", "msg_id": 7, "create_time": 1_772_438_400 })).await;
    world.settle().await;
    world.run_minutes(2).await;
    assert_eq!(world.items("inbound").await, before, "not one attribute");
    assert_eq!(visitor.received().await.len(), 1, "no second reply");
}

#[tokio::test]
async fn equal_message_ids_of_two_visitors_are_two_messages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let other = world.bind("wx00000000000000b2").await;
    let pushed = [(&binding, "oONE"), (&binding, "oTWO"), (&other, "oONE")];
    for (binding, openid) in pushed {
        world
            .visitor(binding, openid)
            .pushes("text", json!({ "content": openid, "msg_id": 42, "create_time": 1_772_438_400 }))
            .await;
    }
    for (binding, openid) in pushed {
        let kept = world.visitor(binding, openid).messages().await;
        assert_eq!(kept.len(), 1, "{openid}");
        assert_eq!(kept[0]["text"]["content"], openid);
    }
}

#[tokio::test]
async fn events_of_one_second_are_distinguished_by_content() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oEVENTS");
    for from in ["a", "b", "a"] {
        visitor.pushes("enter", json!({ "session_from": from, "deliveries": 4 })).await;
    }
    let kept = visitor.messages().await;
    let mut kept: Vec<&str> = kept.iter().map(|message| message["event"]["session_from"].as_str().unwrap()).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["a", "b"], "the same event again is the same event");

    world.advance(1);
    visitor.enter("a").await;
    assert_eq!(visitor.messages().await.len(), 3, "a second later it is another");
}

#[tokio::test]
async fn redelivery_in_another_format_is_the_same_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let xml = text_document("oFORM", 1_772_438_400, 99, "same");
    let json = json!({"FromUserName": "oFORM", "CreateTime": 1_772_438_400, "MsgType": "text", "Content": "same", "MsgId": 99});
    for document in [xml, json.to_string()] {
        assert_eq!(world.deliver(&Push::new(&binding, &document)).await.status, 200);
    }
    assert_eq!(world.items("inbound").await.len(), 1);
}

#[tokio::test]
async fn wechat_retries_after_a_lost_answer_store_one_message() {
    let world = World::start().await;
    let binding: Binding = world.bind_with_auto_reply(APP, "您好").await;
    world.sim_settings(&json!({ "retry_pause_ms": 0 })).await;
    let visitor = world.visitor(&binding, "oLOST");
    for awaits in 0..12 {
        // The function ends before or during its write; WeChat gets a 500 and delivers again.
        world.bundle.kill_next("MessageIngress", awaits).unwrap();
        visitor.text(&format!("{awaits}")).await;
        world.settle().await;
    }
    let kills = world.bundle.kills("MessageIngress").unwrap();
    assert!(kills >= 2, "only {kills} of them were killed");
    assert_eq!(visitor.inbound().await.len(), 12);
    assert_eq!(visitor.received().await.len(), 12);
}
