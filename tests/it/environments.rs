//! Execution environments that are frozen between invocations, limits of concurrent invocations, and the authorizer's kept answers.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::json;

use crate::support::World;
use crate::support::push::{Push, text_document};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

#[tokio::test]
async fn idle_connections_to_aws_that_died_lose_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..3 {
        let push = Push::new(&binding, &text_document("oFREEZE", 1_772_438_400, round, "keep me"));
        let accepted = world.deliver(&push).await;
        assert_eq!((accepted.status, accepted.raw.as_str()), (200, "success"));
        world.get("/api/bindings").await.expect(200);
        world.bundle.freeze_environments();
    }
    assert_eq!(world.items("inbound").await.len(), 3);
    assert!(world.bundle.requests_on_closed_connections() > 0, "no connection was in use again");
}

#[tokio::test]
async fn idle_connection_to_wechat_that_died_sends_no_reply_twice() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let warm = world.visitor(&binding, "oWARM");
    warm.text("1").await;
    world.settle().await;
    assert_eq!(warm.received_texts().await, [HELLO]);

    world.bundle.freeze_environments();
    let frozen = world.visitor(&binding, "oFROZEN");
    frozen.text("1").await;
    world.settle().await;
    world.run_minutes(4).await;
    let outbound = frozen.outbound().await;
    let sent = (outbound[0]["state"].as_str().unwrap(), frozen.received().await.len());
    assert_eq!(sent, ("sent", 1), "no connection to WeChat is kept after its request");
    assert_eq!(world.bundle.dead_letters(), []);

    let next = world.visitor(&binding, "oNEXT");
    next.text("1").await;
    world.settle().await;
    assert_eq!(next.received_texts().await, [HELLO], "the dead connection is gone");
}

#[tokio::test]
async fn throttled_invocation_is_answered_with_503() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    // The answer of the authorizer is kept.
    world.get("/api/bindings").await.expect(200);
    world.sim_settings(&json!({ "retry_pause_ms": 0 })).await;
    let faults = world.bundle.table_faults();
    world.bundle.limit_function_concurrency("DeskApi", Some(1));
    faults.add(TableFault::new(Fault::Hold).function("DeskApi"));
    let throttled = async {
        faults.held().await;
        let throttled = world.get("/api/bindings").await;
        world.bundle.limit_account_concurrency(Some(1));
        let pushed = world.visitor(&binding, "oFULL").pushes_unchecked("text", json!({ "content": "keep me" })).await;
        world.bundle.limit_account_concurrency(None);
        faults.release();
        (throttled, pushed)
    };
    let (first, (throttled, pushed)) = tokio::join!(world.get("/api/bindings"), throttled);
    first.expect(200);
    assert_eq!((throttled.status, throttled.raw.as_str()), (503, r#"{"message":"Service Unavailable"}"#));
    let statuses: Vec<_> =
        pushed.body["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [503; 4], "WeChat repeats a push three times");
    world.get("/api/bindings").await.expect(200);
}

#[tokio::test]
async fn stream_and_schedule_wait_for_a_free_execution() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitors: Vec<_> = (0..6).map(|number| world.visitor(&binding, &format!("oWAIT-{number}"))).collect();
    for visitor in &visitors {
        visitor.text("1").await;
    }
    world.bundle.limit_account_concurrency(Some(1));
    let (throttles, ()) = tokio::join!(
        async {
            world.tick("Reception").await;
            world.bundle.throttles()
        },
        world.settle(),
    );
    assert!(throttles > 0, "the tick and the stream never met");
    for visitor in &visitors {
        assert_eq!(visitor.received_texts().await, [HELLO]);
    }
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn revoked_token_is_accepted_until_the_authorizers_answer_expires() {
    let world = World::start().await;
    let made = world.post("/api/access-tokens", &json!({ "role": "agent", "name": "小王" })).await.expect(201);
    let (id, token) = (made.text("id"), made.text("token"));
    let conversations = async || world.call(Some(&token), Method::GET, "/api/conversations", None).await.status;
    assert_eq!(conversations().await, 200);
    world.delete(&format!("/api/access-tokens/{id}")).await.expect(204);
    world.advance(59);
    assert_eq!(conversations().await, 200);
    world.advance(1);
    assert_eq!(conversations().await, 403);
}
