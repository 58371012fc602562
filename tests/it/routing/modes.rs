//! The five ways in which visitors are received (接待模式), as the phone shows them.

use serde_json::json;

use crate::shop::{POSTAGE, POSTAGE_ANSWER, SHIPPING, SHIPPING_ANSWER, with};
use crate::support::World;

const CONNECTED: &str = "客服{agent}为您服务。";
const LEAVE: &str = "请留言。";

#[tokio::test]
async fn agents_only_is_an_agent_at_once_or_a_place_in_the_queue() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "queued": "前面{ahead}位。", "leave_message": LEAVE });
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    let first = shop.visitor(&world, "o-1");
    first.says(SHIPPING).await;
    assert_eq!(first.with_whom().await, with(&shop.agent));
    assert_eq!(first.conversation().await["group_id"], shop.group.as_str());
    assert_eq!(first.phone_texts().await, ["客服小王为您服务。"], "a robot that is set has no say");
    first.is_told("48小时").await.expect(201);
    first.says("谢谢").await;
    assert_eq!(first.phone_texts().await, ["客服小王为您服务。", "48小时"]);

    for (number, openid) in ["o-2", "o-3"].into_iter().enumerate() {
        let waiting = shop.visitor(&world, openid);
        waiting.says(SHIPPING).await;
        assert_eq!(waiting.stage().await, "queued");
        assert_eq!(waiting.phone_texts().await, [format!("前面{number}位。")]);
        // The place is told once, at entry.
        waiting.says("到我了吗").await;
        assert_eq!(waiting.phone_texts().await.len(), 1);
    }

    world.status(&shop.agent, "offline").await;
    let late = shop.visitor(&world, "o-4");
    late.says(SHIPPING).await;
    assert_eq!(late.stage().await, "left_message");
    assert_eq!(late.phone_texts().await, [LEAVE]);
}

