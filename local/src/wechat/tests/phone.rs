use std::sync::Arc;

use serde_json::json;
use store::SystemClock;
use tokio::net::TcpListener;

use super::{APP, Bench, Callback, KEY, OPENID, SECRET, TOKEN};
use crate::wechat::{Callbacks, Simulator};

#[tokio::test]
async fn page_has_the_contact_button_and_no_inline_script() {
    let bench = Bench::start().await;
    let stage = bench.http.get(bench.url("/")).send().await.unwrap();
    assert!(stage.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let stage = stage.text().await.unwrap();
    let answer = bench.http.get(bench.url("/phone")).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'") && !policy.contains("unsafe")
    );
    let html = answer.text().await.unwrap();
    for attribute in [
        "open-type=\"contact\"",
        "session-from=\"sobot|{{userInfo.nickName}}|{{userInfo.avatarUrl}}|{{params}}\"",
        "show-message-card=\"true\"",
        "send-message-title=",
        "send-message-path=",
        "send-message-img=",
    ] {
        assert!(html.contains(attribute), "{attribute}");
    }
    for wanted in (html + &stage).split("=\"/phone/").skip(1).filter_map(|rest| rest.split_once('"')) {
        let answer = bench.http.get(bench.url(&format!("/phone/{}", wanted.0))).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", wanted.0);
    }
}

#[tokio::test]
async fn long_poll_returns_at_the_next_message() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let token = bench.token().await;
    let path = format!("/sim/visitors/{OPENID}/messages?app_id={APP}");
    let before = bench.get(&path).await;
    let next = format!("{path}&after={}&wait_ms=20000", before["revision"]);
    let (seen, said) = tokio::join!(bench.get(&next), bench.send_text_to_visitor(&token));
    assert_eq!((said, seen["items"].as_array().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn all_returns_both_sides_and_notices_of_undelivered_messages() {
    let bench = Bench::ready().await;
    bench.put("/sim/settings", json!({ "push_retries": 0 })).await;
    let callback = Callback::start([]).await;
    let submission = json!({ "app_id": APP, "callback_url": callback.url, "token": TOKEN, "encoding_aes_key": KEY });
    bench.post("/sim/mini-programs", submission).await;
    bench.perform("enter", json!({ "session_from": "item" })).await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    bench.send_text_to_visitor(&bench.token().await).await;
    let unreachable = json!({ "app_id": APP, "callback_url": "http://127.0.0.1:1/", "token": TOKEN, "encoding_aes_key": KEY, "check": false });
    bench.post("/sim/mini-programs", unreachable).await;
    bench.perform("text", json!({ "content": "人呢" })).await;
    let chat = bench.get(&format!("/sim/visitors/{OPENID}/messages?app_id={APP}&all=true")).await;
    let shown: Vec<_> =
        chat["items"].as_array().unwrap().iter().map(|item| (&item["direction"], &item["delivered"])).collect();
    let (sent, received, notice) = (json!("sent"), json!("received"), json!("notice"));
    let (yes, no, none) = (json!(true), json!(false), json!(null));
    assert_eq!(shown, [(&sent, &yes), (&sent, &yes), (&received, &none), (&sent, &no), (&notice, &none)]);
    assert_eq!(bench.received().await.len(), 1);
}

#[tokio::test]
async fn push_with_a_fault_does_not_reach_the_callback_and_its_attempts_are_listed() {
    let bench = Bench::ready().await;
    bench.put("/sim/settings", json!({ "push_retries": 1, "retry_pause_ms": 0 })).await;
    let callback = Callback::start([]).await;
    let submission = json!({ "app_id": APP, "callback_url": callback.url, "token": TOKEN, "encoding_aes_key": KEY });
    bench.post("/sim/mini-programs", submission).await;
    bench.post("/sim/faults", json!({ "path": "push", "app_id": APP, "status": 503, "times": 2 })).await;
    bench.perform("text", json!({ "content": "听得到吗" })).await;
    bench.perform("text", json!({ "content": "现在呢" })).await;
    let chat = bench.get(&format!("/sim/visitors/{OPENID}/messages?app_id={APP}&all=true")).await;
    let sent = chat["items"].as_array().unwrap().iter().filter(|item| item["direction"] == "sent");
    let pushes: Vec<_> = sent.map(|item| (item["delivered"].clone(), statuses(&item["attempts"]))).collect();
    assert_eq!(pushes, [(json!(false), vec![503, 503]), (json!(true), vec![200])]);
}

/// The HTTP statuses of attempts.
fn statuses(attempts: &serde_json::Value) -> Vec<u64> {
    attempts.as_array().unwrap().iter().map(|attempt| attempt["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn simulator_without_a_bundle_has_no_clock_to_move() {
    let bench = Bench::start().await;
    let answer = bench.http.put(bench.url("/sim/clock")).json(&json!({ "offset_seconds": 60 })).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn persistent_state_survives_a_restart() {
    let folder = std::env::temp_dir().join(format!("simulated-wechat-{}", crate::wechat::random::hex::<8>()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("wechat.json");
    let serve = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator =
            Simulator::serve_persistent(listener, Arc::new(SystemClock), Callbacks::Anywhere, file.clone()).unwrap();
        Bench { simulator, ..Bench::start().await }
    };
    let bench = serve().await;
    let token = crate::wechat::tests::text(&bench.stable(APP, SECRET).await["access_token"]);
    bench.perform("image", json!({})).await;
    assert_eq!(bench.send_text_to_visitor(&token).await, 0);
    bench.simulator.shutdown().await;

    let bench = serve().await;
    assert_eq!((bench.token().await, bench.received().await.len()), (token, 1));
    bench.simulator.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}
