//! The watch of a queue: how many conversations have joined and left it, and when the minute tick checks it.
//!
//! The transaction that adds or removes an entry counts it, and an arrival schedules the check. So a queue with entries is
//! always checked, and its length costs one read however long it is. Transactions that write the same item exclude each other,
//! so departures are counted in several items: when an office opens, many agents take conversations out of one queue at once.
//! Left messages have no watch: nothing is assigned from their queue, and it has no limit.
//!
//! Both also count for the mini program of the conversation, so that no mini program takes more than its share of a queue that
//! others use as well. A binding enters itself into the watch of its group's queue when its settings name the group, with
//! nothing counted: a mini program that has an attribute in the watch uses the queue.
//!
//! Earlier versions did not count, so the numbers may be too low until the first check by the tick. That check counts the
//! entries and marks the watch; the length of a queue without the mark is counted by a query.

mod counted;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::{SignedDuration, Timestamp};

pub use self::counted::queue_share;
use self::counted::{Counted, by_mini_program, length, of_mini_program, of_share};
use crate::{
    commit::StageTerms,
    conversation::Conversation,
    error::{Result, StoreError},
    handles::{DueChecks, Queues},
    item::{at, n, s},
    keys,
    queue::{Entry, Queue},
    table::{SERVICE, Table},
    transaction::built,
};

/// How long the minute tick checks a queue after the last arrival, even if it is empty.
pub const QUEUE_CHECKED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long after an arrival or a check the minute tick checks the queue again. Less than a minute, so that each tick checks it.
pub const QUEUE_CHECKED_AFTER: SignedDuration = SignedDuration::from_secs(45);

/// How many entries a check reads. A queue with fewer entries is counted by each check.
pub const COUNTED: i32 = 100;

/// The longest queue: `max_queue` is at most 1000.
const LENGTH_MAX: u32 = 1000;

/// Over how many items the departures of a queue are spread. All of them and the watch have less than 4 kB, which is one read
/// unit, while one or two mini programs use the queue; each further one adds up to 0.4 kB, and no more than 64 are told apart.
const DEPARTURE_SHARDS: u8 = 32;

/// The length of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLength {
    /// The number of entries, up to 1000.
    pub entries: u32,
    /// How many conversations have left the queue since it was first counted.
    pub departed: u64,
    /// The same of the mini programs that use the queue, by [`queue_share`].
    pub of_mini_programs: BTreeMap<String, ShareLength>,
}

impl QueueLength {
    /// What counts for the share of a mini program; `None` while no other mini program uses the queue.
    pub fn share_of(&self, app_id: &str) -> Option<ShareLength> {
        let share = queue_share(app_id);
        let is_shared = self.of_mini_programs.keys().any(|other| *other != share);
        is_shared.then(|| self.of_mini_programs.get(&share).copied().unwrap_or_default())
    }
}

/// The conversations of one mini program in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareLength {
    /// The number of entries, up to 1000.
    pub entries: u32,
    /// How many of its conversations have left the queue since they were first counted.
    pub departed: u64,
}

/// The condition under which a conversation joins a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimit {
    /// The number of entries at which the queue is full.
    pub entries: u32,
    /// [`QueueLength::departed`] as read. Departures since then leave more room than the condition knows of.
    pub departed: u64,
    /// The same for the conversations of the mini program, while others use the queue as well.
    pub share: Option<ShareLength>,
}

