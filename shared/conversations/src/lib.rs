//! Who has a conversation, from the visitor's first message to its end: the rules of `desk` applied to what `store` keeps.
//!
//! | Module | Decides |
//! |---|---|
//! | `reception` | what happens to a visitor's message: robot, agent, queue, or a message left |
//! | `session_start` | what a visitor who enters brings along, and the greeting |
//! | `held_texts` | which held texts go out with the visitor's message |
//! | `routing` | where a conversation may go (the plan), and where it goes |
//! | `assignment` | how it changes hands, and which agent gets it |
//! | `in_flight` | which assignments this process has not written yet |
//! | `settings_cache` | the settings that are read for every message |
//! | `queue_drain` | which waiting conversation goes to which free agent |
//! | `robot_turn` | what a robot is asked, and what its answer leads to |
//! | `actions` | what agents and administrators do: claim, accept, transfer, close, block visitors, change status |
//! | `tick`, `agent_timeout` | what is due: silent agents, idle conversations, long waits, unstaffed queues; by the minute, and by timers |
//! | `last_word` | whether the visitor waits for an answer, and since when neither side has written |
//! | `erasure` | how all that is stored of a visitor is deleted |
//! | `permissions` | what a caller may do, by the facts in the table |
//! | `watch_facts` | the same facts, for who is told of a change |
//! | `token_agent` | which agent the holder of an access token works as |
//! | `simulate` | where a conversation would go |
//! | `decision`, `cycle` | one decision: read, decide, write, send, follow up, and again after a conflict |
//! | `events` | the data of a conversation's events |
//!
//! Every change is one transaction that requires that nothing it was decided on has changed, so of two concurrent decisions
//! the second fails and is made again. A stopped function may leave the sends and drains that follow a change undone; the
//! minute tick does them.

mod actions;
mod agent_timeout;
mod assignment;
mod automatic_message;
mod cycle;
mod decision;
mod due;
mod erasure;
mod events;
mod handles;
mod held_texts;
mod in_flight;
mod last_word;
mod message_text;
mod permissions;
mod pictures;
mod queue_drain;
mod reception;
mod reception_settings;
mod robot_turn;
mod routing;
mod session_start;
mod settings_cache;
mod simulate;
mod tick;
mod token_agent;
mod watch_facts;

pub use actions::{Actor, AgentActions, HandedOff, HandoffError, HandoffResult, NewBlock, TransferTarget};
pub use erasure::{Eraser, ErasureState};
pub use events::{AnswerKind, AssignmentOrigin, ConversationEvent, NoData, RoutingCause, True, WithheldAnswer};
pub use permissions::{groups_of, last_agent};
pub use pictures::{KeptPictures, Picture, PictureError};
pub use robot_turn::{AskFailure, AskedRobot, RobotTrial, TURN_TIME, TurnOutcome, TurnReport};
pub use settings_cache::SETTINGS_LIFE;
pub use simulate::{FirstStep, Simulated, Simulation};
pub use tick::{Tick, TickReport};
pub use watch_facts::{WatchFacts, WatchedGroup};

use std::sync::Arc;

use channel::Channel;
use jiff::Timestamp;
use store::{Conversation, Duty, InboundRef, Queue, Result, Table, Vault};
use tracing::field;

use crate::{
    assignment::Assigner,
    cycle::DecisionCycle,
    handles::Handles,
    queue_drain::QueueDrain,
    reception::Receiver,
    robot_turn::{RobotCache, RobotTurns},
    routing::Router,
    simulate::Simulator,
};

/// What happens to conversations by visitors' messages, robots' answers and free agents. Cheap to clone.
///
/// What people do is in [`AgentActions`], and what is due by the clock in [`Tick`]: each needs more of the table than this,
/// and only some functions have it.
#[derive(Debug, Clone)]
pub struct Conversations {
    store: Arc<Handles>,
    channel: Channel,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
    drain: QueueDrain,
    receiver: Receiver,
    turns: RobotTurns,
    simulator: Simulator,
    vault: Vault,
    robots: RobotCache,
}

impl Conversations {
    /// The conversations that are kept in this table.
    pub fn new(table: &Table, vault: &Vault, channel: Channel) -> Self {
        let store = Arc::new(Handles::new(table));
        let (router, assigner) = (Router::new(store.clone()), Assigner::new(store.clone()));
        Self::of(store, vault, channel, router, assigner, RobotCache::default(), None)
    }

