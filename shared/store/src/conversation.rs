//! Conversations. A visitor has at most one open conversation.

use desk::{conversation::ClosedBy, routing::Plan};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::Result,
    handles::ConversationReader,
    inbox::InboundRef,
    item::{Attributes, Build, Read, n, s},
    keys,
    retention::Retention,
    thread::Thread,
    timer,
};

/// A conversation. It is written whole, on condition that its version is the one that was read. Absent fields are left out: most
/// messages write it, and each kilobyte costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub cid: String,
    /// The mini program's AppID.
    pub app_id: String,
    /// The visitor's openid.
    pub openid: String,
    /// Who has it now.
    pub stage: Stage,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When the visitor last wrote.
    pub last_message_at: Timestamp,
    /// The last activity that counts against idling.
    pub active_at: Timestamp,
    /// When a person first replied; the automatic reply is silent from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// When the visitor was last warned that it will end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned_at: Option<Timestamp>,
    /// When the tick has to check it next.
    #[serde(default, rename = "look_at", skip_serializing_if = "Option::is_none")]
    pub next_check_at: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Where it may go, level by level; absent until it is routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The agent's wrap-up notes.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub summary: Value,
    /// The number of the last event; see [`Event`](crate::Event).
    pub seq: u64,
    /// The id of its first message: its messages begin here in the thread.
    pub(crate) first_message: String,
    /// Whether its agent's duty is known to list it; see [`assignment`](crate::assignment). An earlier version leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_duty: bool,
    /// Whether `next_check_at` got its timer with the write; see [`timer`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_timed: bool,
    #[serde(skip)]
    pub(crate) version: u64,
}

/// The stage of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Stage {
    /// No one: it has no group. Any agent may claim it.
    Unassigned,
    /// A robot.
    Robot(Box<RobotStage>),
    /// It waits in a queue.
    Queued(Waiting),
    /// An agent.
    Assigned(Assigned),
    /// 留言: no agent was available, and the visitor leaves a message.
    LeftMessage(Waiting),
    /// It has ended.
    Closed {
        /// Why.
        by: ClosedBy,
    },
}

/// A conversation with a robot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RobotStage {
    /// Which robot.
    pub robot_id: String,
    /// The visitor's messages that are not answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// Consecutive turns without an answer.
    pub misses: u32,
    /// The beginning of the last question, to recognise a repetition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_question: String,
    /// How often it was asked in a row.
    pub repeats: u32,
    /// The questions that were offered to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offered: Vec<String>,
    /// Where the visitor's last message would be routed, for a handover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// When that plan was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
}

/// The messages of a visitor that a robot answers together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The messages in their order, at most [`TURN_MAX`]. Each by its id, because they may come late and out of order:
    /// one that sorts before those that are being answered is not answered with them.
    #[serde(default)]
    pub messages: Vec<String>,
    /// When the first came.
    pub since: Timestamp,
    /// Until when a function is answering it; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answering_until: Option<Timestamp>,
}

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The queue; see [`Queue`](crate::Queue).
    pub queue: String,
    /// The sort key within the queue, smallest first.
    pub place: String,
    /// Since when.
    pub since: Timestamp,
    /// The level of the plan that led here, from 1.
    pub level: u8,
    /// When it goes on to the next level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether the visitor was told that the message they left has been taken.
    #[serde(default)]
    pub told: bool,
    /// The agent who transferred it to this queue. It is not assigned to them again for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_on_by: Option<String>,
}

/// An agent's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The agent's id.
    pub agent_id: String,
    /// Through which group, if any.
    pub group_id: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When the agent took it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
}

/// The value of the attribute `turn` while no function answers.
const TURN_WAITING: &str = "waiting";

/// The greatest number of messages in a turn; older ones are dropped.
pub const TURN_MAX: usize = 20;

impl Turn {
    /// A turn that begins with this message.
    pub fn new(message: &str, now: Timestamp) -> Self {
        Self { messages: vec![message.to_owned()], since: now, answering_until: None }
    }

    /// Adds a message. A function that is answering the turn answers it again with this message; one whose time is over
    /// is not waited for.
    pub fn join(&mut self, message: &str, now: Timestamp) {
        if let Err(place) = self.messages.binary_search_by(|known| known.as_str().cmp(message)) {
            self.messages.insert(place, message.to_owned());
        }
        let beyond = self.messages.len().saturating_sub(TURN_MAX);
        self.messages.drain(..beyond);
        self.answering_until = self.answering_until.filter(|until| *until > now);
    }

    /// The turn that remains when these messages are answered; none when all are.
    pub fn without(&self, answered: &[String], now: Timestamp) -> Option<Self> {
        let messages: Vec<String> = self.messages.iter().filter(|id| !answered.contains(id)).cloned().collect();
        (!messages.is_empty()).then_some(Self { messages, since: now, answering_until: None })
    }
}

impl Conversation {
    /// A new conversation that begins with this message; [`Decisions::commit`](crate::Decisions::commit) stores it.
    pub fn new(thread: &Thread, message: &InboundRef, stage: Stage, now: Timestamp) -> Self {
        Self {
            cid: thread.cid(&message.id),
            app_id: thread.app_id.clone(),
            openid: thread.openid.clone(),
            stage,
            created_at: now,
            last_message_at: message.created_at,
            active_at: now,
            answered_at: None,
            warned_at: None,
            next_check_at: None,
            closed_at: None,
            plan: None,
            summary: Value::Null,
            seq: 0,
            first_message: message.id.clone(),
            in_duty: false,
            is_timed: false,
            version: 0,
        }
    }

