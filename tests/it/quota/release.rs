//! Release of held texts with the visitor's next message, in as few messages as possible.

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, text};
use crate::support::{Binding, World, inserted};

const APP: &str = "wx0000000000005422";
const SEND: &str = "/cgi-bin/message/custom/send";

/// A conversation without replies left and with these held texts; returns the ids of the texts.
async fn conversation_with_held_texts<'a>(
    world: &'a World,
    binding: &'a Binding,
    openid: &str,
    texts: &[String],
) -> (OpenConversation<'a>, Vec<String>) {
    let chat = world.open_conversation(binding, openid).await;
    for number in 1..=5 {
        chat.send_text(&format!("第 {number} 条")).await.expect(201);
    }
    let mut ids = Vec::new();
    for text in texts {
        let answer = chat.send_text(text).await;
        assert_eq!(answer.body["state"], "held", "{}", answer.raw);
        ids.push(answer.text("id"));
    }
    (chat, ids)
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn short_held_texts_are_merged_in_order() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &texts(&["一", "二\n二", "三"])).await;
    chat.visitor.writes("在吗").await;
    let phone = chat.visitor.received_texts().await;
    assert_eq!(phone[5..], ["一\n二\n二\n三"]);
    let out = chat.messages().await.into_iter().filter(|it| it["direction"] == "out").collect::<Vec<_>>();
    let sent: Vec<&Value> = out.iter().filter(|it| it["text"]["content"] == phone[5].as_str()).collect();
    assert_eq!((sent.len(), &sent[0]["state"], &sent[0]["author"]["role"]), (1, &json!("sent"), &json!("admin")));
    assert_eq!(sent[0]["cid"], chat.cid.as_str());
    for id in &ids {
        let kept = chat.message(id).await;
        assert_eq!(
            (&kept["state"], &kept["released_as"], kept.get("failure")),
            (&json!("released"), &sent[0]["id"], None)
        );
    }
    let conversation = world.conversation(&chat.cid).await;
    assert_eq!((&conversation["held"], &conversation["quota"]["replies_left"]), (&json!(0), &json!(4)));
    assert_eq!(chat.visitor.replies_left_at_wechat().await, 4);
    // They are sent once.
    chat.visitor.writes("好").await;
    world.run_half_an_hour().await;
    assert_eq!(chat.visitor.received().await.len(), 6);
}

#[tokio::test]
async fn long_held_texts_use_as_few_messages_as_possible() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let part = |mark: &str, bytes: usize| format!("{mark}{}", "x".repeat(bytes - mark.len()));
    // 1000 and 1000 fit into one message with the line break; the following 1100 do not.
    let held = [part("a", 1000), part("b", 1000), part("c", 1100), part("d", 900), part("e", 47), part("f", 3000)];
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &held).await;
    chat.visitor.writes("在吗").await;
    let phone = chat.visitor.received_texts().await;
    let expected = [format!("{}\n{}", held[0], held[1]), format!("{}\n{}", held[2], held[3])];
    assert_eq!(phone[5..7], expected);
    assert_eq!(phone[7..].concat(), format!("{}{}", held[4], held[5]).replace('\n', ""), "{}", phone.len());
    assert_eq!(phone.len(), 10, "five are all that WeChat grants");
    for id in &ids {
        assert_eq!(chat.message(id).await["state"], "released");
    }
}

#[tokio::test]
async fn held_texts_beyond_five_messages_wait_for_the_following_release() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let held: Vec<String> = (0..7).map(|number| format!("{number}{}", "x".repeat(1999))).collect();
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &held).await;
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], held[..5]);
    assert_eq!(chat.message(&ids[4]).await["state"], "released");
    assert_eq!(chat.message(&ids[5]).await["state"], "held");
    assert_eq!(world.conversation(&chat.cid).await["held"], 2);
    chat.visitor.writes("还在吗").await;
    assert_eq!(chat.visitor.received_texts().await[10..], held[5..]);
}

#[tokio::test]
async fn held_texts_are_released_in_a_later_conversation() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &texts(&["明天见"])).await;
    world.post(&format!("/api/conversations/{}/close", chat.cid), &json!({})).await.expect(200);
    world.advance(60 * 3600);
    chat.visitor.writes("我回来了").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["明天见"]);
    assert_ne!(chat.visitor.cid().await, chat.cid);
    assert_eq!(chat.message(&ids[0]).await["state"], "released", "it still belongs to the conversation it was said in");
}

#[tokio::test]
async fn held_texts_are_released_before_automatic_replies() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    for number in 1..=4 {
        visitor.agent_replies(&format!("第 {number} 条")).await.expect(201);
    }
    visitor.agent_replies("忘了说").await.expect(202);
    let cid = visitor.cid().await;
    world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200);
    visitor.writes("又来了").await;
    assert_eq!(visitor.received_texts().await[5..], ["忘了说", "接通了。"]);
}

