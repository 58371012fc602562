//! Conversations in the API, and answers to unknown resources and methods.

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{problem, text};
use crate::support::{ADMIN, World};

const APP: &str = "wx0000000000000ab1";

#[tokio::test]
async fn conversation_has_uid_openid_and_app_id() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-first").await;
    let expected = json!({
        "cid": chat.cid, "uid": chat.uid, "app_id": APP, "openid": "o-first", "state": "open", "stage": "unassigned",
        "answered": false, "created_at": "2026-03-02T08:00:00Z", "last_message_at": "2026-03-02T08:00:00Z", "seq": 1,
        "quota": { "replies_left": 5, "maybe": 0, "window_ends_at": "2026-03-04T07:59:58Z" }, "held": 0,
        "visitor": {
            "nickname": null, "avatar": null, "partnerid": null, "partnerid_verified": false, "signature_version": null,
            "blocked": null, "remark_name": null, "tags": [], "starred": false,
        },
        "app_name": "测试小程序", "unread": 1,
    });
    // `workbench` tests these.
    let without_messages = |mut conversation: Value| {
        for field in ["last_message", "revision", "waiting_since"] {
            assert!(conversation.as_object_mut().unwrap().remove(field).is_some(), "{field}");
        }
        conversation
    };
    let one = world.get(&format!("/api/conversations/{}", chat.cid)).await.expect(200).body;
    assert_eq!(without_messages(one), expected);
    let all: Vec<_> = world.conversations().await.into_iter().map(without_messages).collect();
    assert_eq!(all, [expected]);
    assert!(!chat.uid.contains("first") && !chat.cid.contains("first"), "ids say nothing");

    world.advance(30);
    chat.visitor.text("有人吗").await;
    world.settle().await;
    chat.send_text("有").await.expect(201);
    let later = world.get(&format!("/api/conversations/{}", chat.cid)).await.expect(200).body;
    assert_eq!(later["last_message_at"], "2026-03-02T08:00:30Z");
    assert_eq!((&later["answered"], &later["created_at"]), (&json!(true), &json!("2026-03-02T08:00:00Z")));
}