    /// The same conversations for an invocation that is stopped at this time: no send begins that could not end before it.
    /// The table keeps what is not sent as pending, and the tick sends it.
    #[must_use]
    pub fn within(&self, deadline: Timestamp) -> Self {
        let Self { store, vault, channel, router, assigner, robots, .. } = self.clone();
        Self::of(store, &vault, channel.until(deadline), router, assigner, robots, None)
    }

    /// The same conversations for messages of a stream, in which the visitors after them wait: what is not sent at this time is
    /// sent by another function, so that a slow WeChat holds up the stream for this time and one send.
    #[must_use]
    pub fn sending_until(&self, until: Timestamp) -> Self {
        let Self { store, vault, channel, router, assigner, robots, .. } = self.clone();
        Self::of(store, &vault, channel, router, assigner, robots, Some(until))
    }

    fn of(
        store: Arc<Handles>,
        vault: &Vault,
        channel: Channel,
        router: Router,
        assigner: Assigner,
        robots: RobotCache,
        sends_until: Option<Timestamp>,
    ) -> Self {
        let drain = QueueDrain::new(store.clone(), channel.clone(), router.clone(), assigner.clone());
        let cycle = DecisionCycle::new(store.clone(), channel.clone(), drain.clone(), sends_until);
        Self {
            receiver: Receiver::new(vault, &cycle, &router, &assigner),
            turns: RobotTurns::new(vault, &channel, &cycle, &router, &assigner, &robots),
            simulator: Simulator::new(vault, &router),
            store,
            vault: vault.clone(),
            robots,
            channel,
            cycle,
            router,
            assigner,
            drain,
        }
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// A conversation.
    pub async fn conversation(&self, cid: &str) -> Result<Option<Conversation>> {
        self.store.conversations.conversation(cid).await
    }

    /// The duty of one agent.
    pub async fn duty(&self, agent: &str) -> Result<Option<Duty>> {
        self.store.staff.duty(agent).await
    }

    /// Processes a visitor's message or event: decides, writes, sends the automatic replies and follows up. It may be
    /// repeated for the same message.
    #[tracing::instrument(skip_all, fields(
        app_id = message.thread.app_id,
        cid = field::Empty,
        uid = message.thread.uid(),
        id = message.id,
    ))]
    pub async fn receive(&self, message: &InboundRef) -> Result<()> {
        self.receiver.receive(message).await
    }

    /// Answers what a visitor wrote to a robot, unless another function does. At most `at_once` turns of a mini program ask a
    /// language model or a webhook at the same time; one that would be more is postponed.
    #[tracing::instrument(skip_all, fields(app_id = field::Empty, cid = cid, uid = field::Empty))]
    pub async fn turn(&self, robots: &robots::Client, cid: &str, at_once: u32) -> Result<TurnReport> {
        self.turns.answer(robots, cid, at_once).await
    }

    /// Asks a robot for an answer to a text, without a conversation. `None` when there is no such robot. Takes as long as the
    /// robot's deadline allows, 25 seconds at most.
    #[tracing::instrument(skip_all, fields(robot_id = robot_id))]
    pub async fn try_robot(&self, robots: &robots::Client, robot_id: &str, text: &str) -> Result<Option<RobotTrial>> {
        self.turns.try_robot(robots, robot_id, text).await
    }

    /// Assigns the conversations of these queues, the longest waiting first, as long as an agent is free for them, within
    /// the time of a request; another function goes on with what is left. Returns how many.
    #[tracing::instrument(skip_all)]
    pub async fn begin_drain(&self, queues: &[Queue]) -> Result<u32> {
        self.drain.drain(queues).await
    }

    /// Assigns what an agent who has become free can take, within the time of a request; another function goes on with what is
    /// left. Returns how many.
    #[tracing::instrument(skip_all, fields(agent_id = agent))]
    pub async fn drain_for(&self, agent: &str) -> Result<u32> {
        self.drain.drain_for(agent).await
    }

    /// Simulates where a visitor's first message would go. `None` when the mini program is not bound.
    #[tracing::instrument(skip_all, fields(app_id = simulation.app_id))]
    pub async fn simulate(&self, simulation: &Simulation<'_>) -> Result<Option<Simulated>> {
        Box::pin(self.simulator.simulate(simulation)).await
    }
}
