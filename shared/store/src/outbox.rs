//! What goes out: `pending → sending → sent | failed | unknown`, every arrow a conditional write.

use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    error::{Result, StoreError},
    inbox::{built, cancelled_at},
    item::{Attributes, Build, Read, at, n, s},
    keys,
    message::{Author, Direction, Message, MessageState, SendFailure, Thread, outbound_id},
    table::{SERVICE, Table},
};

/// How long a pending send is left to whoever made it, before the minute tick takes it over.
pub const PENDING_GRACE: SignedDuration = SignedDuration::from_secs(30);

/// How long a send may be under way. Longer than all its calls to WeChat with their timeouts; after it, whoever
/// was sending is gone and the outcome is unknown.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long an `Idempotency-Key` is remembered.
const IDEMPOTENCY_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct NewOutbound {
    /// To whom.
    pub thread: Thread,
    /// The conversation it belongs to.
    pub cid: String,
    /// Its id; see [`NewOutbound::id`] and [`NewOutbound::reply_id`].
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// Who wrote it.
    pub author: Author,
}

impl NewOutbound {
    /// A fresh id for a message written `at` this time.
    pub fn fresh_id(at: Timestamp) -> String {
        outbound_id(at, &uuid::Uuid::now_v7().simple().to_string())
    }

    /// The id of the automatic answer to a message. It follows from that message, so that a function that is
    /// stopped and run again finds the answer it made.
    pub fn reply_id(thread: &Thread, message_id: &str, created_at: Timestamp) -> String {
        outbound_id(created_at, &keys::short_hash(&["reply", &thread.app_id, &thread.openid, message_id]))
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
            state: MessageState::Pending,
            cid: Some(self.cid.clone()),
            author: Some(self.author.clone()),
            failure: None,
            parts_sent: 0,
            attempts: 0,
        }
    }

    pub(crate) fn item(&self, now: Timestamp) -> Attributes {
        self.message(now)
            .write()
            .set("due_pk", s(keys::due_outbox(keys::shard(&self.thread.pk()))))
            .set("due_sk", s(keys::instant(now + PENDING_GRACE)))
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
    /// Puts a message down for sending, once per [`Once`].
    pub async fn put_down(&self, new: &NewOutbound, once: Option<&Once>) -> Result<PutDown> {
        let now = self.clock.now();
        let put = |item| {
            let put = Put::builder().table_name(&self.name).set_item(Some(item));
            built(put.condition_expression("attribute_not_exists(pk)").build())
        };
        let Some(once) = once else {
            return self.create(new.item(now)).await.map(|()| PutDown::New);
        };
        let pk = keys::idempotency(&keys::long_hash(&[&once.scope[0], &once.scope[1], &once.scope[2]]));
        let expires = now + IDEMPOTENCY_LIFE;
        let record = Build::new(keys::IDEMPOTENCY, pk.clone(), keys::IDEMPOTENCY)
            .set("message_id", s(&new.id))
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
        let writes = vec![
            TransactWriteItem::builder().put(built(claim.build())?).build(),
            TransactWriteItem::builder().put(put(new.item(now))?).build(),
        ];
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(PutDown::New),
            Err(error) => match cancelled_at(&error) {
                Some(_) => self.put_down_before(pk, new, once).await,
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    async fn put_down_before(&self, pk: String, new: &NewOutbound, once: &Once) -> Result<PutDown> {
        let now = self.clock.now();
        let item = self.get(pk, keys::IDEMPOTENCY, true).await?.ok_or(StoreError::Conflict)?;
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

    /// Keeps how a send ended and gives the message back as it now is. [`StoreError::Conflict`] when the claim
    /// ran out meanwhile and the message became `unknown`.
    pub async fn settle(&self, claim: &Claim, settled: &Settled, parts_sent: u32) -> Result<Message> {
        let (state, failure, retry_at) = match settled {
            Settled::Sent => (MessageState::Sent, None, None),
            Settled::Failed(failure) => (MessageState::Failed, Some(failure), None),
            Settled::Unknown(failure) => (MessageState::Unknown, Some(failure), None),
            Settled::Later(at, failure) => (MessageState::Pending, Some(failure), Some(*at)),
        };
        let mut set = "SET #state = :state, parts_sent = :parts, settled_at = :now".to_owned();
        let mut remove = " REMOVE claimed_by".to_owned();
        let mut update = self
            .message_update(&claim.message.thread, &claim.message.id)
            .condition_expression("claimed_by = :owner AND #state = :sending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", s(state.as_str()))
            .expression_attribute_values(":parts", n(parts_sent))
            .expression_attribute_values(":now", at(self.clock.now()))
            .expression_attribute_values(":owner", s(&claim.owner))
            .expression_attribute_values(":sending", s("sending"));
        match failure {
            Some(failure) => {
                let text = serde_json::to_string(failure).map_err(|_| StoreError::Conflict)?;
                set.push_str(", failure = :failure");
                update = update.expression_attribute_values(":failure", s(text));
            }
            None => remove.push_str(", failure"),
        }
        match retry_at {
            Some(at) => {
                set.push_str(", due_sk = :later");
                update = update.expression_attribute_values(":later", s(keys::instant(at)));
            }
            None => remove.push_str(", due_pk, due_sk"),
        }
        let answer = update.update_expression(set + &remove).return_values(ReturnValue::AllNew).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        Message::read(&answer.attributes.unwrap_or_default())
    }

    /// Makes a send `unknown` whose sender is gone. Nothing happens when it has ended meanwhile.
    pub async fn give_up(&self, message: &Message, failure: &SendFailure) -> Result<()> {
        let now = self.clock.now();
        let text = serde_json::to_string(failure).map_err(|_| StoreError::Conflict)?;
        let answer = self
            .message_update(&message.thread, &message.id)
            .update_expression(
                "SET #state = :unknown, failure = :failure, settled_at = :at REMOVE due_pk, due_sk, claimed_by",
            )
            .condition_expression("#state = :sending AND due_sk <= :now")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":unknown", s("unknown"))
            .expression_attribute_values(":sending", s("sending"))
            .expression_attribute_values(":failure", s(text))
            .expression_attribute_values(":at", at(now))
            .expression_attribute_values(":now", s(keys::instant(now)))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
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
