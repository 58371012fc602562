//! What lists and transcripts show to a workbench: the last message, what is unread, since when visitors wait, and numbers.

use serde_json::{Value, json};

use crate::{
    open_conversation::problem,
    service_desk::{APP, SHIPPING, ServiceDesk},
    support::{ADMIN, Answer, Visitor, World},
};

/// What a list shows of a conversation's messages.
fn shown(conversation: &Value) -> (String, u64, bool) {
    let excerpt = conversation["last_message"]["excerpt"].as_str().unwrap_or_default().to_owned();
    (excerpt, conversation["unread"].as_u64().unwrap(), conversation["waiting_since"].is_string())
}

async fn desk(world: &World) -> ServiceDesk {
    world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "connected": "您好，{agent}为您服务。" } })).await
}

async fn read(world: &World, token: &str, visitor: &Visitor<'_>, up_to: &Value) -> Answer {
    let path = format!("/api/conversations/{}/read", visitor.cid().await);
    world.call(Some(token), reqwest::Method::POST, &path, Some(&json!({ "up_to": up_to }))).await
}

#[tokio::test]
async fn list_shows_last_message_and_unread_until_an_answer() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let first = visitor.conversation().await;
    // The automatic text is the last message, but no answer.
    assert_eq!(shown(&first), ("您好，小王为您服务。".to_owned(), 1, true));
    assert_eq!(first["last_message"]["role"], "prompt");
    world.advance(30);
    visitor.writes("急").await;
    let second = visitor.conversation().await;
    assert_eq!(shown(&second), ("急".to_owned(), 2, true));
    assert_eq!(second["waiting_since"], first["waiting_since"], "since the first unanswered message");
    assert_ne!(second["revision"], first["revision"]);
    visitor.agent_replies("您好，请讲").await.expect(201);
    let third = visitor.conversation().await;
    assert_eq!(shown(&third), ("您好，请讲".to_owned(), 0, false));
    assert_eq!((&third["last_message"]["role"], &third["last_message"]["direction"]), (&json!("agent"), &json!("out")));
    assert_eq!((&third["app_name"], &third["assignee"]["name"]), (&json!("测试小程序"), &json!("小王")));
    assert!(third["group_name"].is_string(), "{third}");
    // A conversation that has ended shows its last message while the visitor has no newer one.
    visitor.writes("结束会话").await;
    let closed = visitor.conversations().await.remove(0);
    assert_eq!((shown(&closed).1, &closed["state"]), (0, &json!("closed")));
    visitor.writes("又来了").await;
    let all = visitor.conversations().await;
    assert_eq!((shown(&all[0]).1, all[1].get("last_message")), (1, None));
}

#[tokio::test]
async fn messages_are_read_by_the_agent_who_has_seen_the_last() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("一").await;
    visitor.writes("二").await;
    let ids: Vec<Value> = visitor.inbound().await.iter().map(|message| message["id"].clone()).collect();
    let agent = world.agent_token(&desk.agent).await;
    let early = read(&world, &agent, &visitor, &ids[0]).await.expect(200);
    assert_eq!(early.body["unread"], 2, "a newer message has come");
    let items = world.all_items().await;
    read(&world, &agent, &visitor, &json!("unknown")).await.expect(200);
    assert_eq!(world.all_items().await, items);
    let done = read(&world, &agent, &visitor, &ids[1]).await.expect(200);
    assert_eq!((&done.body["unread"], done.body["waiting_since"].is_string()), (&json!(0), true));
    assert_eq!(visitor.conversation().await["revision"], done.body["revision"]);
    for wrong in [json!(""), json!(null), json!("x".repeat(129))] {
        assert_eq!(problem(&read(&world, &agent, &visitor, &wrong).await).0, 422, "{wrong}");
    }
}

