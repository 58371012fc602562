//! Claiming and accepting conversations.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::open_conversation::{fields, problem, text};
use crate::service_desk::{SHIPPING, assigned_to};
use crate::support::World;

#[tokio::test]
async fn concurrent_claim_returns_409_with_the_assignee_to_one_caller() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    desk.occupy_agent(&world).await;
    for round in 0..10 {
        let (li, zhao) = (world.agent("小李", 5).await, world.agent("小赵", 5).await);
        let visitor = desk.visitor(&world, &format!("o-{round}"));
        visitor.writes("在吗").await;
        let cid = visitor.cid().await;
        let (one, other) = tokio::join!(world.claim(&cid, &li), world.claim(&cid, &zhao));
        let (won, lost, winner, name) =
            if one.status == 200 { (one, other, &li, "小李") } else { (other, one, &zhao, "小赵") };
        won.expect(200);
        assert_eq!(problem(&lost), (409, "conversation.taken", None));
        assert_eq!(lost.body["assignee"], json!({ "agent_id": winner, "name": name }));
        assert!(lost.text("detail").contains(name), "{}", lost.raw);
        assert_eq!(visitor.stage_and_agent().await, assigned_to(winner));
        // A repeated claim by the assignee succeeds.
        world.claim(&cid, winner).await.expect(200);
        assert_eq!(world.load(&li).await + world.load(&zhao).await, 1);
        let kinds = world.event_types(&cid).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "conversation.assigned").count(), 1);
        assert_eq!(world.event(&cid, "conversation.assigned").await["data"]["claimed"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_claims_never_exceed_capacity() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005414").await;
    let agent = world.agent("小王", 3).await;
    let mut cids = Vec::new();
    for number in 0..100 {
        let visitor = world.visitor(&binding, &format!("o-{number}"));
        visitor.text("在吗").await;
    }
    world.settle().await;
    world.run_minutes_online(2, &[&agent]).await;
    for conversation in world.conversations().await {
        cids.push(conversation["cid"].as_str().unwrap().to_owned());
    }
    assert_eq!(cids.len(), 100);
    let mut answers = join_all(cids.iter().map(|cid| world.claim(cid, &agent))).await;
    for (answer, cid) in answers.iter_mut().zip(&cids) {
        // A small machine's database may refuse some of a hundred requests: repeat them as the 503 asks.
        while answer.status == 503 {
            *answer = world.claim(cid, &agent).await;
        }
    }
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 3);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(problem(answer), (409, "agent.at_capacity", None));
    }
    assert_eq!(world.load(&agent).await, 3);
    let assigned = world.conversations().await.iter().filter(|it| it["stage"] == "assigned").count();
    assert_eq!(assigned, 3);
    let own = world.get(&format!("/api/conversations?view=mine&agent_id={agent}")).await.expect(200).body;
    assert_eq!(own["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn invalid_claims_are_refused_with_their_reason() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    let cid = visitor.cid().await;
    world.set_status(&desk.agent, "offline").await;
    assert_eq!(problem(&world.claim(&cid, &desk.agent).await), (409, "agent.offline", None));
    world.set_status(&desk.agent, "online").await;
    let unknown_agent = world.claim(&cid, "a000000000000").await;
    assert_eq!((problem(&unknown_agent).0, fields(&unknown_agent)), (422, vec!["agent_id"]));
    assert_eq!(problem(&world.claim("cnone", &desk.agent).await).0, 404);
    let busy = desk.occupy_agent(&world).await;
    assert_eq!(problem(&world.claim(&cid, &desk.agent).await), (409, "agent.at_capacity", None));
    busy.writes("结束会话").await;
    // A busy agent gets no automatic assignments and may claim.
    world.set_status(&desk.agent, "busy").await;
    world.claim(&cid, &desk.agent).await.expect(200);
    visitor.writes("结束会话").await;
    assert_eq!(problem(&world.claim(&cid, &desk.agent).await), (409, "conversation.closed", None));
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test]
async fn agent_token_acts_for_its_own_agent_only() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": desk.agent });
    let own = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let colleague = world.agent("小李", 5).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, colleague] })).await;
    let asked = json!({ "role": "agent", "name": "小李", "agent_id": colleague });
    let other = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let call = async |token: &str, what: &str, body| {
        world.call(Some(token), Method::POST, &format!("/api/conversations/{cid}/{what}"), Some(&body)).await
    };
    let taken = call(&other, "claim", json!({})).await;
    assert_eq!(problem(&taken), (409, "conversation.taken", None));
    assert_eq!(taken.body["assignee"]["agent_id"], desk.agent.as_str());
    assert_eq!(problem(&call(&other, "claim", json!({ "agent_id": desk.agent })).await), (403, "forbidden", None));
    assert_eq!(problem(&call(&other, "accept", json!({})).await), (409, "conversation.taken", None));
    assert_eq!(problem(&call(&other, "close", json!({})).await), (409, "conversation.taken", None));
    let hand_on = json!({ "group_id": desk.group });
    assert_eq!(problem(&call(&other, "transfer", hand_on).await), (409, "conversation.taken", None));
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));

    call(&own, "accept", json!({})).await.expect(200);
    assert_eq!(visitor.conversation().await["assignee"]["accepted_at"], json!(world.now()));
    call(&own, "accept", json!({})).await.expect(200);
    let kinds = world.event_types(&cid).await;
    assert_eq!(kinds, ["conversation.created", "conversation.assigned", "conversation.accepted"]);
    let me = world.call(Some(&own), Method::GET, "/api/me", None).await.expect(200).body;
    assert_eq!((&me["agent_id"], &me["duty"]["load"]), (&json!(desk.agent), &json!(1)));
    call(&own, "close", json!({})).await.expect(200);
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test]
async fn first_reply_accepts_the_conversation() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.conversation().await["assignee"].get("accepted_at"), None);
    world.advance(7);
    visitor.agent_replies("在的").await.expect(201);
    let conversation = visitor.conversation().await;
    assert_eq!(conversation["assignee"]["accepted_at"], json!(world.now()));
    assert_eq!(conversation["answered"], true);
    let kinds = world.event_types(&visitor.cid().await).await;
    let expected = ["conversation.created", "conversation.assigned", "conversation.accepted", "conversation.answered"];
    assert_eq!(kinds, expected);
    // Further messages stay with the agent and are not assigned again.
    visitor.writes("谢谢").await;
    assert_eq!(world.event_types(&visitor.cid().await).await, expected);
}

