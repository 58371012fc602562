//! The robot leaves replies to the agent.

use serde_json::json;

use crate::shop::{POSTAGE, SHIPPING};
use crate::support::{Visitor, World};

/// Messages of one second, each answered before the next comes: WeChat grants five replies to all of them together
/// as far as anybody can know.
async fn asks(world: &World, visitor: &Visitor<'_>, times: usize) {
    for number in 0..times {
        visitor.text(if number % 2 == 0 { SHIPPING } else { POSTAGE }).await;
        world.settle().await;
    }
}

async fn not_said(world: &World, visitor: &Visitor<'_>) -> usize {
    let kinds = world.event_types(&visitor.cid().await).await;
    kinds.iter().filter(|kind| *kind == "message.not_said").count()
}

#[tokio::test]
async fn it_keeps_two_of_five_and_the_agent_can_say_them() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    asks(&world, &visitor, 5).await;
    assert_eq!(visitor.phone().await.len(), 3, "then it is silent");
    assert_eq!(not_said(&world, &visitor).await, 2, "and that is written down");
    let quota = visitor.conversation().await["quota"].clone();
    assert_eq!(quota["replies_left"], 2, "{quota}");
    let cid = visitor.cid().await;
    world.claim(&cid, &shop.agent).await.expect(200);
    for text in ["我来了", "稍等"] {
        visitor.is_told(text).await.expect(201);
    }
    // The visitor's next message fills them up again, for the robot of the next conversation as well.
    visitor.says("结束会话").await;
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone().await.len(), 6);
}

#[tokio::test]
async fn how_many_is_the_admins_to_say() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    for (reserve, said) in [(0, 6), (1, 4), (4, 1)] {
        world.receive(&shop.binding, json!({ "reply_reserve": reserve })).await;
        let visitor = shop.visitor(&world, &format!("o-{reserve}"));
        asks(&world, &visitor, 6).await;
        // With nothing to keep, what WeChat may grant is tried, too.
        assert_eq!(visitor.phone().await.len(), said, "{reserve}");
    }
}

#[tokio::test]
async fn where_no_agent_ever_answers_there_is_nobody_to_keep_them_for() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_only", "handover": { "after_repeats": 0 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    asks(&world, &visitor, 6).await;
    assert_eq!(
        visitor.phone().await.len(),
        6,
        "each message of the second may have granted five more, and WeChat says when it has not"
    );
}

#[tokio::test]
async fn prompts_need_no_reserve() {
    let world = World::start().await;
    let prompts = json!({ "connected": "接通了。" });
    let shop = world.shop(5, json!({ "mode": "robot_first", "reply_reserve": 4, "prompts": prompts })).await;
    let visitor = shop.visitor(&world, "o-1");
    asks(&world, &visitor, 2).await;
    visitor.text("转人工").await;
    world.settle().await;
    let said = visitor.outbound().await;
    let by = |role: &str| said.iter().filter(|it| it["author"]["role"] == role).count();
    assert_eq!((by("robot"), by("prompt"), said.len()), (1, 1, 2));
}
