//! Quick replies, of agents, groups and all.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::problem,
    support::{ADMIN, Answer, World},
};

const PATH: &str = "/api/quick-replies";

/// Two agents of a group, their supervisor, and an agent of another group, each with a token.
struct Team {
    group: String,
    other_group: String,
    agent: String,
    colleague: String,
    supervisor: String,
    stranger: String,
}

async fn team(world: &World) -> Team {
    let ids = [world.agent("小王", 5).await, world.agent("小李", 5).await, world.agent("外人", 5).await];
    let group = world.create("groups", &json!({ "name": "售后", "members": ids[..2] })).await;
    let other_group = world.create("groups", &json!({ "name": "售前", "members": ids[2..] })).await;
    let lead = json!({ "role": "supervisor", "name": "主管", "group_ids": [group] });
    Team {
        agent: world.agent_token(&ids[0]).await,
        colleague: world.agent_token(&ids[1]).await,
        stranger: world.agent_token(&ids[2]).await,
        supervisor: world.post("/api/access-tokens", &lead).await.expect(201).text("token"),
        group,
        other_group,
    }
}

fn reply(scope: &str, title: &str) -> Value {
    json!({ "scope": scope, "title": title, "content": "您好{visitor}，我是{agent}。" })
}

async fn create(world: &World, token: &str, body: &Value) -> Answer {
    world.call(Some(token), Method::POST, PATH, Some(body)).await
}

async fn titles(world: &World, token: &str) -> Vec<String> {
    let list = world.call(Some(token), Method::GET, PATH, None).await.expect(200);
    let items = list.body["items"].as_array().unwrap().iter();
    items.map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_caller_gets_their_own_those_of_their_groups_and_those_of_all() {
    let world = World::start().await;
    let team = team(&world).await;
    let of_group = |title: &str, group: &str| {
        let mut body = reply("group", title);
        body["group_id"] = json!(group);
        body
    };
    for (token, body) in [
        (&team.agent, reply("personal", "我的")),
        (&team.colleague, reply("personal", "小李的")),
        (&team.supervisor, of_group("售后的", &team.group)),
        (&ADMIN.to_owned(), of_group("售前的", &team.other_group)),
        (&ADMIN.to_owned(), reply("all", "大家的")),
    ] {
        let created = create(&world, token, &body).await.expect(201).body;
        assert_eq!((&created["title"], &created["scope"]), (&body["title"], &body["scope"]));
        assert_eq!(created.get("group_id"), body.get("group_id"));
    }
    for (token, expected) in [
        (&team.agent, vec!["我的", "大家的", "售后的"]),
        (&team.colleague, vec!["小李的", "大家的", "售后的"]),
        (&team.supervisor, vec!["大家的", "售后的"]),
        (&team.stranger, vec!["大家的", "售前的"]),
    ] {
        assert_eq!(titles(&world, token).await, expected);
    }
    let mut all = titles(&world, ADMIN).await;
    all.sort();
    assert_eq!(all, ["售前的", "售后的", "大家的"], "the admin does not get the agents' own replies");
    // Two queries, whatever the number of groups.
    world.bundle.reset_request_counts();
    let before = world.calls("DeskApi", "Query");
    titles(&world, &team.agent).await;
    assert!(world.calls("DeskApi", "Query") - before <= 3, "two, and one for the groups of the agent");
}

#[tokio::test]
async fn quick_reply_of_another_owner_can_neither_be_read_nor_changed() {
    let world = World::start().await;
    let team = team(&world).await;
    let mut of_group = reply("group", "售后的");
    of_group["group_id"] = json!(team.group);
    for body in [&of_group, &reply("all", "大家的")] {
        assert_eq!(problem(&create(&world, &team.agent, body).await).0, 403);
    }
    let mut of_others = of_group.clone();
    of_others["group_id"] = json!(team.other_group);
    assert_eq!(problem(&create(&world, &team.supervisor, &of_others).await).0, 403);
    assert_eq!(problem(&create(&world, &team.supervisor, &reply("all", "大家的")).await).0, 403);

    let own = create(&world, &team.agent, &reply("personal", "我的")).await.expect(201).text("id");
    let shared = create(&world, &team.supervisor, &of_group).await.expect(201).text("id");
    let change = json!({ "title": "改了" });
    let call = async |token: &str, method: Method, id: &str| {
        let body = (method == Method::PATCH).then_some(&change);
        world.call(Some(token), method, &format!("{PATH}/{id}"), body).await.status
    };
    for (token, id, expected) in [
        (&team.colleague, &own, [404, 404, 404]),
        (&ADMIN.to_owned(), &own, [404, 404, 404]),
        (&team.agent, &shared, [200, 403, 403]),
        (&team.stranger, &shared, [404, 404, 404]),
        (&team.supervisor, &shared, [200, 200, 204]),
        (&team.agent, &own, [200, 200, 204]),
        (&team.agent, &own, [404, 404, 404]),
    ] {
        let mut found = Vec::new();
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            found.push(call(token, method, id).await);
        }
        assert_eq!(found, expected);
    }
    for id in ["x", "all-0", "g0-00000000000000000000000000000000", "binding"] {
        assert_eq!(call(ADMIN, Method::GET, id).await, 404, "{id}");
    }
}

