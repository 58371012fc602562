//! Reception: conversations are opened once and answered automatically until a person replies.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, inserted};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好，已收到您的消息。";

#[tokio::test]
async fn first_message_opens_a_conversation_and_is_answered() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oFIRST");
    visitor.text("在吗").await;
    assert_eq!(visitor.received().await.len(), 0, "the stream is not delivered yet");
    world.settle().await;

    assert_eq!(visitor.received_texts().await, [HELLO]);
    let conversation = visitor.conversation().await;
    assert_eq!(conversation["answered"], false, "no person has replied");
    let messages = visitor.messages().await;
    let seen: Vec<_> =
        messages.iter().map(|it| (it["direction"].as_str().unwrap(), it["state"].as_str().unwrap())).collect();
    assert_eq!(seen, [("in", "received"), ("out", "sent")]);
    assert_eq!(messages[1]["author"], json!({ "role": "auto_reply" }));
    for message in &messages {
        assert_eq!(message["cid"], conversation["cid"]);
    }
    let listed = world.list(&format!("/api/conversations/{}/messages", conversation["cid"].as_str().unwrap())).await;
    assert_eq!(listed, messages);
}

#[tokio::test]
async fn automatic_reply_answers_until_a_person_has_replied() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oUNTIL");
    for text in ["1", "2", "3"] {
        visitor.text(text).await;
        world.settle().await;
        world.advance(1);
    }
    assert_eq!(visitor.received_texts().await, [HELLO; 3]);

    visitor.agent_replies("我是小王").await.expect(201);
    visitor.text("4").await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO, HELLO, HELLO, "我是小王"]);
    assert_eq!(visitor.conversation().await["answered"], true);

    // Another visitor still gets the automatic reply.
    let other = world.visitor(&binding, "oOTHER");
    other.text("1").await;
    world.settle().await;
    assert_eq!(other.received_texts().await, [HELLO]);
}

#[tokio::test]
async fn messages_are_answered_and_events_are_not() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oKINDS");
    visitor.enter("from").await;
    visitor.pushes("raw", json!({ "fields": { "MsgType": "event", "Event": "debug_demo" } })).await;
    world.settle().await;
    assert_eq!(visitor.received().await.len(), 0, "events are not answered");
    assert_eq!(visitor.conversations().await.len(), 0, "events open no conversation");
    assert_eq!(visitor.inbound().await.len(), 2, "events are stored");

    visitor.pushes("image", json!({})).await;
    visitor.pushes("card", json!({ "title": "t", "page_path": "p" })).await;
    visitor.pushes("raw", json!({ "fields": { "MsgType": "voice", "MediaId": "v" } })).await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO; 3]);
    assert_eq!(visitor.conversations().await.len(), 1);

    // Events do not belong to a conversation.
    world.advance(1);
    visitor.enter("again").await;
    world.settle().await;
    assert_eq!(visitor.received().await.len(), 3);
    assert_eq!(visitor.messages().await.last().unwrap().get("cid"), None);
}

#[tokio::test]
async fn binding_without_automatic_reply_sends_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oSILENT");
    visitor.text("hi").await;
    world.settle().await;
    world.run_minutes(3).await;
    assert_eq!(visitor.received().await.len(), 0);
    assert_eq!(visitor.outbound().await.len(), 0);
    assert_eq!(visitor.conversations().await.len(), 1);

    // The reply is enabled and disabled again.
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "auto_reply": HELLO })).await.expect(200);
    world.forget_settings();
    visitor.text("hi").await;
    world.settle().await;
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "auto_reply": null })).await.expect(200);
    world.forget_settings();
    visitor.text("hi").await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
}

#[tokio::test]
async fn twenty_simultaneous_first_messages_open_one_conversation() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oTWENTY");
    join_all((0..20).map(|number| visitor.pushes("text", json!({ "content": number.to_string() })))).await;
    let items = world.items("inbound").await;
    assert_eq!(items.len(), 20);

    // Lambda keeps the order of a thread. Here 20 environments process one message each at the same time.
    let events: Vec<Value> = items.iter().map(|item| inserted(std::slice::from_ref(item))).collect();
    join_all(events.iter().map(|event| world.bundle.invoke("Reception", event.clone()))).await;
    world.settle().await;
    world.run_minutes(3).await;

    let conversations = visitor.conversations().await;
    assert_eq!(conversations.len(), 1, "{conversations:?}");
    assert_eq!(world.items("conversation").await.len(), 1, "no conversation outside the list");
    for message in visitor.inbound().await {
        assert_eq!(message["cid"], conversations[0]["cid"]);
    }
    // WeChat accepts five replies; the other fifteen are not reported as sent.
    assert_eq!(visitor.received_texts().await, [HELLO; 5]);
    let states: Vec<Value> = visitor.outbound().await.iter().map(|message| message["state"].clone()).collect();
    assert_eq!(states.len(), 20);
    assert_eq!(states.iter().filter(|state| *state == "sent").count(), 5);
    assert_eq!(states.iter().filter(|state| *state == "failed").count(), 15);
}

#[tokio::test]
async fn concurrent_invocations_process_a_message_once() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    for round in 0..8 {
        let visitor = world.visitor(&binding, &format!("oMANY-{round}"));
        visitor.text("hi").await;
        let event = inserted(&world.partition(&format!("thread#{APP}#{}", visitor.openid)).await);
        join_all((0..8).map(|_| world.bundle.invoke("Reception", event.clone()))).await;
        assert_eq!(visitor.received_texts().await, [HELLO]);
        assert_eq!(visitor.outbound().await.len(), 1);
        assert_eq!(visitor.conversations().await.len(), 1);
    }
}

#[tokio::test]
async fn message_after_close_opens_a_new_conversation() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oAGAIN");
    visitor.text("1").await;
    world.settle().await;
    visitor.agent_replies("我是小王").await.expect(201);
    let first = visitor.conversation().await["cid"].as_str().unwrap().to_owned();
    world.post(&format!("/api/conversations/{first}/close"), &json!({})).await.expect(200);
    assert_eq!(visitor.conversations().await[0]["state"], "closed");

    world.advance(60);
    visitor.text("2").await;
    world.settle().await;
    let second = visitor.conversation().await;
    assert_ne!(second["cid"], first.as_str());
    assert_eq!(second["answered"], false, "the automatic reply is active again");
    assert_eq!(visitor.received_texts().await, [HELLO, "我是小王", HELLO]);
    let of = async |cid: &str| world.list(&format!("/api/conversations/{cid}/messages")).await.len();
    assert_eq!((of(&first).await, of(second["cid"].as_str().unwrap()).await), (3, 2));
}

#[tokio::test]
async fn message_for_a_deleted_binding_is_stored_and_not_answered() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oGONE");
    visitor.text("hi").await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    world.settle().await;
    world.run_minutes(3).await;
    assert_eq!(visitor.received().await.len(), 0);
    assert_eq!(world.items("inbound").await.len(), 1);
    assert_eq!(world.bundle.dead_letters().len(), 0);
}
