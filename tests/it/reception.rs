//! What happens next in each conversation: it is opened once, and answered until a person has.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, inserted};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好，已收到您的消息。";

#[tokio::test]
async fn a_first_message_opens_a_conversation_and_is_answered() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oFIRST");
    visitor.text("在吗").await;
    assert_eq!(visitor.phone().await.len(), 0, "the stream has not moved yet");
    world.settle().await;

    assert_eq!(visitor.phone_texts().await, [HELLO]);
    let conversation = visitor.conversation().await;
    assert_eq!(conversation["answered"], false, "no person has");
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
async fn the_automatic_reply_answers_each_message_until_a_person_has_replied() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oUNTIL");
    for text in ["1", "2", "3"] {
        visitor.text(text).await;
        world.settle().await;
        world.advance(1);
    }
    assert_eq!(visitor.phone_texts().await, [HELLO; 3]);

    visitor.is_told("我是小王").await.expect(201);
    visitor.text("4").await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [HELLO, HELLO, HELLO, "我是小王"]);
    assert_eq!(visitor.conversation().await["answered"], true);

    // Another visitor is still greeted.
    let other = world.visitor(&binding, "oOTHER");
    other.text("1").await;
    world.settle().await;
    assert_eq!(other.phone_texts().await, [HELLO]);
}

#[tokio::test]
async fn every_kind_of_message_is_answered_and_no_event_is() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oKINDS");
    visitor.enter("from").await;
    visitor.does("raw", json!({ "fields": { "MsgType": "event", "Event": "debug_demo" } })).await;
    world.settle().await;
    assert_eq!(visitor.phone().await.len(), 0, "events are not answered");
    assert_eq!(visitor.conversations().await.len(), 0, "and open nothing");
    assert_eq!(visitor.inbound().await.len(), 2, "but are kept");

    visitor.does("image", json!({})).await;
    visitor.does("card", json!({ "title": "t", "page_path": "p" })).await;
    visitor.does("raw", json!({ "fields": { "MsgType": "voice", "MediaId": "v" } })).await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [HELLO; 3]);
    assert_eq!(visitor.conversations().await.len(), 1);

    // An event in the middle of a conversation belongs to none.
    world.advance(1);
    visitor.enter("again").await;
    world.settle().await;
    assert_eq!(visitor.phone().await.len(), 3);
    assert_eq!(visitor.messages().await.last().unwrap().get("cid"), None);
}

#[tokio::test]
async fn a_binding_without_automatic_reply_opens_the_conversation_and_is_silent() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oSILENT");
    visitor.text("hi").await;
    world.settle().await;
    world.minutes(3).await;
    assert_eq!(visitor.phone().await.len(), 0);
    assert_eq!(visitor.outbound().await.len(), 0);
    assert_eq!(visitor.conversations().await.len(), 1);

    // Turned on and off again.
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "auto_reply": HELLO })).await.expect(200);
    visitor.text("hi").await;
    world.settle().await;
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "auto_reply": null })).await.expect(200);
    visitor.text("hi").await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [HELLO]);
}

#[tokio::test]
async fn twenty_first_messages_at_once_open_one_conversation() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oTWENTY");
    join_all((0..20).map(|number| visitor.does("text", json!({ "content": number.to_string() })))).await;
    let items = world.items("inbound").await;
    assert_eq!(items.len(), 20);

    // Lambda works on a thread in order. Here nothing is in order: 20 environments, one message each, all at once.
    let events: Vec<Value> = items.iter().map(|item| inserted(std::slice::from_ref(item))).collect();
    join_all(events.iter().map(|event| world.bundle.invoke("Reception", event.clone()))).await;
    world.settle().await;
    world.minutes(3).await;

    let conversations = visitor.conversations().await;
    assert_eq!(conversations.len(), 1, "{conversations:?}");
    assert_eq!(world.items("conversation").await.len(), 1, "nor one that no list shows");
    for message in visitor.inbound().await {
        assert_eq!(message["cid"], conversations[0]["cid"]);
    }
    // WeChat grants five replies; the other fifteen are told apart from those that were sent.
    assert_eq!(visitor.phone_texts().await, [HELLO; 5]);
    let states: Vec<Value> = visitor.outbound().await.iter().map(|message| message["state"].clone()).collect();
    assert_eq!(states.len(), 20);
    assert_eq!(states.iter().filter(|state| *state == "sent").count(), 5);
    assert_eq!(states.iter().filter(|state| *state == "failed").count(), 15);
}

#[tokio::test]
async fn one_message_given_to_many_environments_at_once_is_processed_once() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    for round in 0..8 {
        let visitor = world.visitor(&binding, &format!("oMANY-{round}"));
        visitor.text("hi").await;
        let event = inserted(&world.partition(&format!("thread#{APP}#{}", visitor.openid)).await);
        join_all((0..8).map(|_| world.bundle.invoke("Reception", event.clone()))).await;
        assert_eq!(visitor.phone_texts().await, [HELLO]);
        assert_eq!(visitor.outbound().await.len(), 1);
        assert_eq!(visitor.conversations().await.len(), 1);
    }
}

#[tokio::test]
async fn after_a_conversation_is_closed_the_next_message_opens_another() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oAGAIN");
    visitor.text("1").await;
    world.settle().await;
    visitor.is_told("我是小王").await.expect(201);
    let first = visitor.conversation().await["cid"].as_str().unwrap().to_owned();
    world.post(&format!("/api/conversations/{first}/close"), &json!({})).await.expect(200);
    assert_eq!(visitor.conversations().await[0]["state"], "closed");

    world.advance(60);
    visitor.text("2").await;
    world.settle().await;
    let second = visitor.conversation().await;
    assert_ne!(second["cid"], first.as_str());
    assert_eq!(second["answered"], false, "it begins anew");
    assert_eq!(visitor.phone_texts().await, [HELLO, "我是小王", HELLO]);
    let of = async |cid: &str| world.list(&format!("/api/conversations/{cid}/messages")).await.len();
    assert_eq!((of(&first).await, of(second["cid"].as_str().unwrap()).await), (3, 2));
}

#[tokio::test]
async fn a_visitor_of_a_binding_that_was_taken_away_is_kept_and_not_answered() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oGONE");
    visitor.text("hi").await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    world.settle().await;
    world.minutes(3).await;
    assert_eq!(visitor.phone().await.len(), 0);
    assert_eq!(world.items("inbound").await.len(), 1);
    assert_eq!(world.bundle.dead_letters().len(), 0);
}
