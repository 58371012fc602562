//! Sends what a person writes, within their request.

use desk::{conversation::EventKind, quota::MESSAGE_ALLOWANCE};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{
    Attempt, Attempted, Author, Commit, CommitOutcome, Conversation, EarlierRequest, IdempotentRequest, Message,
    MessageState, NewEvent, NewOutbound, SendFailure, Stage, StoreError, Visitor,
};

use crate::{Channel, HELD_TEXT_LIFETIME, RetryPolicy, held::hold, parts::part_count, quota::quota_failure};

/// A message that a person wants to send.
#[derive(Debug)]
pub struct Draft {
    /// See [`Message::kind`].
    pub kind: &'static str,
    /// See [`Message::content`].
    pub content: Value,
    /// The person who sends it.
    pub author: Author,
    /// The request's `Idempotency-Key`, if it has one.
    pub idempotency: Option<IdempotentRequest>,
}

/// The result of [`Channel::send_message`].
#[derive(Debug)]
pub enum SendResult {
    /// The message with its current state. For a repeated request, the message of the first one.
    Message(Box<Message>),
    /// The `Idempotency-Key` belongs to a request with other content. Nothing was stored or sent.
    KeyReused,
    /// WeChat grants no reply now, and the message cannot be held. Nothing was stored or sent.
    Refused(SendFailure),
    /// The conversation was closed, or another agent or a robot has it by now: this is how it is. Nothing was stored or sent.
    Reassigned(Box<Conversation>),
}

/// A message to store.
struct NewMessage<'a> {
    /// The conversation, as the caller was permitted to write into it.
    conversation: &'a Conversation,
    outbound: &'a NewOutbound,
    parts: u32,
    idempotency: Option<&'a IdempotentRequest>,
    now: Timestamp,
}

/// What storing a draft led to.
enum Stored {
    /// The message is stored and can be delivered.
    Pending,
    /// The message is stored as held: it waits for the visitor's next message.
    Held(Box<NewOutbound>),
    /// There is nothing to deliver.
    Finished(SendResult),
}

impl Channel {
    /// Stores a message and sends it. The caller waits for the outcome, so a failed send is not retried later; a text
    /// that WeChat grants no reply for is held until the visitor's next message.
    ///
    /// `conversation` is as the caller was permitted to write into it. Nothing is sent if it has changed hands since.
    #[tracing::instrument(skip_all, fields(app_id = conversation.app_id, cid = conversation.cid, uid = conversation.thread().uid()))]
    pub async fn send_message(&self, conversation: &Conversation, draft: Draft) -> Result<SendResult, StoreError> {
        let thread = conversation.thread();
        let now = self.store.clock.now();
        let new = NewOutbound {
            id: NewOutbound::fresh_id(now),
            thread: thread.clone(),
            cid: Some(conversation.cid.clone()),
            kind: draft.kind.to_owned(),
            content: draft.content,
            author: draft.author,
            ai: false,
            held: None,
        };
        match self.store_message(conversation, &new, draft.idempotency.as_ref(), now).await? {
            Stored::Pending => {}
            Stored::Held(held) => return Ok(SendResult::Message(Box::new(held.message(now)))),
            Stored::Finished(result) => return Ok(result),
        }
        let message = match self.deliver(&thread, &new.id, RetryPolicy::FailFast).await {
            Ok(message) => message.ok_or(StoreError::NotFound("message"))?,
            Err(error) => {
                // The message is stored, and the tick sends it. An error here would make the caller send the same
                // text again, and the visitor would get it twice.
                tracing::error!(id = new.id, %error, "send failed; left to the tick");
                new.message(self.store.clock.now())
            }
        };
        let has_arrived = matches!(message.state, MessageState::Sent | MessageState::Unknown) || message.parts_sent > 0;
        if has_arrived && let Err(error) = self.mark_answered(conversation).await {
            // The reply is out. Without the mark the automatic reply stays on until the next one, which does less
            // harm than an error for a reply that was sent.
            tracing::error!(%error, "conversation not marked as answered");
        }
        Ok(SendResult::Message(Box::new(message)))
    }

    /// Stores a message together with the reservation of its replies, or as held where there are none.
    async fn store_message(
        &self,
        conversation: &Conversation,
        new: &NewOutbound,
        idempotency: Option<&IdempotentRequest>,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let parts = part_count(&new.kind, &new.content);
        if parts > MESSAGE_ALLOWANCE.replies {
            return Ok(Stored::Finished(SendResult::Refused(SendFailure {
                code: "message.too_long".to_owned(),
                errcode: None,
                detail: "This text takes more than the five messages that WeChat grants in answer to one.".to_owned(),
            })));
        }
        let new = NewMessage { conversation, outbound: new, parts, idempotency, now };
        self.retry_on_conflict(|attempt| self.try_store_message(&new, attempt)).await
    }

