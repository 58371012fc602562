//! Messages between functions, in queues of SQS.

use serde::{Deserialize, Serialize};

/// A message of the queue `RobotTurns`: a conversation that waits for its robot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotTurn {
    /// The conversation's id.
    pub cid: String,
    /// The mini program, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The opaque id of the visitor, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

/// A message to send.
#[cfg(feature = "queue")]
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a, T> {
    /// The content.
    pub content: &'a T,
    /// After how many seconds it can be received, 0 to 900.
    pub delay_seconds: i32,
    /// The recipient, for a fair queue (Amazon SQS developer guide, "Amazon SQS fair queues"): a backlog of one recipient delays
    /// the messages of the others little.
    pub group: Option<&'a str>,
}

/// A queue to send to.
#[cfg(feature = "queue")]
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    is_fair: bool,
}

#[cfg(feature = "queue")]
impl Queue {
    /// The most messages of one [`send`](Self::send) (SQS API reference, `SendMessageBatch`).
    pub const BATCH_MAX: usize = 10;

    /// The queue with this URL.
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into(), is_fair: true }
    }

    /// The same queue in a region whose standard queues may refuse groups: they are left out.
    #[must_use]
    pub fn without_groups(self) -> Self {
        Self { is_fair: false, ..self }
    }

    /// Sends at most [`BATCH_MAX`](Self::BATCH_MAX) messages. Returns the positions of the messages that were not accepted, in
    /// order; all of them if the request failed. A message that was not accepted may arrive nevertheless.
    pub async fn send<'a, T: Serialize + 'a>(&self, messages: impl IntoIterator<Item = Outgoing<'a, T>>) -> Vec<usize> {
        let (mut refused, mut entries) = (Vec::new(), Vec::new());
        for (position, message) in messages.into_iter().enumerate() {
            let message = Outgoing { group: message.group.filter(|_| self.is_fair), ..message };
            match entry(position, &message) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    tracing::error!(%error, "a message for a queue was not built");
                    refused.push(position);
                }
            }
        }
        if entries.is_empty() {
            return refused;
        }
        let count = entries.len() + refused.len();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                for failure in &answer.failed {
                    tracing::error!(code = failure.code, "a message was not accepted by its queue");
                }
                refused.extend(answer.failed.iter().filter_map(|failure| failure.id.parse::<usize>().ok()));
                refused.sort_unstable();
                refused
            }
            Err(error) => {
                let error = crate::http::chain(&error);
                tracing::error!(error, "messages were not sent to their queue");
                (0..count).collect()
            }
        }
    }
}

#[cfg(feature = "queue")]
fn entry<T: Serialize>(
    position: usize,
    message: &Outgoing<'_, T>,
) -> Result<aws_sdk_sqs::types::SendMessageBatchRequestEntry, Box<dyn std::error::Error>> {
    let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
    let entry = entry.id(position.to_string()).message_body(serde_json::to_string(message.content)?);
    let entry = entry.delay_seconds(message.delay_seconds).set_message_group_id(message.group.map(ToOwned::to_owned));
    Ok(entry.build()?)
}
