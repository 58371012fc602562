//! What a person writes: put down, sent, and told within the request.

use desk::quota::{MESSAGE_ALLOWANCE, QuotaError};
use jiff::SignedDuration;
use serde_json::Value;
use store::{
    Author, Commit, Committed, Conversation, Message, MessageState, NewEvent, NewOutbound, Once, PutDown, SendFailure,
    Settlement, Stage, StoreError, Visitor,
};

use crate::{Channel, RetryPolicy, ledger::failure, sender::parts_of};

/// How long a held text waits for the visitor's next message.
pub const HOLD_LIFE: SignedDuration = SignedDuration::from_hours(72);

/// How many texts may be held for one visitor: what one transaction can release with room to spare.
pub const HELD_MAX: usize = 20;

/// How often a write is tried that others change meanwhile.
const TRIES: u32 = 8;

/// What a person wants to say.
#[derive(Debug)]
pub struct Draft {
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
pub enum SendResult {
    /// The message as it now stands; after a repeated request, the message of the first one.
    Message(Box<Message>),
    /// The `Idempotency-Key` belongs to a request with other content. Nothing was done.
    KeyReused,
    /// WeChat grants no reply now, and this kind of message cannot wait. Nothing was done.
    Refused(SendFailure),
}

impl Channel {
    /// Puts a message down and sends it. Somebody waits for the outcome, so nothing is tried again later; a text that
    /// WeChat grants no reply for is held until the visitor's next message.
    pub async fn send_message(&self, conversation: &Conversation, words: Draft) -> Result<SendResult, StoreError> {
        let thread = conversation.thread();
        let now = self.table.clock().now();
        let once = words.once;
        let mut new = NewOutbound {
            id: NewOutbound::fresh_id(now),
            thread: thread.clone(),
            cid: Some(conversation.cid.clone()),
            kind: words.kind.to_owned(),
            content: words.content,
            author: words.author,
            ai: false,
            held: None,
        };
        let parts = parts_of(&new.kind, &new.content);
        if parts > MESSAGE_ALLOWANCE.replies {
            return Ok(SendResult::Refused(SendFailure {
                code: "message.too_long".to_owned(),
                errcode: None,
                detail: "This text takes more than the five messages that WeChat grants in answer to one.".to_owned(),
            }));
        }
        for attempt in 0.. {
            let seen = self.table.visitor(&thread).await?;
            if attempt > 0 && self.table.message(&thread, &new.id).await?.is_some() {
                // The answer to an earlier try of ours was lost.
                break;
            }
            let mut visitor = seen.clone();
            if let Err(shortage) = visitor.ledger.reserve(&new.id, parts, 0, now) {
                if let Some(refused) = hold(&mut new, &mut visitor, shortage) {
                    return Ok(SendResult::Refused(refused));
                }
                new.held = Some((failure(shortage), now + HOLD_LIFE));
            }
            let sends = vec![new.clone()];
            let visitor = Some((&thread, &seen, visitor));
            let commit = Commit { visitor, sends, once: once.as_ref(), ..Commit::default() };
            match self.table.commit(commit).await? {
                Committed::Now(_) => break,
                Committed::Once => match self.before(&new, once.as_ref()).await? {
                    Some(said) => return Ok(said),
                    None => break,
                },
                _ if attempt < TRIES => new.held = None,
                _ => return Err(StoreError::Exhausted),
            }
        }
        if new.held.is_some() {
            return Ok(SendResult::Message(Box::new(new.message(now))));
        }
        let message = match self.deliver(&thread, &new.id, RetryPolicy::FailFast).await {
            Ok(message) => message.ok_or(StoreError::NotFound("message"))?,
            Err(error) => {
                // It is put down and will be taken over. Whoever is told that it failed says it again, and the
                // visitor has it twice.
                tracing::error!(cid = conversation.cid, id = new.id, %error, "a message waits to be taken over");
                new.message(self.table.clock().now())
            }
        };
        if matches!(message.state, MessageState::Sent | MessageState::Unknown)
            && let Err(error) = self.note_answer(conversation).await
        {
            // The reply is out; that the automatic one goes on until the next is the lesser harm.
            tracing::error!(cid = conversation.cid, %error, "a reply could not be noted with its conversation");
        }
        Ok(SendResult::Message(Box::new(message)))
    }

