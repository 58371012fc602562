//! One person or robot at a time writes to a visitor: to write is to claim.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{problem, text};
use crate::service_desk::{SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::{ADMIN, Answer, World};

async fn call(world: &World, token: &str, cid: &str, what: &str, body: &Value) -> Answer {
    world.call(Some(token), Method::POST, &format!("/api/conversations/{cid}/{what}"), Some(body)).await
}

/// A text, a card and the typing indicator.
fn writings(world: &World, cid: &str) -> [(&'static str, Value); 3] {
    let cover = format!("{}/phone/cover.png", world.bundle.wechat_url());
    let page = json!({ "title": "新品", "pagepath": "pages/index/index", "thumbUrl": cover });
    [
        ("messages", text("您好")),
        ("cards", json!({ "cid": cid, "msgType": 26, "miniPage": page })),
        ("typing", json!({ "typing": true })),
    ]
}

async fn integrator(world: &World) -> String {
    let asked = json!({ "role": "integrator", "name": "订单系统", "scopes": ["messages:write", "conversations:read"] });
    world.post("/api/access-tokens", &asked).await.expect(201).text("token")
}

/// An agent of the group who is online beside 小王.
async fn colleague(world: &World, desk: &ServiceDesk) -> String {
    let li = world.agent("小李", 5).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, li] })).await;
    li
}

#[tokio::test]
async fn caller_who_writes_to_a_robots_visitor_takes_the_robots_place() {
    for (role, what) in [
        ("agent", 0),
        ("agent", 1),
        ("agent", 2),
        ("admin", 0),
        ("admin", 1),
        ("admin", 2),
        ("integrator", 0),
        ("integrator", 2),
    ] {
        let world = World::start().await;
        let desk = world.service_desk(5, json!({ "mode": "robot_first", "prompts": { "connected": "" } })).await;
        let token = match role {
            "agent" => world.agent_token(&desk.agent).await,
            "admin" => ADMIN.to_owned(),
            _ => integrator(&world).await,
        };
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
        let cid = visitor.cid().await;
        let (path, body) = writings(&world, &cid)[what].clone();
        let answer = call(&world, &token, &cid, path, &body).await;
        assert!(answer.status < 300, "{role} {path}: {}", answer.raw);
        let expected = match role {
            "agent" => assigned_to(&desk.agent),
            _ => ("unassigned".to_owned(), None),
        };
        assert_eq!(visitor.stage_and_agent().await, expected, "{role} {path}");
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent), "{role} {path}");
        let answers = visitor.received_texts().await.into_iter().filter(|text| text == SHIPPING_ANSWER).count();
        assert_eq!(answers, 1, "{role} {path}: the robot is silent");
    }
}

#[tokio::test]
async fn writing_into_an_agents_conversation_is_refused_to_all_others() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let li = colleague(&world, &desk).await;
    let admin_of_li = json!({ "role": "admin", "name": "主管", "agent_id": li });
    let admin_of_li = world.post("/api/access-tokens", &admin_of_li).await.expect(201).text("token");
    let tokens = [world.agent_token(&li).await, ADMIN.to_owned(), admin_of_li, integrator(&world).await];
    let cid = visitor.cid().await;
    for token in &tokens {
        for (path, body) in writings(&world, &cid) {
            let refused = call(&world, token, &cid, path, &body).await;
            assert_eq!(problem(&refused), (409, "conversation.taken", None), "{path}");
            assert_eq!(refused.body["assignee"]["agent_id"], desk.agent.as_str());
        }
        call(&world, token, &cid, "typing", &json!({ "typing": false })).await.expect(409);
    }
    assert_eq!(visitor.outbound().await, Vec::<Value>::new());
    // An admin who works as the agent writes as the agent.
    let own = json!({ "role": "admin", "name": "小王", "agent_id": desk.agent });
    let own = world.post("/api/access-tokens", &own).await.expect(201).text("token");
    for (path, body) in writings(&world, &cid) {
        assert!(call(&world, &own, &cid, path, &body).await.status < 300, "{path}");
    }
}

#[tokio::test]
async fn writing_to_a_waiting_visitor_claims_for_the_agent_of_the_token() {
    for what in 0..3 {
        let world = World::start().await;
        let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
        desk.occupy_agent(&world).await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes("在吗").await;
        let li = world.agent("小李", 5).await;
        let admin = json!({ "role": "admin", "name": "主管", "agent_id": li });
        let admin = world.post("/api/access-tokens", &admin).await.expect(201).text("token");
        let cid = visitor.cid().await;
        call(&world, &admin, &cid, "typing", &json!({ "typing": false })).await.expect(204);
        assert_eq!(visitor.stage().await, "queued", "the end of typing claims nothing");
        let (path, body) = writings(&world, &cid)[what].clone();
        assert!(call(&world, &admin, &cid, path, &body).await.status < 300, "{path}");
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&li), "{path}");
    }
}

#[tokio::test]
async fn conversation_that_changes_hands_during_a_send_is_not_written_into() {
    for after in ["transfer", "close"] {
        let world = World::start().await;
        let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "connected": "" } })).await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes("在吗").await;
        let li = world.agent("小李", 5).await;
        let (cid, token) = (visitor.cid().await, world.agent_token(&desk.agent).await);
        // The visitor is read after the agent was permitted to write.
        let (faults, words) = (world.bundle.table_faults(), text("您好"));
        faults.add(TableFault::new(Fault::Hold).function("DeskApi").operation("GetItem").skip(1));
        let (answer, ()) = tokio::join!(call(&world, &token, &cid, "messages", &words), async {
            faults.held().await;
            let body = if after == "transfer" { json!({ "agent_id": li }) } else { json!({}) };
            call(&world, ADMIN, &cid, after, &body).await.expect(200);
            faults.release();
        });
        let code = if after == "transfer" { "conversation.taken" } else { "conversation.closed" };
        assert_eq!(problem(&answer), (409, code, None), "{after}");
        assert_eq!(visitor.outbound().await, Vec::<Value>::new(), "{after}");
    }
}

#[tokio::test]
async fn agent_who_gets_a_robots_conversation_during_an_admins_send_keeps_it() {
    // At each of the reads between the permission and the send.
    for skip in 1..5 {
        let world = World::start().await;
        let desk = world.service_desk(5, json!({ "mode": "robot_first", "prompts": { "connected": "" } })).await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes(SHIPPING).await;
        let cid = visitor.cid().await;
        let (faults, words) = (world.bundle.table_faults(), text("您好"));
        faults.add(TableFault::new(Fault::Hold).function("DeskApi").operation("GetItem").skip(skip));
        let (answer, ()) = tokio::join!(call(&world, ADMIN, &cid, "messages", &words), async {
            faults.held().await;
            world.claim(&cid, &desk.agent).await.expect(200);
            faults.release();
        });
        assert_eq!(problem(&answer), (409, "conversation.taken", None), "{skip}");
        assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER], "{skip}");
    }
}
