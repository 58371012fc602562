//! Agents on duty: status, heartbeat, conversations. An item of its own, apart from the agent's settings, since it changes all
//! day. [`assignment`](crate::assignment) has what changes the conversations and the load.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use desk::staff::AgentStatus;
use jiff::{SignedDuration, Timestamp};

use crate::{
    assignment::{CONVERSATIONS, cid_of},
    error::{Result, StoreError},
    handles::{DueChecks, DutyWriter, SettingsWriter, StaffReader},
    item::{Attributes, Build, Read, at, n, s},
    keys,
    table::{ReadConsistency, SERVICE, Table},
    timer,
};

/// How long a heartbeat counts. The workbench sends one every 30 seconds, so two may be lost.
pub const HEARTBEAT_LIFE: SignedDuration = SignedDuration::from_secs(90);

/// How long after their last heartbeat, or after going offline, an agent keeps their conversations: long enough for a reloaded
/// browser or a lift without network.
pub const GRACE: SignedDuration = SignedDuration::from_mins(3);

/// An agent on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The agent's id.
    pub agent_id: String,
    /// The name that visitors see.
    pub name: String,
    /// Their status.
    pub status: AgentStatus,
    /// Why they are away.
    pub reason: Option<String>,
    /// Since when they have this status.
    pub since: Timestamp,
    /// Until when their last heartbeat counts.
    pub present_until: Timestamp,
    /// How many conversations they have.
    pub load: u32,
    /// Their conversations, oldest first. During a deployment those that functions of an earlier version have assigned or
    /// ended may be missing or left over; see [`DueChecks::reconcile_assignments`].
    pub conversations: Vec<String>,
    /// The greatest load for automatic assignment.
    pub capacity: u32,
    /// When a conversation was last assigned to them.
    pub last_assigned_at: Option<Timestamp>,
}

impl Duty {
    /// When the agent times out: [`GRACE`] after their last heartbeat, or after they went offline.
    pub fn times_out_at(&self) -> Timestamp {
        let (from, grace) = match self.status {
            AgentStatus::Offline => (self.since.min(self.present_until), GRACE),
            _ => (self.present_until, GRACE - HEARTBEAT_LIFE),
        };
        from.checked_add(grace).unwrap_or(Timestamp::MAX)
    }

    /// Whether the load is the number of conversations.
    pub(crate) fn load_is_listed(&self) -> bool {
        usize::try_from(self.load) == Ok(self.conversations.len())
    }

    /// The elements of the set of conversations; see [`assignment`](crate::assignment).
    pub(crate) fn listed(item: &Attributes) -> Result<BTreeSet<String>> {
        Read { kind: keys::DUTY, item }.set(CONVERSATIONS)
    }

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::DUTY, item };
        Ok(Self {
            agent_id: read.owned("agent_id")?,
            name: read.shown_name("name")?,
            status: read.name("status")?,
            reason: read.opt_owned("reason")?,
            since: read.at("since")?,
            present_until: read.at("present_until")?,
            load: read.opt_n("load")?.unwrap_or(0),
            conversations: Self::listed(item)?.iter().map(|entry| cid_of(entry).to_owned()).collect(),
            capacity: read.opt_n("capacity")?.unwrap_or(0),
            last_assigned_at: read.opt_at("last_assigned_at")?,
        })
    }
}

/// The partition of the `due` index with the check of an agent.
fn due_partition(agent: &str) -> String {
    keys::due(&keys::record("agent", agent))
}

impl StaffReader {
    /// The duties of these agents, in this order; unknown agents are left out.
    pub async fn duties(&self, agents: &[String]) -> Result<Vec<Duty>> {
        self.duties_with(agents, ReadConsistency::Strong).await
    }

