//! What came in: one conditional write on the way in, one transaction when it is processed.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    item::{Attributes, Read, at, n, s},
    keys,
    message::{Direction, Message, MessageState, Thread, inbound_id},
    outbox::NewOutbound,
    table::{SERVICE, Table},
};

/// After this long an unprocessed message is taken up by the minute tick: the stream had its chance.
pub const LEFT_BEHIND: SignedDuration = SignedDuration::from_secs(60);

/// A push from WeChat, as far as the table is concerned.
#[derive(Debug)]
pub struct NewInbound {
    /// Whose message.
    pub thread: Thread,
    /// WeChat's CreateTime, in seconds since 1970.
    pub create_time: i64,
    /// What tells this message from every other of the thread in the same second.
    pub identity: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept.
    Stored,
    /// It was kept before; nothing changed.
    Duplicate,
}

/// A message that waits for reception.
#[derive(Debug, Clone)]
pub struct InboundRef {
    /// Whose message.
    pub thread: Thread,
    /// Which message.
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// WeChat's CreateTime.
    pub created_at: Timestamp,
}

impl InboundRef {
    /// The message in a record of the table's stream. `None` when the image is not one of an inbound message.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if attribute("kind") != Some("inbound") {
            return None;
        }
        Some(Self {
            thread: Thread::new(attribute("app_id")?, attribute("openid")?),
            id: attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned(),
            kind: attribute("type")?.to_owned(),
            content: serde_json::from_str(attribute("content")?).ok()?,
            created_at: Timestamp::from_millisecond(attribute("created_at")?.parse().ok()?).ok()?,
        })
    }

    fn read(item: &Attributes) -> Result<Self> {
        let message = Message::read(item)?;
        Ok(Self {
            thread: message.thread,
            id: message.id,
            kind: message.kind,
            content: message.content,
            created_at: message.created_at,
        })
    }
}

/// What reception has decided about one message, to be applied at once or not at all.
#[derive(Debug)]
pub struct Step<'a> {
    /// The message.
    pub message: &'a InboundRef,
    /// The conversation it belongs to; `None` for what opens none, such as an event.
    pub conversation: Option<StepConversation<'a>>,
    /// What to answer; reception sends it after the step is applied.
    pub reply: Option<NewOutbound>,
}

