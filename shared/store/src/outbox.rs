//! What goes out: `pending → sending → sent | failed | unknown | held`, every arrow a conditional write.

use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem, Update, builders::UpdateBuilder};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    commit::IDEMPOTENCY_LIFE,
    error::{Result, StoreError},
    inbox::{built, cancelled_at},
    item::{Attributes, Build, Read, at, json, n, s},
    keys,
    message::{Author, Direction, Message, MessageState, SendFailure, Thread, outbound_id},
    table::{SERVICE, Table},
    visitor::Visitor,
};

/// How long a pending send is left to whoever made it, before the minute tick takes it over.
pub const PENDING_GRACE: SignedDuration = SignedDuration::from_secs(30);

/// How long a send may be under way. Longer than all its calls to WeChat with their timeouts; after it, whoever
/// was sending is gone and the outcome is unknown.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct NewOutbound {
    /// To whom.
    pub thread: Thread,
    /// The conversation it belongs to; none for a greeting before there is one.
    pub cid: Option<String>,
    /// Its id; see [`NewOutbound::fresh_id`] and [`NewOutbound::said_id`].
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// Who wrote it.
    pub author: Author,
    /// Whether a model has made it.
    pub ai: bool,
    /// Why WeChat would not take it now, and until when it waits for the visitor's next message.
    pub held: Option<(SendFailure, Timestamp)>,
}

impl NewOutbound {
    /// A fresh id for a message written `at` this time.
    pub fn fresh_id(at: Timestamp) -> String {
        outbound_id(at, &uuid::Uuid::now_v7().simple().to_string())
    }

    /// The id of something that is said by itself. It follows from what it is said for, so that a function that is
    /// stopped and run again finds what it made. `order` sorts what is said for the same thing.
    pub fn said_id(order: usize, what: &str, thread: &Thread, because_of: &str, at: Timestamp) -> String {
        let hash = keys::short_hash(&[what, &thread.app_id, &thread.openid, because_of]);
        outbound_id(at, &format!("{}{hash}", order.min(9)))
    }

    /// The message as it is when it is put down at this time.
    pub fn message(&self, now: Timestamp) -> Message {
        Message {
            id: self.id.clone(),
            thread: self.thread.clone(),
            direction: Direction::Out,
            kind: self.kind.clone(),
            content: self.content.clone(),
            created_at: now,
            state: if self.held.is_some() { MessageState::Held } else { MessageState::Pending },
            cid: self.cid.clone(),
            author: Some(self.author.clone()),
            failure: self.held.as_ref().map(|(failure, _)| failure.clone()),
            ai: self.ai,
            released_as: None,
            parts_sent: 0,
            attempts: 0,
        }
    }

    pub(crate) fn item(&self, now: Timestamp) -> Attributes {
        let due = self.held.as_ref().map_or(now + PENDING_GRACE, |(_, until)| *until);
        self.message(now)
            .write()
            .set("due_pk", s(keys::due_outbox(keys::shard(&self.thread.pk()))))
            .set("due_sk", s(keys::instant(due)))
            .done()
    }
}

/// A send in a record of the table's stream.
#[derive(Debug, Clone)]
pub struct OutboundRef {
    /// To whom.
    pub thread: Thread,
    /// Which message.
    pub id: String,
    /// From when on whoever made it is taken to have left it behind.
    pub overdue_at: Timestamp,
}

impl OutboundRef {
    /// The pending send in a stream image; `None` when it is not one.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if attribute("kind") != Some("outbound") || attribute("state") != Some("pending") {
            return None;
        }
        Some(Self {
            thread: Thread::new(attribute("app_id")?, attribute("openid")?),
            id: attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned(),
            overdue_at: Timestamp::from_millisecond(attribute("due_sk")?.parse().ok()?).ok()?,
        })
    }
}

/// The right to send one message once.
#[derive(Debug)]
pub struct Claim {
    /// The message, now `sending`.
    pub message: Message,
    owner: String,
}

/// What became of an attempt to claim a send.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours to send.
    Ours(Box<Claim>),
    /// It is in this state, and not ours to send.
    Not(Box<Message>),
    /// There is no such message.
    Missing,
}

/// How a send ended.
#[derive(Debug, Clone)]
pub enum Settled {
    /// WeChat took all of it.
    Sent,
    /// It definitely did not go out, or not all of it.
    Failed(SendFailure),
    /// Nobody knows.
    Unknown(SendFailure),
    /// Nothing went out; to be tried again from this time.
    Later(Timestamp, SendFailure),
    /// Nothing went out; it waits for the visitor's next message until this time.
    Held(Timestamp, SendFailure),
}

/// A change that goes with the visitor it concerns: as read, and as they shall be.
pub type VisitorChange<'a> = (&'a Visitor, &'a Visitor);

/// What became of an attempt to keep how a send ended.
#[derive(Debug)]
pub enum Settlement {
    /// It is kept; the message as it now is.
    Kept(Box<Message>),
    /// The claim ran out meanwhile and the message became `unknown`, or it has ended otherwise.
    TooLate,
    /// Somebody else has changed the visitor meanwhile: read again, reckon again.
    VisitorChanged,
}

/// A request that asked to be carried out once only.
#[derive(Debug, Clone)]
pub struct Once {
    /// Who asked and for what: caller, route and the `Idempotency-Key`.
    pub scope: [String; 3],
    /// Hash of the request's content; the same key with other content is a mistake.
    pub fingerprint: String,
}