    /// What the first request with this key made; `None` when it was this very one, whose answer was lost.
    async fn before(&self, new: &NewOutbound, once: Option<&Once>) -> Result<Option<SendResult>, StoreError> {
        let once = once.ok_or(StoreError::Invalid("a repeated request without its key"))?;
        Ok(match self.table.put_down_before(new, once).await? {
            PutDown::New => None,
            PutDown::KeyReused => Some(SendResult::KeyReused),
            PutDown::Before { id } => {
                let message = self.table.message(&new.thread, &id).await?;
                let message = message.ok_or(StoreError::NotFound("message"))?;
                Some(SendResult::Message(Box::new(message)))
            }
        })
    }

    /// Notes the first reply of a person; with it the agent has accepted the conversation.
    async fn note_answer(&self, conversation: &Conversation) -> Result<(), StoreError> {
        let mut seen = conversation.clone();
        for _ in 0..TRIES {
            if seen.answered_at.is_some() || !seen.is_open() {
                return Ok(());
            }
            let now = self.table.clock().now();
            let mut after = seen.clone();
            after.answered_at = Some(now);
            after.active_at = now;
            let mut events = vec![NewEvent::new("conversation.answered", Value::Null)];
            if let Stage::Assigned(assigned) = &mut after.stage
                && assigned.accepted_at.is_none()
            {
                assigned.accepted_at = Some(now);
                events.insert(0, NewEvent::new("conversation.accepted", Value::Null));
            }
            let commit = Commit { before: Some(&seen), after: Some(after), events, ..Commit::default() };
            if let Committed::Now(_) = self.table.commit(commit).await? {
                return Ok(());
            }
            let Some(again) = self.table.conversation(&conversation.cid).await? else {
                return Ok(());
            };
            seen = again;
        }
        Err(StoreError::Exhausted)
    }

    /// Takes a held text back. `None` when it is not held (any more).
    pub async fn take_back(&self, message: &Message) -> Result<Option<Message>, StoreError> {
        self.end_held(message, None).await
    }

    /// Ends the waiting of a held text that has waited too long.
    pub async fn expire(&self, message: &Message) -> Result<Option<Message>, StoreError> {
        let failure = SendFailure {
            code: "quota.hold_expired".to_owned(),
            errcode: None,
            detail: "The visitor has not written again in time, so this text was never sent.".to_owned(),
        };
        self.end_held(message, Some(&failure)).await
    }

    async fn end_held(&self, message: &Message, failure: Option<&SendFailure>) -> Result<Option<Message>, StoreError> {
        for _ in 0..TRIES {
            let seen = self.table.visitor(&message.thread).await?;
            let mut visitor = seen.clone();
            visitor.held.retain(|id| *id != message.id);
            match self.table.end_held(message, failure, (&seen, &visitor)).await? {
                Settlement::Kept(message) => return Ok(Some(*message)),
                Settlement::TooLate => return Ok(None),
                Settlement::VisitorChanged => {}
            }
        }
        Err(StoreError::Exhausted)
    }
}

/// Notes with the visitor that the text is held; or says why it cannot be.
fn hold(new: &mut NewOutbound, visitor: &mut Visitor, shortage: QuotaError) -> Option<SendFailure> {
    if new.kind != "text" {
        return Some(failure(shortage));
    }
    if visitor.held.len() >= HELD_MAX {
        return Some(SendFailure {
            code: "quota.too_many_held".to_owned(),
            errcode: None,
            detail: "Twenty texts wait already for the visitor's next message.".to_owned(),
        });
    }
    visitor.held.push(new.id.clone());
    None
}
