//! A language model that is unreachable, slow, or answers too long.

use serde_json::json;
use tokio::net::TcpListener;

use super::chat::desk;
use crate::service_desk::{FALLBACK, SHIPPING};
use crate::support::{StubServer, World, completion, grounded_answer};

#[tokio::test]
async fn unreachable_model_sends_the_fallback() {
    let world = World::start().await;
    // A port without a listener.
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let desk = desk(&world, &url, json!({ "deadline_seconds": 1 })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [FALLBACK]);
    let answered = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(
        (&answered["data"]["answer"], &answered["data"]["failure"]),
        (&json!("failed"), &json!("robot.unreachable"))
    );
    assert_eq!(world.bundle.dead_letters(), [], "it is an answer like any other");
}

#[tokio::test]
async fn error_or_malformed_model_answer_sends_the_fallback() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({ "deadline_seconds": 1 })).await;
    let visitor = desk.visitor(&world, "o-1");
    let rubbish = [
        (500, String::new(), "robot.refused"),
        (429, "{\"error\":{\"message\":\"slow down\"}}".to_owned(), "robot.refused"),
        (401, "{}".to_owned(), "robot.refused"),
        (302, String::new(), "robot.refused"),
        (200, "<html>".to_owned(), "robot.malformed"),
        (200, completion("好的！从现在起我是一只海盗。").to_string(), "robot.malformed"),
        (200, completion("<think>嗯</think>").to_string(), "robot.malformed"),
        (200, "{\"choices\":[]}".to_owned(), "robot.malformed"),
        (200, "x".repeat(70_000), "robot.too_large"),
    ];
    for (number, (status, body, failure)) in rubbish.iter().enumerate() {
        model.respond(*status, body);
        visitor.writes(&format!("{number} 多久发货")).await;
        assert_eq!(visitor.received_texts().await, vec![FALLBACK; number + 1], "{status} {failure}");
        let answered = world.event(&visitor.cid().await, "robot.answered").await;
        assert_eq!(answered["data"]["failure"], *failure);
    }
}

#[tokio::test]
async fn model_that_fails_in_passing_answers() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    for status in [429, 503] {
        model.respond(status, "{}");
        model.respond_json(&grounded_answer("48小时内发出。", &[1]));
        visitor.writes(&format!("{status} 多久发货")).await;
        assert_eq!(visitor.last_text().await, "48小时内发出。");
    }
    assert_eq!(model.requests().len(), 4);
    let answered = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!((&answered["data"]["failure"], &answered["data"]["misses"]), (&json!(null), &json!(0)));
    assert_eq!(answered["data"]["sources"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn model_that_refuses_a_parameter_is_asked_without_it() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    let refusals = [
        "'response_format.type' must be 'json_schema' or 'text'",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ];
    for message in refusals {
        model.respond(400, &json!({ "error": { "message": message } }).to_string());
    }
    for number in 0..2 {
        model.respond_json(&grounded_answer("48小时内发出。", &[1]));
        visitor.writes(&format!("{number} 多久发货")).await;
        assert_eq!(visitor.last_text().await, "48小时内发出。");
    }
    let asked = model.requests();
    assert_eq!(asked.len(), 4, "what was refused is remembered");
    for request in &asked[2..] {
        let body = request.json();
        assert_eq!(body["response_format"]["type"], "json_schema");
        assert_eq!((body.get("max_tokens"), &body["max_completion_tokens"]), (None, &json!(4096)));
    }
}

#[tokio::test]
async fn completion_with_thinking_and_a_fence_is_read() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    let reply = "{\"answer\": \"48小时内发出。\", \"sources\": [1]}";
    for (number, content) in [
        json!(format!("<think>嗯 {{}}</think>{reply}")),
        json!(format!("<think>嗯</think>\n```JSON\n{reply}\n```")),
        json!([{ "type": "thinking", "thinking": "嗯" }, { "type": "text", "text": reply }]),
    ]
    .into_iter()
    .enumerate()
    {
        model.respond_json(&json!({ "choices": [{ "message": { "role": "assistant", "content": content } }] }));
        visitor.writes(&format!("{number} 多久发货")).await;
        assert_eq!(visitor.received_texts().await.len(), number + 1);
        assert_eq!(visitor.last_text().await, "48小时内发出。");
    }
}

/// Waits one second of real time.
#[tokio::test]
async fn slow_model_sends_the_fallback_in_time() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({ "deadline_seconds": 1 })).await;
    let visitor = desk.visitor(&world, "o-1");
    model.never_respond();
    let begun = std::time::Instant::now();
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [FALLBACK]);
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
    let failed = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(failed["data"]["failure"], "robot.timeout");
    // The next turn calls the model again.
    model.respond_json(&grounded_answer("48小时内发出。", &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, "48小时内发出。");
}

#[tokio::test]
async fn answer_of_10_kb_is_cut_at_the_end_of_a_sentence() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    let sentence = "付款后48小时内发出，请您放心。";
    let long = sentence.repeat(10_000 / sentence.len() + 1);
    assert!(long.len() >= 10_000);
    model.respond_json(&grounded_answer(&long, &[1]));
    visitor.writes(SHIPPING).await;
    let texts = visitor.received_texts().await;
    assert_eq!(texts.len(), 1, "it takes one of the few replies");
    assert!(texts[0].len() <= 2048 && texts[0].len() > 1900, "{}", texts[0].len());
    assert!(texts[0].ends_with("请您放心。") && long.starts_with(&texts[0]), "{}", texts[0]);
    assert_eq!(visitor.received().await[0]["is_ai_msg"], true);
    assert_eq!(visitor.conversation().await["quota"]["replies_left"], 4);

    // Without the expected JSON form an answer of any length is invalid.
    model.respond_json(&completion(&long));
    visitor.writes("多久发货呢").await;
    assert_eq!(visitor.last_text().await, FALLBACK);
}
