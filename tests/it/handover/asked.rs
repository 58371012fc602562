//! The visitor asks for a person.

use serde_json::json;

use crate::shop::{SHIPPING, with};
use crate::support::World;

#[tokio::test]
async fn who_asks_for_a_person_in_either_language_gets_one() {
    let world = World::start().await;
    let shop = world.shop(100, json!({ "mode": "robot_first", "handover": { "keywords": ["叫店长"] } })).await;
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
        world.heartbeat(&[&shop.agent]).await;
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says(SHIPPING).await;
        visitor.says(wish).await;
        assert_eq!(visitor.with_whom().await, with(&shop.agent), "{wish}");
        let cid = visitor.cid().await;
        assert_eq!(world.event(&cid, "conversation.handoff").await["data"]["reason"], "keyword", "{wish}");
        assert_eq!(world.event(&cid, "conversation.assigned").await["data"]["because"]["handover"], "keyword");
    }
}

#[tokio::test]
async fn who_refuses_a_person_or_means_another_thing_stays_with_the_robot() {
    let world = World::start().await;
    let handover = json!({ "keywords": ["叫店长"], "after_misses": 0, "after_repeats": 0 });
    let shop = world.shop(100, json!({ "mode": "robot_first", "handover": handover })).await;
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
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says(SHIPPING).await;
        visitor.says(text).await;
        assert_eq!(visitor.stage().await, "robot", "{text}");
        assert_eq!(visitor.phone().await.len(), 2, "{text}: the robot answers as well as it can");
    }
}

#[tokio::test]
async fn who_picks_the_person_from_a_choice_gets_one() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("退货").await;
    assert!(visitor.last_text().await.ends_with("回复 0 转人工"), "{}", visitor.last_text().await);
    visitor.says("0").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(world.event(&visitor.cid().await, "conversation.handoff").await["data"]["reason"], "picked");

    // Without a choice 0 is a text like any other.
    let other = shop.visitor(&world, "o-2");
    other.says(SHIPPING).await;
    other.says("0").await;
    assert_eq!(other.stage().await, "robot");
}

#[tokio::test]
async fn what_is_no_text_asks_for_nobody() {
    let world = World::start().await;
    let shop =
        world.shop(5, json!({ "mode": "robot_first", "handover": { "keywords": ["图片"], "after_misses": 0 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.does("image", json!({})).await;
    world.settle().await;
    visitor.does("card", json!({ "title": "转人工", "page_path": "p" })).await;
    world.settle().await;
    assert_eq!(visitor.stage().await, "robot");
}
