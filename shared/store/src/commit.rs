//! A decision about a conversation, written in one transaction.
//!
//! The caller has read a visitor and a conversation and passes their new state. The transaction requires that both are
//! unchanged since, and includes everything that follows from the change: the queue's entry, the agent's load, the events,
//! the sends. So a conversation never has two agents, and never waits in a queue while it is assigned.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use desk::limits::Ignored;
use jiff::Timestamp;

use crate::{
    audit::NewAudit,
    conversation::{Conversation, Waiting},
    error::{Result, StoreError},
    event::NewEvent,
    handles::Decisions,
    idempotency::IdempotentRequest,
    inbox::InboundRef,
    item::{Attributes, at, n, s},
    keys,
    outbox::NewOutbound,
    queue::{self, Queue},
    queue_watch::{QueueLimit, arrival_write, departure_write},
    table::{SERVICE, Table},
    thread::Thread,
    transaction::{Transacted, built},
    visitor::Visitor,
};

/// A decision to write.
#[derive(Debug, Default)]
pub struct Commit<'a> {
    /// The message that the decision processes.
    pub message: Option<&'a InboundRef>,
    /// That nothing follows from the message.
    pub ignored: Option<IgnoredMessage>,
    /// The visitor's thread, the visitor as read, and the visitor to write.
    pub visitor: Option<(&'a Thread, &'a Visitor, Visitor)>,
    /// The conversation as read; `None` when the decision opens one, or concerns none.
    pub before: Option<&'a Conversation>,
    /// The conversation to write.
    pub after: Option<Conversation>,
    /// The conversation's new events.
    pub events: Vec<NewEvent>,
    /// Messages to send once the transaction has succeeded.
    pub sends: Vec<NewOutbound>,
    /// Held texts that are released by one of the sends, with its id.
    pub released: Vec<(String, String)>,
    /// How an agent is assigned, if one is.
    pub assign: Assign,
    /// The limit of the queue that the conversation joins, if it joins one.
    pub queue_limit: Option<QueueLimit>,
    /// The request's `Idempotency-Key`, if it has one.
    pub idempotency: Option<&'a IdempotentRequest>,
    /// The entry of the audit log, where a person changes a conversation that they do not have.
    pub audit: Option<Box<NewAudit>>,
}

/// A visitor's message from which nothing follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredMessage {
    /// Why.
    pub reason: Ignored,
    /// The visitor's open conversation, which shows it. The transaction writes it only if it has events.
    pub cid: Option<String>,
}

/// The condition under which an agent is assigned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Assign {
    /// Automatic: to an agent who is online and has room.
    Auto {
        /// The greatest load at which the agent still gets the conversation: the load that the rule has read.
        at_most: Option<u32>,
    },
    /// Manual: to an agent who has room and is not offline.
    #[default]
    Manual,
}

/// The result of a commit.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one is made for each decision and taken apart at once")]
pub enum CommitOutcome {
    /// The decision is written. Contains the conversation as stored.
    Written(Option<Conversation>),
    /// The message was processed before; nothing changed.
    AlreadyProcessed,
    /// Another writer has changed one of the items, or is writing it at this moment, or the queue is full; read again and
    /// decide again.
    Conflict,
    /// The agent is at capacity or not available, or another transaction is assigning a conversation to the agent at this
    /// moment. Read again: the agent may have capacity for both.
    AgentUnavailable,
    /// An earlier request used the `Idempotency-Key`; see [`Decisions::earlier_request`].
    DuplicateRequest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Message,
    Idempotency,
    Agent,
    /// The number of entries of a queue.
    Watch,
    Other,
}

pub(crate) type Writes = Vec<(Part, TransactWriteItem)>;

/// The conditions of a change of the stage.
#[derive(Clone, Copy)]
pub(crate) struct StageTerms {
    assign: Assign,
    pub(crate) queue_limit: Option<QueueLimit>,
    pub(crate) now: Timestamp,
}

