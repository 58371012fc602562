//! What the lists show, and what a supervisor, a visitor's agent and an integrator may do beyond one conversation.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::{problem, text},
    routing::session_from::{sobot, to_group, to_service},
    service_desk::ServiceDesk,
    support::{ADMIN, Answer, World},
};

const OTHER_APP: &str = "wx0000000000000ac9";

pub(super) async fn token(world: &World, asked: Value) -> String {
    world.post("/api/access-tokens", &asked).await.expect(201).text("token")
}

pub(super) async fn agent_token(world: &World, agent: &str) -> String {
    token(world, json!({ "role": "agent", "name": "小王", "agent_id": agent })).await
}

async fn get(world: &World, token: &str, path: &str) -> Answer {
    world.call(Some(token), Method::GET, path, None).await
}

/// The openids of a list of conversations, page by page with this limit.
async fn openids(world: &World, token: &str, query: &str, limit: u32) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/conversations?limit={limit}{query}{cursor}");
        let page = get(world, token, &path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= usize::try_from(limit).unwrap());
        found.extend(items.iter().map(|item| item["openid"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// A shop whose one agent is busy, with conversations of `o-0` to `o-{count}` in the queue.
async fn queued(world: &World, count: usize) -> ServiceDesk {
    let desk = world.service_desk(20, json!({ "mode": "agents_only" })).await;
    world.set_status(&desk.agent, "busy").await;
    for number in 0..count {
        desk.visitor(world, &format!("o-{number}")).writes("在吗").await;
    }
    desk
}

#[tokio::test]
async fn list_shows_agents_what_they_may_read_and_skips_nothing() {
    let world = World::start().await;
    let desk = queued(&world, 7).await;
    let (me, other) = (world.agent("小李", 20).await, world.agent("外人", 20).await);
    world.set_status(&me, "busy").await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, me], "visibility": "own" })).await;
    let all = world.conversations().await;
    let cid = |openid: &str| {
        let found = all.iter().find(|conversation| conversation["openid"] == openid).unwrap();
        found["cid"].as_str().unwrap().to_owned()
    };
    for (openid, agent) in [("o-1", &desk.agent), ("o-2", &desk.agent), ("o-4", &me), ("o-5", &desk.agent)] {
        world.claim(&cid(openid), agent).await.expect(200);
    }
    let (mine, stranger) = (agent_token(&world, &me).await, agent_token(&world, &other).await);
    for limit in [1, 2, 3, 50] {
        assert_eq!(openids(&world, &mine, "", limit).await, ["o-6", "o-4", "o-3", "o-0"], "{limit}");
        assert_eq!(openids(&world, &stranger, "", limit).await, [""; 0], "{limit}");
    }
    let waiting = format!("&view=waiting&group_id={}", desk.group);
    assert_eq!(openids(&world, &mine, &waiting, 2).await, ["o-0", "o-3", "o-6"]);
    assert_eq!(openids(&world, &stranger, &waiting, 2).await, [""; 0]);
    assert_eq!(openids(&world, &mine, "&view=mine", 2).await, ["o-4"]);

    // With the default, colleagues read each other's.
    world.update("groups", &desk.group, &json!({ "visibility": "group" })).await;
    assert_eq!(openids(&world, &mine, "", 3).await, ["o-6", "o-5", "o-4", "o-3", "o-2", "o-1", "o-0"]);
}

