//! The conversations of an agent. The agent's duty lists them in a set, beside the load. One update changes both, in the
//! transaction that changes the conversation, so that the load is always the number of conversations.
//!
//! # Earlier versions
//!
//! Earlier versions wrote an item `agent#<id>`, `conversation#<time opened>#<cid>` for each assigned conversation, an edge. They
//! count it in the load and do not know the set. Functions of both versions run side by side during a deployment:
//!
//! - Readers take both the set and the edges. One query finds both, since the sort key `duty` follows those of the edges.
//! - A conversation that an earlier version assigned, or has written since, is without [`Conversation::in_duty`]. The decision
//!   that takes it from its agent deletes the edge as well.
//! - A conversation that an earlier version takes from its agent stays in the set. Readers compare with the conversation.
//! - The load is right all the time. So the minute tick's check of the agent, which runs every few minutes, finds a set of another
//!   size, and [`DueChecks::reconcile_assignments`] makes the set complete. A conversation that is left over and an edge hide each
//!   other until one of them is gone; they do no harm.
//!
//! For the same reason the condition on the capacity compares the load and not the size of the set.

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update, builders::UpdateBuilder};
use desk::staff::AgentStatus;
use jiff::Timestamp;

use crate::{
    commit::{Assign, Part, Writes, update_item},
    conversation::Conversation,
    duty::Duty,
    error::{Result, StoreError},
    handles::{DueChecks, StaffReader},
    item::{Attributes, at, n, s, set},
    keys,
    table::{Page, SERVICE, Table},
    transaction::built,
};

/// The name of the set in the duty.
pub(crate) const CONVERSATIONS: &str = "conversations";

/// How many edges become elements of the set in one transaction, which has 100 items at most (API reference,
/// `TransactWriteItems`).
const EDGES_AT_ONCE: usize = 50;

/// A conversation in the set: its cid after the time that it was opened, so that the set in its order is oldest first.
fn entry(conversation: &Conversation) -> String {
    keys::opened(conversation.created_at, &conversation.cid)
}

/// The cid of an element of the set.
pub(crate) fn cid_of(entry: &str) -> &str {
    entry.split_once('#').map_or(entry, |(_, cid)| cid)
}

/// What the table has about an agent's conversations.
struct Assignments {
    /// The duty; `None` if there is no such agent.
    duty: Option<Attributes>,
    /// The elements of its set.
    listed: BTreeSet<String>,
    /// The edges that earlier versions wrote, as elements of the set.
    edges: BTreeSet<String>,
}

impl Assignments {
    fn all(mut self) -> BTreeSet<String> {
        self.listed.append(&mut self.edges);
        self.listed
    }
}

impl StaffReader {
    /// The conversations of an agent, oldest first.
    pub async fn assigned_to(&self, agent: &str, limit: i32) -> Result<Vec<String>> {
        Ok(self.assigned_page(agent, None, limit).await?.items)
    }

    /// The same by page.
    pub async fn assigned_page(&self, agent: &str, cursor: Option<&str>, limit: i32) -> Result<Page<String>> {
        let after = cursor.map(keys::from_cursor).transpose()?;
        if after.as_ref().is_some_and(|after| !after.starts_with(|first: char| first.is_ascii_digit())) {
            return Err(StoreError::Cursor);
        }
        let all = self.0.assignments(agent).await?.all();
        let mut rest = all.range::<str, _>((after.as_deref().map_or(Unbounded, Excluded), Unbounded));
        let entries: Vec<&String> = rest.by_ref().take(usize::try_from(limit).unwrap_or(0)).collect();
        let cursor = rest.next().and_then(|_| entries.last()).map(|last| keys::cursor(last));
        Ok(Page { items: entries.into_iter().map(|entry| cid_of(entry).to_owned()).collect(), cursor })
    }
}

impl DueChecks {
    /// Makes the set of an agent's conversations complete after functions of an earlier version have changed them, and the load
    /// its size. Makes no request when `seen` has both the same. Changes nothing when a decision changes them meanwhile; the
    /// next check does.
    pub async fn reconcile_assignments(&self, seen: &Duty) -> Result<()> {
        if seen.load_is_listed() {
            return Ok(());
        }
        match self.0.reconcile_assignments(&seen.agent_id).await {
            Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            reconciled => reconciled,
        }
    }
}

impl Table {
    async fn assignments(&self, agent: &str) -> Result<Assignments> {
        let items = self.range(&keys::record("agent", agent), keys::HAS_CONVERSATION, keys::DUTY).await?;
        let mut found = Assignments { duty: None, listed: BTreeSet::new(), edges: BTreeSet::new() };
        for item in items {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
            if let Some(edge) = sk.and_then(|sk| sk.strip_prefix(keys::HAS_CONVERSATION)) {
                found.edges.insert(edge.to_owned());
            } else {
                found.listed = Duty::listed(&item)?;
                found.duty = Some(item);
            }
        }
        Ok(found)
    }