/// Counts a conversation that joins a queue and schedules the check of the queue. `is_new` is false when it only changes its
/// place.
pub(crate) fn arrival_write(
    table: &str,
    queue: &str,
    conversation: &Conversation,
    is_new: bool,
    terms: StageTerms,
) -> Result<TransactWriteItem> {
    let now = terms.now;
    let mut update = Update::builder()
        .table_name(table)
        .key("pk", s(keys::queue_watch(queue)))
        .key("sk", s(keys::WATCH))
        .expression_attribute_names("#of", of_mini_program(&conversation.app_id))
        .update_expression(
            "SET kind = :kind, queue = :queue, due_pk = :due, due_sk = if_not_exists(due_sk, :soon), expected = :now \
             ADD joined :joined, #of :joined",
        )
        .expression_attribute_values(":kind", s(keys::WATCH))
        .expression_attribute_values(":queue", s(queue))
        .expression_attribute_values(":due", s(keys::due(&keys::queue_watch(queue))))
        .expression_attribute_values(":soon", s(keys::instant(now + QUEUE_CHECKED_AFTER)))
        .expression_attribute_values(":now", s(keys::instant(now)))
        .expression_attribute_values(":joined", n(u8::from(is_new)));
    if let Some(limit) = terms.queue_limit.filter(|_| is_new) {
        let mut condition = "(attribute_not_exists(joined) OR joined < :full)".to_owned();
        update = update.expression_attribute_values(":full", n(limit.departed + u64::from(limit.entries)));
        if let Some(share) = limit.share {
            condition.push_str(" AND (attribute_not_exists(#of) OR #of < :share)");
            update = update.expression_attribute_values(":share", n(share.departed + u64::from(share.entries)));
        }
        update = update.condition_expression(condition);
    }
    Ok(TransactWriteItem::builder().update(built(update.build())?).build())
}

/// Counts a conversation that leaves a queue.
pub(crate) fn departure_write(table: &str, queue: &str, conversation: &Conversation) -> Result<TransactWriteItem> {
    let update = Update::builder()
        .table_name(table)
        .key("pk", s(keys::queue_watch(queue)))
        .key("sk", s(keys::departures(&conversation.cid, DEPARTURE_SHARDS)))
        .expression_attribute_names("#of", of_mini_program(&conversation.app_id))
        .update_expression("SET kind = :kind ADD departed :one, #of :one")
        .expression_attribute_values(":kind", s(keys::DEPARTURES))
        .expression_attribute_values(":one", n(1));
    Ok(TransactWriteItem::builder().update(built(update.build())?).build())
}

/// Enters a mini program whose settings name the group of a queue, with nothing counted.
pub(crate) fn uses_queue_write(table: &str, queue: &Queue, app_id: &str) -> Result<TransactWriteItem> {
    let name = queue.name();
    let update = Update::builder()
        .table_name(table)
        .key("pk", s(keys::queue_watch(&name)))
        .key("sk", s(keys::WATCH))
        .expression_attribute_names("#of", of_mini_program(app_id))
        .update_expression("SET kind = :kind, queue = :queue ADD #of :zero")
        .expression_attribute_values(":kind", s(keys::WATCH))
        .expression_attribute_values(":queue", s(name))
        .expression_attribute_values(":zero", n(0));
    Ok(TransactWriteItem::builder().update(built(update.build())?).build())
}

impl Queues {
    /// The length of a queue.
    pub async fn length(&self, queue: &Queue) -> Result<QueueLength> {
        let counted = self.0.counted(queue).await?;
        let entries = if counted.is_complete {
            length(counted.entries())
        } else {
            self.count_waiting(queue, None, LENGTH_MAX).await?
        };
        Ok(QueueLength { entries, departed: counted.departed, of_mini_programs: counted.shares() })
    }
}

impl DueChecks {
    /// Returns the first entries of a queue, at most [`COUNTED`], and corrects the queue's length if it is wrong.
    pub async fn count_queue(&self, queue: &Queue) -> Result<Vec<Entry>> {
        let seen = self.0.counted(queue).await?;
        let queues = Queues(self.0.clone());
        let first = queues.waiting(queue, COUNTED).await?;
        let is_whole = first.len() < usize::try_from(COUNTED).unwrap_or(usize::MAX);
        let entries = if first.len() < usize::try_from(COUNTED).unwrap_or(usize::MAX) {
            i64::try_from(first.len()).unwrap_or(i64::MAX)
        } else if seen.is_complete {
            return Ok(first);
        } else {
            i64::from(queues.count_waiting(queue, None, LENGTH_MAX).await?)
        };
        let are_shares_wrong = is_whole && !seen.has_shares_of(&first);
        let is_wrong = !seen.is_complete || seen.entries() != entries || are_shares_wrong;
        // The entries were read after `seen`. They belong together only if no conversation has joined or left since.
        if is_wrong && self.0.counted(queue).await? == seen {
            let shares = by_mini_program(&first).filter(|_| are_shares_wrong);
            self.0.correct_length(queue, entries, shares.as_ref(), &seen).await?;
        }
        Ok(first)
    }