    /// The same with this consistency.
    pub async fn duties_with(&self, agents: &[String], consistency: ReadConsistency) -> Result<Vec<Duty>> {
        let keys: Vec<_> = agents.iter().map(|id| (keys::record("agent", id), keys::DUTY.to_owned())).collect();
        let strong = consistency == ReadConsistency::Strong;
        self.0.get_many(&keys, strong).await?.iter().map(Duty::read).collect()
    }

    /// The duty of one agent.
    pub async fn duty(&self, agent: &str) -> Result<Option<Duty>> {
        self.duty_with(agent, ReadConsistency::Strong).await
    }

    /// The same with this consistency.
    pub async fn duty_with(&self, agent: &str, consistency: ReadConsistency) -> Result<Option<Duty>> {
        let strong = consistency == ReadConsistency::Strong;
        let item = self.0.get(keys::record("agent", agent), keys::DUTY, strong).await?;
        item.as_ref().map(Duty::read).transpose()
    }

    /// The groups that an agent is or was a member of. The group's own member list decides.
    pub async fn groups_of(&self, agent: &str) -> Result<Vec<String>> {
        let items = self.0.partition(keys::record("agent", agent), keys::IN_GROUP, 1000).await?;
        let group = |item: &Attributes| Some(item.get("sk")?.as_s().ok()?.strip_prefix(keys::IN_GROUP)?.to_owned());
        Ok(items.iter().filter_map(group).collect())
    }
}

impl SettingsWriter {
    /// Copies an agent's name and capacity to the duty, where assignment reads them; a new agent is offline.
    pub async fn set_capacity(&self, agent: &str, name: &str, capacity: u32) -> Result<()> {
        let past = self.0.clock.now();
        let update = self
            .0
            .duty_update(agent)
            .update_expression(
                "SET kind = :kind, agent_id = :agent, #name = :name, #capacity = :capacity, \
                 #status = if_not_exists(#status, :offline), since = if_not_exists(since, :now), \
                 present_until = if_not_exists(present_until, :now), #load = if_not_exists(#load, :none)",
            )
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#capacity", "capacity")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#load", "load")
            .expression_attribute_values(":kind", s(keys::DUTY))
            .expression_attribute_values(":agent", s(agent))
            .expression_attribute_values(":name", s(name))
            .expression_attribute_values(":capacity", n(capacity))
            .expression_attribute_values(":offline", s(AgentStatus::Offline.as_str()))
            .expression_attribute_values(":now", at(past))
            .expression_attribute_values(":none", n(0));
        update.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// Deletes an agent's duty; `false` while they have conversations.
    pub async fn end_duty(&self, agent: &str) -> Result<bool> {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        let delete = delete.key("pk", s(keys::record("agent", agent))).key("sk", s(keys::DUTY));
        let delete = delete
            .condition_expression("attribute_not_exists(pk) OR #load = :none")
            .expression_attribute_names("#load", "load")
            .expression_attribute_values(":none", n(0));
        match delete.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Records with each agent that they have joined a group (before the group's own list is written) or left it (after).
    pub async fn note_members(&self, group: &str, joined: &BTreeSet<String>, left: &BTreeSet<String>) -> Result<()> {
        for agent in joined {
            let item = Build::new(keys::MEMBERSHIP, keys::record("agent", agent), keys::in_group(group)).done();
            let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item)).send().await;
            put.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        }
        for agent in left {
            let delete = self.0.client.delete_item().table_name(&self.0.name);
            let delete = delete.key("pk", s(keys::record("agent", agent))).key("sk", s(keys::in_group(group)));
            delete.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        }
        Ok(())
    }
}

impl DutyWriter {
    /// Sets an agent's status; it counts as a heartbeat. [`StoreError::NotFound`] when there is no such agent.
    pub async fn set_status(&self, agent: &str, status: AgentStatus, reason: Option<&str>) -> Result<Duty> {
        let now = self.0.clock.now();
        let present = if status == AgentStatus::Offline { now } else { now + HEARTBEAT_LIFE };
        let mut set =
            "SET #status = :status, since = :now, present_until = :present, due_pk = :due, due_sk = :look, hint = :now"
                .to_owned();
        let mut update = self
            .0
            .duty_update(agent)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", s(status.as_str()))
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":present", at(present))
            .expression_attribute_values(":due", s(due_partition(agent)))
            .expression_attribute_values(":look", s(keys::instant(now + GRACE)));
        match reason {
            Some(reason) => {
                set.push_str(", reason = :reason REMOVE failures, timer");
                update = update.expression_attribute_values(":reason", s(reason));
            }
            None => set.push_str(" REMOVE reason, failures, timer"),
        }
        let answer =
            update.update_expression(set).return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew).send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(answer) => Duty::read(&answer.attributes.unwrap_or_default()),
            Err(StoreError::Conflict) => Err(self.0.duty_refusal(agent).await?),
            Err(error) => Err(error),
        }
    }

    /// Extends an agent's presence by [`HEARTBEAT_LIFE`]. [`StoreError::NotFound`] when there is no such agent,
    /// [`StoreError::Conflict`] when the agent is offline.
    pub async fn heartbeat(&self, agent: &str) -> Result<Duty> {
        let answer = self
            .0
            .duty_update(agent)
            // The stream must not ask for an earlier timer again with each heartbeat, nor tell of an earlier change.
            .update_expression("SET present_until = :until REMOVE timer, hint")
            .condition_expression("attribute_exists(pk) AND #status <> :offline")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":offline", s(AgentStatus::Offline.as_str()))
            .expression_attribute_values(":until", at(self.0.clock.now() + HEARTBEAT_LIFE))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(answer) => Duty::read(&answer.attributes.unwrap_or_default()),
            Err(StoreError::Conflict) => Err(self.0.duty_refusal(agent).await?),
            Err(error) => Err(error),
        }
    }
}