#[tokio::test]
async fn robot_s_answer_ends_the_waiting_and_its_conversations_are_listed() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    let conversation = visitor.conversation().await;
    assert_eq!((shown(&conversation).1, shown(&conversation).2), (0, false));
    assert_eq!(conversation["robot_name"], "小助手");
    let person = desk.visitor(&world, "o-2");
    person.writes("转人工").await;
    let listed = |view: &str| {
        let path = format!("/api/conversations?view={view}");
        let world = &world;
        async move {
            let page = world.get(&path).await.expect(200).body;
            let items = page["items"].as_array().unwrap().iter();
            items.map(|item| item["openid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("robot").await, ["o-1"]);
    assert_eq!(listed("closed").await, [""; 0]);
    visitor.writes("结束会话").await;
    assert_eq!((listed("robot").await, listed("closed").await), (vec![], vec!["o-1".to_owned()]));
}

#[tokio::test]
async fn counts_are_those_of_the_lists_that_the_caller_may_read() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let agent = world.agent_token(&desk.agent).await;
    let count = |token: String| {
        let world = &world;
        async move {
            world.call(Some(&token), reqwest::Method::GET, "/api/conversations/counts", None).await.expect(200).body
        }
    };
    assert_eq!(count(agent.clone()).await["mine"], json!({ "count": 0, "unread_conversations": 0, "unread": 0 }));
    let one = desk.visitor(&world, "o-1");
    one.writes("一").await;
    one.writes("二").await;
    let since = one.conversation().await["waiting_since"].clone();
    desk.visitor(&world, "o-2").writes("三").await;
    desk.visitor(&world, "o-2").agent_replies("您好").await.expect(201);
    world.set_status(&desk.agent, "busy").await;
    for openid in ["o-3", "o-4"] {
        world.advance(1);
        desk.visitor(&world, openid).writes("在吗").await;
    }
    let counts = count(agent.clone()).await;
    let mine = json!({ "count": 2, "unread_conversations": 1, "unread": 2, "waiting_since": since });
    assert_eq!(counts["mine"], mine, "{counts}");
    let first = desk.visitor(&world, "o-3").conversation().await["queue"]["since"].clone();
    assert_eq!(counts["waiting"], json!({ "count": 2, "since": first }));
    assert_eq!(counts["queues"][0]["queue"], format!("group:{}", desk.group));
    assert!(counts["queues"][0]["name"].is_string(), "{counts}");
    assert_eq!(counts["left_messages"], 0);
    // A stranger of the group sees none of it.
    let other = world.agent("外人", 5).await;
    let stranger = world.agent_token(&other).await;
    let counts = count(stranger).await;
    assert_eq!((&counts["waiting"]["count"], &counts["queues"]), (&json!(0), &json!([])));
    assert_eq!(count(ADMIN.to_owned()).await["waiting"]["count"], 2);
}

#[tokio::test]
async fn transcript_is_listed_from_its_end_page_by_page() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    let earlier = desk.visitor(&world, "o-1");
    earlier.writes("上一次").await;
    earlier.writes("结束会话").await;
    world.advance(5);
    for number in 0..7 {
        visitor.writes(&format!("第 {number} 条")).await;
        // Several within one second, answers among them.
        if number % 3 == 0 {
            world.advance(1);
            visitor.agent_replies(&format!("答 {number}")).await.expect(201);
        }
    }
    let path = format!("/api/conversations/{}/messages", visitor.cid().await);
    let oldest_first = world.list(&path).await;
    let mut expected = oldest_first.clone();
    expected.reverse();
    for limit in [1, 2, 3, 50] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("{path}?order=desc&limit={limit}{cursor}")).await.expect(200).body;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit, "{limit}");
            found.extend(items.clone());
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{limit}");
    }
    let orders: Vec<_> = oldest_first.iter().map(|message| message["order"].as_str().unwrap()).collect();
    assert!(orders.is_sorted() && orders.len() > 9, "{orders:?}");
    assert_eq!(problem(&world.get(&format!("{path}?order=newest")).await).0, 422);
}

#[tokio::test]
async fn earlier_conversations_of_a_visitor_are_listed_newest_first() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..3 {
        visitor.writes("在吗").await;
        world.advance(1);
        visitor.writes("结束会话").await;
        world.advance(1);
    }
    visitor.writes("又来了").await;
    let expected: Vec<Value> = visitor.conversations().await.iter().map(|it| it["cid"].clone()).collect();
    assert_eq!(expected.len(), 4);
    let path = format!("/api/bindings/{APP}/visitors/o-1/conversations");
    let agent = world.agent_token(&desk.agent).await;
    for limit in [1, 2, 50] {
        for token in [ADMIN, agent.as_str()] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("{path}?limit={limit}{cursor}");
                let page = world.call(Some(token), reqwest::Method::GET, &path, None).await.expect(200).body;
                found.extend(page["items"].as_array().unwrap().iter().map(|it| it["cid"].clone()));
                match page["cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{limit}");
        }
    }
    let stranger = world.agent_token(&world.agent("外人", 5).await).await;
    let hidden = world.call(Some(&stranger), reqwest::Method::GET, &path, None).await;
    assert_eq!(problem(&hidden).0, 404);
}

#[tokio::test]
async fn hostile_text_is_one_clean_line_in_a_list() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("<script>\n\u{202e}gpj.exe").await;
    let conversation = visitor.conversation().await;
    let excerpt = conversation["last_message"]["excerpt"].as_str().unwrap();
    assert!(excerpt.len() <= 90 && !excerpt.contains(['\n', '\u{202e}']), "{excerpt:?}");
}
