//! Handover without a request: misses, repeated questions, failures, the robot's own wish.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::routing::session_from::{sobot, to_group};
use crate::service_desk::{FALLBACK, SHIPPING, SHIPPING_ANSWER, UNKNOWN, assigned_to};
use crate::support::{StubServer, Visitor, World, completion};

async fn reason(world: &World, visitor: &Visitor<'_>) -> Value {
    world.event(&visitor.cid().await, "conversation.handoff").await["data"]["reason"].clone()
}

#[tokio::test]
async fn robot_hands_over_after_consecutive_misses() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_misses": 3 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    for text in [UNKNOWN, "太阳离地球呢"] {
        visitor.writes(text).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    }
    // A known question resets the count.
    visitor.writes(SHIPPING).await;
    for text in ["火星上有水吗", "木星有几颗卫星"] {
        visitor.writes(text).await;
        assert_eq!(visitor.stage().await, "robot", "{text}");
    }
    let shown = visitor.received().await.len();
    visitor.writes("土星呢").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(reason(&world, &visitor).await, "misses");
    assert_eq!(visitor.received().await.len(), shown, "the fallback is not sent again");
}

#[tokio::test]
async fn agent_who_becomes_free_while_a_robot_hands_over_gets_the_conversation() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first", "handover": { "after_misses": 1 } })).await;
    world.set_status(&desk.agent, "busy").await;
    let visitor = desk.visitor(&world, "o-1");
    let faults = world.bundle.table_faults();
    // The robot has found no free agent and is about to put the conversation into the queue.
    faults.add(TableFault::new(Fault::Hold).function("Robot").operation("TransactWriteItems"));
    tokio::join!(visitor.writes(UNKNOWN), async {
        faults.held().await;
        world.set_status(&desk.agent, "online").await;
        faults.release();
    });
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(visitor.received_texts().await.len(), visitor.outbound().await.len());
}

#[tokio::test]
async fn robot_hands_over_after_repeated_questions() {
    let world = World::start().await;
    let handover = json!({ "after_misses": 0, "after_repeats": 3 });
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": handover })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    visitor.writes("下单后多久发货啊").await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, SHIPPING_ANSWER]);
    visitor.writes("下单后多久发货???").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(reason(&world, &visitor).await, "repeated");

    let other = desk.visitor(&world, "o-2");
    for text in [SHIPPING, SHIPPING, "怎么申请退货", SHIPPING, SHIPPING] {
        other.writes(text).await;
    }
    assert_eq!(other.stage().await, "robot", "another question in between resets the count");
}

#[tokio::test]
async fn zero_counts_disable_automatic_handover() {
    let world = World::start().await;
    let handover = json!({ "after_misses": 0, "after_repeats": 0 });
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": handover })).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..6 {
        visitor.writes(UNKNOWN).await;
    }
    assert_eq!(visitor.stage().await, "robot");
    assert_eq!(visitor.received_texts().await, [FALLBACK; 6]);
}

#[tokio::test]
async fn robot_hands_over_when_its_answer_asks_for_it() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK });
    let robot = world.create("robots", &robot).await;
    let desk = world.service_desk_with(&robot, 5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json(&json!({ "handover": true, "reason": "要改价" }));
    visitor.writes("能便宜点吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(reason(&world, &visitor).await, "robot");
    assert_eq!(visitor.received().await.len(), 0);

    // The same from a language model.
    let model = StubServer::start().await;
    let robot = json!({ "name": "大模型", "kind": "chat", "base_url": model.url, "model": "m", "api_key": "sk-test" });
    let robot = world.create("robots", &robot).await;
    world.add_questions(&robot, &[("ship", SHIPPING, SHIPPING_ANSWER)]).await;
    world
        .set_reception(&desk.binding, json!({ "mode": "robot_first", "group_id": desk.group, "robot_id": robot }))
        .await;
    model.respond_json(&completion(
        &json!({ "answer": "", "sources": [], "handover": true, "reason": "投诉" }).to_string(),
    ));
    let other = desk.visitor(&world, "o-2");
    other.writes("多久发货，再不发我投诉了").await;
    assert_eq!(other.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(reason(&world, &other).await, "robot");
}

#[tokio::test]
async fn robot_hands_over_after_failures() {
    let world = World::start().await;
    let own = StubServer::start().await;
    // A second for the attempts of a request.
    let robot =
        json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK, "deadline_seconds": 1 });
    let robot = world.create("robots", &robot).await;
    let desk =
        world.service_desk_with(&robot, 5, json!({ "mode": "robot_first", "handover": { "after_misses": 2 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond(503, "down");
    visitor.writes("在吗").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    let answered = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(
        (&answered["data"]["answer"], &answered["data"]["failure"]),
        (&json!("failed"), &json!("robot.refused"))
    );
    own.respond(200, "not json");
    visitor.writes("还在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(reason(&world, &visitor).await, "failed");

    // The next conversation asks the robot again.
    let other = desk.visitor(&world, "o-2");
    own.respond_json(&json!({ "text": "在。" }));
    other.writes("在吗").await;
    assert_eq!(other.received_texts().await, ["在。"]);
}

#[tokio::test]
async fn robot_hands_over_to_an_alias_or_past_an_unknown_id() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_misses": 2 } })).await;
    let agent = world.agent("老客服", 5).await;
    let group = json!({ "name": "老组", "members": [agent], "aliases": ["售后"] });
    let group = world.create("groups", &group).await;
    world.create("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": group })).await;
    for (openid, asked, expected) in [
        ("o-1", ("transfer_action", json!([to_group("售后")])), &agent),
        ("o-2", ("transfer_action", json!([to_group("g-unknown")])), &desk.agent),
        ("o-3", ("platform_action", json!({ "customerCode": "C-001" })), &agent),
        ("o-4", ("robotid", json!("unknown")), &desk.agent),
    ] {
        let visitor = desk.visitor(&world, openid);
        visitor.enters(&sobot(&[asked])).await;
        for text in [UNKNOWN, "太阳离地球呢"] {
            visitor.writes(text).await;
        }
        assert_eq!(visitor.stage_and_agent().await, assigned_to(expected), "{openid}");
        assert_eq!(reason(&world, &visitor).await, "misses");
    }
    // What a visitor who enters again asks for counts with their next message.
    let visitor = desk.visitor(&world, "o-5");
    visitor.writes(UNKNOWN).await;
    visitor.enters(&sobot(&[("transfer_action", json!([to_group("售后")]))])).await;
    visitor.writes("太阳离地球呢").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent));
    assert_eq!(world.bundle.dead_letters(), []);
}
