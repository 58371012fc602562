//! The reception modes (接待模式) as the phone shows them.

use serde_json::json;

use crate::service_desk::{POSTAGE, POSTAGE_ANSWER, SHIPPING, SHIPPING_ANSWER, assigned_to};
use crate::support::World;

const CONNECTED: &str = "客服{agent}为您服务。";
const LEAVE: &str = "请留言。";

#[tokio::test]
async fn agents_only_assigns_queues_or_takes_a_message() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "queued": "前面{ahead}位。", "leave_message": LEAVE });
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    let first = desk.visitor(&world, "o-1");
    first.writes(SHIPPING).await;
    assert_eq!(first.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(first.conversation().await["group_id"], desk.group.as_str());
    assert_eq!(first.received_texts().await, ["客服小王为您服务。"], "the configured robot does not answer");
    first.agent_replies("48小时").await.expect(201);
    first.writes("谢谢").await;
    assert_eq!(first.received_texts().await, ["客服小王为您服务。", "48小时"]);

    for (number, openid) in ["o-2", "o-3"].into_iter().enumerate() {
        let waiting = desk.visitor(&world, openid);
        waiting.writes(SHIPPING).await;
        assert_eq!(waiting.stage().await, "queued");
        assert_eq!(waiting.received_texts().await, [format!("前面{number}位。")]);
        // The place in the queue is told once.
        waiting.writes("到我了吗").await;
        assert_eq!(waiting.received_texts().await.len(), 1);
    }

    world.set_status(&desk.agent, "offline").await;
    let late = desk.visitor(&world, "o-4");
    late.writes(SHIPPING).await;
    assert_eq!(late.stage().await, "left_message");
    assert_eq!(late.received_texts().await, [LEAVE]);
}

#[tokio::test]
async fn robot_first_answers_until_a_person_is_requested() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "leave_message": LEAVE });
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "prompts": prompts })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    let conversation = visitor.conversation().await;
    assert_eq!((&conversation["stage"], &conversation["robot_id"]), (&json!("robot"), &json!(desk.robot)));
    visitor.writes(POSTAGE).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, POSTAGE_ANSWER]);
    let answers = visitor.outbound().await;
    assert!(
        answers.iter().all(|answer| answer["author"]["role"] == "robot" && answer["state"] == "sent"),
        "{answers:?}"
    );

    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, POSTAGE_ANSWER, "客服小王为您服务。"]);

    // A request for a person in the first message is assigned at once.
    let other = desk.visitor(&world, "o-2");
    other.writes("我要找人工客服").await;
    assert_eq!(other.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn agents_first_assigns_a_free_agent_otherwise_the_robot() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "queued": "前面{ahead}位。" });
    let desk = world.service_desk(1, json!({ "mode": "agents_first", "prompts": prompts })).await;
    let first = desk.visitor(&world, "o-1");
    first.writes(SHIPPING).await;
    assert_eq!(first.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(first.received_texts().await, ["客服小王为您服务。"]);

    let second = desk.visitor(&world, "o-2");
    second.writes(SHIPPING).await;
    assert_eq!(second.stage().await, "robot");
    assert_eq!(second.received_texts().await, [SHIPPING_ANSWER]);
    // After a request for a person the visitor is queued.
    second.writes("转人工").await;
    assert_eq!(second.stage().await, "queued");
    assert_eq!(second.last_text().await, "前面0位。");
    second.writes(SHIPPING).await;
    assert_eq!(second.received_texts().await.len(), 2, "the robot sends nothing");

    // The same without any staff.
    world.set_status(&desk.agent, "offline").await;
    let third = desk.visitor(&world, "o-3");
    third.writes(POSTAGE).await;
    assert_eq!((third.stage().await.as_str(), third.last_text().await.as_str()), ("robot", POSTAGE_ANSWER));
}

#[tokio::test]
async fn robot_only_never_assigns_an_agent() {
    let world = World::start().await;
    let no_agent = "现在没人，我来答。";
    let prompts = json!({ "leave_message": LEAVE, "no_agent": no_agent });
    let desk = world.service_desk(5, json!({ "mode": "robot_only", "prompts": prompts })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", SHIPPING_ANSWER));
    // The robot's options do not offer a person.
    visitor.writes("退货").await;
    let choice = visitor.last_text().await;
    assert!(choice.contains("1. ") && !choice.contains("人工"), "{choice}");

    // No agent is promised, and the robot continues, also for a first message.
    for openid in ["o-1", "o-2"] {
        let visitor = desk.visitor(&world, openid);
        for (text, answer) in
            [("转人工", no_agent), (SHIPPING, SHIPPING_ANSWER), ("转人工", no_agent), (POSTAGE, POSTAGE_ANSWER)]
        {
            visitor.writes(text).await;
            assert_eq!(
                (visitor.stage().await.as_str(), visitor.last_text().await.as_str()),
                ("robot", answer),
                "{text}"
            );
        }
        let kinds = world.event_types(&visitor.cid().await).await;
        assert!(!kinds.contains(&"conversation.handoff".to_owned()), "{kinds:?}");
    }
    assert_eq!(world.load(&desk.agent).await, 0, "although the agent is free");
}

#[tokio::test]
async fn visitor_is_greeted_once_per_day() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "greeting": "欢迎光临。" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters("").await;
    assert_eq!(visitor.received_texts().await, ["欢迎光临。"]);
    assert_eq!(visitor.outbound().await[0]["author"]["role"], "prompt");
    visitor.enters("").await;
    visitor.writes(SHIPPING).await;
    visitor.enters("").await;
    assert_eq!(visitor.received_texts().await, ["欢迎光临。", SHIPPING_ANSWER]);

    // WeChat pushes no enter event while the chat is open.
    let other = desk.visitor(&world, "o-2");
    other.writes(SHIPPING).await;
    assert_eq!(other.received_texts().await, ["欢迎光临。", SHIPPING_ANSWER]);
    other.writes("结束会话").await;
    other.writes(POSTAGE).await;
    assert_eq!(
        other.received_texts().await.iter().filter(|text| *text == "欢迎光临。").count(),
        1,
        "no second greeting in the next conversation"
    );

    world.advance(24 * 3600);
    visitor.enters("").await;
    assert_eq!(visitor.last_text().await, "欢迎光临。", "the greeting is sent again after a day");
}
