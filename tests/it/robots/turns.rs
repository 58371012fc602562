//! Robot turns: messages in quick succession are answered together.

use serde_json::{Value, json};

use crate::routing::session_from::{sobot, to_group};
use crate::service_desk::{FALLBACK, ServiceDesk};
use crate::support::{StubServer, Visitor, World, inserted, push::text_document};

async fn desk(world: &World, own: &StubServer) -> ServiceDesk {
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK });
    let robot = world.create("robots", &robot).await;
    world.service_desk_with(&robot, 5, json!({ "mode": "robot_first" })).await
}

/// The texts of each request to the robot.
fn requested_turns(own: &StubServer) -> Vec<String> {
    own.requests().iter().map(|asked| asked.json()["data"]["text"].as_str().unwrap().to_owned()).collect()
}

/// Whether the phone shows the typing indicator.
async fn typing_is_shown(world: &World, visitor: &Visitor<'_>) -> bool {
    let path = format!("/sim/visitors/{}/messages?app_id={}", visitor.openid, visitor.app_id);
    world.sim_get(&path).await.expect(200).body["typing"].as_bool().unwrap()
}

/// The visitor writes more while the robot's answer is held.
async fn visitor_writes_while_robot_answers(
    world: &World,
    own: &StubServer,
    after: i64,
    visitor: &Visitor<'_>,
    text: &str,
) {
    let times = own.requests().len() + 1;
    tokio::join!(world.settle(), async {
        own.wait_for_requests(times).await;
        world.advance(after);
        visitor.text(text).await;
        let event = inserted(&world.items("inbound").await);
        world.bundle.invoke("Reception", event).await.unwrap();
        own.release_response();
    });
}

#[tokio::test]
async fn rapid_messages_are_one_turn() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json(&json!({ "text": "在的。" }));
    for text in ["你好", "我想问一下", "什么时候发货"] {
        visitor.text(text).await;
    }
    world.settle().await;
    assert_eq!(requested_turns(&own), ["你好\n我想问一下\n什么时候发货"]);
    assert_eq!(visitor.received_texts().await, ["在的。"]);
    world.run_minutes_online(5, &[&desk.agent]).await;
    assert_eq!((requested_turns(&own).len(), visitor.received().await.len()), (1, 1));
}

#[tokio::test]
async fn message_during_a_turn_is_answered_with_the_rest() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json_when_released(&json!({ "text": "答得太早。" }));
    own.respond_json(&json!({ "text": "一起答。" }));
    visitor.text("你好").await;
    visitor_writes_while_robot_answers(&world, &own, 3, &visitor, "什么时候发货").await;
    assert_eq!(requested_turns(&own), ["你好", "你好\n什么时候发货"]);
    assert_eq!(visitor.received_texts().await, ["一起答。"], "the first answer was for half of it");
}

#[tokio::test]
async fn handover_follows_the_session_from_of_an_enter_during_the_answer() {
    // Without a prompt, the handover into a queue does not write the visitor.
    let platform_action = json!({ "customerCode": "C-001" });
    for (queued, asked) in [
        ("", ("transfer_action", json!([to_group("大客户")]))),
        ("排队中。", ("transfer_action", json!([to_group("大客户")]))),
        ("", ("platform_action", platform_action)),
    ] {
        let world = World::start().await;
        let own = StubServer::start().await;
        let desk = desk(&world, &own).await;
        let busy = world.agent("大客户经理", 5).await;
        let vips = json!({ "name": "大客户组", "members": [busy], "aliases": ["大客户"] });
        let vips = world.create("groups", &vips).await;
        world.create("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": vips })).await;
        for agent in [&desk.agent, &busy] {
            world.set_status(agent, "busy").await;
        }
        world.set_reception(&desk.binding, json!({ "prompts": { "queued": queued } })).await;
        let visitor = desk.visitor(&world, "o-1");
        own.respond_json_when_released(&json!({ "handover": true }));
        visitor.text("能便宜点吗").await;
        tokio::join!(world.settle(), async {
            own.wait_for_requests(1).await;
            world.advance(3);
            visitor.enter(&sobot(&[asked])).await;
            let event = inserted(&world.items("inbound").await);
            world.bundle.invoke("Reception", event).await.unwrap();
            own.release_response();
        });
        assert_eq!(visitor.stage().await, "queued");
        assert_eq!(visitor.conversation().await["group_id"], vips.as_str(), "{queued:?}");
    }
}