    /// See [`DueChecks::reconcile_assignments`]. [`StoreError::Conflict`] when a decision was faster.
    async fn reconcile_assignments(&self, agent: &str) -> Result<()> {
        let mut found = self.assignments(agent).await?;
        if !found.edges.is_empty() {
            let edges: Vec<&String> = found.edges.iter().collect();
            for edges in edges.chunks(EDGES_AT_ONCE) {
                self.write_together(self.list_edges(agent, edges)?).await?;
            }
            found = self.assignments(agent).await?;
        }
        let Some(duty) = found.duty else { return Ok(()) };
        // An edge that was written meanwhile counts in the load. The next check makes it an element of the set.
        if !found.edges.is_empty() || Duty::read(&duty)?.load_is_listed() {
            return Ok(());
        }
        let key = |entry: &String| (keys::conversation(cid_of(entry)), keys::CONVERSATION.to_owned());
        let listed: Vec<_> = found.listed.iter().map(key).collect();
        let conversations = self.get_all_consistent(&listed).await?;
        let conversations = conversations.iter().map(Conversation::read).collect::<Result<Vec<_>>>()?;
        let assigned = conversations.iter().filter(|conversation| conversation.assignee() == Some(agent));
        self.replace_set(agent, &duty, assigned.map(entry).collect()).await
    }

    /// The transaction that makes these edges elements of the set. A conversation that was taken from the agent meanwhile is left
    /// over in the set, which then is too large.
    fn list_edges(&self, agent: &str, edges: &[&String]) -> Result<Vec<TransactWriteItem>> {
        let update = self.duty_in_transaction(agent);
        let update = update
            .update_expression("ADD #conversations :edges")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#conversations", CONVERSATIONS)
            .expression_attribute_values(":edges", set(edges.iter().copied()));
        let mut writes = vec![update_item(update)?];
        for edge in edges {
            writes.push(self.edge_delete(agent, edge)?);
        }
        Ok(writes)
    }

    /// Replaces the set, and the load by its size, if nothing was assigned to the agent or taken from them since `seen`.
    async fn replace_set(&self, agent: &str, seen: &Attributes, entries: BTreeSet<String>) -> Result<()> {
        let update = self.duty_update(agent).expression_attribute_values(":count", n(entries.len()));
        let (update, change) = if entries.is_empty() {
            (update, "SET #load = :count REMOVE #conversations")
        } else {
            let update = update.expression_attribute_values(":entries", set(&entries));
            (update, "SET #load = :count, #conversations = :entries")
        };
        let mut update = update.update_expression(change);
        let mut unchanged = Vec::new();
        for name in ["load", CONVERSATIONS, "last_assigned_at"] {
            update = update.expression_attribute_names(format!("#{name}"), name);
            if let Some(value) = seen.get(name) {
                update = update.expression_attribute_values(format!(":{name}"), value.clone());
                unchanged.push(format!("#{name} = :{name}"));
            } else {
                unchanged.push(format!("attribute_not_exists(#{name})"));
            }
        }
        let update = update.condition_expression(unchanged.join(" AND ")).send().await;
        update.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// The writes that follow when a decision changes whose conversation it is.
    pub(crate) fn assignee_writes(
        &self,
        writes: &mut Writes,
        before: Option<&Conversation>,
        after: &Conversation,
        assign: Assign,
        now: Timestamp,
    ) -> Result<()> {
        let (from, to) = (before.and_then(Conversation::assignee), after.assignee());
        if from == to {
            return Ok(());
        }
        let entry = entry(after);
        if let Some(agent) = from {
            let update = self
                .load_update(agent, &entry)
                .update_expression("SET #load = #load - :one, hint = :now DELETE #conversations :entry")
                .condition_expression("#load >= :one")
                .expression_attribute_values(":now", at(now));
            writes.push((Part::Other, update_item(update)?));
            if before.is_some_and(|before| !before.in_duty) {
                writes.push((Part::Other, self.edge_delete(agent, &entry)?));
            }
        }
        if let Some(agent) = to {
            writes.push((Part::Agent, self.assign_write(agent, &entry, assign, now)?));
        }
        Ok(())
    }

    fn assign_write(&self, agent: &str, entry: &str, assign: Assign, now: Timestamp) -> Result<TransactWriteItem> {
        let update = self
            .load_update(agent, entry)
            .update_expression(
                "SET #load = #load + :one, last_assigned_at = :now, hint = :now ADD #conversations :entry",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#capacity", "capacity")
            .expression_attribute_values(":now", at(now));
        let update = match assign {
            Assign::Auto { at_most } => {
                let free = "#status = :online AND present_until > :now AND #load < #capacity";
                let update = update.expression_attribute_values(":online", s(AgentStatus::Online.as_str()));
                match at_most {
                    Some(most) => update
                        .condition_expression(format!("{free} AND #load <= :most"))
                        .expression_attribute_values(":most", n(most)),
                    None => update.condition_expression(free),
                }
            }
            Assign::Manual => update
                .condition_expression("#status <> :offline AND #load < #capacity")
                .expression_attribute_values(":offline", s(AgentStatus::Offline.as_str())),
        };
        update_item(update)
    }

    /// The part of a transaction that changes an agent's load and set.
    fn load_update(&self, agent: &str, entry: &str) -> UpdateBuilder {
        self.duty_in_transaction(agent)
            .expression_attribute_names("#load", "load")
            .expression_attribute_names("#conversations", CONVERSATIONS)
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":entry", set([entry]))
    }

    fn duty_in_transaction(&self, agent: &str) -> UpdateBuilder {
        let update = Update::builder().table_name(&self.name);
        update.key("pk", s(keys::record("agent", agent))).key("sk", s(keys::DUTY))
    }

    fn edge_delete(&self, agent: &str, entry: &str) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.name);
        let delete = delete
            .key("pk", s(keys::record("agent", agent)))
            .key("sk", s(format!("{}{entry}", keys::HAS_CONVERSATION)));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}
