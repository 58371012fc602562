//! An agent takes a conversation by hand, and takes it up.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::desk::{fields, problem};
use crate::shop::{SHIPPING, with};
use crate::support::World;

#[tokio::test]
async fn of_two_who_claim_at_once_one_gets_it_and_the_other_is_told_who_has() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only" })).await;
    shop.engage(&world).await;
    for round in 0..10 {
        let (li, zhao) = (world.agent("小李", 5).await, world.agent("小赵", 5).await);
        let visitor = shop.visitor(&world, &format!("o-{round}"));
        visitor.says("在吗").await;
        let cid = visitor.cid().await;
        let (one, other) = tokio::join!(world.claim(&cid, &li), world.claim(&cid, &zhao));
        let (won, lost, winner, name) =
            if one.status == 200 { (one, other, &li, "小李") } else { (other, one, &zhao, "小赵") };
        won.expect(200);
        assert_eq!(problem(&lost), (409, "conversation.taken", None));
        assert_eq!(lost.body["assignee"], json!({ "agent_id": winner, "name": name }));
        assert!(lost.text("detail").contains(name), "{}", lost.raw);
        assert_eq!(visitor.with_whom().await, with(winner));
        // Again by whoever has it is no mistake.
        world.claim(&cid, winner).await.expect(200);
        assert_eq!(world.load(&li).await + world.load(&zhao).await, 1);
        let kinds = world.event_types(&cid).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "conversation.assigned").count(), 1);
        assert_eq!(world.event(&cid, "conversation.assigned").await["data"]["claimed"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_claims_at_once_an_agent_with_room_for_three_gets_three() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005414").await;
    let agent = world.agent("小王", 3).await;
    let mut cids = Vec::new();
    for number in 0..100 {
        let visitor = world.visitor(&binding, &format!("o-{number}"));
        visitor.text("在吗").await;
    }
    world.settle().await;
    world.minutes_with(2, &[&agent]).await;
    for conversation in world.conversations().await {
        cids.push(conversation["cid"].as_str().unwrap().to_owned());
    }
    assert_eq!(cids.len(), 100);
    let mut answers = join_all(cids.iter().map(|cid| world.claim(cid, &agent))).await;
    for (answer, cid) in answers.iter_mut().zip(&cids) {
        // A hundred requests may be more than a small machine's database takes at once: asked again, as told.
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
async fn what_cannot_be_claimed_is_refused_in_words() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    let cid = visitor.cid().await;
    world.status(&shop.agent, "offline").await;
    assert_eq!(problem(&world.claim(&cid, &shop.agent).await), (409, "agent.offline", None));
    world.status(&shop.agent, "online").await;
    let nobody = world.claim(&cid, "a000000000000").await;
    assert_eq!((problem(&nobody).0, fields(&nobody)), (422, vec!["agent_id"]));
    assert_eq!(problem(&world.claim("cnone", &shop.agent).await).0, 404);
    let busy = shop.engage(&world).await;
    assert_eq!(problem(&world.claim(&cid, &shop.agent).await), (409, "agent.at_capacity", None));
    busy.says("结束会话").await;
    // An agent who is busy takes nothing by rule, but by hand.
    world.status(&shop.agent, "busy").await;
    world.claim(&cid, &shop.agent).await.expect(200);
    visitor.says("结束会话").await;
    assert_eq!(problem(&world.claim(&cid, &shop.agent).await), (409, "conversation.closed", None));
    assert_eq!(world.load(&shop.agent).await, 0);
}

#[tokio::test]
async fn an_agents_token_acts_for_its_agent_alone() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    let cid = visitor.cid().await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": shop.agent });
    let own = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let stranger = world.access_token("agent").await;
    let call = async |token: &str, what: &str, body| {
        world.call(Some(token), Method::POST, &format!("/api/conversations/{cid}/{what}"), Some(&body)).await
    };
    let taken = call(&stranger, "claim", json!({})).await;
    assert_eq!(problem(&taken), (409, "conversation.taken", None));
    assert_eq!(taken.body["assignee"]["agent_id"], shop.agent.as_str());
    assert_eq!(problem(&call(&stranger, "claim", json!({ "agent_id": shop.agent })).await), (403, "forbidden", None));
    assert_eq!(problem(&call(&stranger, "accept", json!({})).await), (409, "conversation.taken", None));
    assert_eq!(problem(&call(&stranger, "close", json!({})).await), (409, "conversation.taken", None));
    let hand_on = json!({ "group_id": shop.group });
    assert_eq!(problem(&call(&stranger, "transfer", hand_on).await), (409, "conversation.taken", None));
    assert_eq!(visitor.with_whom().await, with(&shop.agent));

    call(&own, "accept", json!({})).await.expect(200);
    assert_eq!(visitor.conversation().await["assignee"]["accepted_at"], json!(world.now()));
    call(&own, "accept", json!({})).await.expect(200);
    let kinds = world.event_types(&cid).await;
    assert_eq!(kinds, ["conversation.created", "conversation.assigned", "conversation.accepted"]);
    let me = world.call(Some(&own), Method::GET, "/api/me", None).await.expect(200).body;
    assert_eq!((&me["agent_id"], &me["duty"]["load"]), (&json!(shop.agent), &json!(1)));
    call(&own, "close", json!({})).await.expect(200);
    assert_eq!(world.load(&shop.agent).await, 0);
}

#[tokio::test]
async fn an_answer_takes_it_up() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.conversation().await["assignee"].get("accepted_at"), None);
    world.advance(7);
    visitor.is_told("在的").await.expect(201);
    let conversation = visitor.conversation().await;
    assert_eq!(conversation["assignee"]["accepted_at"], json!(world.now()));
    assert_eq!(conversation["answered"], true);
    let kinds = world.event_types(&visitor.cid().await).await;
    let expected = ["conversation.created", "conversation.assigned", "conversation.accepted", "conversation.answered"];
    assert_eq!(kinds, expected);
    // The same agent has the visitor's next word, and the next; the desk does not ask again.
    visitor.says("谢谢").await;
    assert_eq!(world.event_types(&visitor.cid().await).await, expected);
}