#[tokio::test]
async fn continuous_writing_does_not_postpone_the_answer_forever() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json_when_released(&json!({ "text": "先答。" }));
    own.respond_json(&json!({ "text": "再答。" }));
    visitor.text("你好").await;
    visitor_writes_while_robot_answers(&world, &own, 11, &visitor, "什么时候发货").await;
    assert_eq!(visitor.received_texts().await, ["先答。", "再答。"]);
    assert_eq!(requested_turns(&own), ["你好", "什么时候发货"]);
    let history: Vec<Value> = own.requests()[1].json()["data"]["history"].as_array().unwrap().clone();
    assert_eq!(history[0], json!({ "from": "visitor", "text": "你好" }), "{history:?}");
}

#[tokio::test]
async fn late_unordered_message_during_a_turn_is_answered() {
    // WeChat repeats an unacknowledged push seconds later, when another message is stored already.
    for (patient, turns_asked, heard) in [
        (true, vec!["什么时候发货", "你好\n什么时候发货"], vec!["一起答。"]),
        (false, vec!["什么时候发货", "你好"], vec!["先答。", "一起答。"]),
    ] {
        let world = World::start().await;
        let own = StubServer::start().await;
        let desk = desk(&world, &own).await;
        let visitor = desk.visitor(&world, "o-1");
        own.respond_json_when_released(&json!({ "text": "先答。" }));
        own.respond_json(&json!({ "text": "一起答。" }));
        let earlier = world.now().as_second();
        world.advance(5);
        visitor.text("什么时候发货").await;
        tokio::join!(world.settle(), async {
            own.wait_for_requests(1).await;
            world.advance(if patient { 3 } else { 11 });
            let late = json!({ "document": text_document("o-1", earlier, 24_001, "你好") });
            visitor.pushes("raw", late).await;
            let event = inserted(&world.items("inbound").await);
            world.bundle.invoke("Reception", event).await.unwrap();
            own.release_response();
        });
        assert_eq!(requested_turns(&own), turns_asked, "patient: {patient}");
        assert_eq!(visitor.received_texts().await, heard, "patient: {patient}");
    }
}

#[tokio::test]
async fn deleted_robot_hands_over() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json(&json!({ "text": "在。" }));
    visitor.writes("在吗").await;
    // The API prevents this; a restored table may contain it.
    let robot = world.items("robot").await.remove(0);
    world.remove_item(&robot).await;
    world.bundle.end_environments().await;
    visitor.writes("怎么退货").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
    world.set_status(&desk.agent, "offline").await;
    let other = desk.visitor(&world, "o-2");
    other.writes("怎么退货").await;
    assert_eq!(other.stage().await, "left_message");
    assert_eq!(other.received().await.len(), 1, "and that is told");
}

#[tokio::test]
async fn typing_indicator_is_shown_during_a_turn() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json_when_released(&json!({ "text": "在。" }));
    visitor.text("在吗").await;
    assert!(!typing_is_shown(&world, &visitor).await);
    tokio::join!(world.settle(), async {
        own.wait_for_requests(1).await;
        assert!(typing_is_shown(&world, &visitor).await);
        own.release_response();
    });
    assert!(!typing_is_shown(&world, &visitor).await, "the answer ends it");
    assert_eq!(visitor.received_texts().await, ["在。"]);

    // The answer is sent although WeChat refuses the indicator.
    world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/typing", "errcode": 48001 })).await;
    own.respond_json(&json!({ "text": "还在。" }));
    visitor.writes("还在吗").await;
    assert_eq!(visitor.last_text().await, "还在。");
}

#[tokio::test]
async fn robot_killed_at_any_await_answers_once() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own).await;
    for awaits in 0.. {
        let visitor = desk.visitor(&world, &format!("o-{awaits}"));
        // A repeated invocation may ask again; the visitor gets one answer.
        for _ in 0..2 {
            own.respond_json(&json!({ "text": "答。" }));
        }
        let kills = world.bundle.kills("Robot").unwrap();
        world.bundle.kill_next("Robot", awaits).unwrap();
        visitor.writes("请问").await;
        let killed = world.bundle.kills("Robot").unwrap() > kills;
        world.run_minutes_online(4, &[&desk.agent]).await;
        let said = visitor.outbound().await;
        let shown = visitor.received().await.len();
        assert_eq!(said.len(), 1, "{awaits}: {said:?}");
        let state = said[0]["state"].as_str().unwrap();
        assert!(matches!((state, shown), ("sent", 1) | ("unknown", 0 | 1)), "{awaits}: {state}, {shown} on the phone");
        assert_eq!(visitor.stage().await, "robot");
        if !killed {
            assert!(awaits >= 8, "only {awaits} awaits on the whole way");
            break;
        }
    }
}
