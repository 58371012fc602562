//! SQS: the queues of the template, and the event source mappings that invoke functions with their messages.
//!
//! A message that is received stays in its queue, invisible until its visibility timeout ends, and is deleted when its
//! invocation succeeds. A message that was received too often goes to the dead-letter queue instead. Delays and timeouts
//! are those of the bundle's clock. The queues are not saved.
//!
//! Amazon SQS developer guide, "Amazon SQS visibility timeout" and "Using dead-letter queues in Amazon SQS"; AWS Lambda
//! developer guide, "Using Lambda with Amazon SQS".

mod poller;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;

use store::SharedClock;

pub(crate) use poller::QueuePoller;
pub(crate) use queue::Queue;

use crate::template::Template;

/// The queues of a bundle. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<BTreeMap<String, Arc<Queue>>>);

impl Queues {
    /// The empty queues of a template.
    pub(crate) fn new(template: &Template, clock: &SharedClock) -> Self {
        let queue = |(id, definition): (&String, &crate::template::QueueDefinition)| {
            (id.clone(), Arc::new(Queue::new(definition.clone(), Arc::clone(clock))))
        };
        Self(Arc::new(template.queues.iter().map(queue).collect()))
    }

    /// The queue with this logical id.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Queue>> {
        self.0.get(id)
    }

    /// The queue with this URL.
    pub(crate) fn at(&self, url: &str) -> Option<&Arc<Queue>> {
        self.0.values().find(|queue| queue.definition().url == url)
    }
}

#[cfg(test)]
mod tests;
