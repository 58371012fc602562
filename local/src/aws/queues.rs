//! SQS: sending to the queues of the bundle.
//!
//! Amazon SQS API reference, `SendMessage` and `SendMessageBatch`. Receiving is left to the event source mappings.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::answers::{error, respond};
use crate::queues::{Queue, Queues};

/// The most entries of a batch.
const BATCH_MAX: usize = 10;
/// The most bytes of a message, and of all messages of a batch together.
const BYTES_MAX: usize = 1024 * 1024;
/// The most characters of a message group id.
const GROUP_MAX: usize = 128;
/// The longest delay, in seconds.
const DELAY_MAX: i64 = 900;

/// A message to send; in a batch, with an id.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    id: String,
    message_body: String,
    delay_seconds: Option<i64>,
    message_group_id: Option<String>,
}

/// An error of the API: its type and its message.
type Refusal = (&'static str, String);

/// Answers a request. `refuse_first`: an injected fault, by which the first entry of a batch is not accepted.
pub(super) fn answer(queues: &Queues, operation: &str, request: Value, refuse_first: bool) -> Response<Full<Bytes>> {
    let queue = queues.at(request["QueueUrl"].as_str().unwrap_or_default());
    let answered = match (queue, operation) {
        (None, _) => Err(("QueueDoesNotExist", "The specified queue does not exist.".to_owned())),
        (Some(queue), "SendMessage") => send(queue, request),
        (Some(queue), "SendMessageBatch") => send_batch(queue, request, refuse_first),
        (Some(_), _) => Err(("UnsupportedOperation", format!("{operation} is not supported here"))),
    };
    match answered {
        Ok(answer) => respond(Service::Sqs, StatusCode::OK, &answer),
        Err((kind, message)) => error(Service::Sqs, kind, &message),
    }
}

fn send(queue: &Queue, request: Value) -> Result<Value, Refusal> {
    let entry: Entry = serde_json::from_value(request).map_err(|error| invalid(&error))?;
    check(&entry)?;
    Ok(json!({ "MessageId": accept(queue, entry) }))
}

fn send_batch(queue: &Queue, mut request: Value, refuse_first: bool) -> Result<Value, Refusal> {
    let entries: Vec<Entry> = serde_json::from_value(request["Entries"].take()).map_err(|error| invalid(&error))?;
    if entries.is_empty() {
        return Err(("EmptyBatchRequest", "There should be at least one entry in the request.".to_owned()));
    }
    if entries.len() > BATCH_MAX {
        let message = format!("Maximum number of entries per request are {BATCH_MAX}.");
        return Err(("TooManyEntriesInBatchRequest", message));
    }
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    if ids.len() < entries.len() || ids.contains("") {
        return Err(("BatchEntryIdsNotDistinct", "The ids of the entries are not distinct.".to_owned()));
    }
    if entries.iter().map(|entry| entry.message_body.len()).sum::<usize>() > BYTES_MAX {
        return Err(("BatchRequestTooLong", format!("Batch requests cannot be longer than {BYTES_MAX} bytes.")));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (position, entry) in entries.into_iter().enumerate() {
        let id = entry.id.clone();
        let refusal = if refuse_first && position == 0 {
            Some(("InternalError", "Injected.".to_owned(), false))
        } else {
            check(&entry).err().map(|(code, message)| (code, message, true))
        };
        match refusal {
            Some((code, message, sender_fault)) => {
                failed.push(json!({ "Id": id, "Code": code, "Message": message, "SenderFault": sender_fault }));
            }
            None => successful.push(json!({ "Id": id, "MessageId": accept(queue, entry) })),
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = json!(failed);
    }
    Ok(answer)
}

fn accept(queue: &Queue, entry: Entry) -> String {
    queue.send(entry.message_body, entry.delay_seconds.map(SignedDuration::from_secs), entry.message_group_id)
}

fn check(entry: &Entry) -> Result<(), Refusal> {
    if entry.message_body.is_empty() || entry.message_body.len() > BYTES_MAX {
        return Err(("InvalidParameterValue", format!("A message has 1 to {BYTES_MAX} bytes.")));
    }
    if entry.delay_seconds.is_some_and(|delay| !(0..=DELAY_MAX).contains(&delay)) {
        return Err(("InvalidParameterValue", format!("DelaySeconds is 0 to {DELAY_MAX}.")));
    }
    if entry.message_group_id.as_ref().is_some_and(|group| group.is_empty() || group.len() > GROUP_MAX) {
        return Err(("InvalidParameterValue", format!("MessageGroupId has 1 to {GROUP_MAX} characters.")));
    }
    Ok(())
}

fn invalid(error: &serde_json::Error) -> Refusal {
    ("InvalidParameterValue", error.to_string())
}
