//! A request is answered before the timeout of its function, whatever AWS does; what is not known is not reported as failed.

use local::{Fault, TableFault};
use serde_json::json;

use crate::open_conversation::problem;
use crate::support::{Answer, World};

const APP: &str = "wx00000000000000a1";
const SEND: &str = "/cgi-bin/message/custom/send";

/// Sends a request whose calls of `operation` are not answered, moves the clock, and releases the calls where the request
/// goes on.
async fn held(
    world: &World,
    function: &str,
    operation: &str,
    seconds: i64,
    request: impl Future<Output = Answer>,
) -> Answer {
    let faults = world.bundle.table_faults();
    faults.add(TableFault::new(Fault::Hold).function(function).operation(operation).times(1000));
    let time = async {
        faults.held().await;
        faults.clear();
        world.advance(seconds);
        if seconds < 28 {
            faults.release();
        }
    };
    let (answer, ()) = tokio::join!(request, time);
    faults.release();
    answer
}

#[track_caller]
fn is_unavailable(answer: &Answer, detail: &str) {
    assert_eq!(problem(answer), (503, "unavailable", None));
    assert_eq!(answer.header("retry-after"), "5", "{:?}", answer.headers);
    assert!(answer.text("detail").contains(detail), "{}", answer.raw);
}

#[tokio::test]
async fn read_that_is_not_answered_is_503_before_the_timeout() {
    let world = World::start().await;
    let group = format!("/api/groups/{}", world.group(&[]).await);
    let answer = held(&world, "DeskApi", "GetItem", 28, world.get(&group)).await;
    is_unavailable(&answer, "Nothing was changed");
    world.get(&group).await.expect(200);
}

#[tokio::test]
async fn request_goes_on_until_a_second_before_the_timeout() {
    let world = World::start().await;
    let group = format!("/api/groups/{}", world.group(&[]).await);
    held(&world, "DeskApi", "GetItem", 27, world.get(&group)).await.expect(200);
}

#[tokio::test]
async fn write_that_is_not_answered_is_not_reported_as_failed() {
    let world = World::start().await;
    let settings = json!({ "name": "组", "aliases": ["one"] });
    let answer = held(&world, "DeskApi", "TransactWriteItems", 28, world.post("/api/groups", &settings)).await;
    is_unavailable(&answer, "Whether it took effect is not known");
    let written = world.list("/api/groups").await.len();
    let again = world.post("/api/groups", &settings).await;
    assert_eq!(again.status, if written == 0 { 201 } else { 409 }, "{}", again.raw);
}

#[tokio::test]
async fn write_whose_answer_is_lost_is_not_reported_as_failed() {
    let world = World::start().await;
    let agent = world.agent("小王", 3).await;
    let fault = TableFault::new(Fault::CloseAfter).function("DeskApi").operation("UpdateItem").times(1000);
    world.bundle.table_faults().add(fault);
    let answer = world.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await;
    is_unavailable(&answer, "Whether the request took effect is not known");
}

#[tokio::test]
async fn refused_write_is_503_with_retry_after() {
    let world = World::start().await;
    let agent = world.agent("小王", 3).await;
    let fault = TableFault::new(Fault::ThrottleTable).function("DeskApi").operation("UpdateItem").times(1000);
    world.bundle.table_faults().add(fault);
    let answer = world.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await;
    is_unavailable(&answer, "did not accept the call");
}

#[tokio::test]
async fn message_for_which_no_time_is_left_is_sent_by_the_tick_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-late").await;
    let send = chat.send_text("您好");
    let answer = held(&world, "DeskApi", "TransactWriteItems", 19, send).await.expect(202);
    assert_eq!((answer.text("state").as_str(), world.sim_calls(SEND).await), ("pending", 0));
    world.run_half_an_hour().await;
    assert_eq!(chat.visitor.received_texts().await, ["您好"]);
}

#[tokio::test]
async fn message_is_sent_while_there_is_time() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-time").await;
    let send = chat.send_text("您好");
    held(&world, "DeskApi", "TransactWriteItems", 18, send).await.expect(201);
    assert_eq!(chat.visitor.received_texts().await, ["您好"]);
}

#[tokio::test]
async fn message_whose_request_ended_during_the_send_is_unknown_and_not_repeated() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-cut").await;
    chat.send_text("1").await.expect(201);
    world.sim_fault(&json!({ "path": SEND, "wait_ms": 60_000, "wait": "after" })).await;
    let (answer, ()) = tokio::join!(chat.send_text("2"), async {
        while world.sim_calls(SEND).await < 2 {
            tokio::task::yield_now().await;
        }
        world.advance(28);
    });
    is_unavailable(&answer, "Whether it took effect is not known");
    world.run_half_an_hour().await;
    let messages = chat.messages().await;
    let sent = messages.iter().find(|message| message["text"]["content"] == "2").unwrap();
    assert_eq!(sent["state"], "unknown", "{sent}");
    assert_eq!(world.sim_calls(SEND).await, 2);
}

#[tokio::test]
async fn card_that_is_not_answered_is_503_before_the_timeout() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-card").await;
    let card = chat.card_with_media_id("m");
    let answer = held(&world, "CardSend", "GetItem", 28, chat.send_card(&card)).await;
    is_unavailable(&answer, "Whether it took effect is not known");
    assert_eq!(world.sim_calls(SEND).await, 0);
}

#[tokio::test]
async fn card_for_which_no_time_is_left_is_sent_by_the_tick_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-late-card").await;
    let card = chat.card_with_media_id("m");
    let answer = held(&world, "CardSend", "TransactWriteItems", 19, chat.send_card(&card)).await.expect(202);
    assert_eq!((answer.text("state").as_str(), world.sim_calls(SEND).await), ("pending", 0));
    world.run_half_an_hour().await;
    assert_eq!(world.sim_calls(SEND).await, 1);
}
