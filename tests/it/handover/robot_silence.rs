//! The robot sends nothing after an agent has the conversation, not even an answer in progress.

use serde_json::{Value, json};

use crate::service_desk::{SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::{StubServer, Visitor, World, inserted};

/// A service desk whose robot is a webhook.
async fn desk(world: &World, own: &StubServer, reception: Value) -> ServiceDesk {
    let robot = world.create("robots", &json!({ "name": "自研", "kind": "webhook", "url": own.url })).await;
    world.service_desk_with(&robot, 5, reception).await
}

/// Invokes reception only, with all inbound items: the robot is busy and its stream waits.
async fn invoke_reception_only(world: &World) {
    let event = inserted(&world.items("inbound").await);
    assert_eq!(world.bundle.invoke("Reception", event).await.unwrap(), json!({ "batchItemFailures": [] }));
}

/// The visitor asks a question, and `meanwhile` runs before the robot's answer arrives.
async fn while_robot_is_answering(
    world: &World,
    own: &StubServer,
    visitor: &Visitor<'_>,
    meanwhile: impl AsyncFnOnce(),
) {
    let times = own.requests().len() + 1;
    own.respond_json_when_released(&json!({ "text": "想好了。" }));
    world.advance(5);
    visitor.text("请问一下").await;
    tokio::join!(world.settle(), async {
        own.wait_for_requests(times).await;
        meanwhile().await;
        own.release_response();
    });
    world.settle().await;
}

#[tokio::test]
async fn answer_is_dropped_when_an_agent_claims_meanwhile() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    while_robot_is_answering(&world, &own, &visitor, async || {
        let cid = visitor.cid().await;
        world.claim(&cid, &desk.agent).await.expect(200);
    })
    .await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(visitor.received_texts().await, Vec::<String>::new());
    assert_eq!(visitor.outbound().await, Vec::<Value>::new(), "no outbound message is stored");
    visitor.agent_replies("您好").await.expect(201);
    visitor.writes("还有").await;
    world.run_minutes_online(5, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, ["您好"]);
    assert_eq!(own.requests().len(), 1);
}

#[tokio::test]
async fn answer_is_dropped_when_the_visitor_asks_for_a_person_meanwhile() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    while_robot_is_answering(&world, &own, &visitor, async || {
        visitor.text("转人工").await;
        invoke_reception_only(&world).await;
    })
    .await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(visitor.received_texts().await, Vec::<String>::new());
    let kinds = world.event_types(&visitor.cid().await).await;
    assert!(!kinds.contains(&"robot.answered".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn answer_is_dropped_when_the_visitor_leaves_meanwhile() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    while_robot_is_answering(&world, &own, &visitor, async || {
        visitor.text("结束会话").await;
        invoke_reception_only(&world).await;
    })
    .await;
    assert_eq!(visitor.conversations().await[0]["closed_by"], "visitor");
    assert_eq!(visitor.received_texts().await, Vec::<String>::new());
    // The robot answers in the next conversation.
    own.respond_json(&json!({ "text": "在。" }));
    visitor.writes("还想问").await;
    assert_eq!(visitor.received_texts().await, ["在。"]);
}

#[tokio::test]
async fn text_of_an_admin_without_an_agent_ends_the_robots_part() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    visitor.agent_replies("插一句").await.expect(201);
    assert_eq!(visitor.stage().await, "unassigned");
    let handed = world.event(&visitor.cid().await, "conversation.handoff").await;
    assert_eq!(handed["data"]["reason"], "person");
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent), "people go on");
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, "插一句"]);
}

#[tokio::test]
async fn text_of_an_admin_during_the_robots_answer_drops_the_answer() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    while_robot_is_answering(&world, &own, &visitor, async || {
        visitor.agent_replies("我来回答").await.expect(201);
    })
    .await;
    assert_eq!(visitor.received_texts().await, ["我来回答"]);
    assert_eq!(visitor.stage().await, "unassigned");
}
