//! The operations, run by the calls that the functions make.

use std::collections::BTreeSet;

use conversations::{Actor, HandoffError, TickReport, TransferTarget};
use desk::staff::{AgentStatus, Group};
use jiff::{SignedDuration, Timestamp};
use store::{Conversation, DuePartition, InboundRef, Queue, Result, Timer};

use crate::world::Desk;

/// An operation.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Reception processes a message.
    Receive(InboundRef),
    Claim {
        cid: String,
        agent: String,
    },
    Accept {
        cid: String,
        agent: String,
    },
    Transfer {
        cid: String,
        to: TransferTarget,
        by: Option<String>,
    },
    Close {
        cid: String,
        /// The agent who closes it; an administrator without one.
        by: Option<String>,
    },
    Status {
        agent: String,
        status: AgentStatus,
    },
    Heartbeat {
        agent: String,
    },
    Capacity {
        agent: String,
        capacity: u32,
    },
    Group {
        id: String,
        settings: Box<Group>,
    },
    /// Robot gets a conversation from its queue.
    Turn {
        cid: String,
    },
    /// The minute tick of reception.
    Tick,
    /// The same at its deadline, when it begins nothing more.
    TickAtDeadline,
    /// Timers of reception that fire.
    Timers(Vec<Timer>),
}

/// The result of an operation.
#[derive(Debug)]
pub(crate) enum Completed {
    Handoff(std::result::Result<Box<Conversation>, HandoffError>),
    /// The number of items that failed in a tick.
    Tick(u32),
    Other,
}

impl Operation {
    pub(crate) async fn run(&self, desk: &Desk) -> Result<Completed> {
        let table = &desk.table;
        match self {
            Self::Claim { cid, .. }
            | Self::Accept { cid, .. }
            | Self::Transfer { cid, .. }
            | Self::Close { cid, .. } => self.hand_off(desk, cid).await,
            Self::Tick => Box::pin(tick(desk)).await.map(|report| Completed::Tick(report.failed)),
            Self::TickAtDeadline => {
                let until = desk.table.clock().now() - SignedDuration::from_millis(1);
                Box::pin(tick_until(desk, until)).await.map(|report| Completed::Tick(report.failed))
            }
            Self::Timers(timers) => {
                let report = Box::pin(desk.tick.fire(timers.clone(), Timestamp::MAX)).await;
                Ok(Completed::Tick(report.failed))
            }
            Self::Receive(message) => Box::pin(desk.conversations.receive(message)).await.map(|()| Completed::Other),
            Self::Turn { cid } => {
                Box::pin(desk.conversations.turn(&desk.robots, cid, 5)).await.map(|_| Completed::Other)
            }
            Self::Status { agent, status } => {
                Box::pin(desk.actions.set_status(agent, *status, None)).await.map(|_| Completed::Other)
            }
            Self::Heartbeat { agent } => table.duty_writer().heartbeat(agent).await.map(|_| Completed::Other),
            Self::Capacity { agent, capacity } => {
                table.settings_writer().set_capacity(agent, agent, *capacity).await?;
                Box::pin(desk.conversations.drain_for(agent)).await.map(|_| Completed::Other)
            }
            Self::Group { id, settings } => Box::pin(change_group(desk, id, settings)).await.map(|()| Completed::Other),
        }
    }

    /// Reads the conversation, as the API does for its permissions, and then acts on it.
    async fn hand_off(&self, desk: &Desk, cid: &str) -> Result<Completed> {
        let Some(conversation) = desk.conversations.conversation(cid).await? else {
            return Ok(Completed::Handoff(Err(HandoffError::NoConversation)));
        };
        let result = match self {
            Self::Claim { agent, .. } => Box::pin(desk.actions.claim(conversation, agent)).await?,
            Self::Accept { agent, .. } => Box::pin(desk.actions.accept(conversation, agent)).await?,
            Self::Transfer { to, by, .. } => {
                Box::pin(desk.actions.transfer(conversation, to, Some("because"), actor(by.as_ref()))).await?
            }
            Self::Close { by, .. } => Box::pin(desk.actions.close(conversation, actor(by.as_ref()), None)).await?,
            other => unreachable!("{other:?} is no handoff"),
        };
        Ok(Completed::Handoff(result.map(|handed_off| Box::new(handed_off.conversation))))
    }
}

fn actor(by: Option<&String>) -> Actor<'_> {
    by.map_or(Actor::Admin, |agent| Actor::Agent(agent))
}

/// Adds the edges of agents who join before the group is written, and removes those of agents who leave after it.
async fn change_group(desk: &Desk, id: &str, settings: &Group) -> Result<()> {
    let table = &desk.table;
    let seen = table.settings().record::<Group>(id).await?.unwrap();
    let set = |members: &[String]| members.iter().cloned().collect::<BTreeSet<_>>();
    let (before, after, none) = (set(&seen.settings.members), set(&settings.members), BTreeSet::new());
    table.settings_writer().note_members(id, &(&after - &before), &none).await?;
    let aliases = seen.aliases.clone();
    table.settings_writer().change_record(&seen, settings.clone(), aliases, None).await?;
    table.settings_writer().note_members(id, &none, &(&before - &after)).await?;
    desk.conversations.begin_drain(&[Queue::Group(id.to_owned())]).await.map(drop)
}

/// The minute tick of reception, all of it in one invocation.
pub(crate) async fn tick(desk: &Desk) -> Result<TickReport> {
    tick_until(desk, Timestamp::MAX).await
}

/// The timers that a tick sets.
pub(crate) async fn upcoming_timers(desk: &Desk) -> Result<Vec<Timer>> {
    let (checks, mut timers) = (desk.table.due_checks(), Vec::new());
    for partition in DuePartition::all() {
        timers.extend(checks.upcoming(&partition, 1000).await?.timers);
    }
    Ok(timers)
}

async fn tick_until(desk: &Desk, until: Timestamp) -> Result<TickReport> {
    let (checks, mut due) = (desk.table.due_checks(), Vec::new());
    for partition in DuePartition::all() {
        due.extend(checks.due(&partition, None).await?);
    }
    Ok(desk.tick.process(due, until).await)
}
