//! What people note about a visitor for each other: a name, tags, a star, and notes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::problem,
    service_desk::{APP, ServiceDesk},
    support::{ADMIN, Answer, World},
};

const OPENID: &str = "o-1";

fn path(openid: &str) -> String {
    format!("/api/bindings/{APP}/visitors/{openid}")
}

/// A desk whose agent has the conversation of a visitor, and the agent's token.
async fn desk(world: &World) -> (ServiceDesk, String) {
    let desk = world.service_desk(20, json!({ "mode": "agents_only" })).await;
    desk.visitor(world, OPENID).writes("在吗").await;
    let token = world.agent_token(&desk.agent).await;
    (desk, token)
}

async fn change(world: &World, token: &str, openid: &str, body: &Value) -> Answer {
    world.call(Some(token), Method::PATCH, &path(openid), Some(body)).await
}

async fn note(world: &World, token: &str, text: &str) -> Answer {
    let notes = format!("{}/notes", path(OPENID));
    world.call(Some(token), Method::POST, &notes, Some(&json!({ "text": text }))).await
}

async fn notes(world: &World, token: &str) -> Vec<Value> {
    let notes = world.call(Some(token), Method::GET, &format!("{}/notes", path(OPENID)), None).await.expect(200);
    notes.body["items"].as_array().unwrap().clone()
}

/// The openids of a list.
async fn listed(world: &World, token: &str, query: &str) -> Vec<String> {
    let page = world.call(Some(token), Method::GET, &format!("/api/conversations?{query}"), None).await.expect(200);
    let items = page.body["items"].as_array().unwrap().iter();
    items.map(|item| item["openid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn agent_names_tags_and_stars_a_visitor_and_lists_show_it() {
    let world = World::start().await;
    let (desk, token) = desk(&world).await;
    let visitor = desk.visitor(&world, OPENID);
    let before = visitor.conversation().await;
    let marks = json!({ "remark_name": " 王总 ", "tags": ["VIP", "退款", "VIP"], "starred": true });
    let changed = change(&world, &token, OPENID, &marks).await.expect(200).body;
    assert_eq!((&changed["remark_name"], &changed["tags"]), (&json!("王总"), &json!(["VIP", "退款"])));
    let shown = visitor.conversation().await;
    assert_eq!(shown["visitor"]["remark_name"], "王总");
    assert_eq!((&shown["visitor"]["tags"], &shown["visitor"]["starred"]), (&json!(["VIP", "退款"]), &json!(true)));
    assert_ne!(shown["revision"], before["revision"]);
    // A field that is missing stays; null removes the name.
    let changed = change(&world, &token, OPENID, &json!({ "remark_name": null, "tags": [] })).await.expect(200).body;
    assert_eq!((&changed["remark_name"], &changed["tags"]), (&Value::Null, &json!([])));
    assert_eq!((&changed["starred"], &changed["blocked"]), (&json!(true), &Value::Null));
    let items = world.all_items().await;
    change(&world, &token, OPENID, &json!({ "starred": true })).await.expect(200);
    change(&world, &token, OPENID, &json!({})).await.expect(200);
    assert_eq!(world.all_items().await, items, "what changes nothing writes nothing");
    // The visitor's next message keeps it.
    visitor.writes("还在吗").await;
    assert_eq!(visitor.conversation().await["visitor"]["starred"], true);
    // One request may block and tag.
    let both = json!({ "tags": ["骚扰"], "blocked": { "reason": "spam" } });
    let both = change(&world, &token, OPENID, &both).await.expect(200).body;
    assert_eq!((&both["tags"], &both["blocked"]["reason"]), (&json!(["骚扰"]), &json!("spam")));
}

#[tokio::test]
async fn lists_select_by_what_is_noted_and_by_who_has_them() {
    let world = World::start().await;
    let (desk, token) = desk(&world).await;
    for openid in ["o-2", "o-3"] {
        desk.visitor(&world, openid).writes("在吗").await;
    }
    change(&world, &token, "o-2", &json!({ "starred": true, "tags": ["VIP"] })).await.expect(200);
    change(&world, &token, "o-3", &json!({ "tags": ["VIP", "退款"] })).await.expect(200);
    let colleague = world.agent("小李", 5).await;
    let of_group = format!("group_id={}", desk.group);
    let (of_agent, of_colleague) = (format!("agent_id={}", desk.agent), format!("agent_id={colleague}"));
    for (query, expected) in [
        ("starred=true", vec!["o-2"]),
        ("view=mine&starred=false", vec!["o-1", "o-3"]),
        ("tag=VIP", vec!["o-3", "o-2"]),
        ("tag=%E9%80%80%E6%AC%BE&starred=false", vec!["o-3"]),
        ("tag=vip", vec![]),
        (&format!("app_id={APP}&tag=VIP&starred=true"), vec!["o-2"]),
        ("app_id=wx0000000000000000", vec![]),
        (&of_group, vec!["o-3", "o-2", "o-1"]),
        ("group_id=g000000000000", vec![]),
        (&of_agent, vec!["o-3", "o-2", "o-1"]),
        (&of_colleague, vec![]),
        (&format!("view=mine&{of_group}"), vec!["o-1", "o-2", "o-3"]),
    ] {
        assert_eq!(listed(&world, &token, query).await, expected, "{query}");
    }
    // Of a closed conversation: the agent who had it last, and the group that it was routed to.
    desk.visitor(&world, "o-3").writes("结束会话").await;
    for query in [&of_agent, &of_group] {
        assert_eq!(listed(&world, ADMIN, &format!("view=closed&{query}")).await, ["o-3"], "{query}");
    }
    assert_eq!(listed(&world, ADMIN, &format!("view=closed&{of_colleague}")).await, [""; 0]);
    // Without a filter the visitors are read in one batch, as before; with one, too.
    world.bundle.reset_request_counts();
    listed(&world, ADMIN, "").await;
    let plain = world.calls("DeskApi", "BatchGetItem");
    world.bundle.reset_request_counts();
    listed(&world, ADMIN, "starred=true").await;
    assert_eq!(world.calls("DeskApi", "BatchGetItem"), plain);
    let wrong = world.get("/api/conversations?starred=yes").await;
    assert_eq!(problem(&wrong).0, 422, "{}", wrong.raw);
}

#[tokio::test]
async fn notes_are_listed_oldest_first_with_their_authors() {
    let world = World::start().await;
    let (desk, token) = desk(&world).await;
    let first = note(&world, &token, " 要求退款\n三次 ").await.expect(201).body;
    assert_eq!((&first["text"], &first["author"]["role"]), (&json!("要求退款\n三次"), &json!("agent")));
    assert_eq!(first["author"]["agent_id"], desk.agent.as_str());
    note(&world, ADMIN, "已核实").await.expect(201);
    world.update("agents", &desk.agent, &json!({ "name": "改名" })).await;
    world.advance(61);
    let all = notes(&world, &token).await;
    let said: Vec<_> = all.iter().map(|note| (note["text"].as_str().unwrap(), &note["author"]["name"])).collect();
    assert_eq!(said, [("要求退款\n三次", &json!("改名")), ("已核实", &Value::Null)]);
    // The visitor gets nothing of it, and lists of messages have none.
    let visitor = desk.visitor(&world, OPENID);
    assert!(visitor.received_texts().await.iter().all(|text| !text.contains("退款")));
    assert!(visitor.messages().await.iter().all(|message| !message.to_string().contains("退款")));
    // The reply quota is read as before, whatever the number of notes.
    for number in 0..8 {
        note(&world, &token, &format!("第{number}条")).await.expect(201);
    }
    visitor.agent_replies("您好").await.expect(201);
    visitor.writes("好").await;
    assert_eq!(visitor.inbound().await.len(), 2);
}

#[tokio::test]
async fn note_is_deleted_by_its_author_a_supervisor_or_an_admin() {
    let world = World::start().await;
    let (desk, token) = desk(&world).await;
    let colleague = world.agent("小李", 5).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, colleague], "visibility": "group" })).await;
    let other = world.agent_token(&colleague).await;
    let asked = json!({ "role": "supervisor", "name": "主管", "agent_id": colleague, "group_ids": [desk.group] });
    let supervisor = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let delete = async |token: &str, id: &Value| {
        let path = format!("{}/notes/{}", path(OPENID), id.as_str().unwrap());
        world.call(Some(token), Method::DELETE, &path, None).await
    };
    for (by, status) in [(&token, 204), (&supervisor, 204), (&ADMIN.to_owned(), 204), (&other, 403)] {
        let id = note(&world, &token, "记一笔").await.expect(201).body["id"].clone();
        let answer = delete(by, &id).await.expect(status);
        if status == 204 {
            assert_eq!(problem(&delete(by, &id).await).0, 404);
        } else {
            assert_eq!(problem(&answer).1, "forbidden");
        }
    }
    assert_eq!(notes(&world, &token).await.len(), 1);
    assert_eq!(problem(&delete(ADMIN, &json!("n0")).await).0, 404);
}

