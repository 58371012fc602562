//! The reference: a simple model of the conversations, in memory and without concurrency. It is built from the table before
//! an operation and predicts the table after it. It shares the types of settings with the code under test, and no rule.
//!
//! | Module | Content |
//! |---|---|
//! | `operations` | the operations |
//! | `transitions` | changes of hands and queue drains |
//! | `route` | routing decisions and the choice of an agent |

mod operations;
mod route;
mod transitions;

use std::collections::{BTreeMap, BTreeSet};

use desk::{
    routing::{Level, Plan},
    staff::Group,
};
use jiff::Timestamp;
use store::{Conversation, Stage, Visitor};

pub(crate) use route::{RoutedTo, RoutingRequest, queue_of};

use crate::table_state::{Agent, OpenState, thread_key};

/// The holder of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    Unassigned,
    Robot,
    Queue(String),
    Agent(String),
    Left,
}

/// The meaning of a `session-from`; its text is the key in [`World::sessions`](crate::world::World).
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    pub(crate) levels: Vec<Level>,
    pub(crate) robot: bool,
}

/// The meaning of a visitor's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VisitorText {
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
    /// The mini programs that use each queue.
    users: BTreeMap<String, BTreeSet<String>>,
    /// The levels of the stored plans of left messages.
    wanted: BTreeMap<String, Vec<Level>>,
    /// The holder of each open conversation.
    pub(crate) holders: BTreeMap<String, Holder>,
    /// The senders of transferred conversations that wait, and when they waited from.
    pub(crate) handed_on: BTreeMap<String, (String, Timestamp)>,
}

impl Holder {
    pub(crate) fn of(conversation: &Conversation) -> Self {
        match &conversation.stage {
            Stage::Unassigned => Self::Unassigned,
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
    pub(crate) fn of(present: &OpenState, now: Timestamp) -> Self {
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
            users: present.watches.keys().map(|queue| (queue.clone(), users(present, queue))).collect(),
            wanted: open.clone().filter_map(|open| Some((open.cid.clone(), wanted(open)?))).collect(),
            holders: open.clone().map(|open| (open.cid.clone(), Holder::of(open))).collect(),
            handed_on: open.filter_map(handed_on).collect(),
        }
    }
}

fn users(present: &OpenState, queue: &str) -> BTreeSet<String> {
    present.shares(queue).into_keys().collect()
}

fn handed_on(open: &Conversation) -> Option<(String, (String, Timestamp))> {
    let waiting = open.waiting()?;
    Some((open.cid.clone(), (waiting.handed_on_by.clone()?, waiting.since)))
}
