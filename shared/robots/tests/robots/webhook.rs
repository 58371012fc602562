//! Webhooks: the request and the accepted responses.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, read::GzEncoder};
use jiff::Timestamp;
use robots::{Answer, MAX_ANSWER, MAX_HISTORY, TurnRequest, Webhook, generate_secret};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{SECRET, ask_webhook, client, hook, line, only_request, server_with_response, turn_request};

async fn answer(response: ResponseTemplate) -> Answer {
    let server = server_with_response(response).await;
    ask_webhook(&client(), &hook(&server.uri()), &turn_request("在吗", &[])).await.unwrap()
}

#[tokio::test]
async fn turn_is_sent_as_event() {
    let server = server_with_response(ResponseTemplate::new(204)).await;
    let history = [line(true, "在吗"), line(false, "在的")];
    let now: Timestamp = "2026-03-01T08:00:00.25Z".parse().unwrap();
    let url = format!("{}/robot?tenant=1", server.uri());
    client().webhook(&hook(&url), &turn_request("怎么退货？\n急", &history), now).await.unwrap();

    let request = only_request(&server).await;
    assert_eq!(request.url[url::Position::BeforePath..], *"/robot?tenant=1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["webhook-id"], "turn_0001");
    assert_eq!(request.headers["webhook-timestamp"], now.as_second().to_string());
    let expected = json!({
        "type": "robot.turn",
        "timestamp": "2026-03-01T08:00:00.25Z",
        "data": {
            "cid": "planted-cid",
            "uid": "planted-uid",
            "app_id": "wx00000000000000a1",
            "text": "怎么退货？\n急",
            "history": [{"from": "visitor", "text": "在吗"}, {"from": "desk", "text": "在的"}],
        },
    });
    assert_eq!(request.body_json::<Value>().unwrap(), expected);
}

#[tokio::test]
async fn signature_verifies_with_upstream_library() {
    for (secret, id) in [(SECRET.into(), "turn_0001"), (generate_secret().unwrap(), "轮次 1\n")] {
        let server = server_with_response(ResponseTemplate::new(204)).await;
        let robot = Webhook { secret: secret.clone(), ..hook(&server.uri()) };
        let request = TurnRequest { id, ..turn_request("怎么退货？", &[]) };
        client().webhook(&robot, &request, Timestamp::now()).await.unwrap();

        let request = only_request(&server).await;
        let receiver = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
        receiver.verify(&request.body, &request.headers).unwrap();
        let mut tampered = request.body.clone();
        tampered.push(b' ');
        receiver.verify(&tampered, &request.headers).unwrap_err();
        let stranger = BASE64_STANDARD.encode([7; 32]);
        standardwebhooks::Webhook::new(&stranger).unwrap().verify(&request.body, &request.headers).unwrap_err();
    }
}

#[tokio::test]
async fn request_body_is_below_20_kb() {
    let server = server_with_response(ResponseTemplate::new(204)).await;
    let history: Vec<_> = (0..50).map(|number| line(true, &format!("line-{number} {}", "长".repeat(5000)))).collect();
    let long = "长".repeat(50_000);
    ask_webhook(&client(), &hook(&server.uri()), &turn_request(&long, &history)).await.unwrap();
    let request = only_request(&server).await;
    assert!(request.body.len() < 20_000);
    let body: Value = request.body_json().unwrap();
    let lines = body["data"]["history"].as_array().unwrap();
    assert_eq!(lines.len(), MAX_HISTORY);
    assert!(lines[MAX_HISTORY - 1]["text"].as_str().unwrap().starts_with("line-49 长"));
}

#[tokio::test]
async fn responses_map_to_answers() {
    let body = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let mut gzip = Vec::new();
    GzEncoder::new("{\"text\": \"可以。\"}".as_bytes(), Compression::fast()).read_to_end(&mut gzip).unwrap();
    for (response, expected) in [
        (body(json!({"text": " 可以。\n"})), Answer::Text("可以。".to_owned())),
        (
            body(json!({"text": "可以。", "handover": false, "reason": "x", "more": 1})),
            Answer::Text("可以。".to_owned()),
        ),
        (ResponseTemplate::new(201).set_body_json(json!({"text": "可以。"})), Answer::Text("可以。".to_owned())),
        (
            ResponseTemplate::new(200).set_body_string("\u{feff}{\"text\": \"可以。\"}"),
            Answer::Text("可以。".to_owned()),
        ),
        (
            ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(gzip),
            Answer::Text("可以。".to_owned()),
        ),
        (
            body(json!({"text": "可\u{202e}以\u{0}。\u{200b}\r\n好👩\u{200d}👧"})),
            Answer::Text("可以。\n好👩\u{200d}👧".to_owned()),
        ),
        (body(json!({"text": " "})), Answer::DontKnow),
        (body(json!({"text": "\u{202e}\u{feff}"})), Answer::DontKnow),
        (body(json!({"handover": true, "reason": "\u{1b}投\u{2066}诉"})), Answer::HandOver(Some("投诉".to_owned()))),
        (ResponseTemplate::new(204), Answer::DontKnow),
        (body(json!({"handover": true})), Answer::HandOver(None)),
        (body(json!({"handover": true, "text": "x", "reason": " 投诉 "})), Answer::HandOver(Some("投诉".to_owned()))),
    ] {
        assert_eq!(answer(response).await, expected);
    }
}

#[tokio::test]
async fn long_answer_is_truncated_at_sentence() {
    let sentence = "可以退货，运费由我们承担。";
    let long = sentence.repeat(10_000 / sentence.len() + 1);
    let said = answer(ResponseTemplate::new(200).set_body_json(json!({"text": long}))).await;
    assert_eq!(said, Answer::Text(sentence.repeat(MAX_ANSWER / sentence.len())));
}

#[tokio::test]
async fn markdown_of_a_model_becomes_plain_text() {
    let markdown = "**可以**，见[退货](https://shop.example/r)";
    let server = server_with_response(ResponseTemplate::new(200).set_body_json(json!({"text": markdown}))).await;
    for (is_ai, expected) in [(true, "可以，见退货 https://shop.example/r"), (false, markdown)] {
        let robot = Webhook { is_ai, ..hook(&server.uri()) };
        let answer = ask_webhook(&client(), &robot, &turn_request("?", &[])).await;
        assert_eq!(answer, Ok(Answer::Text(expected.to_owned())));
    }
}