/// What became of a message that was put down for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutDown {
    /// It is pending now.
    New,
    /// The same request put this message down before.
    Before {
        /// The thread's message that the first request made.
        id: String,
    },
    /// Another request used the key.
    KeyReused,
}

impl Table {
    pub(crate) fn once_write(&self, once: &Once, message_id: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let expires = now + IDEMPOTENCY_LIFE;
        let record = Build::new(keys::IDEMPOTENCY, idempotency(once), keys::IDEMPOTENCY)
            .set("message_id", s(message_id))
            .set("fingerprint", s(&once.fingerprint))
            .set("expires_at", at(expires))
            .set("ttl", n(expires.as_second()))
            .done();
        let claim = Put::builder()
            .table_name(&self.name)
            .set_item(Some(record))
            // TTL deletes late, so the record's own end decides (DynamoDB, "Using time to live").
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", at(now));
        Ok(TransactWriteItem::builder().put(built(claim.build())?).build())
    }

    /// What an earlier request with this [`Once`] made, after a commit has found that there was one.
    pub async fn put_down_before(&self, new: &NewOutbound, once: &Once) -> Result<PutDown> {
        let now = self.clock.now();
        let item = self.get(idempotency(once), keys::IDEMPOTENCY, true).await?.ok_or(StoreError::Conflict)?;
        let read = Read { kind: keys::IDEMPOTENCY, item: &item };
        if read.at("expires_at")? <= now {
            return Err(StoreError::Conflict);
        }
        if read.s("fingerprint")? != once.fingerprint {
            return Ok(PutDown::KeyReused);
        }
        // The answer to the first try of this very call may have been lost.
        match read.owned("message_id")? {
            id if id == new.id => Ok(PutDown::New),
            id => Ok(PutDown::Before { id }),
        }
    }

    /// Takes a pending message for sending. Only one caller ever gets it.
    pub async fn claim(&self, thread: &Thread, id: &str) -> Result<Claimed> {
        let owner = uuid::Uuid::now_v7().simple().to_string();
        let lease = keys::instant(self.clock.now() + SENDING_LEASE);
        let answer = self
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
            // The answer to the first try of this very call may have been lost, so look whose claim it is.
            Err(StoreError::Conflict) => {
                let Some(item) = self.get(thread.pk(), &keys::message(id), true).await? else {
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

    /// Notes that WeChat has taken this many parts, before the next one goes out.
    pub async fn progress(&self, claim: &Claim, parts_sent: u32) -> Result<()> {
        let answer = self
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

    /// Keeps how a send ended, together with what it means for the visitor's replies.
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
        let update = self.ending(&claim.message, &end)?;
        let update = update
            .condition_expression("claimed_by = :owner AND #state = :sending")
            .expression_attribute_values(":owner", s(&claim.owner))
            .expression_attribute_values(":sending", s("sending"));
        self.end(&claim.message, &end, update, visitor).await
    }

    /// Makes a send `unknown` whose sender is gone.
    pub async fn give_up(
        &self,
        message: &Message,
        failure: &SendFailure,
        visitor: Option<VisitorChange<'_>>,
    ) -> Result<Settlement> {
        let end = End { state: MessageState::Unknown, failure: Some(failure), due: None, parts_sent: None };
        let update = self.ending(message, &end)?;
        let update = update
            .condition_expression("#state = :sending AND due_sk <= :due")
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":due", s(keys::instant(self.clock.now())));
        self.end(message, &end, update, visitor).await
    }

    /// Ends the waiting of a held text without sending it: taken back by somebody, or (`failure`) waited too long.
    pub async fn end_held(
        &self,
        message: &Message,
        failure: Option<&SendFailure>,
        visitor: VisitorChange<'_>,
    ) -> Result<Settlement> {
        let state = if failure.is_some() { MessageState::Failed } else { MessageState::Cancelled };
        let end = End { state, failure, due: None, parts_sent: None };
        let update = self.ending(message, &end)?;
        let update = update.condition_expression("#state = :held").expression_attribute_values(":held", s("held"));
        self.end(message, &end, update, Some(visitor)).await
    }

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
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => {
                let mut message = message.clone();
                message.state = end.state;
                message.failure = end.failure.cloned();
                message.parts_sent = end.parts_sent.unwrap_or(message.parts_sent);
                Ok(Settlement::Kept(Box::new(message)))
            }
            Err(error) => match cancelled_at(&error) {
                Some(0) => Ok(Settlement::TooLate),
                Some(_) => Ok(Settlement::VisitorChanged),
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// Sends of one shard that were left behind, the oldest first: still pending after their grace or their
    /// retry time, or sending after their lease.
    pub async fn overdue_sends(&self, shard: u8, limit: i32) -> Result<Vec<Message>> {
        self.due_items(&keys::due_outbox(shard), limit, Message::read).await
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

/// How a message ends, or goes on waiting.
struct End<'a> {
    state: MessageState,
    failure: Option<&'a SendFailure>,
    due: Option<Timestamp>,
    parts_sent: Option<u32>,
}

fn idempotency(once: &Once) -> String {
    keys::idempotency(&keys::long_hash(&[&once.scope[0], &once.scope[1], &once.scope[2]]))
}
