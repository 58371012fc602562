//! Handover at the visitor's request.

use serde_json::json;

use crate::service_desk::{SHIPPING, assigned_to};
use crate::support::World;

#[tokio::test]
async fn request_for_a_person_in_chinese_or_english_assigns_an_agent() {
    let world = World::start().await;
    let desk = world.service_desk(100, json!({ "mode": "robot_first", "handover": { "keywords": ["叫店长"] } })).await;
    let wishes = [
        "转人工",
        "转人工！",
        "轉人工",
        "人工",
        "我要人工客服",
        "找客服",
        "怎么还不转人工",
        "叫店长来",
        "agent please",
        "I want to talk to a human",
        "TALK TO A REAL PERSON",
    ];
    for (number, wish) in wishes.into_iter().enumerate() {
        world.heartbeat(&[&desk.agent]).await;
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes(SHIPPING).await;
        visitor.writes(wish).await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent), "{wish}");
        let cid = visitor.cid().await;
        assert_eq!(world.event(&cid, "conversation.handoff").await["data"]["reason"], "keyword", "{wish}");
        assert_eq!(world.event(&cid, "conversation.assigned").await["data"]["because"]["handover"], "keyword");
    }
}

#[tokio::test]
async fn text_that_declines_a_person_stays_with_the_robot() {
    let world = World::start().await;
    let handover = json!({ "keywords": ["叫店长"], "after_misses": 0, "after_repeats": 0 });
    let desk = world.service_desk(100, json!({ "mode": "robot_first", "handover": handover })).await;
    let others = [
        "不要转人工",
        "不需要人工客服",
        "人工智能是什么",
        "你是人工吗",
        "别叫店长",
        "no agent please",
        "I need a cleaning agent",
    ];
    for (number, text) in others.into_iter().enumerate() {
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes(SHIPPING).await;
        visitor.writes(text).await;
        assert_eq!(visitor.stage().await, "robot", "{text}");
        assert_eq!(visitor.received().await.len(), 2, "{text}: the robot answers");
    }
}

#[tokio::test]
async fn choosing_the_person_from_the_options_assigns_an_agent() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("退货").await;
    assert!(visitor.last_text().await.ends_with("回复 0 转人工"), "{}", visitor.last_text().await);
    visitor.writes("0").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(world.event(&visitor.cid().await, "conversation.handoff").await["data"]["reason"], "picked");

    // Without options, 0 is ordinary text.
    let other = desk.visitor(&world, "o-2");
    other.writes(SHIPPING).await;
    other.writes("0").await;
    assert_eq!(other.stage().await, "robot");
}

#[tokio::test]
async fn image_or_card_does_not_trigger_handover() {
    let world = World::start().await;
    let desk = world
        .service_desk(5, json!({ "mode": "robot_first", "handover": { "keywords": ["图片"], "after_misses": 0 } }))
        .await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.pushes("image", json!({})).await;
    world.settle().await;
    visitor.pushes("card", json!({ "title": "转人工", "page_path": "p" })).await;
    world.settle().await;
    assert_eq!(visitor.stage().await, "robot");
}
