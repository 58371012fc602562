//! The sample events under `events/`, run through the functions.
//!
//! `KEFU_WRITE_EVENTS=1 cargo test --workspace --test it events` rewrites them. Without the variable the test compares
//! the files with what the code writes.

mod samples;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Binding, Visitor, World, inserted};
use samples::{APP, HELLO, OPENID};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// The sample `function/case`.
fn sample(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The names of all samples, as `function/case`.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for function in std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for case in std::fs::read_dir(&function).unwrap().map(|entry| entry.unwrap().path()) {
            let (function, case) = (function.file_name().unwrap(), case.file_stem().unwrap());
            names.insert(format!("{}/{}", function.to_str().unwrap(), case.to_str().unwrap()));
        }
    }
    names
}

/// Asserts that these are all samples of a function.
#[track_caller]
fn assert_all_samples(function: &str, cases: &[&str]) {
    let of_function = names().into_iter().filter(|name| name.starts_with(&format!("{function}/")));
    let mut cases: Vec<String> = cases.iter().map(|case| format!("{function}/{case}")).collect();
    cases.sort();
    assert_eq!(of_function.collect::<Vec<_>>(), cases, "a sample without a test");
}

/// The status and the body of an HTTP function's answer.
async fn answer(world: &World, function: &str, event: Value) -> (u64, Value) {
    let answer = world.bundle.invoke(function, event).await.unwrap();
    let body = answer["body"].as_str().unwrap_or_default();
    let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    (answer["statusCode"].as_u64().unwrap(), body)
}

fn visitor<'a>(world: &'a World, binding: &'a Binding) -> Visitor<'a> {
    world.visitor(binding, OPENID)
}

