//! Closing of conversations: idle timeout, farewell, summary, events.

use serde_json::{Value, json};

use crate::open_conversation::{fields, problem};
use crate::service_desk::{SHIPPING, ServiceDesk, assigned_to};
use crate::support::{StubServer, World, inserted};

#[tokio::test]
async fn conversation_idle_since_the_agents_word_is_warned_once_and_closed() {
    let world = World::start().await;
    let idle = json!({ "warn_after_minutes": 10, "close_after_minutes": 20 });
    let prompts = json!({ "idle_warning": "您还在吗？", "closed": "本次会话已结束。" });
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "idle": idle, "prompts": prompts })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    visitor.agent_replies("在的").await.expect(201);
    world.run_minutes_online(9, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, ["在的"]);
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, ["在的", "您还在吗？"]);
    // A message from either side restarts the timer.
    visitor.writes("在").await;
    world.run_minutes_online(9, &[&desk.agent]).await;
    visitor.agent_replies("请稍等").await.expect(201);
    world.run_minutes_online(8, &[&desk.agent]).await;
    assert_eq!(visitor.last_text().await, "请稍等");
    let cid = visitor.cid().await;
    world.run_minutes_online(4, &[&desk.agent]).await;
    assert_eq!(visitor.last_text().await, "您还在吗？");
    world.run_minutes_online(7, &[&desk.agent]).await;
    assert_eq!(world.conversation(&cid).await["state"], "open");
    world.run_minutes_online(2, &[&desk.agent]).await;
    let shown = world.conversation(&cid).await;
    assert_eq!((&shown["state"], &shown["closed_by"]), (&json!("closed"), &json!("idle")), "{shown}");
    let texts = visitor.received_texts().await;
    assert_eq!(texts, ["在的", "您还在吗？", "请稍等", "您还在吗？", "本次会话已结束。"]);
    assert_eq!(world.load(&desk.agent).await, 0);
    let kinds = world.event_types(&cid).await;
    assert_eq!(kinds[kinds.len() - 2..], ["conversation.idle", "conversation.closed"]);
}

#[tokio::test]
async fn agent_reply_after_the_warning_restarts_the_idle_timer() {
    let world = World::start().await;
    let idle = json!({ "warn_after_minutes": 10, "close_after_minutes": 20 });
    let desk = world
        .service_desk(5, json!({ "mode": "agents_only", "idle": idle, "prompts": { "idle_warning": "您还在吗？" } }))
        .await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    visitor.agent_replies("在的").await.expect(201);
    world.run_minutes_online(12, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, ["在的", "您还在吗？"]);
    visitor.agent_replies("查到了").await.expect(201);
    world.run_minutes_online(12, &[&desk.agent]).await;
    assert_eq!(
        visitor.received_texts().await,
        ["在的", "您还在吗？", "查到了", "您还在吗？"],
        "the warning is sent again"
    );
    assert_eq!(visitor.conversation().await["state"], "open");
    world.run_minutes_online(10, &[&desk.agent]).await;
    assert_eq!(visitor.conversations().await[0]["closed_by"], "idle");
}

#[tokio::test]
async fn idle_timeout_closes_agent_and_robot_conversations() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first", "idle": { "close_after_minutes": 5 } })).await;
    let busy = desk.occupy_agent(&world).await;
    busy.agent_replies("在的").await.expect(201);
    let robot = desk.visitor(&world, "o-robot");
    robot.writes(SHIPPING).await;
    assert_eq!(robot.stage().await, "robot");
    world.run_minutes_online(6, &[&desk.agent]).await;
    assert!(world.conversations().await.iter().all(|it| it["state"] == "closed" && it["closed_by"] == "idle"));
    assert_eq!(world.load(&desk.agent).await, 0);
}

/// 小王 has the conversation of `o-1`, with a warning after one minute and an end after two.
async fn impatient_desk(world: &World) -> ServiceDesk {
    let idle = json!({ "warn_after_minutes": 1, "close_after_minutes": 2 });
    let prompts = json!({ "idle_warning": "您还在吗？", "closed": "再见。", "connected": "接通了。" });
    world.service_desk(1, json!({ "mode": "agents_only", "idle": idle, "prompts": prompts })).await
}