/// Which conversation a message belongs to.
#[derive(Debug)]
pub enum StepConversation<'a> {
    /// It opens this one.
    Open(&'a str),
    /// It belongs to this one, which is open.
    Join(&'a str),
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is applied now.
    Now,
    /// The message was processed before; nothing changed.
    Before,
}

impl Table {
    /// Keeps a push. One conditional write whose key is the message's own identity: dedup, persistence and
    /// outbox at once.
    pub async fn receive(&self, new: &NewInbound) -> Result<Receipt> {
        let now = self.clock.now();
        let message = Message {
            id: inbound_id(new.create_time, &new.identity),
            thread: new.thread.clone(),
            direction: Direction::In,
            kind: new.kind.clone(),
            content: new.content.clone(),
            created_at: Timestamp::from_second(new.create_time).unwrap_or(now),
            state: MessageState::Received,
            cid: None,
            author: None,
            failure: None,
            parts_sent: 0,
            attempts: 0,
        };
        let item = message
            .write()
            .set("received_at", at(now))
            .set("due_pk", s(keys::due_inbox(keys::shard(&new.thread.pk()))))
            .set("due_sk", s(keys::instant(now + LEFT_BEHIND)))
            .done();
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = put.condition_expression("attribute_not_exists(pk)").send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(Receipt::Stored),
            Err(StoreError::Conflict) => Ok(Receipt::Duplicate),
            Err(error) => Err(error),
        }
    }

    /// Applies a step: the message is processed, its conversation opened or carried on, the reply put down.
    ///
    /// [`StoreError::Conflict`] when the conversation is not as the decision assumed: decide again.
    pub async fn apply(&self, step: &Step<'_>) -> Result<Applied> {
        match (self.try_apply(step, false).await, &step.conversation) {
            // The message may have come late, and sort before the first that the conversation knows of.
            (Err(StoreError::Conflict), Some(StepConversation::Join(_))) => self.try_apply(step, true).await,
            (applied, _) => applied,
        }
    }

    async fn try_apply(&self, step: &Step<'_>, late: bool) -> Result<Applied> {
        let now = self.clock.now();
        let mut writes = vec![self.processed(step)?, self.visitor_step(step, now)?];
        writes.extend(self.conversation_step(step, late, now)?);
        if let Some(reply) = &step.reply {
            let put = Put::builder()
                .table_name(&self.name)
                .set_item(Some(reply.item(now)))
                .condition_expression("attribute_not_exists(pk)");
            writes.push(TransactWriteItem::builder().put(built(put.build())?).build());
        }
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Applied::Now),
            Err(error) => match cancelled_at(&error) {
                Some(0) => Ok(Applied::Before),
                Some(_) => Err(StoreError::Conflict),
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// Messages that no stream record has brought to an end, the oldest of one shard first.
    pub async fn left_behind(&self, shard: u8, limit: i32) -> Result<Vec<InboundRef>> {
        self.due_items(&keys::due_inbox(shard), limit, InboundRef::read).await
    }

    /// Puts a message off that could not be processed, so that one poisoned message does not use up every tick.
    /// It doubles from a minute to an hour.
    pub async fn put_off(&self, message: &InboundRef) -> Result<()> {
        let item = self.get(message.thread.pk(), &keys::message(&message.id), true).await?;
        let attempts = item.as_ref().and_then(|item| Read { kind: "message", item }.opt_n::<u32>("attempts"));
        let attempts = attempts.unwrap_or(0).saturating_add(1);
        let minutes = 1_i64 << (attempts - 1).min(6);
        let later = self.clock.now() + SignedDuration::from_mins(minutes.min(60));
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(message.thread.pk()))
            .key("sk", s(keys::message(&message.id)))
            .update_expression("SET due_sk = :later, attempts = :attempts")
            .condition_expression("attribute_exists(due_pk)")
            .expression_attribute_values(":later", s(keys::instant(later)))
            .expression_attribute_values(":attempts", n(attempts))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn processed(&self, step: &Step<'_>) -> Result<TransactWriteItem> {
        let cid = step.conversation.as_ref().map(StepConversation::cid);
        let set = if cid.is_some() { "SET cid = :cid " } else { "" };
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(step.message.thread.pk()))
            .key("sk", s(keys::message(&step.message.id)))
            .update_expression(format!("{set}REMOVE due_pk, due_sk, attempts"))
            .condition_expression("attribute_exists(due_pk)")
            .set_expression_attribute_values(cid.map(|cid| Attributes::from([(":cid".to_owned(), s(cid))])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        Ok(TransactWriteItem::builder().update(built(update.build())?).build())
    }

    fn visitor_step(&self, step: &Step<'_>, now: Timestamp) -> Result<TransactWriteItem> {
        let thread = &step.message.thread;
        let mut set = "SET kind = :kind, app_id = :app, openid = :openid, uid = :uid, \
                       first_seen_at = if_not_exists(first_seen_at, :now), last_seen_at = :now"
            .to_owned();
        let mut update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(thread.pk()))
            .key("sk", s(keys::VISITOR))
            .expression_attribute_values(":kind", s(keys::VISITOR))
            .expression_attribute_values(":app", s(&thread.app_id))
            .expression_attribute_values(":openid", s(&thread.openid))
            .expression_attribute_values(":uid", s(thread.uid()))
            .expression_attribute_values(":now", at(now));
        if let Some(session_from) = step.message.content.get("session_from").and_then(Value::as_str) {
            set.push_str(", session_from = :from, session_from_at = :now");
            update = update.expression_attribute_values(":from", s(session_from));
        }
        match &step.conversation {
            Some(StepConversation::Open(cid)) => {
                set.push_str(", open_cid = :cid");
                update = update
                    .expression_attribute_values(":cid", s(*cid))
                    .condition_expression("attribute_not_exists(open_cid)");
            }
            Some(StepConversation::Join(cid)) => {
                update = update.expression_attribute_values(":cid", s(*cid)).condition_expression("open_cid = :cid");
            }
            None => {}
        }
        Ok(TransactWriteItem::builder().update(built(update.update_expression(set).build())?).build())
    }

    /// `late`: the message becomes the conversation's first, which bounds where its messages lie in the thread.
    fn conversation_step(&self, step: &Step<'_>, late: bool, now: Timestamp) -> Result<Option<TransactWriteItem>> {
        let message = step.message;
        Ok(match &step.conversation {
            None => None,
            Some(StepConversation::Open(cid)) => {
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(Conversation::opened(cid, message, now)))
                    .condition_expression("attribute_not_exists(pk)");
                Some(TransactWriteItem::builder().put(built(put.build())?).build())
            }
            Some(StepConversation::Join(cid)) => {
                let (set, order) = if late {
                    ("SET first_message = :id ADD seq :one", "first_message > :id")
                } else {
                    ("SET last_message_at = :at ADD seq :one", "first_message <= :id")
                };
                let mut update = Update::builder()
                    .table_name(&self.name)
                    .key("pk", s(keys::conversation(cid)))
                    .key("sk", s(keys::CONVERSATION))
                    .update_expression(set)
                    .condition_expression(format!("#state = :open AND {order}"))
                    .expression_attribute_names("#state", "state")
                    .expression_attribute_values(":id", s(&message.id))
                    .expression_attribute_values(":one", n(1))
                    .expression_attribute_values(":open", s("open"));
                if !late {
                    update = update.expression_attribute_values(":at", at(message.created_at));
                }
                Some(TransactWriteItem::builder().update(built(update.build())?).build())
            }
        })
    }
}

impl StepConversation<'_> {
    fn cid(&self) -> &str {
        match self {
            Self::Open(cid) | Self::Join(cid) => cid,
        }
    }
}

/// The SDK's builders fail only when a required field was left out, which no input can cause.
pub(crate) fn built<T, E>(write: std::result::Result<T, E>) -> Result<T> {
    write.map_err(|_| StoreError::Conflict)
}

/// Which write of a cancelled transaction failed its condition. A conflict with another transaction counts as
/// the last, so that the caller decides again.
pub(crate) fn cancelled_at<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<usize> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.as_service_error()? else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let failed = |code: &str| reasons.iter().position(|reason| reason.code() == Some(code));
    failed("ConditionalCheckFailed").or_else(|| failed("TransactionConflict").map(|_| usize::MAX))
}