    async fn try_store_message(&self, new: &NewMessage<'_>, attempt: Attempt) -> Result<Attempted<Stored>, StoreError> {
        let &NewMessage { conversation, outbound: new, parts, idempotency, now } = new;
        let seen = self.store.threads.visitor(&new.thread).await?;
        if attempt != Attempt::FIRST && self.store.threads.message(&new.thread, &new.id).await?.is_some() {
            // An earlier attempt was committed and its answer lost. A held message is delivered as it is.
            return Ok(Attempted::Done(Stored::Pending));
        }
        if seen.erasing_since.is_some() || !seen.is_stored() {
            // The visitor was erased, or has expired: a write would bring them back.
            return Err(StoreError::NotFound("visitor"));
        }
        if let Some(reassigned) = self.reassigned(conversation, &seen, attempt).await? {
            return Ok(Attempted::Done(Stored::Finished(SendResult::Reassigned(Box::new(reassigned)))));
        }
        let (mut new, mut visitor) = (new.clone(), seen.clone());
        if let Err(shortage) = visitor.ledger.reserve(&new.id, parts, 0, now) {
            if let Err(failure) = hold(&new, &mut visitor, shortage) {
                return Ok(Attempted::Done(Stored::Finished(SendResult::Refused(failure))));
            }
            new.held = Some((quota_failure(shortage), now + HELD_TEXT_LIFETIME));
        }
        visitor.preview.sent(&new, now);
        let sends = vec![new.clone()];
        let visitor = Some((&new.thread, &seen, visitor));
        let commit = Commit { visitor, sends, idempotency, ..Commit::default() };
        let earlier = match self.store.decisions.commit(commit).await? {
            CommitOutcome::Written(_) => None,
            CommitOutcome::DuplicateRequest => self.earlier_result(&new, idempotency).await?,
            _ => return Ok(Attempted::Conflict),
        };
        Ok(Attempted::Done(match earlier {
            Some(result) => Stored::Finished(result),
            None if new.held.is_some() => Stored::Held(Box::new(new)),
            None => Stored::Pending,
        }))
    }

    /// The conversation, if it has changed hands since the caller was permitted to write into it. An assignment writes the
    /// visitor, so that one after `seen` was read makes the commit fail, and one before shows there: only where that leaves a
    /// doubt is the conversation read again.
    async fn reassigned(
        &self,
        permitted: &Conversation,
        seen: &Visitor,
        attempt: Attempt,
    ) -> Result<Option<Conversation>, StoreError> {
        let last_agent = seen.last_agent.as_ref().map(|(agent, _)| agent.as_str());
        let is_open = seen.open_cid.as_ref() == Some(&permitted.cid);
        if attempt == Attempt::FIRST && is_open && last_agent.is_some() && last_agent == permitted.assignee() {
            return Ok(None);
        }
        let now = self.store.conversations.conversation(&permitted.cid).await?;
        let now = now.ok_or(StoreError::NotFound("conversation"))?;
        let is_robot = |conversation: &Conversation| matches!(conversation.stage, Stage::Robot(_));
        let is_same = now.is_open() && now.assignee() == permitted.assignee() && is_robot(&now) == is_robot(permitted);
        Ok((!is_same).then_some(now))
    }

    /// The result of the first request with this `Idempotency-Key`. `None` when that was this very request, whose
    /// answer was lost.
    async fn earlier_result(
        &self,
        new: &NewOutbound,
        idempotency: Option<&IdempotentRequest>,
    ) -> Result<Option<SendResult>, StoreError> {
        let idempotency = idempotency.ok_or(StoreError::Invalid("a repeated request without its key"))?;
        Ok(match self.store.decisions.earlier_request(new, idempotency).await? {
            EarlierRequest::None => None,
            EarlierRequest::KeyReused => Some(SendResult::KeyReused),
            EarlierRequest::Found { id } => {
                let message = self.store.threads.message(&new.thread, &id).await?;
                let message = message.ok_or(StoreError::NotFound("message"))?;
                Some(SendResult::Message(Box::new(message)))
            }
        })
    }

    /// Records a person's first reply. With it the agent has accepted the conversation.
    async fn mark_answered(&self, conversation: &Conversation) -> Result<(), StoreError> {
        self.retry_on_conflict(|attempt| self.try_mark_answered(conversation, attempt)).await
    }

    async fn try_mark_answered(
        &self,
        conversation: &Conversation,
        attempt: Attempt,
    ) -> Result<Attempted<()>, StoreError> {
        let seen = match attempt {
            Attempt::FIRST => Some(conversation.clone()),
            _ => self.store.conversations.conversation(&conversation.cid).await?,
        };
        let Some(seen) = seen.filter(|seen| seen.is_open() && seen.answered_at.is_none()) else {
            return Ok(Attempted::Done(()));
        };
        let now = self.store.clock.now();
        let mut after = seen.clone();
        after.answered_at = Some(now);
        after.active_at = now;
        let mut events = vec![NewEvent::new(EventKind::Answered, Value::Null)];
        if let Stage::Assigned(assigned) = &mut after.stage
            && assigned.accepted_at.is_none()
        {
            assigned.accepted_at = Some(now);
            events.insert(0, NewEvent::new(EventKind::Accepted, json!({ "agent_id": assigned.agent_id })));
        }
        let commit = Commit { before: Some(&seen), after: Some(after), events, ..Commit::default() };
        Ok(match self.store.decisions.commit(commit).await? {
            CommitOutcome::Written(_) => Attempted::Done(()),
            _ => Attempted::Conflict,
        })
    }
}
