//! What a change of settings requires, and what follows from it.

use std::collections::BTreeSet;

use api::{Code, FieldError, Problem};
use desk::staff::Group;
use serde_json::Value;
use store::{AgentEnd, Kind, Queue, Record, ReplyOwner, StoreError};

use crate::{lookup::exists, records::alias_taken, services::Services, settings::Settings};

/// Requires that everything the settings newly name exists. What they named before may have been deleted since.
pub(crate) async fn must_exist(services: &Services, old: Option<&Settings>, new: &Settings) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    match new {
        Settings::Group(group) => {
            let before = members(old);
            let joined: Vec<String> = group.members.iter().filter(|id| !before.contains(*id)).cloned().collect();
            let known = services.store.staff.duties(&joined).await?;
            for id in joined.iter().filter(|id| !known.iter().any(|duty| duty.agent_id == **id)) {
                let at = group.members.iter().position(|member| member == id).unwrap_or_default();
                wrong.push(FieldError::new(format!("members[{at}]"), "must be the id of an agent"));
            }
            let was = matches!(old, Some(Settings::Group(old)) if old.calendar_id == group.calendar_id);
            if let Some(id) = group.calendar_id.as_ref().filter(|_| !was)
                && !exists(services, Kind::Calendar, id).await?
            {
                wrong.push(FieldError::new("calendar_id", "must be the id of a calendar"));
            }
        }
        Settings::Merchant(merchant) => {
            let was = matches!(old, Some(Settings::Merchant(old)) if old.group_id == merchant.group_id);
            if !was && !exists(services, Kind::Group, &merchant.group_id).await? {
                wrong.push(FieldError::new("group_id", "must be the id of a group"));
            }
        }
        Settings::Agent(_) | Settings::Robot(_) | Settings::Calendar(_) => {}
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
}

