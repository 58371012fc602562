//! The reference: what a desk does, in the fewest words, one thing at a time and all in memory. It is made of the table
//! as it was before an operation and says how it must be after it, if nothing disturbs the operation. It shares
//! settings with the desk, and not one rule.
//!
//! | Module | What |
//! |---|---|
//! | `operations` | what each operation comes to |
//! | `moves` | a conversation changes hands, and those who wait go to those who are free |
//! | `route` | where a conversation goes, and to which agent |

mod moves;
mod operations;
mod route;

use std::collections::{BTreeMap, BTreeSet};

use desk::{
    routing::{Level, Plan},
    staff::Group,
};
use jiff::Timestamp;
use store::{Conversation, Stage, Visitor};

pub(crate) use route::{Goes, Wish, queue_of};

use crate::book::{Agent, Present, thread_key};

/// Who has a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    Robot,
    Queue(String),
    Agent(String),
    Left,
}

/// What a `session-from` asks for; its text is the key in [`World::sessions`](crate::world::World).
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    pub(crate) levels: Vec<Level>,
    pub(crate) robot: bool,
}

/// What a visitor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Something,
    AskForPerson,
    Farewell,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    now: Timestamp,
    pub(crate) agents: BTreeMap<String, Agent>,
    groups: BTreeMap<String, Group>,
    works: BTreeMap<String, bool>,
    is_in: BTreeMap<String, BTreeSet<String>>,
    visitors: BTreeMap<String, Visitor>,
    /// The visitor of each conversation.
    threads: BTreeMap<String, String>,
    pub(crate) lines: BTreeMap<String, BTreeMap<String, String>>,
    /// Whom those wanted who have left a message.
    wanted: BTreeMap<String, Vec<Level>>,
    /// Who has each open conversation.
    pub(crate) holders: BTreeMap<String, Holder>,
    /// Who has handed on those who wait, and when.
    pub(crate) handed_on: BTreeMap<String, (String, Timestamp)>,
}

impl Holder {
    pub(crate) fn of(conversation: &Conversation) -> Self {
        match &conversation.stage {
            Stage::Unassigned => Self::Nobody,
            Stage::Robot(_) => Self::Robot,
            Stage::Queued(waiting) => Self::Queue(waiting.queue.clone()),
            Stage::Assigned(assigned) => Self::Agent(assigned.agent_id.clone()),
            Stage::LeftMessage(_) | Stage::Closed { .. } => Self::Left,
        }
    }
}

fn wanted(left: &Conversation) -> Option<Vec<Level>> {
    let plan: Plan = left.plan.clone()?;
    (matches!(left.stage, Stage::LeftMessage(_)) && !plan.levels.is_empty()).then_some(plan.levels)
}

impl Model {
    pub(crate) fn of(present: &Present, now: Timestamp) -> Self {
        let open = present.open.values();
        Self {
            now,
            agents: present.agents.clone(),
            groups: present.groups.clone(),
            works: present.groups.keys().map(|id| (id.clone(), present.is_open(id, now).unwrap())).collect(),
            is_in: present.is_in.clone(),
            visitors: present.visitors.clone(),
            threads: open.clone().map(|open| (open.cid.clone(), thread_key(open))).collect(),
            lines: present.lines.clone(),
            wanted: open.clone().filter_map(|open| Some((open.cid.clone(), wanted(open)?))).collect(),
            holders: open.clone().map(|open| (open.cid.clone(), Holder::of(open))).collect(),
            handed_on: open.filter_map(handed_on).collect(),
        }
    }
}

fn handed_on(open: &Conversation) -> Option<(String, (String, Timestamp))> {
    let waiting = open.waiting()?;
    Some((open.cid.clone(), (waiting.handed_on_by.clone()?, waiting.since)))
}
