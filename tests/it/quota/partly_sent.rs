//! A text of which WeChat has taken some parts and granted no reply for the next one: the rest is held.

use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, problem};
use crate::support::{Answer, World};

const APP: &str = "wx0000000000005423";
const SEND: &str = "/cgi-bin/message/custom/send";

/// Three paragraphs of one part each.
fn paragraphs() -> Vec<String> {
    ["一", "二", "三"].map(|mark| mark.repeat(500)).to_vec()
}

/// Sends the paragraphs. WeChat takes the first part and refuses the second with `errcode`.
async fn send_partly(chat: &OpenConversation<'_>, errcode: i64) -> Answer {
    chat.world.sim_fault(&json!({ "path": SEND, "wait_ms": 0 })).await;
    chat.world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
    chat.send_text(&paragraphs().join("\n\n")).await
}

async fn cancel(chat: &OpenConversation<'_>, id: &str) -> Answer {
    chat.world.delete(&format!("{}/{id}", chat.messages_path())).await
}

fn detail(message: &Value) -> &str {
    message["failure"]["detail"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn rest_of_a_partly_sent_text_goes_out_with_the_next_message() {
    for errcode in [45047, 45015] {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        let chat = world.open_conversation(&binding, "o-1").await;
        let partly = send_partly(&chat, errcode).await.expect(202);
        assert_eq!((&partly.body["state"], &partly.body["failure"]["errcode"]), (&json!("held"), &json!(errcode)));
        assert!(detail(&partly.body).contains("1 of 3 parts were sent"), "{}", partly.raw);
        let conversation = world.conversation(&chat.cid).await;
        assert_eq!((&conversation["held"], &conversation["quota"]["replies_left"]), (&json!(1), &json!(0)));
        assert_eq!(conversation["answered"], true, "{conversation}");
        let later = chat.send_text("还有").await.expect(202);

        chat.visitor.writes("在吗").await;
        let expected: Vec<_> = paragraphs().into_iter().chain(["还有".to_owned()]).collect();
        assert_eq!(chat.visitor.received_texts().await, expected, "{errcode}");
        assert_eq!(world.conversation(&chat.cid).await["quota"]["replies_left"], 2);
        for id in [partly.text("id"), later.text("id")] {
            assert_eq!(chat.message(&id).await["state"], "released");
        }
        chat.visitor.writes("好").await;
        world.run_half_an_hour().await;
        assert_eq!(chat.visitor.received().await.len(), 4, "it is sent once");
    }
}

#[tokio::test]
async fn rest_that_is_refused_again_is_held_again() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    send_partly(&chat, 45047).await.expect(202);
    world.advance(60);
    world.sim_fault(&json!({ "path": SEND, "wait_ms": 0 })).await;
    world.sim_fault(&json!({ "path": SEND, "errcode": 45047 })).await;
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await, paragraphs()[..2]);
    assert_eq!(world.conversation(&chat.cid).await["held"], 1);
    world.advance(60);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await, paragraphs());
    assert_eq!(world.conversation(&chat.cid).await["held"], 0);
}

#[tokio::test]
async fn partly_sent_text_that_is_taken_back_or_expires_says_what_was_sent() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let id = send_partly(&chat, 45047).await.text("id");
    let cancelled = cancel(&chat, &id).await.expect(200).body;
    assert_eq!((&cancelled["state"], &cancelled["failure"]["code"]), (&json!("cancelled"), &json!("message.stopped")));
    assert!(detail(&cancelled).contains("1 of 3 parts were sent"), "{cancelled}");
    assert_eq!(chat.message(&id).await, cancelled);
    assert_eq!(problem(&cancel(&chat, &id).await), (409, "message.not_held", None));
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await, paragraphs()[..1]);

    let id = send_partly(&chat, 45015).await.text("id");
    world.advance(72 * 3600 + 1);
    world.tick("Reception").await;
    let expired = chat.message(&id).await;
    assert_eq!((&expired["state"], &expired["failure"]["code"]), (&json!("failed"), &json!("quota.hold_expired")));
    assert!(detail(&expired).contains("1 of 3 parts were sent"), "{expired}");
}

#[tokio::test]
async fn rest_beyond_twenty_held_texts_fails() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for number in 1..=25 {
        chat.send_text(&format!("第 {number} 条")).await;
    }
    assert_eq!(world.conversation(&chat.cid).await["held"], 20);
    // The two replies after entering release nothing, but a new text may use them.
    world.advance(60);
    chat.visitor.enter("").await;
    world.settle().await;
    world.sim_fault(&json!({ "path": SEND, "wait_ms": 0 })).await;
    world.sim_fault(&json!({ "path": SEND, "errcode": 45047 })).await;
    let refused = chat.send_text(&paragraphs()[..2].join("\n")).await;
    assert_eq!(problem(&refused), (409, "quota.too_many_held", Some(45047)));
    assert!(refused.text("detail").contains("1 of 2 parts were sent"), "{}", refused.raw);
    assert_eq!(chat.message(&refused.text("message_id")).await["state"], "failed");
    assert_eq!(world.conversation(&chat.cid).await["held"], 20);
}

#[tokio::test]
async fn text_that_an_earlier_version_sent_in_part_is_continued_by_its_rule() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for number in 1..=5 {
        chat.send_text(&format!("第 {number} 条")).await.expect(201);
    }
    let content = format!("{} {}", "说".repeat(500), "话".repeat(500));
    chat.send_text(&content).await.expect(202);
    // As an earlier version leaves it after its first part: the text does not say how it is divided.
    let mut item = world.items("outbound").await.into_iter().find(|item| item["state"]["S"] == "held").unwrap();
    assert_eq!(item["split"]["S"], "units");
    item.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "split" | "failure"));
    item["state"] = json!({ "S": "pending" });
    item["parts_sent"] = json!({ "N": "1" });
    item["due_sk"] = json!({ "S": format!("{:0>13}", item["created_at"]["N"].as_str().unwrap()) });
    world.put_item(&item).await;
    chat.visitor.writes("在吗").await;
    world.run_minutes(1).await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["话".repeat(318)]);
}
