//! The robot turns of a visitor in an hour.

use serde_json::{Value, json};

use crate::service_desk::{FALLBACK, SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::World;

async fn desk(world: &World, mode: &str, limit: u32) -> ServiceDesk {
    let handover = json!({ "after_repeats": 0, "after_misses": 0 });
    let reception = json!({ "mode": mode, "robot_turns_per_hour": limit, "handover": handover, "reply_reserve": 0 });
    let desk = world.service_desk(1, reception).await;
    world.advance(3600 - world.now().as_second().rem_euclid(3600));
    world.heartbeat(&[&desk.agent]).await;
    desk
}

#[tokio::test]
async fn visitor_beyond_the_limit_is_told_once_in_an_hour() {
    let world = World::start().await;
    let desk = desk(&world, "robot_only", 2).await;
    let (visitor, other) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    for _ in 0..5 {
        visitor.writes(SHIPPING).await;
    }
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, SHIPPING_ANSWER, FALLBACK]);
    other.writes(SHIPPING).await;
    assert_eq!(other.received_texts().await, [SHIPPING_ANSWER]);
    let events = world.events(&visitor.cid().await).await;
    let answered: Vec<&Value> = events.iter().filter(|event| event["type"] == "robot.answered").collect();
    assert_eq!(answered.len(), 3, "{answered:?}");
    assert_eq!(
        (&answered[2]["data"]["failure"], &answered[2]["data"]["misses"]),
        (&json!("robot.turn_limit"), &json!(0))
    );

    // A new conversation is no new hour.
    visitor.writes("再见").await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await.len(), 3);
    world.advance(3600);
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER);
    assert_eq!(visitor.received_texts().await.len(), 4);
}

#[tokio::test]
async fn visitor_beyond_the_limit_is_handed_over_where_the_mode_allows_it() {
    let world = World::start().await;
    let desk = desk(&world, "robot_first", 1).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    let handed_over = world.event(&visitor.cid().await, "conversation.handoff").await;
    assert_eq!(handed_over["data"], json!({ "reason": "limited" }));
}

#[tokio::test]
async fn limit_of_zero_is_none() {
    let world = World::start().await;
    let desk = desk(&world, "robot_only", 0).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..3 {
        visitor.writes(SHIPPING).await;
    }
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER; 3]);
}
