//! What a visitor's phone writes is stored within bounds, however long it is.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::session_from::sobot;
use crate::service_desk::SHIPPING;
use crate::support::push::{Push, text_document};
use crate::support::{Binding, World};

/// As long as a field of an encrypted push can be: 128 KB are 96 KB in base64.
const GREATEST: usize = 90_000;

/// The greatest size of a visitor's item and of a conversation's, in bytes of JSON.
const ITEM_MAX: usize = 16 * 1024;

static NEXT_MSG_ID: AtomicU64 = AtomicU64::new(1);

/// A document with these fields in place of the usual ones, from the visitor `o-long`.
fn document(fields: &[(&str, String)]) -> String {
    let mut all = vec![
        ("ToUserName", "gh_0a1b2c3d4e5f".to_owned()),
        ("FromUserName", "o-long".to_owned()),
        ("CreateTime", "1772438400".to_owned()),
        ("MsgType", "text".to_owned()),
        ("MsgId", NEXT_MSG_ID.fetch_add(1, Ordering::Relaxed).to_string()),
    ];
    for (name, value) in fields {
        all.retain(|(known, _)| known != name);
        all.push((name, value.clone()));
    }
    let written = all.iter().map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"));
    format!("<xml>{}</xml>", written.collect::<String>())
}

fn enter(session_from: String) -> String {
    let event = [("MsgType", "event".to_owned()), ("Event", "user_enter_tempsession".to_owned())];
    document(&[event[0].clone(), event[1].clone(), ("SessionFrom", session_from)])
}

/// One document for each string of a push and of a `session-from`, filled with `length` bytes.
fn documents(length: usize) -> Vec<(String, String)> {
    let (fill, third) = ("x".repeat(length), "x".repeat(length / 3));
    let mut documents = Vec::new();
    for name in ["ToUserName", "MsgId", "MsgType", "Content"] {
        documents.push((name.to_owned(), document(&[(name, fill.clone())])));
    }
    for (kind, name) in [
        ("image", "PicUrl"),
        ("image", "MediaId"),
        ("miniprogrampage", "Title"),
        ("miniprogrampage", "AppId"),
        ("miniprogrampage", "PagePath"),
        ("miniprogrampage", "ThumbUrl"),
        ("miniprogrampage", "ThumbMediaId"),
        ("event", "Event"),
        ("event", "debug_str"),
    ] {
        documents.push((name.to_owned(), document(&[("MsgType", kind.to_owned()), (name, fill.clone())])));
    }
    let raw = [
        fill.clone(),
        format!("sobot|{fill}||"),
        format!("sobot||https://a.example/{fill}|"),
        format!("sobot|||{fill}"),
        format!("sobot|||{{\"a\":\"{fill}\"}}"),
        format!("nickName={third}|avatarUrl=https://a.example/{third}|referrerTitle={third}"),
        format!("{{\"nickName\":\"{fill}\"}}"),
    ];
    documents.extend(raw.map(|text| (text[..text.len().min(30)].to_owned(), enter(text))));
    for (name, value) in [
        ("partnerid", json!(fill)),
        ("robotid", json!(fill)),
        ("unionid", json!(fill)),
        ("ts", json!(fill)),
        ("sig", json!(fill)),
        ("other", json!(fill)),
        ("customer_fields", json!({ "f": fill })),
        ("platform_action", json!({ "customerCode": third, "flowGroupId": third })),
        (
            "transfer_action",
            json!([{ "actionType": "to_group", "deciId": third, "optionId": third, "spillId": third }]),
        ),
        ("transfer_action", json!([{ "actionType": third, "deciId": third }])),
    ] {
        documents.push((name.to_owned(), enter(sobot(&[(name, value)]))));
    }
    documents
}

/// Texts whose reading is larger than they are.
fn growing() -> Vec<(String, String)> {
    let name = "n".repeat(1500);
    let members =
        |value: &str| (0..190).map(|number| format!("\"{number}\":\"{value}\"")).collect::<Vec<_>>().join(",");
    [
        format!("sobot|||{{\"{name}\":{{{}}}}}", members("x")),
        format!("sobot|||{{\"{name}\":{{{}}}}}", members("null")),
        format!("sobot||||customer_fields={{\"{name}\":{{{}}}}}", members("x")),
        format!("sobot||||customer_fields={{\"{name}\":{{{}}}}}", members("undefined")),
    ]
    .map(|text| (text[..30].to_owned(), enter(text)))
    .into()
}

/// Delivers a push and asserts that its visitor and conversation stay small.
async fn stays_small(world: &World, binding: &Binding, what: &str, document: &str) {
    world.advance(1);
    let answer = world.deliver(&Push::new(binding, document)).await;
    assert_eq!((answer.status, answer.raw.as_str()), (200, "success"), "{what}");
    world.settle().await;
    for kind in ["visitor", "conversation"] {
        for item in world.items(kind).await {
            let size = item.to_string().len();
            assert!(size < ITEM_MAX, "{what}: the {kind} has {size} bytes");
        }
    }
    assert_eq!(world.bundle.dead_letters(), [], "{what}");
}

#[tokio::test]
async fn visitor_stays_small_whatever_field_of_a_push_is_long() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_misses": 0 } })).await;
    for (what, document) in documents(GREATEST).into_iter().chain(documents(3900)).chain(growing()) {
        stays_small(&world, &desk.binding, &what, &document).await;
    }
    // The visitor's next message is received like any other.
    let visitor = desk.visitor(&world, "o-long");
    visitor.writes(SHIPPING).await;
    assert!(visitor.inbound().await.iter().any(|message| message["text"]["content"] == SHIPPING));
    let created = world.event(&visitor.cid().await, "conversation.created").await;
    assert!(created.to_string().len() < ITEM_MAX);
}

#[tokio::test]
async fn push_with_an_openid_over_128_bytes_is_refused() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005407").await;
    let of = |length: usize| Push::new(&binding, &text_document(&"o".repeat(length), 1_772_438_400, 1, "x"));
    for length in [129, GREATEST] {
        let answer = world.deliver(&of(length)).await;
        assert_eq!((answer.status, answer.raw.as_str()), (403, "refused"), "{length}");
    }
    assert_eq!(world.items("inbound").await, Vec::<Value>::new());
    assert_eq!(world.deliver(&of(128)).await.status, 200);
}

#[tokio::test]
async fn free_fields_are_those_of_the_last_session_from() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005408").await;
    let visitor = world.visitor(&binding, "o-1");
    for number in 0..120 {
        let fields = json!({ format!("field{number}"): "v".repeat(600) });
        visitor.enter(&format!("sobot|||{fields}|customer_fields={fields}")).await;
        world.advance(1);
    }
    world.settle().await;
    let shown = world.get(&format!("/api/bindings/{}/visitors/o-1", binding.app_id)).await.expect(200).body;
    let last = json!({ "field119": "v".repeat(600) });
    assert_eq!((&shown["params"], &shown["customer_fields"]), (&last, &last));
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn repetition_of_a_long_question_is_recognised_by_its_beginning() {
    let world = World::start().await;
    let handover = json!({ "after_misses": 0, "after_repeats": 3 });
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": handover })).await;
    let visitor = desk.visitor(&world, "o-1");
    let long = "月".repeat(3000);
    for _ in 0..2 {
        visitor.writes(&long).await;
        assert_eq!(visitor.stage().await, "robot");
        let size = world.items("conversation").await[0].to_string().len();
        assert!(size < 8 * 1024, "{size}");
    }
    visitor.writes(&long).await;
    assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
}
