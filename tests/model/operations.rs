//! What can happen at a desk, and how it is done: by the calls that the functions make.

use std::collections::BTreeSet;

use conversations::{Actor, Conversations, HandoffError, TransferTarget};
use desk::staff::{AgentStatus, Group};
use store::{Conversation, DUE_SHARDS, InboundRef, Kind, Queue, Result};

/// Something that somebody does.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Reception of something that came in.
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
    /// What the clock wakes each minute.
    Tick,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Handed(std::result::Result<Box<Conversation>, HandoffError>),
    /// Things that failed in a tick.
    Ticked(u32),
    Otherwise,
}

impl Operation {
    pub(crate) async fn carry_out(&self, desk: &Conversations) -> Result<Done> {
        let table = desk.table();
        let handed = match self {
            Self::Claim { cid, agent } => Box::pin(desk.claim(cid, agent)).await?,
            Self::Accept { cid, agent } => desk.accept(cid, agent).await?,
            Self::Transfer { cid, to, by } => {
                Box::pin(desk.transfer(cid, to, Some("because"), actor(by.as_ref()))).await?
            }
            Self::Close { cid, by } => Box::pin(desk.close(cid, actor(by.as_ref()), None)).await?,
            Self::Tick => return Box::pin(tick(desk)).await.map(Done::Ticked),
            Self::Receive(message) => return Box::pin(desk.receive(message)).await.map(|()| Done::Otherwise),
            Self::Status { agent, status } => {
                return desk.set_status(agent, *status, None).await.map(|_| Done::Otherwise);
            }
            Self::Heartbeat { agent } => return table.heartbeat(agent).await.map(|_| Done::Otherwise),
            Self::Capacity { agent, capacity } => {
                table.set_capacity(agent, agent, *capacity).await?;
                return desk.drain_for(agent).await.map(|_| Done::Otherwise);
            }
            Self::Group { id, settings } => return change_group(desk, id, settings).await.map(|()| Done::Otherwise),
        };
        Ok(Done::Handed(handed.map(Box::new)))
    }
}

fn actor(by: Option<&String>) -> Actor<'_> {
    by.map_or(Actor::Admin, |agent| Actor::Agent(agent))
}

/// Who joins is noted before the group's own list is written, who leaves after it.
async fn change_group(desk: &Conversations, id: &str, settings: &Group) -> Result<()> {
    let table = desk.table();
    let seen = table.record::<Group>(Kind::Group, id).await?.unwrap();
    let set = |members: &[String]| members.iter().cloned().collect::<BTreeSet<_>>();
    let (before, after, nobody) = (set(&seen.settings.members), set(&settings.members), BTreeSet::new());
    table.note_members(id, &(&after - &before), &nobody).await?;
    let aliases = seen.aliases.clone();
    table.change_record(Kind::Group, &seen, settings.clone(), aliases, None).await?;
    table.note_members(id, &nobody, &(&before - &after)).await?;
    desk.begin_drain(&[Queue::Group(id.to_owned())]).await.map(drop)
}

/// The minute tick of reception: messages that were left behind, and what is due.
async fn tick(desk: &Conversations) -> Result<u32> {
    let table = desk.table();
    let mut failed = 0;
    for shard in 0..DUE_SHARDS {
        for message in table.left_behind(shard, 50).await? {
            if Box::pin(desk.receive(&message)).await.is_err() {
                failed += 1;
                table.put_off(&message).await?;
            }
        }
    }
    Ok(failed + desk.tick().await?.failed)
}