impl DueChecks {
    /// Schedules the next check of an agent, or (`timed_out`) sets the agent offline and ends the checks. Does nothing when the
    /// agent has returned or taken a conversation since, or takes one at this moment: the next tick checks again.
    pub async fn reschedule_agent_check(&self, seen: &Duty, timed_out: bool) -> Result<()> {
        let still = "present_until = :seen AND #status = :status";
        let update = self
            .0
            .duty_update(&seen.agent_id)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":seen", at(seen.present_until))
            .expression_attribute_values(":status", s(seen.status.as_str()));
        let update = if timed_out {
            update
                .condition_expression(format!("{still} AND #load = :none"))
                .update_expression("SET #status = :offline, hint = :now REMOVE due_pk, due_sk, reason, failures, timer")
                .expression_attribute_names("#load", "load")
                .expression_attribute_values(":offline", s(AgentStatus::Offline.as_str()))
                .expression_attribute_values(":none", n(0))
                .expression_attribute_values(":now", at(self.0.clock.now()))
        } else {
            let next = seen.times_out_at();
            let is_soon = timer::is_soon(next, self.0.clock.now());
            let update = update
                .condition_expression(still)
                .expression_attribute_values(":due", s(due_partition(&seen.agent_id)))
                .expression_attribute_values(":look", s(timer::due_sk(next, is_soon)));
            if is_soon {
                update
                    .update_expression("SET due_pk = :due, due_sk = :look, timer = :timer REMOVE failures, hint")
                    .expression_attribute_values(":timer", timer::attribute(next))
            } else {
                update.update_expression("SET due_pk = :due, due_sk = :look REMOVE failures, timer, hint")
            }
        };
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Table {
    /// Why a conditional write to an agent's duty was refused: there is no such agent, or the condition did not hold.
    async fn duty_refusal(&self, agent: &str) -> Result<StoreError> {
        Ok(if self.staff().duty(agent).await?.is_some() { StoreError::Conflict } else { StoreError::NotFound("agent") })
    }

    pub(crate) fn duty_update(&self, agent: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.name);
        update.key("pk", s(keys::record("agent", agent))).key("sk", s(keys::DUTY))
    }
}