    /// Schedules the next check of a queue. Ends the checks instead if the queue was found empty (at a time before it was read),
    /// and nothing had arrived for [`QUEUE_CHECKED_FOR`] before.
    pub async fn reschedule_queue_check(&self, queue: &Queue, found_empty: Option<Timestamp>) -> Result<()> {
        let now = self.0.clock.now();
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.key("pk", s(keys::queue_watch(&queue.name()))).key("sk", s(keys::WATCH));
        if let Some(found_at) = found_empty {
            let ended = update
                .clone()
                .update_expression("REMOVE due_pk, due_sk")
                .condition_expression("expected < :quiet")
                .expression_attribute_values(":quiet", s(keys::instant(found_at - QUEUE_CHECKED_FOR)))
                .send()
                .await;
            match ended.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
                Err(StoreError::Conflict) => {}
                ended => return ended.map(drop),
            }
        }
        let later = update
            .update_expression("SET due_pk = :due, due_sk = :later")
            .condition_expression("attribute_exists(due_pk)")
            .expression_attribute_values(":due", s(keys::due(&keys::queue_watch(&queue.name()))))
            .expression_attribute_values(":later", s(keys::instant(now + QUEUE_CHECKED_AFTER)))
            .send()
            .await;
        match later.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Table {
    async fn counted(&self, queue: &Queue) -> Result<Counted> {
        Counted::read(&self.partition(keys::queue_watch(&queue.name()), "", i32::from(DEPARTURE_SHARDS) + 1).await?)
    }

    async fn correct_length(
        &self,
        queue: &Queue,
        entries: i64,
        shares: Option<&BTreeMap<String, i64>>,
        seen: &Counted,
    ) -> Result<()> {
        let joined = entries + i64::try_from(seen.departed).unwrap_or(i64::MAX);
        let mut set = vec!["joined = :joined".to_owned(), "counted_at = :now".to_owned()];
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(keys::queue_watch(&queue.name())))
            .key("sk", s(keys::WATCH));
        let known = seen.of_mini_programs.keys().chain(shares.into_iter().flat_map(BTreeMap::keys));
        let of: BTreeSet<&String> = known.filter(|_| shares.is_some()).collect();
        for (number, share) in of.into_iter().enumerate() {
            let waiting = shares.and_then(|shares| shares.get(share)).copied().unwrap_or_default();
            let (_, departed) = seen.of_mini_programs.get(share).copied().unwrap_or_default();
            set.push(format!("#of{number} = :of{number}"));
            update =
                update.expression_attribute_names(format!("#of{number}"), of_share(share)).expression_attribute_values(
                    format!(":of{number}"),
                    n(waiting + i64::try_from(departed).unwrap_or(i64::MAX)),
                );
        }
        let update = update
            .update_expression(format!("SET {}", set.join(", ")))
            .expression_attribute_values(":joined", n(joined))
            .expression_attribute_values(":now", at(self.clock.now()));
        let update = match seen.joined {
            None => update.condition_expression("attribute_exists(pk) AND attribute_not_exists(joined)"),
            Some(seen) => update.condition_expression("joined = :seen").expression_attribute_values(":seen", n(seen)),
        };
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => {
                if seen.is_complete {
                    let (queue, was) = (queue.name(), seen.entries());
                    tracing::error!(queue, was, entries, "the length of a queue was corrected");
                }
                Ok(())
            }
            // A conversation has joined meanwhile; the next check counts it.
            Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
