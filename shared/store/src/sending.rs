//! How a send goes on: `pending → sending → sent | failed | unknown | held`, every arrow a conditional write.

use aws_sdk_dynamodb::types::{ReturnValue, TransactWriteItem, Update, builders::UpdateBuilder};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Result, StoreError},
    handles::Sends,
    item::{at, json, n, s},
    keys,
    message::{Message, MessageState, SendFailure},
    table::{SERVICE, Table},
    thread::Thread,
    transaction::{Transacted, built},
    visitor::Visitor,
};

/// How long a send may take. Longer than all its calls to WeChat with their timeouts; after it the sender was stopped and
/// the outcome is unknown.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The right to send one message once.
#[derive(Debug)]
pub struct Claim {
    /// The message, now `sending`.
    pub message: Message,
    owner: String,
}

/// The result of claiming a send.
#[derive(Debug)]
pub enum Claimed {
    /// The caller has the claim.
    Ours(Box<Claim>),
    /// The message is not pending, or another caller has the claim.
    Not(Box<Message>),
    /// There is no such message.
    Missing,
}

/// The outcome of a send.
#[derive(Debug, Clone)]
pub enum Settled {
    /// WeChat accepted all of it.
    Sent,
    /// Nothing was sent, or not all of it.
    Failed(SendFailure),
    /// The outcome is unknown.
    Unknown(SendFailure),
    /// Nothing was sent; to be retried from this time.
    Later(Timestamp, SendFailure),
    /// Nothing was sent; the text waits for the visitor's next message until this time.
    Held(Timestamp, SendFailure),
}

/// A change of the visitor in the same transaction: as read, and to write.
pub type VisitorChange<'a> = (&'a Visitor, &'a Visitor);

/// The result of storing an outcome.
#[derive(Debug)]
pub enum Settlement {
    /// It is stored; the message as it now is.
    Kept(Box<Message>),
    /// The claim has expired and the message became `unknown`, or it has ended otherwise.
    TooLate,
    /// Another writer has changed the visitor, or is writing the visitor or the message at this moment: read the visitor and
    /// compute the change again.
    VisitorChanged,
}