impl Decisions {
    /// Writes a decision.
    pub async fn commit(&self, commit: Commit<'_>) -> Result<CommitOutcome> {
        let now = self.0.clock.now();
        let mut writes: Writes = Vec::new();
        let mut after = commit.after.clone();
        let mut sets_timer = false;
        if let Some(after) = &mut after {
            after.seq = commit.before.map_or(0, |before| before.seq) + commit.events.len() as u64;
            after.version = commit.before.map_or(0, |before| before.version) + 1;
            after.in_duty = after.is_in_duty(commit.before);
            sets_timer = after.sets_timer(commit.before, now);
        }
        if let Some(message) = commit.message {
            writes.push((Part::Message, self.0.processed(message, after.as_ref(), commit.ignored.as_ref())?));
        }
        if let Some(idempotency) = commit.idempotency {
            let id = commit.sends.first().map(|send| send.id.as_str()).unwrap_or_default();
            writes.push((Part::Idempotency, self.0.idempotency_write(idempotency, id, now)?));
        }
        if let Some((thread, seen, visitor)) = &commit.visitor {
            let mut visitor = visitor.clone();
            // Only the function that processes messages may write links to persons.
            let may_renew = commit.message.is_some();
            self.0.person_writes(&mut writes, thread, seen, &mut visitor, now, may_renew)?;
            writes.push((Part::Other, self.0.visitor_put(thread, seen, &visitor)?));
        }
        if let Some(after) = &after {
            self.0.conversation_writes(&mut writes, &commit, after, sets_timer, now)?;
        }
        self.0.send_writes(&mut writes, &commit, now)?;
        if let Some(audit) = &commit.audit {
            writes.push((Part::Other, self.0.audit_write(audit)?));
        }
        for (held, by) in &commit.released {
            let thread = commit.visitor.as_ref().map(|(thread, ..)| *thread);
            let thread = thread.ok_or(StoreError::Invalid("released texts without their visitor"))?;
            writes.push((Part::Other, self.0.release_write(thread, held, by, now)?));
        }
        let (parts, mut writes): (Vec<Part>, Vec<TransactWriteItem>) = writes.into_iter().unzip();
        if parts == [Part::Other]
            && let Some(put) = writes.first_mut().and_then(|write| write.put.take())
        {
            return self.0.commit_one(put, after).await;
        }
        let is_watch = |place: usize| parts.get(place) == Some(&Part::Watch);
        Ok(match self.0.transact_past_counters(writes, is_watch).await? {
            Transacted::Written => CommitOutcome::Written(after),
            Transacted::ConditionFailed(place) => match parts.get(place) {
                Some(Part::Message) => CommitOutcome::AlreadyProcessed,
                Some(Part::Idempotency) => CommitOutcome::DuplicateRequest,
                Some(Part::Agent) => CommitOutcome::AgentUnavailable,
                Some(Part::Watch | Part::Other) | None => CommitOutcome::Conflict,
            },
            // Another transaction is assigning a conversation to the agent at this moment.
            Transacted::InConflict(places) if places.iter().any(|place| parts.get(*place) == Some(&Part::Agent)) => {
                CommitOutcome::AgentUnavailable
            }
            Transacted::InConflict(_) => CommitOutcome::Conflict,
        })
    }
}

