//! Items that grow with what visitors and administrators send stay far below the 400 KB of DynamoDB.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::push::{Push, text_document};
use crate::support::{ADMIN, Binding, World};

const APP: &str = "wx00000000000051ce";

/// The largest item of DynamoDB (Developer Guide, "Constraints").
const ITEM_MAX: usize = 400 * 1024;

/// The size of an item: the UTF-8 bytes of names and values; 21 bytes for a number (Developer Guide, "DynamoDB item sizes and
/// formats").
fn size(item: &Value) -> usize {
    let of_value = |value: &Value| {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        match (kind.as_str(), value) {
            ("S", Value::String(text)) => text.len(),
            ("B", Value::String(base64)) => base64.len() / 4 * 3,
            ("SS", Value::Array(texts)) => texts.iter().map(|text| text.as_str().unwrap().len()).sum(),
            ("N", _) => 21,
            other => panic!("{other:?}"),
        }
    };
    item.as_object().unwrap().iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

/// The size of the largest item of each kind, and the kind, largest first.
async fn largest(world: &World, kinds: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for kind in kinds {
        let sizes = world.items(kind).await.iter().map(size).max();
        found.push((sizes.unwrap_or_else(|| panic!("no {kind}")), (*kind).to_owned()));
    }
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// An enter event as WeChat writes it, or as someone who has its keys could.
fn enter_document(openid: &str, create_time: i64, session_from: &str) -> String {
    json!({
        "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": openid, "CreateTime": create_time, "MsgType": "event",
        "Event": "user_enter_tempsession", "SessionFrom": session_from,
    })
    .to_string()
}

async fn deliver(world: &World, binding: &Binding, document: &str) {
    let push = Push::new(binding, document);
    assert_eq!(world.deliver(&push).await.status, 200, "{} bytes", push.body.len());
}

#[tokio::test]
async fn push_of_any_content_is_stored_and_processed() {
    let world = World::start().await;
    let binding = world.bind_with(json!({ "app_id": APP, "format": "json" })).await;
    let controls = "\\u0001".repeat(15_000);
    let text = json!({
        "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": "oBIG", "CreateTime": 1_772_438_400, "MsgType": "text", "MsgId": 1,
        "Content": "\u{1}".repeat(15_000),
    });
    deliver(&world, &binding, &text.to_string()).await;
    deliver(&world, &binding, &text_document("oBIG", 1_772_438_401, 2, &"客".repeat(30_000))).await;
    deliver(&world, &binding, &text_document("oBIG", 1_772_438_402, 3, &"\u{1}".repeat(95_000))).await;
    // A kind that is kept whole, in which every other byte is a quote.
    let other = format!(
        "{{\"FromUserName\":\"oBIG\",\"CreateTime\":1772438403,\"MsgType\":\"new\",\"MsgId\":4,\"x\":\"{controls}\"}}"
    );
    deliver(&world, &binding, &other).await;
    world.settle().await;
    let sizes = largest(&world, &["inbound", "conversation", "visitor"]).await;
    assert!(sizes[0].0 < ITEM_MAX / 2, "{sizes:?}");
    assert_eq!(world.items("inbound").await.iter().filter(|item| item.get("due_pk").is_some()).count(), 0);
}

#[tokio::test]
async fn openid_longer_than_any_of_wechat_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (length, status) in [(128, 200), (129, 403), (90_000, 403)] {
        let document = text_document(&"o".repeat(length), 1_772_438_400, 1, "x");
        assert_eq!(world.deliver(&Push::new(&binding, &document)).await.status, status, "{length}");
    }
    assert_eq!(world.items("inbound").await.len(), 1);
}

#[tokio::test]
async fn visitor_stays_small_whatever_they_enter_with() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let quotes = "\"".repeat(3000);
    let mut create_time = 1_772_438_400;
    let mut enter = async |session_from: &str| {
        create_time += 1;
        deliver(&world, &binding, &enter_document("oENTERS", create_time, session_from)).await;
        world.settle().await;
    };
    for name in ["nickname", "avatar", "partnerid", "unionid", "robotid"] {
        enter(&format!("sobot|{name}=https://a.example/{quotes}")).await;
    }
    for number in 0..40 {
        let fields = json!({ format!("field{number}"): "\u{1}\"".repeat(700) });
        enter(&format!("sobot|params={fields}")).await;
        enter(&format!("sobot|customer_fields={fields}")).await;
        enter(&format!("sobot|params={}|customer_fields={}", json!({ "a": number }), json!({ "b": number }))).await;
    }
    enter(&"\u{1}".repeat(15_000)).await;
    let visitor = world.items("visitor").await.remove(0);
    let stored: Value = serde_json::from_str(visitor["data"]["S"].as_str().unwrap()).unwrap();
    // What is parsed, and a byte by which it is known to have been longer.
    let kept = stored["session_from"].as_str().unwrap().len();
    assert!((4097..=4100).contains(&kept), "{kept}");
    let level = json!({ "actionType": "to_group", "deciId": "\"".repeat(800), "optionId": "3", "spillId": "7" });
    enter(&format!("sobot|transfer_action={}", json!([level, level]))).await;
    world.visitor(&binding, "oENTERS").text("在吗").await;
    world.settle().await;
    let sizes = largest(&world, &["visitor", "conversation", "event", "inbound"]).await;
    assert!(sizes[0].0 < ITEM_MAX / 2, "{sizes:?}");
}

