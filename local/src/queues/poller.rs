//! The event source mapping of a queue.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::sync::watch;

use super::queue::{Delays, Message, Queue, batch_event};
use crate::dead_letters::DeadLetterQueues;
use crate::functions::{Functions, InvokeError};
use crate::template::QueueMapping;

/// The longest pause before the queue is looked at again, because a clock that is moved by hand wakes no one.
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// Invokes a function with the messages of a queue, in at most `MaximumConcurrency` invocations at a time.
pub(crate) struct QueuePoller {
    mapping: QueueMapping,
    queue: Arc<Queue>,
    functions: Arc<Functions>,
    dead_letters: DeadLetterQueues,
    /// The number of invocations that are running.
    running: watch::Sender<usize>,
}

impl QueuePoller {
    pub(crate) fn new(
        mapping: QueueMapping,
        queue: Arc<Queue>,
        functions: Arc<Functions>,
        dead_letters: DeadLetterQueues,
    ) -> Self {
        Self { mapping, queue, functions, dead_letters, running: watch::Sender::new(0) }
    }

    /// Delivers messages as they become visible. Does not return.
    pub(crate) async fn run(&self) {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.mapping.max_concurrency {
                let messages = self.receive(Delays::Wait);
                if messages.is_empty() {
                    break;
                }
                running.push(self.deliver(messages));
            }
            let pause = self.queue.time_to_visible().map(|time| Duration::try_from(time).unwrap_or_default());
            let pause = pause.map(|pause| pause.clamp(Duration::from_millis(1), PAUSE_MAX));
            tokio::select! {
                () = self.queue.arrival() => {}
                Some(()) = running.next(), if !running.is_empty() => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    /// Delivers all messages that are visible, including those that wait a second for their first delivery, and waits for the
    /// invocations of [`run`](Self::run). Returns the number of messages that it delivered.
    pub(crate) async fn drain(&self) -> usize {
        let mut delivered = 0;
        loop {
            let batches = (0..self.mapping.max_concurrency).map(|_| self.receive(Delays::SkipShort));
            let batches: Vec<_> = batches.take_while(|messages| !messages.is_empty()).collect();
            if batches.is_empty() {
                // The sender is a field of this poller, so the wait ends with the invocations.
                let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
                return delivered;
            }
            delivered += batches.iter().map(Vec::len).sum::<usize>();
            join_all(batches.into_iter().map(|messages| self.deliver(messages))).await;
        }
    }

    fn receive(&self, delays: Delays) -> Vec<Message> {
        let received = self.queue.receive(self.mapping.batch_size, delays);
        for message in &received.discarded {
            self.dead_letters.send_message(self.queue.definition(), &self.mapping.function, &message.body);
        }
        if !received.messages.is_empty() {
            self.running.send_modify(|running| *running += 1);
        }
        received.messages
    }

    /// Invokes the function with received messages and deletes those that succeeded.
    async fn deliver(&self, messages: Vec<Message>) {
        let event = batch_event(&messages, self.queue.definition());
        let answer = self.functions.invoke_unthrottled(&self.mapping.function, event).await;
        let failed = self.failed(&messages, &answer);
        for message in messages.iter().filter(|message| !failed.contains(&message.id.as_str())) {
            self.queue.delete(&message.id);
        }
        self.running.send_modify(|running| *running -= 1);
    }

    /// The ids of the messages that stay in the queue.
    fn failed<'a>(&self, messages: &'a [Message], answer: &'a Result<Value, InvokeError>) -> Vec<&'a str> {
        let all = || messages.iter().map(|message| message.id.as_str()).collect();
        let Ok(answer) = answer else { return all() };
        let failures = answer.get("batchItemFailures").filter(|failures| !failures.is_null());
        let Some(failures) = failures.filter(|_| self.mapping.reports_failures) else { return Vec::new() };
        let ids = failures.as_array().map(|failures| failures.iter().map(|failure| failure["itemIdentifier"].as_str()));
        let ids: Option<Vec<&str>> = ids.and_then(Iterator::collect);
        // A malformed list, or one with an id of another message, fails the whole batch.
        let is_known = |id: &&str| messages.iter().any(|message| message.id == *id);
        ids.filter(|ids| ids.iter().all(is_known)).unwrap_or_else(all)
    }
}