#[tokio::test]
async fn change_replaces_what_it_names_and_null_removes() {
    let world = World::start().await;
    let team = team(&world).await;
    let mut body = reply("personal", "问候");
    (body["shortcut"], body["folder"]) = (json!("hi"), json!("常用"));
    let created = create(&world, &team.agent, &body).await.expect(201).body;
    let path = format!("{PATH}/{}", created["id"].as_str().unwrap());
    world.advance(60);
    let change = json!({ "content": "在的", "shortcut": null });
    let changed = world.call(Some(&team.agent), Method::PATCH, &path, Some(&change)).await.expect(200).body;
    assert_eq!((&changed["content"], changed.get("shortcut")), (&json!("在的"), None));
    assert_eq!((&changed["title"], &changed["folder"]), (&json!("问候"), &json!("常用")));
    assert_ne!(changed["updated_at"], created["updated_at"]);
    assert_eq!((&changed["created_at"], &changed["updated_by"]["role"]), (&created["created_at"], &json!("agent")));
}

#[tokio::test]
async fn wrong_values_are_refused() {
    let world = World::start().await;
    let team = team(&world).await;
    let with = |fields: Value| {
        let mut body = reply("personal", "问候");
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (fields, field) in [
        (json!({ "title": " " }), "title"),
        (json!({ "title": "坏\u{202e}" }), "title"),
        (json!({ "title": "a".repeat(129) }), "title"),
        (json!({ "shortcut": "a".repeat(33) }), "shortcut"),
        (json!({ "folder": "a".repeat(65) }), "folder"),
        (json!({ "content": "\n" }), "content"),
        (json!({ "content": "a".repeat(2049) }), "content"),
        (json!({ "content": "坏\u{1}" }), "content"),
        (json!({ "content": "订单{order}已发货" }), "content"),
        (json!({ "scope": "mine" }), "scope"),
        (json!({ "scope": "group" }), "group_id"),
        (json!({ "group_id": team.group }), "group_id"),
        (json!({ "owner": "me" }), "owner"),
    ] {
        let refused = create(&world, &team.agent, &with(fields)).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["field"]), (422, &json!(field)), "{}", refused.raw);
    }
    let unknown = with(json!({ "scope": "group", "group_id": "g000000000000" }));
    assert_eq!(create(&world, ADMIN, &unknown).await.body["errors"][0]["field"], "group_id");
    let longest = with(json!({ "title": "a".repeat(128), "shortcut": "a".repeat(32), "content": "a".repeat(2048) }));
    create(&world, &team.agent, &longest).await.expect(201);
}

#[tokio::test]
async fn quick_replies_are_deleted_with_their_agent_or_group() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let token = world.agent_token(&agent).await;
    let group = world.group(&[]).await;
    create(&world, &token, &reply("personal", "我的")).await.expect(201);
    let mut of_group = reply("group", "组的");
    of_group["group_id"] = json!(group);
    create(&world, ADMIN, &of_group).await.expect(201);
    create(&world, ADMIN, &reply("all", "大家的")).await.expect(201);
    assert_eq!(world.items("quick_reply").await.len(), 3);
    world.delete(&format!("/api/agents/{agent}")).await.expect(204);
    world.delete(&format!("/api/groups/{group}")).await.expect(204);
    assert_eq!(world.items("quick_reply").await.len(), 1);
    assert_eq!(titles(&world, ADMIN).await, ["大家的"]);
}

#[tokio::test]
async fn owner_has_no_more_than_the_limit() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let token = world.agent_token(&agent).await;
    for _ in 0..300 {
        create(&world, &token, &reply("personal", "x")).await.expect(201);
    }
    assert_eq!(problem(&create(&world, &token, &reply("personal", "x")).await), (409, "quick_reply.too_many", None));
    create(&world, ADMIN, &reply("all", "x")).await.expect(201);
}