#[tokio::test]
async fn refused_claim_says_whose_status_is_in_the_way() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    desk.occupy_agent(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let own = world.agent_token(&desk.agent).await;
    let claim = format!("/api/conversations/{cid}/claim");
    let full = world.call(Some(&own), Method::POST, &claim, None).await;
    assert_eq!(problem(&full), (409, "agent.at_capacity", None));
    assert!(full.text("detail").starts_with("You have as many"), "{}", full.raw);
    let full = world.claim(&cid, &desk.agent).await;
    assert!(full.text("detail").starts_with("小王 has as many"), "{}", full.raw);

    world.set_status(&desk.agent, "offline").await;
    let colleague = world.claim(&cid, &desk.agent).await;
    assert_eq!(problem(&colleague), (409, "agent.offline", None));
    assert!(colleague.text("detail").starts_with("小王 is offline"), "{}", colleague.raw);
    let said =
        world.call(Some(&own), Method::POST, &format!("/api/conversations/{cid}/messages"), Some(&text("您好"))).await;
    for offline in [world.call(Some(&own), Method::POST, &claim, None).await, said] {
        assert_eq!(problem(&offline), (409, "agent.offline", None));
        assert!(offline.text("detail").starts_with("You are offline"), "{}", offline.raw);
    }
}
