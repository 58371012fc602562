//! What a person says to a visitor, and what WeChat makes of it.

mod arriving;
mod once;
mod refused;

use serde_json::{Value, json};

use crate::desk::{Chat, problem};
use crate::support::Answer;

const APP: &str = "wx0000000000000d01";
const SEND: &str = "/cgi-bin/message/custom/send";

/// What the phone shows and what is kept after everything that repeats a send has had its time.
async fn much_later(chat: &Chat<'_>) -> (usize, Vec<Value>) {
    chat.world.minutes(2).await;
    chat.world.advance(3600);
    chat.world.minutes(1).await;
    (chat.visitor.phone().await.len(), chat.messages().await)
}

async fn sim_fault(chat: &Chat<'_>, mut fault: Value) {
    if fault.get("path").is_none() {
        fault["path"] = json!(SEND);
    }
    chat.world.sim_fault(&fault).await;
}

/// The problem of a send that failed: a message of its id is kept as failed, for the same reason.
async fn failed(chat: &Chat<'_>, answer: &Answer, expected: (u16, &str, Option<i64>)) -> Value {
    assert_eq!(problem(answer), expected);
    let kept = chat.message(&answer.text("message_id")).await;
    assert_eq!(kept["state"], "failed");
    assert_eq!((&kept["failure"]["code"], &kept["failure"]["detail"]), (&answer.body["code"], &answer.body["detail"]));
    assert_eq!(kept["failure"]["errcode"], json!(expected.2));
    kept
}