#[tokio::test]
async fn visitor_with_the_last_word_is_neither_warned_nor_closed() {
    let world = World::start().await;
    let desk = impatient_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    world.run_minutes_online(5, &[&desk.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("assigned", "接通了。"));
    visitor.agent_replies("在的").await.expect(201);
    visitor.writes("那什么时候发货").await;
    world.run_minutes_online(10, &[&desk.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("assigned", "在的"));
    // The time runs from the agent's answer.
    visitor.agent_replies("明天").await.expect(201);
    world.run_minutes_online(4, &[&desk.agent]).await;
    assert_eq!(visitor.conversations().await[0]["closed_by"], "idle");
    assert_eq!(visitor.received_texts().await[2..], ["明天", "您还在吗？", "再见。"]);
}

#[tokio::test]
async fn visitor_with_the_last_word_is_closed_when_the_reply_window_has_ended() {
    let world = World::start().await;
    let desk = impatient_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    visitor.agent_replies("在的").await.expect(201);
    visitor.writes("那什么时候发货").await;
    world.run_minutes_online(3, &[&desk.agent]).await;
    for (hours, open) in [(47, true), (1, false)] {
        world.advance(hours * 3600 - 60);
        world.run_minutes_online(1, &[&desk.agent]).await;
        assert_eq!(visitor.conversations().await[0]["state"] == "open", open, "{hours}");
    }
}

#[tokio::test]
async fn text_that_failed_is_not_the_agents_word() {
    let world = World::start().await;
    let desk = impatient_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/send", "errcode": 40003, "times": 1 })).await;
    assert_ne!(visitor.agent_replies("在的").await.status, 201);
    world.run_minutes_online(5, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "assigned");
}

#[tokio::test]
async fn robots_unanswered_turn_is_not_idle() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": "不知道" });
    let robot = world.create("robots", &robot).await;
    let idle = json!({ "warn_after_minutes": 1, "close_after_minutes": 2 });
    let reception = json!({ "mode": "robot_only", "idle": idle, "prompts": { "idle_warning": "您还在吗？" } });
    let desk = world.service_desk_with(&robot, 1, reception).await;
    let visitor = desk.visitor(&world, "o-1");
    world.advance(5);
    visitor.text("在吗").await;
    // Reception has given the turn to the robot, which does not run.
    let event = inserted(&world.items("inbound").await);
    world.bundle.invoke("Reception", event).await.unwrap();
    for _ in 0..5 {
        world.advance(60);
        world.tick("Reception").await;
    }
    assert_eq!((visitor.stage().await.as_str(), visitor.received_texts().await.len()), ("robot", 0));
    own.respond_json(&json!({ "text": "在。" }));
    world.settle().await;
    assert_eq!(visitor.received_texts().await, ["在。"]);
    world.run_minutes(4).await;
    assert_eq!(visitor.received_texts().await, ["在。", "您还在吗？"]);
    assert_eq!(visitor.conversations().await[0]["closed_by"], "idle");
}

#[tokio::test]
async fn unanswered_conversations_stay_open_until_the_reply_window_ends() {
    let world = World::start().await;
    let idle = json!({ "close_after_minutes": 5 });
    let desk = world.service_desk(1, json!({ "mode": "robot_first", "idle": idle, "after_hours": "queue" })).await;
    let engaged = desk.occupy_agent(&world).await;
    let queued = desk.visitor(&world, "o-queue");
    queued.writes("转人工").await;
    assert_eq!(queued.stage().await, "queued");
    world.set_status(&desk.agent, "busy").await;
    engaged.writes("再见").await;
    world.update("groups", &desk.group, &json!({ "max_queue": 1 })).await;
    let left = desk.visitor(&world, "o-left");
    left.writes("转人工").await;
    assert_eq!(left.stage().await, "left_message");
    let open = world.bind("wx0000000000005409").await;
    let unassigned = world.visitor(&open, "o-nobody");
    unassigned.writes("有人吗").await;
    for (hours, still) in [(1, true), (46, true), (2, false)] {
        world.advance(hours * 3600 - 60);
        world.run_minutes_online(1, &[&desk.agent]).await;
        for visitor in [&queued, &left, &unassigned] {
            let state = visitor.conversations().await[0]["state"] == "open";
            assert_eq!(state, still, "{} after {hours} more hours", visitor.openid);
        }
    }
}

#[tokio::test]
async fn farewell_closes_the_conversation_and_similar_text_does_not() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    for (number, farewell) in ["结束会话", "再见！", "Bye", "退出"].into_iter().enumerate() {
        world.heartbeat(&[&desk.agent]).await;
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes("在吗").await;
        visitor.writes("怎么退出登录").await;
        let cid = visitor.cid().await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
        visitor.writes(farewell).await;
        let shown = world.conversation(&cid).await;
        assert_eq!((&shown["state"], &shown["closed_by"]), (&json!("closed"), &json!("visitor")), "{farewell}");
        assert_eq!(world.load(&desk.agent).await, 0);
        let closed = world.event(&cid, "conversation.closed").await;
        assert_eq!(closed["data"]["agent_id"], desk.agent.as_str());
        // The farewell is the conversation's last message. Neither it nor a second farewell opens a new conversation.
        assert_eq!(visitor.messages().await.last().unwrap()["cid"], cid.as_str());
        visitor.writes("拜拜").await;
        assert_eq!(visitor.conversations().await.len(), 1);
    }
}

