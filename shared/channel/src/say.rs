//! What a person writes: put down, sent, and told within the request.

use serde_json::Value;
use store::{Author, Conversation, Message, MessageState, NewOutbound, Once, PutDown, StoreError};

use crate::{Channel, Patience};

/// What a person wants to say.
#[derive(Debug)]
pub struct Words {
    /// See [`Message::kind`].
    pub kind: &'static str,
    /// See [`Message::content`].
    pub content: Value,
    /// Who says it.
    pub author: Author,
    /// Not twice, if the caller named the request.
    pub once: Option<Once>,
}

/// What became of it.
#[derive(Debug)]
pub enum Said {
    /// The message as it now stands; after a repeated request, the message of the first one.
    Message(Box<Message>),
    /// The `Idempotency-Key` belongs to a request with other content. Nothing was done.
    KeyReused,
}

impl Channel {
    /// Puts a message down and sends it. Somebody waits for the outcome, so nothing is tried again later.
    pub async fn say(&self, conversation: &Conversation, words: Words) -> Result<Said, StoreError> {
        let thread = conversation.thread();
        let new = NewOutbound {
            id: NewOutbound::fresh_id(self.table.clock().now()),
            thread: thread.clone(),
            cid: conversation.cid.clone(),
            kind: words.kind.to_owned(),
            content: words.content,
            author: words.author,
        };
        match self.table.put_down(&new, words.once.as_ref()).await? {
            PutDown::New => {}
            PutDown::Before { id } => {
                let message = self.table.message(&thread, &id).await?.ok_or(StoreError::Conflict)?;
                return Ok(Said::Message(Box::new(message)));
            }
            PutDown::KeyReused => return Ok(Said::KeyReused),
        }
        let message = match self.carry_out(&thread, &new.id, Patience::Now).await {
            Ok(message) => message.ok_or(StoreError::Conflict)?,
            Err(error) => {
                // It is put down and will be taken over. Whoever is told that it failed says it again, and the
                // visitor has it twice.
                tracing::error!(cid = conversation.cid, id = new.id, %error, "a message waits to be taken over");
                new.message(self.table.clock().now())
            }
        };
        if matches!(message.state, MessageState::Sent | MessageState::Unknown)
            && let Err(error) = self.table.mark_answered(conversation).await
        {
            // The reply is out; that the automatic one goes on until the next is the lesser harm.
            tracing::error!(cid = conversation.cid, %error, "a reply could not be noted with its conversation");
        }
        Ok(Said::Message(Box::new(message)))
    }
}
