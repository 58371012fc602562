//! The robot reserves replies for the agent.

use serde_json::json;

use crate::service_desk::{POSTAGE, SHIPPING};
use crate::support::{Visitor, World};

/// Pushes messages within one second, each answered before the next: Kefu must assume five replies for all of them.
async fn ask_repeatedly(world: &World, visitor: &Visitor<'_>, times: usize) {
    for number in 0..times {
        visitor.text(if number % 2 == 0 { SHIPPING } else { POSTAGE }).await;
        world.settle().await;
    }
}

async fn unsent_answers(world: &World, visitor: &Visitor<'_>) -> usize {
    let kinds = world.event_types(&visitor.cid().await).await;
    kinds.iter().filter(|kind| *kind == "message.not_said").count()
}

#[tokio::test]
async fn robot_reserves_two_replies_for_the_agent() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    ask_repeatedly(&world, &visitor, 5).await;
    assert_eq!(visitor.received().await.len(), 3, "then the robot stops");
    assert_eq!(unsent_answers(&world, &visitor).await, 2, "unsent answers are recorded");
    let quota = visitor.conversation().await["quota"].clone();
    assert_eq!(quota["replies_left"], 2, "{quota}");
    let cid = visitor.cid().await;
    world.claim(&cid, &desk.agent).await.expect(200);
    for text in ["我来了", "稍等"] {
        visitor.agent_replies(text).await.expect(201);
    }
    // The visitor's next message restores the quota, also for the robot of the next conversation.
    visitor.writes("结束会话").await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received().await.len(), 6);
}

#[tokio::test]
async fn reply_reserve_is_configurable() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    for (reserve, said) in [(0, 6), (1, 4), (4, 1)] {
        world.set_reception(&desk.binding, json!({ "reply_reserve": reserve })).await;
        let visitor = desk.visitor(&world, &format!("o-{reserve}"));
        ask_repeatedly(&world, &visitor, 6).await;
        // Without a reserve, possible replies are used as well.
        assert_eq!(visitor.received().await.len(), said, "{reserve}");
    }
}

#[tokio::test]
async fn robot_only_mode_reserves_no_replies() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_only", "handover": { "after_repeats": 0 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    ask_repeatedly(&world, &visitor, 6).await;
    assert_eq!(visitor.received().await.len(), 6, "possible replies are tried; WeChat refuses those beyond its count");
}

#[tokio::test]
async fn prompts_may_use_the_reserve() {
    let world = World::start().await;
    let prompts = json!({ "connected": "接通了。" });
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "reply_reserve": 4, "prompts": prompts })).await;
    let visitor = desk.visitor(&world, "o-1");
    ask_repeatedly(&world, &visitor, 2).await;
    visitor.text("转人工").await;
    world.settle().await;
    let said = visitor.outbound().await;
    let by = |role: &str| said.iter().filter(|it| it["author"]["role"] == role).count();
    assert_eq!((by("robot"), by("prompt"), said.len()), (1, 1, 2));
}
