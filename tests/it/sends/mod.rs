//! Messages from agents and integrators, and WeChat's answers to them.

mod connections;
mod idempotency;
mod message_types;
mod refusals;

use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, problem};
use crate::support::Answer;

const APP: &str = "wx0000000000000d01";
const SEND: &str = "/cgi-bin/message/custom/send";

/// The number of received messages and the stored messages after every retry had time to run.
async fn states_after_all_retries(chat: &OpenConversation<'_>) -> (usize, Vec<Value>) {
    chat.world.run_minutes(2).await;
    chat.world.advance(3600);
    chat.world.run_minutes(1).await;
    (chat.visitor.received().await.len(), chat.messages().await)
}

async fn sim_fault(chat: &OpenConversation<'_>, mut fault: Value) {
    if fault.get("path").is_none() {
        fault["path"] = json!(SEND);
    }
    chat.world.sim_fault(&fault).await;
}

/// Checks the problem document of a failed send and that the message is stored as failed for the same reason.
async fn failed(chat: &OpenConversation<'_>, answer: &Answer, expected: (u16, &str, Option<i64>)) -> Value {
    assert_eq!(problem(answer), expected);
    let kept = chat.message(&answer.text("message_id")).await;
    assert_eq!(kept["state"], "failed");
    assert_eq!((&kept["failure"]["code"], &kept["failure"]["detail"]), (&answer.body["code"], &answer.body["detail"]));
    assert_eq!(kept["failure"]["errcode"], json!(expected.2));
    kept
}
