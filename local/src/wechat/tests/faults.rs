use serde_json::json;

use super::{Bench, OPENID};

const SEND: &str = "/cgi-bin/message/custom/send";

async fn bench() -> (Bench, String) {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let token = bench.token().await;
    (bench, token)
}

/// The response to a text.
async fn send(bench: &Bench, token: &str) -> reqwest::Result<reqwest::Response> {
    let body = json!({ "touser": OPENID, "msgtype": "text", "text": { "content": "x" } });
    bench.http.post(bench.url(&format!("{SEND}?access_token={token}"))).body(body.to_string()).send().await
}

#[tokio::test]
async fn fault_with_errcode_applies_to_the_given_number_of_calls() {
    let (bench, token) = bench().await;
    bench.post("/sim/faults", json!({ "path": SEND, "times": 2, "errcode": -1 })).await;
    assert_eq!(
        [
            bench.send_text_to_visitor(&token).await,
            bench.send_text_to_visitor(&token).await,
            bench.send_text_to_visitor(&token).await
        ],
        [-1, -1, 0]
    );
    assert_eq!(bench.received().await.len(), 1);
    assert_eq!(bench.get("/sim/faults").await["items"], json!([]));
    let calls = bench.get(&format!("/sim/calls?path={SEND}")).await;
    assert_eq!((&calls["total"], &calls["items"][0]["count"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn connection_is_reset_before_or_after_the_message_is_on_the_phone() {
    let (bench, token) = bench().await;
    for (moment, arrived) in [("before", 0), ("after", 1)] {
        bench.post("/sim/faults", json!({ "path": SEND, "break_off": moment })).await;
        let error = send(&bench, &token).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(bench.received().await.len(), arrived, "{moment}");
    }
    assert_eq!(bench.send_text_to_visitor(&token).await, 0);
}

#[tokio::test]
async fn faults_wait_or_answer_html_and_unknown_fields_are_refused() {
    let (bench, token) = bench().await;
    bench.post("/sim/faults", json!({ "path": SEND, "wait_ms": 10_000 })).await;
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(100), send(&bench, &token)).await;
    assert!(waiting.is_err());
    bench.post("/sim/faults", json!({ "path": SEND, "html": true })).await;
    let answer = send(&bench, &token).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
    bench.post("/sim/faults", json!({ "path": SEND, "status": 200, "body": "{\"errcode\":" })).await;
    assert_eq!(send(&bench, &token).await.unwrap().text().await.unwrap(), "{\"errcode\":");
    bench.post("/sim/faults", json!({ "path": SEND, "app_id": "wx00000000000000b2", "errcode": -1 })).await;
    assert_eq!(bench.send_text_to_visitor(&token).await, 0, "a fault of another mini program");
    assert_eq!(bench.post("/sim/faults", json!({ "path": SEND, "tmies": 2 })).await["status"], 422);
    let cleared = bench.http.delete(bench.url("/sim/faults")).send().await.unwrap();
    assert_eq!((cleared.status().as_u16(), &bench.get("/sim/faults").await["items"]), (204, &json!([])));
}
