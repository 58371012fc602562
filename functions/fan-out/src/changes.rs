//! What the records of a batch say has changed.

use std::collections::HashMap;

use desk::hint::Hint;
use function::trigger::Record;
use store::{Conversation, ImageChange};

/// What has changed in a batch.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Each once, in the order of the records. Several changes of one thing are one hint.
    pub(crate) hints: Vec<Hint>,
    /// The conversations whose images are in the batch, as they are now.
    pub(crate) conversations: HashMap<String, Conversation>,
}

impl Changes {
    /// Reads the records of a batch, in the order of the stream.
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut changes = Self::default();
        for record in records {
            match ImageChange::from_image(|name| record.attribute(name)) {
                Some(ImageChange::Message { cid, message_id }) => changes.add(Hint::Message { cid, message_id }),
                Some(ImageChange::Conversation(conversation)) => {
                    changes.add(Hint::Conversation { cid: conversation.cid.clone() });
                    if let Some(group_id) = conversation.queue_group() {
                        changes.add(Hint::Queue { group_id });
                    }
                    changes.conversations.insert(conversation.cid.clone(), *conversation);
                }
                Some(ImageChange::Visitor { cid }) => changes.add(Hint::Conversation { cid }),
                Some(ImageChange::Queue { group_id }) => changes.add(Hint::Queue { group_id }),
                Some(ImageChange::Duty { agent_id }) => changes.add(Hint::Duty { agent_id }),
                None => {}
            }
        }
        changes
    }

    fn add(&mut self, hint: Hint) {
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }

    /// The conversations of messages and of visitors whose images are not in the batch.
    pub(crate) fn missing(&self) -> Vec<String> {
        let named = self.hints.iter().filter_map(|hint| match hint {
            Hint::Message { cid, .. } | Hint::Conversation { cid } => Some(cid),
            _ => None,
        });
        let mut missing: Vec<String> = named.filter(|cid| !self.conversations.contains_key(*cid)).cloned().collect();
        missing.sort();
        missing.dedup();
        missing
    }
}
