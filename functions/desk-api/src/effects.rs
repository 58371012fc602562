//! What a change of settings asks for, and what it brings with it.

use std::collections::BTreeSet;

use desk::staff::Group;
use function::http::{FieldError, Problem};
use lambda_http::http::StatusCode;
use serde_json::Value;
use store::{Kind, Queue, StoreError};

use crate::{Deps, records::exists, settings::Settings};

/// What the settings name must exist. What they named before may have been taken away since.
pub(crate) async fn must_exist(deps: &Deps, old: Option<&Settings>, new: &Settings) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    match new {
        Settings::Group(group) => {
            let before = members(old);
            let joined: Vec<String> = group.members.iter().filter(|id| !before.contains(*id)).cloned().collect();
            let known = deps.table().duties(&joined).await?;
            for id in joined.iter().filter(|id| !known.iter().any(|duty| duty.agent_id == **id)) {
                let at = group.members.iter().position(|member| member == id).unwrap_or_default();
                wrong.push(FieldError::new(format!("members.{at}"), "must be the id of an agent"));
            }
            let was = matches!(old, Some(Settings::Group(old)) if old.calendar_id == group.calendar_id);
            if let Some(id) = group.calendar_id.as_ref().filter(|_| !was)
                && !exists(deps, Kind::Calendar, id).await?
            {
                wrong.push(FieldError::new("calendar_id", "must be the id of a calendar"));
            }
        }
        Settings::Merchant(merchant) => {
            let was = matches!(old, Some(Settings::Merchant(old)) if old.group_id == merchant.group_id);
            if !was && !exists(deps, Kind::Group, &merchant.group_id).await? {
                wrong.push(FieldError::new("group_id", "must be the id of a group"));
            }
        }
        Settings::Agent(_) | Settings::Robot(_) | Settings::Calendar(_) => {}
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
}

/// What is to be done before the settings are written: whoever is stopped in between leaves a note too much and never
/// one too few.
pub(crate) async fn before(deps: &Deps, id: &str, old: Option<&Settings>, new: &Settings) -> Result<(), Problem> {
    match (old, new) {
        (None, Settings::Agent(agent)) => deps.table().set_capacity(id, &agent.name, agent.capacity).await?,
        (_, Settings::Group(group)) => {
            let joined = &set(group) - &members(old);
            deps.table().note_members(id, &joined, &BTreeSet::new()).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Takes back what was done before settings that were not written after all. Notes of members do no harm.
pub(crate) async fn undone(deps: &Deps, id: &str, new: &Settings) -> Result<(), Problem> {
    match new {
        Settings::Agent(_) => deps.table().end_duty(id).await?,
        _ => true,
    };
    Ok(())
}

/// What follows from other settings.
pub(crate) async fn after(deps: &Deps, id: &str, old: &Settings, new: &Settings) -> Result<(), Problem> {
    match (old, new) {
        (Settings::Agent(old), Settings::Agent(new)) => {
            deps.table().set_capacity(id, &new.name, new.capacity).await?;
            if new.capacity > old.capacity {
                drained(deps.desk.drain_for(id).await);
            }
        }
        (Settings::Group(old), Settings::Group(new)) => {
            deps.table().note_members(id, &BTreeSet::new(), &(&set(old) - &set(new))).await?;
            drained(deps.desk.begin_drain(&[Queue::Group(id.to_owned())]).await);
        }
        _ => {}
    }
    Ok(())
}

/// Whether it may be taken away, and what goes before it.
pub(crate) async fn before_end(deps: &Deps, id: &str, settings: &Settings) -> Result<(), Problem> {
    match settings {
        Settings::Group(_) if waits(deps, &Queue::Group(id.to_owned())).await? => {
            let detail = "Conversations wait for this group. Let them be taken, or let somebody claim or close them.";
            Err(Problem::new(StatusCode::CONFLICT, "group.has_waiting", detail))
        }
        Settings::Agent(_) => agent_may_go(deps, id).await,
        Settings::Robot(_) => Ok(deps.table().replace_questions::<Value>(id, &[]).await?),
        _ => Ok(()),
    }
}

/// What is left to do when it is gone.
pub(crate) async fn after_end(deps: &Deps, id: &str, settings: &Settings) -> Result<(), Problem> {
    if let Settings::Group(group) = settings {
        deps.table().note_members(id, &BTreeSet::new(), &set(group)).await?;
    }
    Ok(())
}

async fn agent_may_go(deps: &Deps, id: &str) -> Result<(), Problem> {
    let mut groups = Vec::new();
    for group in deps.table().groups_of(id).await? {
        if let Some(record) = deps.table().record::<Group>(Kind::Group, &group).await?
            && record.settings.members.iter().any(|member| member == id)
        {
            groups.push(format!("{} ({group})", record.settings.name));
        }
    }
    if !groups.is_empty() {
        let detail = format!("The agent is a member of {}. Take them out of it first.", groups.join(", "));
        return Err(Problem::new(StatusCode::CONFLICT, "agent.in_groups", detail));
    }
    if waits(deps, &Queue::Agent(id.to_owned())).await? {
        let detail = "Conversations wait for this agent. Let somebody claim or close them first.";
        return Err(Problem::new(StatusCode::CONFLICT, "agent.has_waiting", detail));
    }
    if !deps.table().end_duty(id).await? {
        let detail = "The agent has conversations. Let them be closed or transferred first.";
        return Err(Problem::new(StatusCode::CONFLICT, "agent.has_conversations", detail));
    }
    Ok(())
}

async fn waits(deps: &Deps, queue: &Queue) -> Result<bool, StoreError> {
    Ok(!deps.table().waiting(queue, 1).await?.is_empty())
}

/// What could not be assigned now is assigned by the minute tick; the settings are written all the same.
fn drained(drained: Result<u32, StoreError>) {
    if let Err(error) = drained {
        tracing::error!(%error, "those who wait were not assigned");
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