#[tokio::test]
async fn conversation_with_a_robot_stays_small_whatever_the_visitor_writes() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let robot = world.faq_robot(&[("q1", "怎么退款", "在订单页申请。")]).await;
    world.set_reception(&binding, json!({ "mode": "robot_only", "robot_id": robot })).await;
    for number in 0..3_u64 {
        let create_time = 1_772_438_400 + i64::try_from(number).unwrap();
        let document = text_document("oWRITES", create_time, number + 1, &"\u{1}\"退款".repeat(2000));
        deliver(&world, &binding, &document).await;
    }
    world.settle().await;
    let conversation = world.items("conversation").await.remove(0);
    assert!(conversation["data"]["S"].as_str().unwrap().contains("last_question\":\"\\u0001"), "{conversation:.2000}");
    let sizes = largest(&world, &["conversation", "visitor", "event"]).await;
    assert!(sizes[0].0 < ITEM_MAX / 4, "{sizes:?}");
}

#[tokio::test]
async fn settings_at_their_limits_stay_small() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (controls, wide) = ("\u{1}".repeat(2048), "𝄞");
    let prompts = [
        "connected",
        "queued",
        "leave_message",
        "queue_full",
        "waited_too_long",
        "message_left",
        "no_agent",
        "idle_warning",
        "closed",
    ];
    for prompt in prompts {
        world.set_reception(&binding, json!({ "prompts": { prompt: controls } })).await;
    }
    let keywords = (0..50).map(|number| format!("{number:02}{}", wide.repeat(28)));
    world
        .set_reception(
            &binding,
            json!({ "greeting": controls, "handover": { "keywords": keywords.collect::<Vec<_>>() } }),
        )
        .await;
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "auto_reply": controls })).await.expect(200);

    let aliases =
        |kind: &str| (0..20).map(|number| format!("{kind}{number:02}{}", wide.repeat(96))).collect::<Vec<_>>();
    let name = wide.repeat(60);
    world.create("groups", &json!({ "name": name, "aliases": aliases("g") })).await;
    world.create("agents", &json!({ "name": name, "aliases": aliases("a") })).await;
    let robot = json!({
        "name": name, "kind": "chat", "aliases": aliases("r"), "base_url": format!("https://a.example/{}", "a".repeat(2000)),
        "model": "m", "api_key": "k".repeat(512), "instructions": "\u{1}".repeat(4000), "fallback": controls,
    });
    world.create("robots", &robot).await;

    let calendar = world.create("calendars", &json!({ "name": name, "aliases": aliases("c") })).await;
    let days = |first: i64| {
        (0..400).map(move |day| (jiff::civil::date(2026, 1, 1) + jiff::Span::new().days(first + day)).to_string())
    };
    let holidays: Vec<_> = days(0).map(|date| json!({ "date": date, "name": wide.repeat(25) })).collect();
    // As many as a body has room for.
    let hours = json!([{ "from": "09:00", "to": "12:00" }, { "from": "13:00", "to": "18:00" }]);
    let make_up_days: Vec<_> = days(500).map(|date| json!({ "date": date, "hours": hours })).collect();
    for change in [json!({ "holidays": holidays }), json!({ "make_up_days": make_up_days })] {
        let path = format!("/api/calendars/{calendar}");
        world.call(Some(ADMIN), Method::PATCH, &path, Some(&change)).await.expect(200);
    }
    let sizes = largest(&world, &["binding", "group", "agent", "robot", "calendar", "alias"]).await;
    assert!(sizes[0].0 < ITEM_MAX / 2, "{sizes:?}");
}