/// Runs before the settings are written, so that an interruption leaves a superfluous note of a member, never a missing
/// one.
pub(crate) async fn before_write(
    services: &Services,
    id: &str,
    old: Option<&Settings>,
    new: &Settings,
) -> Result<(), Problem> {
    match (old, new) {
        (None, Settings::Agent(agent)) if !agent.disabled => {
            services.store.settings_writer.set_capacity(id, &agent.name, agent.capacity).await?;
        }
        (_, Settings::Group(group)) => {
            let joined = &set(group) - &members(old);
            services.store.settings_writer.note_members(id, &joined, &BTreeSet::new()).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Reverts [`before_write`] if the settings were not written. Superfluous notes of members are harmless.
pub(crate) async fn undo_before_write(services: &Services, id: &str, new: &Settings) -> Result<(), Problem> {
    match new {
        Settings::Agent(_) => services.store.settings_writer.end_duty(id).await?,
        _ => true,
    };
    Ok(())
}

/// Runs after changed settings are written.
pub(crate) async fn after_write(services: &Services, id: &str, old: &Settings, new: &Settings) -> Result<(), Problem> {
    match (old, new) {
        (Settings::Agent(_), Settings::Agent(new)) if new.disabled => {}
        (Settings::Agent(old), Settings::Agent(new)) => {
            services.store.settings_writer.set_capacity(id, &new.name, new.capacity).await?;
            if new.capacity > old.capacity {
                drained(services.conversations.drain_for(id).await);
            }
        }
        (Settings::Group(old), Settings::Group(new)) => {
            services.store.settings_writer.note_members(id, &BTreeSet::new(), &(&set(old) - &set(new))).await?;
            drained(services.conversations.begin_drain(&[Queue::Group(id.to_owned())]).await);
        }
        _ => {}
    }
    Ok(())
}

/// Refuses if the record must not be deleted; otherwise deletes what belongs to it.
pub(crate) async fn before_delete(services: &Services, id: &str, settings: &Settings) -> Result<(), Problem> {
    match settings {
        Settings::Group(_) if waits(services, &Queue::Group(id.to_owned())).await? => {
            let detail = "Conversations wait for this group. Assign or close them first.";
            Err(Problem::conflict(Code::GroupHasWaiting, detail))
        }
        Settings::Agent(_) => refuse_if_in_groups(services, id).await,
        Settings::Robot(_) => Ok(services.store.settings_writer.delete_questions(id).await?),
        _ => Ok(()),
    }
}

/// Runs after a record is deleted.
pub(crate) async fn after_delete(services: &Services, id: &str, settings: &Settings) -> Result<(), Problem> {
    if let Settings::Group(group) = settings {
        services.store.settings_writer.note_members(id, &BTreeSet::new(), &set(group)).await?;
    }
    let owner = match settings {
        Settings::Group(_) => ReplyOwner::Group(id.to_owned()),
        Settings::Agent(_) => ReplyOwner::Agent(id.to_owned()),
        _ => return Ok(()),
    };
    Ok(services.store.quick_replies.delete_quick_replies_of(&owner).await?)
}

/// Whether a change disables an agent.
pub(crate) fn is_disabled_by(old: &Settings, new: &Settings) -> bool {
    matches!((old, new), (Settings::Agent(old), Settings::Agent(new)) if new.disabled && !old.disabled)
}

/// Writes the settings of an agent who is disabled from now on. The agent's duty and access tokens end with it.
pub(crate) async fn disable_agent(
    services: &Services,
    seen: &Record<Value>,
    settings: Value,
    aliases: Vec<String>,
) -> Result<Record<Value>, Problem> {
    refuse_if_waited_for(services, &seen.id).await?;
    let (writer, bootstrap) = (&services.store.api_token_writer, &services.bootstrap_hash);
    let (record, end) = writer.disable_agent(seen, settings, aliases, bootstrap).await?;
    ended(end)?;
    close_connections(services, &seen.id).await;
    record.ok_or_else(Problem::internal)
}

/// Deletes an agent. The agent's duty and access tokens end with it.
pub(crate) async fn delete_agent(services: &Services, seen: &Record<Value>) -> Result<(), Problem> {
    refuse_if_waited_for(services, &seen.id).await?;
    ended(services.store.api_token_writer.delete_agent(seen, &services.bootstrap_hash).await?)?;
    close_connections(services, &seen.id).await;
    Ok(())
}

/// Closes the connections of an agent whose sessions have ended.
async fn close_connections(services: &Services, agent: &str) {
    services.live.close(|open| open.watcher.agent_id.as_deref() == Some(agent)).await;
}

fn ended(end: AgentEnd) -> Result<(), Problem> {
    match end {
        AgentEnd::Ended => Ok(()),
        AgentEnd::AliasTaken => Err(alias_taken()),
        AgentEnd::HasConversations => {
            let detail = "The agent has conversations. Close or transfer them first.";
            Err(Problem::conflict(Code::AgentHasConversations, detail))
        }
        AgentEnd::LastAdmin => {
            let detail =
                "The agent has the last valid admin token, and the bootstrap token is retired. Create another first.";
            Err(Problem::conflict(Code::AccessTokenLastAdmin, detail))
        }
    }
}

async fn refuse_if_waited_for(services: &Services, id: &str) -> Result<(), Problem> {
    if waits(services, &Queue::Agent(id.to_owned())).await? {
        let detail = "Conversations wait for this agent. Claim or close them first.";
        return Err(Problem::conflict(Code::AgentHasWaiting, detail));
    }
    Ok(())
}

async fn refuse_if_in_groups(services: &Services, id: &str) -> Result<(), Problem> {
    let mut groups = Vec::new();
    for group in services.store.staff.groups_of(id).await? {
        if let Some(record) = services.store.settings.record::<Group>(&group).await?
            && record.settings.members.iter().any(|member| member == id)
        {
            groups.push(format!("{} ({group})", record.settings.name));
        }
    }
    if !groups.is_empty() {
        let detail = format!("The agent is a member of {}. Remove them from it first.", groups.join(", "));
        return Err(Problem::conflict(Code::AgentInGroups, detail));
    }
    Ok(())
}

async fn waits(services: &Services, queue: &Queue) -> Result<bool, StoreError> {
    Ok(!services.store.queues.waiting(queue, 1).await?.is_empty())
}

/// A failure does not fail the request: the settings are written, and what still waits is assigned later.
fn drained(drained: Result<u32, StoreError>) {
    if let Err(error) = drained {
        tracing::error!(%error, "waiting conversations were not assigned");
    }
}

fn members(settings: Option<&Settings>) -> BTreeSet<String> {
    match settings {
        Some(Settings::Group(group)) => set(group),
        _ => BTreeSet::new(),
    }
}

fn set(group: &Group) -> BTreeSet<String> {
    group.members.iter().cloned().collect()
}