#[tokio::test]
async fn conversations_are_listed_newest_first_in_pages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let mut cids = Vec::new();
    for number in 0..5 {
        cids.insert(0, world.open_conversation(&binding, &format!("o-{number}")).await.cid);
        world.advance(1);
    }
    let (mut found, mut sizes, mut path) = (Vec::new(), Vec::new(), "/api/conversations?limit=2".to_owned());
    loop {
        let page = world.get(&path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        found.extend(items.iter().map(|item| item["cid"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/conversations?limit=2&cursor={cursor}");
    }
    assert_eq!((sizes, found), (vec![2, 2, 1], cids));
}

#[tokio::test]
async fn messages_are_listed_oldest_first_in_pages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let mut said = vec!["在吗?".to_owned()];
    for round in 0..3 {
        world.advance(1);
        chat.send_text(&format!("答 {round}")).await.expect(201);
        world.advance(1);
        chat.visitor.text(&format!("问 {round}")).await;
        world.settle().await;
        said.extend([format!("答 {round}"), format!("问 {round}")]);
    }
    // Messages of other visitors are not included.
    world.open_conversation(&binding, "o-2").await;
    let content = |items: &[Value]| {
        items.iter().map(|item| item["text"]["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = chat.messages().await;
    assert_eq!(content(&all), said);
    assert_eq!(chat.visitor.messages().await, all, "the visitor's messages are the same");
    assert_eq!(
        (&all[0]["direction"], &all[0]["state"], &all[0]["type"]),
        (&json!("in"), &json!("received"), &json!("text"))
    );
    assert_eq!((&all[1]["direction"], &all[1]["state"]), (&json!("out"), &json!("sent")));
    assert!(all.iter().all(|message| message["cid"] == chat.cid.as_str()), "{all:?}");

    let (mut pages, mut path) = (Vec::new(), format!("{}?limit=3", chat.messages_path()));
    loop {
        let page = world.get(&path).await.expect(200).body;
        pages.push(content(page["items"].as_array().unwrap()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("{}?limit=3&cursor={cursor}", chat.messages_path());
    }
    assert_eq!(pages.concat(), said);
    assert!(pages.iter().all(|page| page.len() <= 3), "{pages:?}");
}

#[tokio::test]
async fn visitor_has_one_open_conversation_until_it_is_closed() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let first = world.open_conversation(&binding, "o-1").await;
    first.visitor.text("再问一句").await;
    world.settle().await;
    assert_eq!(first.visitor.conversations().await.len(), 1);
    assert_eq!(first.messages().await.len(), 2);

    world.advance(10);
    let path = format!("/api/conversations/{}/close", first.cid);
    let closed = world.call(Some(ADMIN), Method::POST, &path, None).await.expect(200).body;
    assert_eq!((&closed["state"], &closed["closed_at"]), (&json!("closed"), &json!("2026-03-02T08:00:10Z")));
    world.advance(10);
    let again = world.call(Some(ADMIN), Method::POST, &path, None).await.expect(200).body;
    assert_eq!(again, closed, "closing twice is closing once");

    for answer in [first.send_text("还在吗").await, first.send_card(&first.card_with_media_id("x")).await] {
        assert_eq!(problem(&answer), (409, "conversation.closed", None));
        assert!(answer.text("detail").contains("next message"), "{}", answer.raw);
    }
    assert_eq!(first.messages().await.len(), 2, "nothing was stored");
    assert_eq!(first.visitor.received().await, Vec::<Value>::new());

    let second = world.open_conversation(&binding, "o-1").await;
    assert_ne!(second.cid, first.cid);
    assert_eq!(second.uid, first.uid);
    let states: Vec<Value> =
        second.visitor.conversations().await.iter().map(|conversation| conversation["state"].clone()).collect();
    assert_eq!(states, ["open", "closed"]);
    second.send_text("在的").await.expect(201);
    assert_eq!((first.messages().await.len(), second.messages().await.len()), (2, 2));
    assert_eq!(second.visitor.messages().await.len(), 4);
}

#[tokio::test]
async fn same_openid_in_two_mini_programs_is_two_visitors() {
    let world = World::start().await;
    let (one, two) = (world.bind(APP).await, world.bind("wx0000000000000ab2").await);
    let (here, there) = (world.open_conversation(&one, "o-same").await, world.open_conversation(&two, "o-same").await);
    assert_ne!((&here.cid, &here.uid), (&there.cid, &there.uid));
    here.send_text("这边").await.expect(201);
    assert_eq!(
        (here.visitor.received_texts().await, there.visitor.received_texts().await),
        (vec!["这边".to_owned()], Vec::new())
    );
}

#[tokio::test]
async fn missing_resources_return_404() {
    let world = World::start().await;
    world.bind(APP).await;
    let card = json!({ "msgType": 26, "miniPage": { "title": "T", "pagepath": "p", "thumbMediaId": "m" } });
    for (method, path, body) in [
        (Method::GET, "/api/conversations/cnone", None),
        (Method::GET, "/api/conversations/cnone/messages", None),
        (Method::POST, "/api/conversations/cnone/messages", Some(text("x"))),
        (Method::POST, "/api/conversations/cnone/cards", Some(card)),
        (Method::POST, "/api/conversations/cnone/typing", Some(json!({ "typing": true }))),
        (Method::POST, "/api/conversations/cnone/close", None),
        (Method::GET, "/api/bindings/wx00000000000000ff", None),
        (Method::GET, "/api/bindings/not-an-app-id", None),
        (Method::GET, "/api/bindings/wx00000000000000ff/health", None),
        (Method::GET, "/api/bindings/wx00000000000000ff/visitors/o/messages", None),
        (Method::GET, "/api/nothing", None),
        (Method::GET, "/api/bindings/", None),
        (Method::GET, "/api/conversations/c/messages/1/2", None),
        (Method::DELETE, "/api/conversations/cnone/messages/1", None),
        (Method::POST, "/api/conversations/cnone/claim", None),
        (Method::POST, "/api/conversations/cnone/accept", None),
        (Method::POST, "/api/conversations/cnone/transfer", Some(json!({ "group_id": "g000000000000" }))),
        (Method::GET, "/api/conversations/cnone/events", None),
        (Method::GET, "/api/bindings/wx00000000000000ff/visitors/o", None),
        (Method::POST, "/api/bindings/wx00000000000000ff/session-from-secret", None),
        (Method::GET, "/api/groups/g000000000000", None),
        (Method::PATCH, "/api/agents/a000000000000", Some(json!({}))),
        (Method::PUT, "/api/agents/a000000000000/status", Some(json!({ "status": "online" }))),
        (Method::POST, "/api/agents/a000000000000/heartbeat", None),
        (Method::DELETE, "/api/merchants/m000000000000", None),
        (Method::GET, "/api/calendars/none", None),
        (Method::GET, "/api/robots/r000000000000/questions", None),
        (Method::GET, "/api/robots/r000000000000/questions/q", None),
        (Method::POST, "/api/robots/r000000000000/try", Some(json!({ "text": "x" }))),
        (Method::GET, "/api/robots/r000000000000/1/2", None),
    ] {
        let answer = world.call(Some(ADMIN), method.clone(), path, body.as_ref()).await;
        assert_eq!(problem(&answer), (404, "not_found", None), "{method} {path}");
    }
    let unknown = world.get(&format!("/api/bindings/{APP}/visitors/o-nobody/messages")).await.expect(200);
    assert_eq!(unknown.body, json!({ "items": [], "cursor": null }));
    assert_eq!(world.items("outbound").await, Vec::<Value>::new());
}

#[tokio::test]
async fn wrong_method_returns_405_with_allow() {
    let world = World::start().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/api/bindings", "GET, POST"),
        (Method::PUT, "/api/bindings/wx0000000000000001", "GET, PATCH, DELETE"),
        (Method::POST, "/api/bindings/wx0000000000000001/health", "GET"),
        (Method::POST, "/api/conversations", "GET"),
        (Method::DELETE, "/api/conversations/c1", "GET"),
        (Method::PUT, "/api/conversations/c1/messages", "GET, POST"),
        (Method::GET, "/api/conversations/c1/typing", "POST"),
        (Method::GET, "/api/conversations/c1/close", "POST"),
        (Method::PATCH, "/api/access-tokens", "GET, POST"),
        (Method::GET, "/api/access-tokens/1", "DELETE"),
        (Method::GET, "/api/conversations/c1/messages/1", "DELETE"),
        (Method::GET, "/api/conversations/c1/claim", "POST"),
        (Method::POST, "/api/conversations/c1/events", "GET"),
        (Method::PUT, "/api/groups", "GET, POST"),
        (Method::PUT, "/api/agents/a1", "GET, PATCH, DELETE"),
        (Method::GET, "/api/agents/a1/status", "PUT"),
        (Method::DELETE, "/api/robots/r1/questions", "GET, POST, PUT"),
        (Method::PUT, "/api/robots/r1/questions/q1", "GET, PATCH, DELETE"),
        (Method::GET, "/api/routing/simulate", "POST"),
        (Method::GET, "/api/session-from/parse", "POST"),
        (Method::POST, "/api/openapi.json", "GET"),
    ] {
        let answer = world.call(Some(ADMIN), method.clone(), path, None).await;
        assert_eq!(problem(&answer), (405, "method_not_allowed", None), "{method} {path}");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let world = World::start().await;
    for (path, status) in [("/api/bindings", 200), ("/api/conversations/cnone", 404), ("/api/nothing", 404)] {
        let get = world.get(path).await.expect(status);
        let head = world.call(Some(ADMIN), Method::HEAD, path, None).await.expect(status);
        assert_eq!((head.raw.as_str(), head.header("content-type")), ("", get.header("content-type")), "{path}");
    }
    let answer = world.call(Some(ADMIN), Method::HEAD, "/api/routing/simulate", None).await;
    assert_eq!(answer.expect(405).header("allow"), "POST");
}

#[tokio::test]
async fn answers_forbid_caching_and_sniffing() {
    let world = World::start().await;
    for path in ["/api/bindings", "/api/nothing", "/api/openapi.json"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-content-type-options")),
            ("no-store", "nosniff"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_described_operation_exists() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let described = world.get("/api/openapi.json").await.expect(200);
    assert_eq!(described.header("content-type"), "application/json");
    assert!(described.body["openapi"].as_str().unwrap().starts_with("3."), "{}", described.raw);
    let token = world.post("/api/access-tokens", &json!({ "role": "agent", "name": "x" })).await.expect(201).text("id");
    // The value of `{id}` in each path.
    let group = world.group(&[]).await;
    let merchant = json!({ "name": "店", "customer_code": "C", "group_id": group });
    let agent = world.agent("小王", 5).await;
    let code = world.post(&format!("/api/agents/{agent}/sign-in-code"), &json!({})).await.expect(201).text("code");
    let signed_in = world.post("/api/sign-in", &json!({ "code": code })).await.expect(200).body;
    let frames = json!({ "items": [{ "name": "订单", "url": "https://shop.example/orders" }] });
    let frames = world.call(Some(ADMIN), Method::PUT, "/api/frames", Some(&frames)).await.expect(200).body;
    let reply = json!({ "scope": "all", "title": "问候", "content": "您好" });
    let notes = format!("/api/bindings/{APP}/visitors/o-1/notes");
    let ids = [
        ("/api/bindings", world.post(&notes, &json!({ "text": "熟客" })).await.expect(201).text("id")),
        ("/api/frames", frames["items"][0]["id"].as_str().unwrap().to_owned()),
        ("/api/quick-replies", world.post("/api/quick-replies", &reply).await.expect(201).text("id")),
        ("/api/sessions", signed_in["session"]["id"].as_str().unwrap().to_owned()),
        ("/api/access-tokens", token),
        ("/api/agents", agent),
        ("/api/merchants", world.create("merchants", &merchant).await),
        ("/api/groups", group),
        ("/api/robots", world.faq_robot(&[("q-1", "问", "答")]).await),
        ("/api/calendars", world.create("calendars", &json!({ "name": "上班" })).await),
        ("/api/conversations", chat.send_text("说").await.expect(201).text("id")),
    ];
    let mut operations = Vec::new();
    let paths = described.body["paths"].as_object().unwrap();
    // It answers with a file; `pictures` tests it.
    for (template, item) in paths.iter().filter(|(template, _)| !template.ends_with("/media")) {
        let path = template.replace("{app_id}", APP).replace("{cid}", &chat.cid).replace("{openid}", "o-1");
        let id = ids.iter().find(|(below, _)| template.starts_with(below)).map_or("", |(_, id)| id);
        let path = path.replace("{id}", id).replace("{question_id}", "q-1");
        assert!(!path.contains('{'), "{template} has a parameter that nothing stands for here");
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            operations.push((method.to_uppercase().parse::<Method>().unwrap(), path.clone()));
        }
    }
    assert!(operations.len() >= 55, "{operations:?}");
    // Deletes run last, children before their parents.
    operations.sort_by_key(|(method, path)| {
        (
            method == Method::DELETE,
            std::cmp::Reverse(path.len() * usize::from(method == Method::DELETE)),
            path.ends_with("/close"),
        )
    });
    for (method, path) in operations {
        let body = matches!(method, Method::POST | Method::PATCH | Method::PUT).then(|| json!({}));
        let answer = world.call(Some(ADMIN), method.clone(), &path, body.as_ref()).await;
        assert!(!matches!(answer.status, 404 | 405 | 500..), "{method} {path}: {} {}", answer.status, answer.raw);
    }
    let refs: Vec<&str> = described.raw.split("\"$ref\"").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    for reference in refs {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(described.body.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
