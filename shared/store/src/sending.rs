//! How a send goes on: `pending → sending → sent | failed | unknown | held`, every arrow a conditional write.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{ReturnValue, TransactWriteItem, Update, builders::UpdateBuilder},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Result, StoreError},
    handles::Sends,
    item::{Attributes, at, json, n, s},
    keys,
    message::{Message, MessageState, SendFailure},
    outbox::PENDING_GRACE,
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
    /// Nothing was sent, or not all of it, and the rest will not be.
    Failed(SendFailure),
    /// The outcome is unknown.
    Unknown(SendFailure),
    /// Nothing was sent; to be retried from this time.
    Later(Timestamp, SendFailure),
    /// Nothing was sent, or not all of it; the rest of the text waits for the visitor's next message until this time.
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
    /// Another writer has changed the visitor, or is writing the visitor or the message at this moment: read the visitor, if
    /// that changes too, compute its change again, and try again.
    VisitorChanged,
}

/// The time in the index `due` of a message that is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DueTime {
    /// Stays as [`NewOutbound`](crate::NewOutbound) set it, which must be after the end of the claim. The claim writes no index.
    Kept,
    /// Becomes the end of the claim.
    Moved,
}

impl Sends {
    /// Claims a pending message for sending. Only one caller gets the claim. For the function that has just written the
    /// message; [`claim_due`](Self::claim_due) saves requests where the message is due.
    pub async fn claim(&self, thread: &Thread, id: &str) -> Result<Claimed> {
        let owner = fresh_owner();
        match self.try_claim(thread, id, &owner, DueTime::Kept).await? {
            // It is due before the claim would end.
            Claimed::Not(message) if message.state == MessageState::Pending => {
                self.try_claim(thread, id, &owner, DueTime::Moved).await
            }
            claimed => Ok(claimed),
        }
    }

    /// The same for a message that is due: its writer has stopped, or an earlier attempt has failed.
    pub async fn claim_due(&self, thread: &Thread, id: &str) -> Result<Claimed> {
        self.try_claim(thread, id, &fresh_owner(), DueTime::Moved).await
    }

    async fn try_claim(&self, thread: &Thread, id: &str, owner: &str, due: DueTime) -> Result<Claimed> {
        let now = self.0.clock.now();
        let update = self.0.message_update(thread, id);
        let update = match due {
            // Not later than that of a new message either, so that a claim whose function stopped is found in time.
            DueTime::Kept => update
                .update_expression("SET #state = :sending, claimed_by = :owner ADD attempts :one")
                .condition_expression("#state = :pending AND due_sk BETWEEN :lease AND :grace")
                .expression_attribute_values(":grace", s(keys::instant(now + PENDING_GRACE))),
            DueTime::Moved => update
                .update_expression("SET #state = :sending, claimed_by = :owner, due_sk = :lease ADD attempts :one")
                .condition_expression("#state = :pending"),
        };
        let answer = update
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":pending", s("pending"))
            .expression_attribute_values(":lease", s(keys::instant(now + SENDING_LEASE)))
            .expression_attribute_values(":owner", s(owner))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let ours = |message| Claimed::Ours(Box::new(Claim { message, owner: owner.to_owned() }));
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(answer) => Message::read(&answer.attributes.unwrap_or_default()).map(ours),
            // The answer to the first try of this call may have been lost: read whose claim it is. A transaction that contains
            // the message ends it or releases it.
            Err(StoreError::Conflict | StoreError::TransactionConflict) => {
                let Some(item) = self.0.get(thread.pk(), &keys::message(id), true).await? else {
                    return Ok(Claimed::Missing);
                };
                let message = Message::read(&item)?;
                let is_ours = message.state == MessageState::Sending && is_claimed_by(&item, owner);
                Ok(if is_ours { ours(message) } else { Claimed::Not(Box::new(message)) })
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

    /// Stores the outcome of a send, together with the visitor if the outcome changes the visitor.
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
        let (parts_sent, owner) = (Some(parts_sent), Some(claim.owner.as_str()));
        let end = End { state, failure, due, parts_sent, owner, at: self.0.clock.now() };
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
        let end = End { failure: Some(failure), ..End::new(MessageState::Unknown, self.0.clock.now()) };
        let update = self.0.ending(message, &end)?;
        let update = update
            .condition_expression("#state = :sending AND due_sk <= :due")
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":due", s(keys::instant(end.at)));
        self.0.end(message, &end, update, visitor).await
    }

    /// Ends a held text without sending it, or its rest: `Cancelled` if it was taken back, `Failed` if it has expired.
    pub async fn end_held(
        &self,
        message: &Message,
        state: MessageState,
        failure: Option<&SendFailure>,
        visitor: VisitorChange<'_>,
    ) -> Result<Settlement> {
        let end = End { failure, ..End::new(state, self.0.clock.now()) };
        let update = self.0.ending(message, &end)?;
        let update = update.condition_expression("#state = :held").expression_attribute_values(":held", s("held"));
        self.0.end(message, &end, update, Some(visitor)).await
    }
}