#[tokio::test]
async fn waiting_without_a_group_lists_every_queue_that_the_caller_may_read() {
    let world = World::start().await;
    let desk = queued(&world, 2).await;
    let (me, other) = (world.agent("小李", 20).await, world.agent("外人", 20).await);
    for agent in [&me, &other] {
        world.set_status(agent, "busy").await;
    }
    let mine = world.create("groups", &json!({ "name": "售后", "members": [me] })).await;
    for (openid, level) in [("o-mine", to_group(&mine)), ("o-me", to_service(&me)), ("o-other", to_service(&other))] {
        world.advance(1);
        let visitor = desk.visitor(&world, openid);
        visitor.enters(&sobot(&[("transfer_action", json!([level]))])).await;
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage().await, "queued", "{openid}");
    }
    world.advance(1);
    desk.visitor(&world, "o-last").writes("在吗").await;
    // Priority counts as time waited.
    let vip = world.bind(OTHER_APP).await;
    world.set_reception(&vip, json!({ "group_id": desk.group, "priority": 1 })).await;
    world.visitor(&vip, "o-vip").writes("在吗").await;

    let supervisor = token(&world, json!({ "role": "supervisor", "name": "组长", "group_ids": [desk.group] })).await;
    let integrator =
        json!({ "role": "integrator", "name": "系统", "scopes": ["conversations:read"], "app_ids": [OTHER_APP] });
    let integrator = token(&world, integrator).await;
    let (one, two) = (agent_token(&world, &me).await, agent_token(&world, &other).await);
    let of_group = agent_token(&world, &desk.agent).await;
    for limit in [1, 2, 3, 50] {
        for (token, expected) in [
            (ADMIN, &["o-vip", "o-0", "o-1", "o-mine", "o-me", "o-other", "o-last"][..]),
            // What waits for an agent by name belongs to the group of its binding.
            (supervisor.as_str(), &["o-vip", "o-0", "o-1", "o-me", "o-other", "o-last"]),
            (of_group.as_str(), &["o-vip", "o-0", "o-1", "o-me", "o-other", "o-last"]),
            (integrator.as_str(), &["o-vip"]),
            (one.as_str(), &["o-mine", "o-me"]),
            (two.as_str(), &["o-other"]),
        ] {
            assert_eq!(openids(&world, token, "&view=waiting", limit).await, expected, "{limit}");
        }
    }
    // What is no longer waiting is not listed.
    world.claim(&desk.visitor(&world, "o-mine").cid().await, &me).await.expect(200);
    assert_eq!(openids(&world, &one, "&view=waiting", 1).await, ["o-me"]);
}

#[tokio::test]
async fn earlier_conversations_are_read_by_the_agent_who_has_the_visitor_now() {
    let world = World::start().await;
    let desk = queued(&world, 0).await;
    let me = world.agent("小李", 20).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, me] })).await;
    world.set_status(&me, "busy").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let earlier = visitor.cid().await;
    world.claim(&earlier, &desk.agent).await.expect(200);
    visitor.writes("结束会话").await;
    let (first, second) = (agent_token(&world, &desk.agent).await, agent_token(&world, &me).await);
    let path = format!("/api/conversations/{earlier}");
    get(&world, &first, &path).await.expect(200);
    assert_eq!(problem(&get(&world, &second, &path).await).0, 404);
    assert_eq!(openids(&world, &second, "", 10).await, [""; 0]);

    visitor.writes("又来了").await;
    assert_eq!(problem(&get(&world, &second, &path).await).0, 404, "the visitor waits");
    world.claim(&visitor.cid().await, &me).await.expect(200);
    get(&world, &second, &path).await.expect(200);
    get(&world, &second, &format!("{path}/messages")).await.expect(200);
    assert_eq!(openids(&world, &second, "", 10).await, ["o-1", "o-1"]);
    let said = world.call(Some(&second), Method::POST, &format!("{path}/messages"), Some(&text("x"))).await;
    assert_eq!(problem(&said), (409, "conversation.closed", None));
}

#[tokio::test]
async fn visitor_is_hidden_from_agents_who_may_not_read_the_conversation() {
    let world = World::start().await;
    let desk = queued(&world, 1).await;
    let stranger = world.agent("外人", 5).await;
    let path = format!("/api/bindings/{}/visitors/o-0", crate::service_desk::APP);
    get(&world, &agent_token(&world, &desk.agent).await, &path).await.expect(200);
    assert_eq!(problem(&get(&world, &agent_token(&world, &stranger).await, &path).await).0, 404);
}

#[tokio::test]
async fn writing_claims_and_is_refused_when_the_agent_cannot_take_it() {
    let world = World::start().await;
    let desk = queued(&world, 2).await;
    let token = agent_token(&world, &desk.agent).await;
    let cids: Vec<String> =
        world.conversations().await.iter().map(|found| found["cid"].as_str().unwrap().to_owned()).collect();
    let say = async |cid: &str, content: &str| {
        world
            .call(Some(&token), Method::POST, &format!("/api/conversations/{cid}/messages"), Some(&text(content)))
            .await
    };
    // What is refused for its content claims nothing.
    assert_eq!(problem(&say(&cids[0], " ").await).0, 422);
    assert_eq!(world.load(&desk.agent).await, 0);
    say(&cids[0], "您好").await.expect(201);
    assert_eq!(world.conversation(&cids[0]).await["assignee"]["agent_id"], desk.agent.as_str());
    world.update("agents", &desk.agent, &json!({ "capacity": 1 })).await;
    assert_eq!(problem(&say(&cids[1], "您好").await), (409, "agent.at_capacity", None));
    assert_eq!(desk.visitor(&world, "o-0").received_texts().await.len(), 1, "only what is said by itself");
}