#[tokio::test]
async fn visitor_of_others_and_wrong_values_are_refused() {
    let world = World::start().await;
    let (_desk, token) = desk(&world).await;
    let stranger = world.agent("外人", 5).await;
    let stranger = world.agent_token(&stranger).await;
    let star = json!({ "starred": true });
    assert_eq!(problem(&change(&world, &stranger, OPENID, &star).await).0, 404);
    assert_eq!(problem(&note(&world, &stranger, "x").await).0, 404);
    assert_eq!(problem(&change(&world, ADMIN, "o-9", &star).await).0, 404);
    let many: Vec<_> = (0..21).map(|number| format!("t{number}")).collect();
    for (body, field) in [
        (json!({ "remark_name": " " }), "remark_name"),
        (json!({ "remark_name": "坏\n坏" }), "remark_name"),
        (json!({ "remark_name": "a".repeat(65) }), "remark_name"),
        (json!({ "tags": ["好", "坏\u{202e}"] }), "tags[1]"),
        (json!({ "tags": ["a".repeat(65)] }), "tags[0]"),
        (json!({ "tags": many }), "tags"),
        (json!({ "tags": null, "starred": "yes" }), "starred"),
        (json!({ "star": true }), "star"),
    ] {
        let refused = change(&world, &token, OPENID, &body).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["field"]), (422, &json!(field)), "{}", refused.raw);
    }
    let longest = "好".repeat(666) + "ab";
    note(&world, &token, &longest).await.expect(201);
    for text in ["", " \n ", "坏\u{0}", &(longest + "c")] {
        assert_eq!(note(&world, &token, text).await.body["errors"][0]["field"], "text", "{text}");
    }
    for _ in 1..100 {
        note(&world, &token, "x").await.expect(201);
    }
    assert_eq!(problem(&note(&world, &token, "x").await), (409, "visitor.too_many_notes", None));
    assert_eq!(notes(&world, &token).await.len(), 100);
}