    /// The visitor's thread.
    pub fn thread(&self) -> Thread {
        Thread::new(&self.app_id, &self.openid)
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Closed { .. })
    }

    /// The agent who has it.
    pub fn assignee(&self) -> Option<&str> {
        match &self.stage {
            Stage::Assigned(assigned) => Some(&assigned.agent_id),
            _ => None,
        }
    }

    /// Its place in a queue, if it waits in one.
    pub fn waiting(&self) -> Option<&Waiting> {
        match &self.stage {
            Stage::Queued(waiting) | Stage::LeftMessage(waiting) => Some(waiting),
            _ => None,
        }
    }

    /// Whether it begins with the message with this id.
    pub fn begins_with(&self, message: &str) -> bool {
        self.first_message == message
    }

    /// Adds a message of the visitor. It may have arrived late and sort before the first one.
    pub fn join(&mut self, message: &InboundRef, now: Timestamp) {
        self.last_message_at = self.last_message_at.max(message.created_at);
        self.active_at = now;
        self.warned_at = None;
        if message.id < self.first_message {
            self.first_message.clone_from(&message.id);
        }
    }

    /// Counts its changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether its agent's duty lists it once the decision on `before` is written.
    pub(crate) fn is_in_duty(&self, before: Option<&Self>) -> bool {
        let stays = before.filter(|before| before.assignee() == self.assignee());
        self.assignee().is_some() && stays.is_none_or(|before| before.in_duty)
    }

    /// Whether the time of the next check differs from that of `before`. Then a timer is set with the write if the check is soon.
    pub(crate) fn sets_timer(&mut self, before: Option<&Self>, now: Timestamp) -> bool {
        let before = before.filter(|before| before.next_check_at == self.next_check_at);
        let soon = self.next_check_at.filter(|_| self.is_open()).is_some_and(|due| timer::is_soon(due, now));
        self.is_timed = before.map_or(soon, |before| before.is_timed);
        soon && before.is_none()
    }

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::CONVERSATION, item };
        let mut conversation: Self = read.data()?;
        conversation.version = read.opt_n("version")?.unwrap_or(0);
        Ok(conversation)
    }

    /// When its retention begins: when it was closed.
    pub(crate) fn expires_from(&self) -> Option<Timestamp> {
        self.closed_at.filter(|_| !self.is_open())
    }

    pub(crate) fn write(&self, version: u64, sets_timer: bool, retention: Retention) -> Result<Attributes> {
        let due = self.next_check_at.filter(|_| self.is_open());
        let opened = keys::opened(self.created_at, &self.cid);
        let turn = match &self.stage {
            Stage::Robot(robot) => robot.turn.as_ref(),
            _ => None,
        };
        Ok(Build::new(keys::CONVERSATION, keys::conversation(&self.cid), keys::CONVERSATION)
            .set("lists_pk", s(keys::conversation_list(&self.cid)))
            .set("lists_sk", s(opened))
            .set("cid", s(&self.cid))
            .set("version", n(version))
            .maybe("due_pk", due.map(|_| s(keys::due(&self.thread().pk()))))
            .maybe("due_sk", due.map(|due| s(timer::due_sk(due, self.is_timed))))
            .maybe(timer::TIMER, due.filter(|_| sets_timer).map(timer::attribute))
            // An attribute of its own, so that the stream can be filtered by it.
            .maybe("turn", turn.map(|turn| s(if turn.answering_until.is_some() { "answering" } else { TURN_WAITING })))
            .maybe("ttl", self.expires_from().and_then(|closed| retention.conversations.ttl(closed)))
            .data(self)?
            .done())
    }
}

/// A conversation that waits for its robot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRef {
    /// The conversation's id.
    pub cid: String,
    /// The visitor's thread; `None` when the conversation is unreadable.
    pub thread: Option<Thread>,
}

impl TurnRef {
    /// The conversation in a record of the table's stream. `None` when the image is not one of a conversation that waits for
    /// its robot.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let waits = attribute("kind") == Some(keys::CONVERSATION) && attribute("turn") == Some(TURN_WAITING);
        let cid = attribute("cid").filter(|_| waits)?;
        let conversation = attribute("data").and_then(|data| serde_json::from_str::<Conversation>(data).ok());
        Some(Self { cid: cid.to_owned(), thread: conversation.as_ref().map(Conversation::thread) })
    }
}

impl ConversationReader {
    /// A conversation.
    pub async fn conversation(&self, cid: &str) -> Result<Option<Conversation>> {
        let item = self.0.get(keys::conversation(cid), keys::CONVERSATION, true).await?;
        item.as_ref().map(Conversation::read).transpose()
    }

    /// These conversations, in this order; those that are gone are left out.
    pub async fn conversations_of(&self, cids: &[String]) -> Result<Vec<Conversation>> {
        let keys: Vec<_> = cids.iter().map(|cid| (keys::conversation(cid), keys::CONVERSATION.to_owned())).collect();
        self.0.get_all(&keys).await?.iter().map(Conversation::read).collect()
    }
}
