//! How a conversation ends, and what is kept of it.

use serde_json::{Value, json};

use crate::desk::{fields, problem};
use crate::shop::{SHIPPING, with};
use crate::support::World;

#[tokio::test]
async fn an_idle_one_is_warned_once_and_closed() {
    let world = World::start().await;
    let idle = json!({ "warn_after_minutes": 10, "close_after_minutes": 20 });
    let prompts = json!({ "idle_warning": "您还在吗？", "closed": "本次会话已结束。" });
    let shop = world.shop(5, json!({ "mode": "agents_only", "idle": idle, "prompts": prompts })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    visitor.is_told("在的").await.expect(201);
    world.minutes_with(9, &[&shop.agent]).await;
    assert_eq!(visitor.phone_texts().await, ["在的"]);
    world.minutes_with(2, &[&shop.agent]).await;
    assert_eq!(visitor.phone_texts().await, ["在的", "您还在吗？"]);
    // A word of either side is a new beginning.
    visitor.says("在").await;
    world.minutes_with(9, &[&shop.agent]).await;
    visitor.is_told("请稍等").await.expect(201);
    world.minutes_with(8, &[&shop.agent]).await;
    assert_eq!(visitor.last_text().await, "请稍等");
    let cid = visitor.cid().await;
    world.minutes_with(4, &[&shop.agent]).await;
    assert_eq!(visitor.last_text().await, "您还在吗？");
    world.minutes_with(7, &[&shop.agent]).await;
    assert_eq!(world.shown(&cid).await["state"], "open");
    world.minutes_with(2, &[&shop.agent]).await;
    let shown = world.shown(&cid).await;
    assert_eq!((&shown["state"], &shown["closed_by"]), (&json!("closed"), &json!("idle")), "{shown}");
    let texts = visitor.phone_texts().await;
    assert_eq!(texts, ["在的", "您还在吗？", "请稍等", "您还在吗？", "本次会话已结束。"]);
    assert_eq!(world.load(&shop.agent).await, 0);
    let kinds = world.event_types(&cid).await;
    assert_eq!(kinds[kinds.len() - 2..], ["conversation.idle", "conversation.closed"]);
}

#[tokio::test]
async fn an_agents_answer_after_the_warning_begins_the_time_anew() {
    let world = World::start().await;
    let idle = json!({ "warn_after_minutes": 10, "close_after_minutes": 20 });
    let shop = world
        .shop(5, json!({ "mode": "agents_only", "idle": idle, "prompts": { "idle_warning": "您还在吗？" } }))
        .await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    world.minutes_with(12, &[&shop.agent]).await;
    assert_eq!(visitor.phone_texts().await, ["您还在吗？"]);
    visitor.is_told("查到了").await.expect(201);
    world.minutes_with(12, &[&shop.agent]).await;
    assert_eq!(visitor.phone_texts().await, ["您还在吗？", "查到了", "您还在吗？"], "and they are asked anew");
    assert_eq!(visitor.conversation().await["state"], "open");
    world.minutes_with(10, &[&shop.agent]).await;
    assert_eq!(visitor.conversations().await[0]["closed_by"], "idle");
}

#[tokio::test]
async fn everything_idles_that_is_open() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "robot_first", "idle": { "close_after_minutes": 5 } })).await;
    shop.engage(&world).await;
    let robot = shop.visitor(&world, "o-robot");
    robot.says(SHIPPING).await;
    assert_eq!(robot.stage().await, "robot");
    world.minutes_with(6, &[&shop.agent]).await;
    assert!(world.conversations().await.iter().all(|it| it["state"] == "closed" && it["closed_by"] == "idle"));
    assert_eq!(world.load(&shop.agent).await, 0);
}

#[tokio::test]
async fn whoever_waits_for_a_persons_first_word_waits_as_long_as_wechat_lets_anybody_answer() {
    let world = World::start().await;
    let idle = json!({ "close_after_minutes": 5 });
    let shop = world.shop(1, json!({ "mode": "robot_first", "idle": idle, "after_hours": "queue" })).await;
    let engaged = shop.engage(&world).await;
    let queued = shop.visitor(&world, "o-queue");
    queued.says("转人工").await;
    assert_eq!(queued.stage().await, "queued");
    world.status(&shop.agent, "busy").await;
    engaged.says("再见").await;
    world.change("groups", &shop.group, &json!({ "max_queue": 1 })).await;
    let left = shop.visitor(&world, "o-left");
    left.says("转人工").await;
    assert_eq!(left.stage().await, "left_message");
    let open = world.bind("wx0000000000005409").await;
    let unassigned = world.visitor(&open, "o-nobody");
    unassigned.says("有人吗").await;
    for (hours, still) in [(1, true), (46, true), (2, false)] {
        world.advance(hours * 3600 - 60);
        world.minutes_with(1, &[&shop.agent]).await;
        for visitor in [&queued, &left, &unassigned] {
            let state = visitor.conversations().await[0]["state"] == "open";
            assert_eq!(state, still, "{} after {hours} more hours", visitor.openid);
        }
    }
}

#[tokio::test]
async fn a_visitor_leaves_in_nothing_but_words_that_say_so() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    for (number, farewell) in ["结束会话", "再见！", "Bye", "退出"].into_iter().enumerate() {
        world.heartbeat(&[&shop.agent]).await;
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says("在吗").await;
        visitor.says("怎么退出登录").await;
        let cid = visitor.cid().await;
        assert_eq!(visitor.with_whom().await, with(&shop.agent));
        visitor.says(farewell).await;
        let shown = world.shown(&cid).await;
        assert_eq!((&shown["state"], &shown["closed_by"]), (&json!("closed"), &json!("visitor")), "{farewell}");
        assert_eq!(world.load(&shop.agent).await, 0);
        let closed = world.event(&cid, "conversation.closed").await;
        assert_eq!(closed["data"]["agent_id"], shop.agent.as_str());
        // The farewell is the conversation's last message, and opens no other; nor does one after it.
        assert_eq!(visitor.messages().await.last().unwrap()["cid"], cid.as_str());
        visitor.says("拜拜").await;
        assert_eq!(visitor.conversations().await.len(), 1);
    }
}

#[tokio::test]
async fn a_summary_is_kept_with_the_conversation_and_its_end() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
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
    // Once more changes nothing.
    let again = world.post(&path, &json!({ "summary": { "other": 1 } })).await.expect(200).body;
    assert_eq!(again, closed);
}

#[tokio::test]
async fn every_change_is_an_event_numbered_without_a_gap() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "robot_first" })).await;
    let li = world.agent("小李", 5).await;
    let busy = shop.engage(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    visitor.says("转人工").await;
    busy.says("结束会话").await;
    let cid = visitor.cid().await;
    visitor.is_told("您好").await.expect(201);
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
    assert_eq!(world.shown(&cid).await["seq"], kinds.len());
    let times: Vec<&str> = events.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");

    // Page by page it is the same.
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