#[tokio::test]
async fn summary_is_stored_with_the_closed_conversation() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let path = format!("/api/conversations/{}/close", visitor.cid().await);
    for wrong in [json!({ "summary": "text" }), json!({ "summary": { "x": "长".repeat(1400) } }), json!({ "note": 1 })]
    {
        let refused = world.post(&path, &wrong).await;
        assert_eq!((problem(&refused).0, fields(&refused).len()), (422, 1), "{wrong}");
    }
    assert_eq!(visitor.stage().await, "assigned");
    let summary = json!({ "business": "售后", "types": ["退货", "运费"], "solved": true, "remark": "已同意退货" });
    world.advance(60);
    let closed = world.post(&path, &json!({ "summary": summary })).await.expect(200).body;
    assert_eq!(
        (&closed["state"], &closed["closed_by"], &closed["summary"]),
        (&json!("closed"), &json!("admin"), &summary)
    );
    let event = world.event(closed["cid"].as_str().unwrap(), "conversation.closed").await;
    assert_eq!((&event["data"]["summary"], &event["at"]), (&summary, &closed["closed_at"]));
    // A second close changes nothing.
    let again = world.post(&path, &json!({ "summary": { "other": 1 } })).await.expect(200).body;
    assert_eq!(again, closed);
}

#[tokio::test]
async fn every_change_is_an_event_with_consecutive_numbers() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first" })).await;
    let li = world.agent("小李", 5).await;
    let busy = desk.occupy_agent(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    visitor.writes("转人工").await;
    busy.writes("结束会话").await;
    let cid = visitor.cid().await;
    visitor.agent_replies("您好").await.expect(201);
    world.post(&format!("/api/conversations/{cid}/transfer"), &json!({ "agent_id": li })).await.expect(200);
    world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200);
    let kinds = [
        "conversation.created",
        "conversation.robot",
        "robot.answered",
        "conversation.handoff",
        "conversation.queued",
        "conversation.assigned",
        "conversation.accepted",
        "conversation.answered",
        "conversation.transferred",
        "conversation.assigned",
        "conversation.closed",
    ];
    assert_eq!(world.event_types(&cid).await, kinds);
    let events = world.events(&cid).await;
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=kinds.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.conversation(&cid).await["seq"], kinds.len());
    let times: Vec<&str> = events.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");

    // Paging returns the same events.
    let (mut paged, mut path): (Vec<Value>, _) = (Vec::new(), format!("/api/conversations/{cid}/events?limit=4"));
    loop {
        let page = world.get(&path).await.expect(200).body;
        paged.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/conversations/{cid}/events?limit=4&cursor={cursor}");
    }
    assert_eq!(paged, events);
    assert_eq!(problem(&world.get("/api/conversations/cnone/events").await).0, 404);
}