#[tokio::test]
async fn robot_first_is_the_robot_until_a_person_is_wanted() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "leave_message": LEAVE });
    let shop = world.shop(5, json!({ "mode": "robot_first", "prompts": prompts })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    let conversation = visitor.conversation().await;
    assert_eq!((&conversation["stage"], &conversation["robot_id"]), (&json!("robot"), &json!(shop.robot)));
    visitor.says(POSTAGE).await;
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER, POSTAGE_ANSWER]);
    let answers = visitor.outbound().await;
    assert!(
        answers.iter().all(|answer| answer["author"]["role"] == "robot" && answer["state"] == "sent"),
        "{answers:?}"
    );

    visitor.says("转人工").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER, POSTAGE_ANSWER, "客服小王为您服务。"]);

    // Who asks for a person with the first word gets one.
    let other = shop.visitor(&world, "o-2");
    other.says("我要找人工客服").await;
    assert_eq!(other.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn agents_first_is_an_agent_who_is_free_and_the_robot_meanwhile() {
    let world = World::start().await;
    let prompts = json!({ "connected": CONNECTED, "queued": "前面{ahead}位。" });
    let shop = world.shop(1, json!({ "mode": "agents_first", "prompts": prompts })).await;
    let first = shop.visitor(&world, "o-1");
    first.says(SHIPPING).await;
    assert_eq!(first.with_whom().await, with(&shop.agent));
    assert_eq!(first.phone_texts().await, ["客服小王为您服务。"]);

    let second = shop.visitor(&world, "o-2");
    second.says(SHIPPING).await;
    assert_eq!(second.stage().await, "robot");
    assert_eq!(second.phone_texts().await, [SHIPPING_ANSWER]);
    // Asked for by name, a person is worth waiting for.
    second.says("转人工").await;
    assert_eq!(second.stage().await, "queued");
    assert_eq!(second.last_text().await, "前面0位。");
    second.says(SHIPPING).await;
    assert_eq!(second.phone_texts().await.len(), 2, "the robot is silent");

    // Nobody at all there is the robot, too.
    world.status(&shop.agent, "offline").await;
    let third = shop.visitor(&world, "o-3");
    third.says(POSTAGE).await;
    assert_eq!((third.stage().await.as_str(), third.last_text().await.as_str()), ("robot", POSTAGE_ANSWER));
}

#[tokio::test]
async fn robot_only_is_never_an_agent() {
    let world = World::start().await;
    let no_agent = "现在没人，我来答。";
    let prompts = json!({ "leave_message": LEAVE, "no_agent": no_agent });
    let shop = world.shop(5, json!({ "mode": "robot_only", "prompts": prompts })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", SHIPPING_ANSWER));
    // A choice of the robot's offers no person.
    visitor.says("退货").await;
    let choice = visitor.last_text().await;
    assert!(choice.contains("1. ") && !choice.contains("人工"), "{choice}");

    // Nobody is promised, and the robot goes on: for whoever has talked to it, and for whoever begins so.
    for openid in ["o-1", "o-2"] {
        let visitor = shop.visitor(&world, openid);
        for (text, answer) in
            [("转人工", no_agent), (SHIPPING, SHIPPING_ANSWER), ("转人工", no_agent), (POSTAGE, POSTAGE_ANSWER)]
        {
            visitor.says(text).await;
            assert_eq!(
                (visitor.stage().await.as_str(), visitor.last_text().await.as_str()),
                ("robot", answer),
                "{text}"
            );
        }
        let kinds = world.event_types(&visitor.cid().await).await;
        assert!(!kinds.contains(&"conversation.handoff".to_owned()), "{kinds:?}");
    }
    assert_eq!(world.load(&shop.agent).await, 0, "though the agent is free");
}

#[tokio::test]
async fn nothing_set_up_is_nobody_and_the_automatic_reply() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let binding = world.bind_replying("wx0000000000005402", "已收到。").await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, ("unassigned".to_owned(), None));
    visitor.says("转人工").await;
    assert_eq!(visitor.phone_texts().await, ["已收到。", "已收到。"]);
    assert_eq!(visitor.stage().await, "unassigned");

    // Whoever wants takes it.
    let cid = visitor.cid().await;
    world.claim(&cid, &agent).await.expect(200);
    assert_eq!(visitor.with_whom().await, with(&agent));
    visitor.says("谢谢").await;
    assert_eq!(visitor.phone_texts().await.len(), 2, "an agent has it");
    assert_eq!(world.event_types(&cid).await, ["conversation.created", "conversation.assigned"]);

    // As soon as a group is set, who still waits for nobody in particular goes there.
    let other = world.visitor(&binding, "o-2");
    other.says("在吗").await;
    let group = world.group(&[&agent]).await;
    world.receive(&binding, json!({ "group_id": group })).await;
    assert_eq!(other.stage().await, "unassigned");
    other.says("有人吗").await;
    assert_eq!(other.with_whom().await, with(&agent));
}

#[tokio::test]
async fn a_visitor_is_greeted_once_whether_they_enter_or_just_write() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "greeting": "欢迎光临。" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.comes("").await;
    assert_eq!(visitor.phone_texts().await, ["欢迎光临。"]);
    assert_eq!(visitor.outbound().await[0]["author"]["role"], "prompt");
    visitor.comes("").await;
    visitor.says(SHIPPING).await;
    visitor.comes("").await;
    assert_eq!(visitor.phone_texts().await, ["欢迎光临。", SHIPPING_ANSWER]);

    // WeChat tells of no entering to somebody who has the chat open.
    let other = shop.visitor(&world, "o-2");
    other.says(SHIPPING).await;
    assert_eq!(other.phone_texts().await, ["欢迎光临。", SHIPPING_ANSWER]);
    other.says("结束会话").await;
    other.says(POSTAGE).await;
    assert_eq!(other.phone_texts().await.iter().filter(|text| *text == "欢迎光临。").count(), 1, "nor in the next one");

    world.advance(24 * 3600);
    visitor.comes("").await;
    assert_eq!(visitor.last_text().await, "欢迎光临。", "the next day is another day");
}