#[tokio::test]
async fn samples_are_up_to_date() {
    let written = samples::all().await;
    if std::env::var_os("KEFU_WRITE_EVENTS").is_some() {
        for (name, event) in &written {
            let path = folder().join(format!("{name}.json"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, serde_json::to_string_pretty(event).unwrap() + "\n").unwrap();
        }
    }
    assert_eq!(names(), written.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>());
    for (name, event) in &written {
        assert_eq!(sample(name), *event, "{name}: KEFU_WRITE_EVENTS=1 writes the samples anew");
    }
}

#[tokio::test]
async fn callback_verify() {
    let world = World::start().await;
    samples::bind_unverified(&world).await;
    let status = async || world.get(&format!("/api/bindings/{APP}")).await.body["status"].clone();
    let refused = answer(&world, "CallbackVerify", sample("callback-verify/wrong-signature")).await;
    assert_eq!((refused, status().await), ((403, json!("refused")), json!("unverified")));
    let event = sample("callback-verify/verify");
    let echo = event["queryStringParameters"]["echostr"].clone();
    let (code, body) = answer(&world, "CallbackVerify", event).await;
    assert_eq!((code, body.to_string(), status().await), (200, echo.as_str().unwrap().to_owned(), json!("verified")));
    assert_all_samples("callback-verify", &["verify", "wrong-signature"]);
}

#[tokio::test]
async fn message_ingress() {
    let world = World::start().await;
    let binding = samples::bind(&world).await;
    let kept = [
        ("text", "text", "content", "你好，我想问一下订单"),
        ("enter", "event", "session_from", samples::SESSION_FROM),
        ("image", "image", "pic_url", "https://mmbiz.qpic.example/mmbiz_jpg/0"),
        ("card", "miniprogrampage", "title", "云南小粒咖啡豆 250 克"),
        ("voice", "raw", "msg_type", "voice"),
        ("unknown-event", "event", "event", "debug_demo"),
        ("compatible", "text", "content", "兼容模式"),
        ("json-text", "text", "content", "JSON 里的话"),
        ("json-enter", "event", "session_from", samples::SESSION_FROM),
        ("base64-body", "text", "content", "base64"),
        ("emoji", "text", "content", "😀👨‍👩‍👧‍👦🇨🇳 𠮷 <b>&\"'"),
        ("empty-text", "text", "content", ""),
        ("large-msg-id", "text", "content", "18446744073709551615"),
        ("without-cdata", "text", "content", "a & b"),
        ("previous-key", "text", "content", "under the key before"),
    ];
    let refused = ["bad-padding", "doctype", "flipped-bit", "not-bound", "plaintext", "url-signature", "wrong-appid"];
    let visitor = visitor(&world, &binding);
    for (count, (case, kind, field, value)) in kept.into_iter().enumerate() {
        let answered = answer(&world, "MessageIngress", sample(&format!("message-ingress/{case}"))).await;
        assert_eq!(answered, (200, json!("success")), "{case}");
        let messages = visitor.messages().await;
        assert_eq!(messages.len(), count + 1, "{case}");
        let message = messages.last().unwrap();
        assert_eq!((&message["type"], &message[kind][field]), (&json!(kind), &json!(value)), "{case}");
    }
    for case in refused {
        let answered = answer(&world, "MessageIngress", sample(&format!("message-ingress/{case}"))).await;
        assert_eq!(answered, (403, json!("refused")), "{case}");
    }
    assert_eq!(world.items("inbound").await.len(), kept.len());
    assert_all_samples("message-ingress", &kept.iter().map(|(case, ..)| *case).chain(refused).collect::<Vec<_>>());
}

/// A bundle with the text of `message-ingress/text`, from a visitor known to the simulator.
async fn with_text() -> (World, Binding) {
    let world = World::start().await;
    let binding = samples::bind(&world).await;
    world.visitor(&binding, OPENID).pushes("text", json!({ "content": "", "deliveries": 0 })).await;
    assert_eq!(answer(&world, "MessageIngress", sample("message-ingress/text")).await.0, 200);
    (world, binding)
}

#[tokio::test]
async fn reception() {
    for case in ["inbound", "tick", "backlog"] {
        let (world, binding) = with_text().await;
        world.advance(if case == "inbound" { 0 } else { 60 });
        let answer = world.bundle.invoke("Reception", sample(&format!("reception/{case}"))).await.unwrap();
        let expected = match case {
            "tick" => json!({
                "taken_up": 1, "taken_over": 0, "assigned": 0, "looked_at": 0, "gone": 0, "failed": 0, "handed_on": 0,
                "timers": 0,
            }),
            _ => json!({ "batchItemFailures": [] }),
        };
        assert_eq!(answer, expected);
        assert_eq!(visitor(&world, &binding).received_texts().await, [HELLO], "{case}");
    }
    // It is early: the conversation waits for 48 hours.
    let (world, binding) = with_text().await;
    world.settle().await;
    let before = world.items("conversation").await;
    let answer = world.bundle.invoke("Reception", sample("reception/timer")).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(
        (world.items("conversation").await, visitor(&world, &binding).received_texts().await.len()),
        (before, 1)
    );
    // The message is gone: nothing is left to keep.
    let answer = world.bundle.invoke("Reception", sample("reception/picture")).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_all_samples("reception", &["backlog", "inbound", "picture", "tick", "timer"]);
}

#[tokio::test]
async fn robot() {
    let (world, binding) = with_text().await;
    samples::with_robot(&world).await;
    // Reception only: the stream would invoke the robot.
    world.bundle.invoke("Reception", inserted(&world.items("inbound").await)).await.unwrap();
    let answer = world.bundle.invoke("Robot", sample("robot/turn")).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(visitor(&world, &binding).received_texts().await, [samples::ANSWER]);
    assert_all_samples("robot", &["turn"]);
}

#[tokio::test]
async fn fan_out() {
    let (world, binding) = with_text().await;
    samples::with_robot(&world).await;
    world.bundle.invoke("Reception", inserted(&world.items("inbound").await)).await.unwrap();
    let answer = world.bundle.invoke("FanOut", sample("fan-out/turn")).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    world.settle().await;
    assert_eq!(visitor(&world, &binding).received_texts().await, [samples::ANSWER]);
    world.bundle.reset_request_counts();
    let answer = world.bundle.invoke("FanOut", sample("fan-out/timer")).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    // The conversation waits for its robot, too.
    assert_eq!(world.calls("FanOut", "SendMessageBatch"), 2);
    assert_all_samples("fan-out", &["timer", "turn"]);
}

#[tokio::test]
async fn token_refresh() {
    let world = World::start().await;
    samples::bind(&world).await;
    let tick = || world.bundle.invoke("TokenRefresh", sample("token-refresh/tick"));
    let sealed = json!({ "resealed": 0, "unreadable": 0, "failed": 0 });
    assert_eq!(tick().await.unwrap(), json!({ "renewed": 0, "failed": 0, "sealed_again": sealed }));
    world.advance(7200);
    assert_eq!(tick().await.unwrap(), json!({ "renewed": 1, "failed": 0, "sealed_again": sealed }));
    assert_all_samples("token-refresh", &["tick"]);
}

#[tokio::test]
async fn card_send() {
    let (world, binding) = with_text().await;
    world.settle().await;
    let event = samples::at(&world, &sample("card-send/card"));
    let (status, body) = answer(&world, "CardSend", event).await;
    assert_eq!((status, &body["state"]), (201, &json!("sent")), "{body}");
    let phone = visitor(&world, &binding).received().await;
    assert_eq!(phone.last().unwrap()["miniprogrampage"]["title"], "云南小粒咖啡豆 250 克");
    assert_all_samples("card-send", &["card"]);
}

#[tokio::test]
async fn console() {
    let world = World::start().await;
    for (case, content_type) in [
        ("page", "text/html; charset=utf-8"),
        ("path-of-the-page", "text/html; charset=utf-8"),
        ("icon", "image/svg+xml"),
    ] {
        let answer = world.bundle.invoke("Console", sample(&format!("console/{case}"))).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{case}");
        assert_eq!(answer["headers"]["content-type"], content_type, "{case}");
        // Brotli is binary.
        assert!(answer["headers"]["content-encoding"].is_null() || answer["isBase64Encoded"] == true, "{case}");
    }
    assert_all_samples("console", &["icon", "page", "path-of-the-page"]);
}

/// The samples of `desk-api` in the order of the test, each with the status of its answer.
const DESK_API: [(&str, u64); 48] = [
    ("openapi", 200),
    ("create-binding", 201),
    ("list-bindings", 200),
    ("read-binding", 200),
    ("change-binding", 200),
    ("binding-health", 200),
    ("visitor-messages", 200),
    ("list-conversations", 200),
    ("read-conversation", 200),
    ("list-messages", 200),
    ("say-text", 201),
    ("message-media", 404),
    ("say-link", 201),
    ("typing", 204),
    ("me", 200),
    ("come-online", 200),
    ("heartbeat", 204),
    ("claim", 200),
    ("accept", 200),
    ("list-events", 200),
    ("create-agent", 201),
    ("create-group", 201),
    ("list-groups", 200),
    ("create-calendar", 201),
    ("create-robot", 201),
    ("change-reception", 200),
    ("read-visitor", 200),
    ("replace-frames", 200),
    ("list-frames", 200),
    ("create-quick-reply", 201),
    ("list-quick-replies", 200),
    ("simulate", 200),
    ("build-session-from", 200),
    ("parse-session-from", 200),
    ("create-access-token", 201),
    ("list-access-tokens", 200),
    ("create-sign-in-code", 201),
    ("sign-in", 401),
    ("list-sessions", 200),
    ("create-realtime-ticket", 403),
    ("agent-lists-bindings", 403),
    ("close-conversation", 200),
    ("list-audit", 200),
    ("block-visitor", 200),
    ("note-visitor", 201),
    ("export-visitor", 200),
    ("erase-visitor", 204),
    ("delete-binding", 204),
];

#[tokio::test]
async fn desk_api() {
    let (world, binding) = with_text().await;
    world.settle().await;
    for (case, expected) in DESK_API {
        let (status, body) = answer(&world, "DeskApi", sample(&format!("desk-api/{case}"))).await;
        assert_eq!(status, expected, "{case}: {body}");
        match case {
            "list-bindings" => assert_eq!(body["items"].as_array().unwrap().len(), 2),
            "visitor-messages" | "list-messages" => assert_eq!(body["items"].as_array().unwrap().len(), 2, "{body}"),
            "say-text" => assert_eq!(visitor(&world, &binding).received_texts().await, [HELLO, "您好，我是小王"]),
            "close-conversation" => assert_eq!(body["state"], "closed"),
            "claim" => assert_eq!(body["stage"], "assigned"),
            "accept" => assert!(body["assignee"]["accepted_at"].is_string(), "{body}"),
            "list-events" => assert_eq!(body["items"][0]["type"], "conversation.created"),
            "change-reception" => assert_eq!(body["reception"]["greeting"], "欢迎光临。"),
            "simulate" => assert_eq!(body["first"], "leave_message"),
            "build-session-from" => assert!(body["text"].as_str().unwrap().contains("partnerid=member-7"), "{body}"),
            "parse-session-from" => assert_eq!(body["partnerid"], "member-7"),
            _ => {}
        }
    }
    assert_all_samples("desk-api", &DESK_API.map(|(case, _)| case));
}

#[tokio::test]
async fn realtime() {
    let world = World::start().await;
    let says = async |case: &str| world.bundle.invoke("Realtime", sample(&format!("realtime/{case}"))).await.unwrap();
    assert_eq!(says("connect").await, json!({ "statusCode": 403 }), "the ticket does not exist");
    assert_eq!(says("ping").await, json!({ "statusCode": 200, "body": "{\"type\":\"pong\"}" }));
    let ended = "{\"v\":1,\"type\":\"session_ended\"}";
    assert_eq!(says("heartbeat").await, json!({ "statusCode": 200, "body": ended }), "the connection is not kept");
    assert_eq!(says("disconnect").await, json!({ "statusCode": 200 }));
    assert_all_samples("realtime", &["connect", "disconnect", "heartbeat", "ping"]);
}

#[tokio::test]
async fn access() {
    let world = World::start().await;
    let says = async |case: &str| world.bundle.invoke("Access", sample(&format!("access/{case}"))).await.unwrap();
    let admin = json!({ "isAuthorized": true, "context": { "role": "admin", "token_id": "admin", "name": "" } });
    assert_eq!(says("admin").await, admin);
    assert_eq!(says("unknown").await, json!({ "isAuthorized": false }));
    assert_eq!(says("not-bearer").await, json!({ "isAuthorized": false }));
    assert_all_samples("access", &["admin", "unknown", "not-bearer"]);
}