impl Sends {
    /// Claims a pending message for sending. Only one caller gets the claim.
    pub async fn claim(&self, thread: &Thread, id: &str) -> Result<Claimed> {
        let owner = uuid::Uuid::now_v7().simple().to_string();
        let lease = keys::instant(self.0.clock.now() + SENDING_LEASE);
        let answer = self
            .0
            .message_update(thread, id)
            .update_expression("SET #state = :sending, due_sk = :lease, claimed_by = :owner ADD attempts :one")
            .condition_expression("#state = :pending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":pending", s("pending"))
            .expression_attribute_values(":lease", s(lease))
            .expression_attribute_values(":owner", s(&owner))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(answer) => {
                let message = Message::read(&answer.attributes.unwrap_or_default())?;
                Ok(Claimed::Ours(Box::new(Claim { message, owner })))
            }
            // The answer to the first try of this call may have been lost: read whose claim it is. A transaction that contains
            // the message ends it or releases it.
            Err(StoreError::Conflict | StoreError::TransactionConflict) => {
                let Some(item) = self.0.get(thread.pk(), &keys::message(id), true).await? else {
                    return Ok(Claimed::Missing);
                };
                let message = Message::read(&item)?;
                let ours = item.get("claimed_by").and_then(|by| by.as_s().ok()) == Some(&owner);
                Ok(if ours && message.state == MessageState::Sending {
                    Claimed::Ours(Box::new(Claim { message, owner }))
                } else {
                    Claimed::Not(Box::new(message))
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Records that WeChat has accepted this many parts, before the next one is sent. [`StoreError::Conflict`] when the
    /// claim has expired.
    pub async fn progress(&self, claim: &Claim, parts_sent: u32) -> Result<()> {
        let answer = self
            .0
            .message_update(&claim.message.thread, &claim.message.id)
            .update_expression("SET parts_sent = :parts")
            .condition_expression("claimed_by = :owner AND #state = :sending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":parts", n(parts_sent))
            .expression_attribute_values(":owner", s(&claim.owner))
            .expression_attribute_values(":sending", s("sending"))
            .send()
            .await;
        answer.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// Stores the outcome of a send together with the visitor's reply ledger.
    pub async fn settle(
        &self,
        claim: &Claim,
        settled: &Settled,
        parts_sent: u32,
        visitor: Option<VisitorChange<'_>>,
    ) -> Result<Settlement> {
        let (state, failure, due) = match settled {
            Settled::Sent => (MessageState::Sent, None, None),
            Settled::Failed(failure) => (MessageState::Failed, Some(failure), None),
            Settled::Unknown(failure) => (MessageState::Unknown, Some(failure), None),
            Settled::Later(at, failure) => (MessageState::Pending, Some(failure), Some(*at)),
            Settled::Held(until, failure) => (MessageState::Held, Some(failure), Some(*until)),
        };
        let end = End { state, failure, due, parts_sent: Some(parts_sent) };
        let update = self.0.ending(&claim.message, &end)?;
        let update = update
            .condition_expression("claimed_by = :owner AND #state = :sending")
            .expression_attribute_values(":owner", s(&claim.owner))
            .expression_attribute_values(":sending", s("sending"));
        self.0.end(&claim.message, &end, update, visitor).await
    }

    /// Makes a send `unknown` whose sender was stopped.
    pub async fn give_up(
        &self,
        message: &Message,
        failure: &SendFailure,
        visitor: Option<VisitorChange<'_>>,
    ) -> Result<Settlement> {
        let end = End { state: MessageState::Unknown, failure: Some(failure), due: None, parts_sent: None };
        let update = self.0.ending(message, &end)?;
        let update = update
            .condition_expression("#state = :sending AND due_sk <= :due")
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":due", s(keys::instant(self.0.clock.now())));
        self.0.end(message, &end, update, visitor).await
    }

    /// Ends a held text without sending it: taken back, or (`failure`) expired.
    pub async fn end_held(
        &self,
        message: &Message,
        failure: Option<&SendFailure>,
        visitor: VisitorChange<'_>,
    ) -> Result<Settlement> {
        let state = if failure.is_some() { MessageState::Failed } else { MessageState::Cancelled };
        let end = End { state, failure, due: None, parts_sent: None };
        let update = self.0.ending(message, &end)?;
        let update = update.condition_expression("#state = :held").expression_attribute_values(":held", s("held"));
        self.0.end(message, &end, update, Some(visitor)).await
    }
}

impl Table {
    fn ending(&self, message: &Message, end: &End<'_>) -> Result<UpdateBuilder> {
        let mut set = "SET #state = :state, settled_at = :now".to_owned();
        let mut remove = " REMOVE claimed_by, failures".to_owned();
        let mut update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(message.thread.pk()))
            .key("sk", s(keys::message(&message.id)))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", s(end.state.as_str()))
            .expression_attribute_values(":now", at(self.clock.now()));
        if let Some(parts) = end.parts_sent {
            set.push_str(", parts_sent = :parts");
            update = update.expression_attribute_values(":parts", n(parts));
        }
        match end.failure {
            Some(failure) => {
                set.push_str(", failure = :failure");
                update = update.expression_attribute_values(":failure", json(failure)?);
            }
            None => remove.push_str(", failure"),
        }
        match end.due {
            Some(at) => {
                set.push_str(", due_sk = :later");
                update = update.expression_attribute_values(":later", s(keys::instant(at)));
            }
            None => remove.push_str(", due_pk, due_sk"),
        }
        Ok(update.update_expression(set + &remove))
    }

    async fn end(
        &self,
        message: &Message,
        end: &End<'_>,
        update: UpdateBuilder,
        visitor: Option<VisitorChange<'_>>,
    ) -> Result<Settlement> {
        let mut writes = vec![TransactWriteItem::builder().update(built(update.build())?).build()];
        if let Some((seen, after)) = visitor {
            writes.push(self.visitor_put(&message.thread, seen, after)?);
        }
        match self.transact_once(writes).await? {
            Transacted::Written => {
                let mut message = message.clone();
                message.state = end.state;
                message.failure = end.failure.cloned();
                message.parts_sent = end.parts_sent.unwrap_or(message.parts_sent);
                Ok(Settlement::Kept(Box::new(message)))
            }
            Transacted::ConditionFailed(0) => Ok(Settlement::TooLate),
            Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Ok(Settlement::VisitorChanged),
        }
    }

    fn message_update(
        &self,
        thread: &Thread,
        id: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.name);
        update.key("pk", s(thread.pk())).key("sk", s(keys::message(id)))
    }
}

/// The new state of a message.
struct End<'a> {
    state: MessageState,
    failure: Option<&'a SendFailure>,
    due: Option<Timestamp>,
    parts_sent: Option<u32>,
}