#[tokio::test]
async fn supervisor_changes_members_and_hours_of_own_groups_only() {
    let world = World::start().await;
    let desk = queued(&world, 0).await;
    let other = world.group(&[]).await;
    let hours = async |name: &str| world.create("calendars", &json!({ "name": name })).await;
    let (own, shared, unused) = (hours("own").await, hours("shared").await, hours("unused").await);
    world.update("groups", &other, &json!({ "calendar_id": shared })).await;
    let asked = json!({ "role": "supervisor", "name": "主管", "group_ids": [desk.group] });
    let token = token(&world, asked).await;
    let patch =
        async |path: String, body: Value| world.call(Some(&token), Method::PATCH, &path, Some(&body)).await.status;
    let group = format!("/api/groups/{}", desk.group);
    assert_eq!(patch(group.clone(), json!({ "members": [desk.agent], "calendar_id": own })).await, 200);
    assert_eq!(patch(group.clone(), json!({ "members": [], "visibility": "own" })).await, 403);
    assert_eq!(patch(group, json!({ "name": "x" })).await, 403);
    assert_eq!(patch(format!("/api/groups/{other}"), json!({ "members": [] })).await, 403);
    for (calendar, expected) in [(&own, 200), (&shared, 403), (&unused, 403)] {
        assert_eq!(patch(format!("/api/calendars/{calendar}"), json!({ "name": "新" })).await, expected);
    }
}

#[tokio::test]
async fn supervisor_acts_for_agents_of_own_groups() {
    let world = World::start().await;
    let desk = queued(&world, 1).await;
    let asked = json!({ "role": "supervisor", "name": "主管", "group_ids": [desk.group] });
    let token = token(&world, asked).await;
    let visitor = desk.visitor(&world, "o-0");
    let cid = visitor.cid().await;
    let act = async |what: &str, body: Value| {
        world.call(Some(&token), Method::POST, &format!("/api/conversations/{cid}/{what}"), Some(&body)).await
    };
    act("claim", json!({ "agent_id": desk.agent })).await.expect(200);
    assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
    assert_eq!(problem(&act("messages", text("您好")).await), (409, "conversation.taken", None));
    act("close", json!({})).await.expect(200);
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test]
async fn integrator_reads_and_writes_for_its_mini_programs_only() {
    let world = World::start().await;
    let (here, there) = (world.bind("wx0000000000000ac5").await, world.bind("wx0000000000000ac6").await);
    let (own, other) = (world.open_conversation(&here, "o-1").await, world.open_conversation(&there, "o-2").await);
    let with = async |scopes: &[&str]| {
        let asked = json!({ "role": "integrator", "name": "系统", "scopes": scopes, "app_ids": [here.app_id] });
        token(&world, asked).await
    };
    let (reads, writes) = (with(&["conversations:read", "bindings:read"]).await, with(&["messages:write"]).await);
    assert_eq!(openids(&world, &reads, "", 1).await, ["o-1"]);
    let bindings = get(&world, &reads, "/api/bindings").await.expect(200).body;
    assert_eq!(bindings["items"].as_array().unwrap().len(), 1);
    for (binding, status) in [(&here, 200), (&there, 404)] {
        let base = format!("/api/bindings/{}", binding.app_id);
        for path in ["", "/health", "/visitors/o-1/messages"] {
            assert_eq!(get(&world, &reads, &format!("{base}{path}")).await.status, status, "{base}{path}");
            assert_eq!(get(&world, &writes, &format!("{base}{path}")).await.status, 403);
        }
    }
    for (chat, status) in [(&own, 201), (&other, 404)] {
        let said = async |token: &str| {
            world.call(Some(token), Method::POST, &chat.messages_path(), Some(&text("您的订单已发货"))).await
        };
        assert_eq!(said(&writes).await.status, status);
        assert_eq!(problem(&said(&reads).await), (403, "forbidden", None));
    }
    assert_eq!(own.visitor.stage().await, "unassigned", "a program claims nothing");
}