impl Table {
    fn ending(&self, message: &Message, end: &End<'_>) -> Result<UpdateBuilder> {
        let mut set = "SET #state = :state, settled_at = :now".to_owned();
        // The last claim stays, so that a write whose answer was lost is recognised.
        let mut remove = " REMOVE failures".to_owned();
        let mut update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(message.thread.pk()))
            .key("sk", s(keys::message(&message.id)))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", s(end.state.as_str()))
            .expression_attribute_values(":now", at(end.at));
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
        let update = built(update.build())?;
        let Some((seen, after)) = visitor else {
            return self.end_message(message, end, update).await;
        };
        let update = TransactWriteItem::builder().update(update).build();
        let visitor = self.visitor_put(&message.thread, seen, after)?;
        Ok(match self.transact_once(vec![update, visitor]).await? {
            Transacted::Written => Settlement::Kept(Box::new(end.of(message))),
            Transacted::ConditionFailed(0) => Settlement::TooLate,
            Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Settlement::VisitorChanged,
        })
    }

    /// A single write needs no transaction, which costs twice as much (DynamoDB, "Capacity consumption for transactions").
    async fn end_message(&self, message: &Message, end: &End<'_>, update: Update) -> Result<Settlement> {
        let answer = self
            .client
            .update_item()
            .table_name(update.table_name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values)
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(Settlement::Kept(Box::new(end.of(message)))),
            // The answer to the first try of this call may have been lost: read whose write it was.
            Err(StoreError::Conflict) => {
                let item = self.get(message.thread.pk(), &keys::message(&message.id), true).await?;
                let Some(item) = item.filter(|item| end.owner.is_some_and(|owner| is_claimed_by(item, owner))) else {
                    return Ok(Settlement::TooLate);
                };
                let stored = Message::read(&item)?;
                let is_written = stored.state == end.state && Some(stored.parts_sent) == end.parts_sent;
                Ok(if is_written { Settlement::Kept(Box::new(stored)) } else { Settlement::TooLate })
            }
            Err(StoreError::TransactionConflict) => Ok(Settlement::VisitorChanged),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn message_update(&self, thread: &Thread, id: &str) -> UpdateItemFluentBuilder {
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
    /// The owner of the claim that it ends.
    owner: Option<&'a str>,
    at: Timestamp,
}

impl End<'_> {
    fn new(state: MessageState, at: Timestamp) -> Self {
        Self { state, failure: None, due: None, parts_sent: None, owner: None, at }
    }

    /// The message with its new state.
    fn of(&self, message: &Message) -> Message {
        Message {
            state: self.state,
            failure: self.failure.cloned(),
            held_until: self.due.filter(|_| self.state == MessageState::Held),
            parts_sent: self.parts_sent.unwrap_or(message.parts_sent),
            settled_at: Some(self.at),
            ..message.clone()
        }
    }
}

fn fresh_owner() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

fn is_claimed_by(item: &Attributes, owner: &str) -> bool {
    item.get("claimed_by").and_then(|by| by.as_s().ok()).is_some_and(|by| by == owner)
}