impl Table {
    /// A single write needs no transaction, which costs twice as much (DynamoDB, "Capacity consumption for transactions").
    async fn commit_one(&self, put: Put, after: Option<Conversation>) -> Result<CommitOutcome> {
        let request = self
            .client
            .put_item()
            .table_name(put.table_name)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(put.expression_attribute_values);
        match request.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(CommitOutcome::Written(after)),
            // A repetition after a lost answer is not recognised: another function may have written the very same decision,
            // and only one of the two may act on it. The caller reads and decides again.
            Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(CommitOutcome::Conflict),
            Err(error) => Err(error),
        }
    }

    fn send_writes(&self, writes: &mut Writes, commit: &Commit<'_>, now: Timestamp) -> Result<()> {
        for (number, send) in commit.sends.iter().enumerate() {
            let mut item = send.item(now, self.retention);
            if let Some(request) = commit.idempotency.filter(|_| number == 0) {
                item.insert("idempotency".to_owned(), s(request.hash()));
            }
            writes.push((Part::Other, self.put_new(item)?));
        }
        Ok(())
    }

    /// The writes of the conversation and of what follows from its change.
    fn conversation_writes(
        &self,
        writes: &mut Writes,
        commit: &Commit<'_>,
        after: &Conversation,
        sets_timer: bool,
        now: Timestamp,
    ) -> Result<()> {
        let item = after.write(after.version, sets_timer, self.retention)?;
        writes.push((Part::Other, self.put_if(item, commit.before.map(|before| before.version))?));
        if let Some(link) = self.visitor_link(commit.before, after) {
            let put = Put::builder().table_name(&self.name).set_item(Some(link));
            writes.push((Part::Other, TransactWriteItem::builder().put(built(put.build())?).build()));
        }
        let terms = StageTerms { assign: commit.assign, queue_limit: commit.queue_limit, now };
        self.stage_writes(writes, commit.before, after, terms)?;
        if let Some(events) = NewEvent::item(&commit.events, after, now, self.retention)? {
            writes.push((Part::Other, self.put_new(events)?));
        }
        Ok(())
    }

    /// The writes that follow from a change of the conversation's stage.
    fn stage_writes<'a>(
        &self,
        writes: &mut Writes,
        before: Option<&'a Conversation>,
        after: &'a Conversation,
        terms: StageTerms,
    ) -> Result<()> {
        self.assignee_writes(writes, before, after, terms.assign, terms.now)?;
        let (from, to) = (before.and_then(Conversation::waiting), after.waiting());
        let place = |waiting: &Waiting| (waiting.queue.clone(), waiting.place.clone());
        if from.map(place) != to.map(place) {
            if let Some(from) = from {
                let entry = Delete::builder().table_name(&self.name);
                let entry = entry.key("pk", s(keys::queue(&from.queue))).key("sk", s(&from.place));
                let entry = entry.condition_expression("attribute_exists(pk)");
                writes.push((Part::Other, TransactWriteItem::builder().delete(built(entry.build())?).build()));
            }
            if let Some(to) = to {
                writes.push((Part::Other, self.put_new(queue::entry(to, after))?));
            }
            let counted = |waiting: Option<&'a Waiting>| {
                waiting
                    .map(|waiting| waiting.queue.as_str())
                    .filter(|name| Queue::named(name) != Some(Queue::LeftMessages))
            };
            let (left, joined) = (counted(from), counted(to));
            if let Some(queue) = left.filter(|_| left != joined) {
                writes.push((Part::Watch, departure_write(&self.name, queue, after)?));
            }
            if let Some(queue) = joined {
                let arrival = arrival_write(&self.name, queue, after, left != joined, terms)?;
                writes.push((Part::Watch, arrival));
            }
        }
        Ok(())
    }

    fn processed(
        &self,
        message: &InboundRef,
        conversation: Option<&Conversation>,
        ignored: Option<&IgnoredMessage>,
    ) -> Result<TransactWriteItem> {
        let cid = conversation.map(|conversation| &conversation.cid);
        let cid = cid.or_else(|| ignored.and_then(|ignored| ignored.cid.as_ref()));
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(message.thread.pk()))
            .key("sk", s(keys::message(&message.id)))
            .condition_expression("attribute_exists(due_pk)");
        let mut set = Vec::new();
        set.extend(cid.map(|cid| ("cid", s(cid))));
        set.extend(ignored.map(|ignored| ("ignored", s(ignored.reason.as_str()))));
        let (mut update, mut assigned) = (update, Vec::new());
        for (name, value) in set {
            assigned.push(format!("{name} = :{name}"));
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        let assigned = if assigned.is_empty() { String::new() } else { format!("SET {} ", assigned.join(", ")) };
        update_item(update.update_expression(assigned + "REMOVE due_pk, due_sk, attempts"))
    }

    fn release_write(&self, thread: &Thread, held: &str, by: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(thread.pk()))
            .key("sk", s(keys::message(held)))
            .update_expression(
                "SET #state = :released, released_as = :by, settled_at = :now REMOVE due_pk, due_sk, failure, failures",
            )
            .condition_expression("#state = :held")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":released", s("released"))
            .expression_attribute_values(":held", s("held"))
            .expression_attribute_values(":by", s(by))
            .expression_attribute_values(":now", at(now));
        update_item(update)
    }

    pub(crate) fn put_if(&self, item: Attributes, seen: Option<u64>) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = match seen {
            Some(seen) => put.condition_expression("version = :seen").expression_attribute_values(":seen", n(seen)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    pub(crate) fn put_new(&self, item: Attributes) -> Result<TransactWriteItem> {
        self.put_if(item, None)
    }
}

pub(crate) fn update_item(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> Result<TransactWriteItem> {
    Ok(TransactWriteItem::builder().update(built(update.build())?).build())
}