#[tokio::test]
async fn refused_release_is_held_again() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &texts(&["一", "二"])).await;
    world.sim_fault(&json!({ "path": SEND, "errcode": 45047 })).await;
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received().await.len(), 5);
    let carrier = chat.message(&ids[0]).await["released_as"].as_str().unwrap().to_owned();
    let kept = chat.message(&carrier).await;
    assert_eq!((&kept["state"], &kept["text"]["content"]), (&json!("held"), &json!("一\n二")));
    assert_eq!(world.conversation(&chat.cid).await["held"], 1);
    assert!(chat.messages().await.iter().all(|it| it["state"] != "sent" || it["text"]["content"] != "一\n二"));
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["一\n二"]);
}

#[tokio::test]
async fn repeated_record_after_a_refused_release_is_harmless() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (chat, _) = conversation_with_held_texts(&world, &binding, "o-1", &texts(&["一", "二"])).await;
    world.sim_fault(&json!({ "path": SEND, "errcode": 45015 })).await;
    chat.visitor.writes("在吗").await;
    assert_eq!(world.conversation(&chat.cid).await["held"], 1);
    let event = inserted(&world.items("inbound").await);
    let answer = world.bundle.invoke("Reception", event).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(
        (world.conversation(&chat.cid).await["held"].clone(), chat.visitor.received().await.len()),
        (json!(1), 5)
    );
    chat.visitor.writes("还在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["一\n二"]);
}

#[tokio::test]
async fn release_with_lost_answer_is_unknown() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, (moment, shown)) in [("before", 5), ("after", 6)].into_iter().enumerate() {
        let (chat, ids) = conversation_with_held_texts(&world, &binding, &format!("o-{number}"), &texts(&["一"])).await;
        world.sim_fault(&json!({ "path": SEND, "break_off": moment })).await;
        chat.visitor.writes("在吗").await;
        world.run_half_an_hour().await;
        assert_eq!(chat.visitor.received().await.len(), shown);
        let carrier = chat.message(&ids[0]).await["released_as"].as_str().unwrap().to_owned();
        assert_eq!(chat.message(&carrier).await["state"], "unknown", "{moment}");
    }
}

#[tokio::test]
async fn reception_killed_at_any_await_releases_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for awaits in 0.. {
        let (chat, ids) =
            conversation_with_held_texts(&world, &binding, &format!("o-{awaits}"), &texts(&["一", "二"])).await;
        let kills = world.bundle.kills("Reception").unwrap();
        world.bundle.kill_next("Reception", awaits).unwrap();
        chat.visitor.writes("在吗").await;
        let killed = world.bundle.kills("Reception").unwrap() > kills;
        world.run_minutes(4).await;
        let carrier = chat.message(&ids[0]).await["released_as"].as_str().unwrap().to_owned();
        let (state, shown) = (chat.message(&carrier).await["state"].clone(), chat.visitor.received().await.len() - 5);
        assert!(
            matches!((state.as_str().unwrap(), shown), ("sent", 1) | ("unknown", 0 | 1)),
            "{awaits}: {state}, {shown} on the phone"
        );
        assert_eq!(chat.message(&ids[1]).await["released_as"], carrier.as_str());
        if !killed {
            assert!(awaits >= 8, "only {awaits} awaits on the whole way");
            break;
        }
    }
}

#[tokio::test]
async fn concurrent_invocations_release_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..5 {
        let (chat, _) =
            conversation_with_held_texts(&world, &binding, &format!("o-{round}"), &texts(&["一", "二"])).await;
        world.advance(5);
        chat.visitor.text("在吗").await;
        let items = world.partition(&format!("thread#{APP}#{}", chat.visitor.openid)).await;
        let inbound: Vec<Value> = items.into_iter().filter(|item| item["kind"]["S"] == "inbound").collect();
        let event = inserted(&inbound[1..]);
        futures_util::future::join_all((0..8).map(|_| world.bundle.invoke("Reception", event.clone()))).await;
        assert_eq!(chat.visitor.received_texts().await[5..], ["一\n二"], "{round}");
    }
}

#[tokio::test]
async fn held_texts_of_two_authors_go_out_as_two_messages_with_their_own_authors() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let (chat, ids) = conversation_with_held_texts(&world, &binding, "o-1", &texts(&["一", "二"])).await;
    let agent = world.agent("小王", 5).await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": agent });
    let token = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let claim = format!("/api/conversations/{}/claim", chat.cid);
    world.call(Some(&token), Method::POST, &claim, Some(&json!({}))).await.expect(200);
    let third = world.call(Some(&token), Method::POST, &chat.messages_path(), Some(&text("三"))).await.expect(202);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["一\n二", "三"]);
    for (id, content, role) in
        [(&ids[0], "一\n二", "admin"), (&ids[1], "一\n二", "admin"), (&third.text("id"), "三", "agent")]
    {
        let held = chat.message(id).await;
        assert_eq!(held["state"], "released");
        let sent = chat.message(held["released_as"].as_str().unwrap()).await;
        assert_eq!(
            (&sent["text"]["content"], &sent["author"]["role"], &sent["cid"]),
            (&json!(content), &json!(role), &json!(chat.cid))
        );
    }
    assert_eq!(chat.message(&third.text("id")).await["author"]["name"], "小王");
}
