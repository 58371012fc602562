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
//! | `queue_drain` | which waiting conversation goes to which free agent |
//! | `robot_turn` | what a robot is asked, and what its answer leads to |
//! | `actions` | what agents and administrators do: claim, accept, transfer, close, change status |
//! | `tick`, `agent_timeout` | what is due: silent agents, idle conversations, long waits, unstaffed queues |
//! | `permissions` | what a caller may do, by the facts in the table |
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
mod events;
mod held_texts;
mod in_flight;
mod message_text;
mod permissions;
mod queue_drain;
mod reception;
mod reception_settings;
mod robot_turn;
mod routing;
mod session_start;
mod simulate;
mod tick;
mod token_agent;

pub use actions::{Actor, HandoffError, HandoffResult, TransferTarget};
pub use events::{AnswerKind, AssignmentOrigin, ConversationEvent, NoData, RoutingCause, True};
pub use robot_turn::TurnOutcome;
pub use simulate::{FirstStep, Simulated, Simulation};
pub use tick::TickReport;

use channel::Channel;
use desk::staff::AgentStatus;
use serde_json::Value;
use store::{Duty, InboundRef, Queue, Result, Table, Vault};

use crate::{
    actions::AgentActions, assignment::Assigner, cycle::DecisionCycle, queue_drain::QueueDrain, reception::Receiver,
    robot_turn::RobotTurns, routing::Router, simulate::Simulator, tick::Tick,
};

/// Everything that happens to conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Conversations {
    table: Table,
    vault: Vault,
    channel: Channel,
    receiver: Receiver,
    turns: RobotTurns,
    actions: AgentActions,
    drain: QueueDrain,
    tick: Tick,
    simulator: Simulator,
}

impl Conversations {
    /// The conversations that are kept in this table.
    pub fn new(table: Table, vault: Vault, channel: Channel) -> Self {
        let router = Router::new(table.clone());
        let assigner = Assigner::new(table.clone());
        let drain = QueueDrain::new(table.clone(), channel.clone(), router.clone(), assigner.clone());
        let cycle = DecisionCycle::new(table.clone(), channel.clone(), drain.clone());
        Self {
            receiver: Receiver::new(&vault, &channel, &cycle, &router, &assigner),
            turns: RobotTurns::new(&vault, &channel, &cycle, &router, &assigner),
            actions: AgentActions::new(&cycle, &router, &assigner),
            tick: Tick::new(&cycle, &router, &assigner, &drain),
            simulator: Simulator::new(&router),
            drain,
            table,
            vault,
            channel,
        }
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Processes a visitor's message or event: decides, writes, sends the automatic replies and follows up. It may be
    /// repeated for the same message.
    pub async fn receive(&self, message: &InboundRef) -> Result<()> {
        self.receiver.receive(message).await
    }

    /// Answers what a visitor wrote to a robot, unless another function does.
    pub async fn turn(&self, robots: &robots::Client, cid: &str) -> Result<TurnOutcome> {
        self.turns.answer(robots, cid).await
    }

    /// Processes everything that is due. Items that fail are counted and postponed; a list that cannot be read is an error,
    /// returned after everything else was tried.
    pub async fn tick(&self) -> Result<TickReport> {
        self.tick.run().await
    }

    /// Assigns the conversations of these queues, the longest waiting first, as long as an agent is free for them, within
    /// the time of a request. Returns how many.
    pub async fn begin_drain(&self, queues: &[Queue]) -> Result<u32> {
        self.drain.begin_drain(queues).await
    }

    /// Assigns what an agent who has become free can take, within the time of a request. Returns how many.
    pub async fn drain_for(&self, agent: &str) -> Result<u32> {
        self.drain.drain_for(agent).await
    }

    /// Assigns a conversation that no agent has to the agent who asks for it. It counts against their capacity.
    pub async fn claim(&self, cid: &str, agent: &str) -> Result<HandoffResult> {
        self.actions.claim(cid, agent).await
    }

    /// Records that the assigned agent works on a conversation.
    pub async fn accept(&self, cid: &str, agent: &str) -> Result<HandoffResult> {
        self.actions.accept(cid, agent).await
    }

    /// Transfers a conversation to an agent or a group, with the reason that the person gave.
    pub async fn transfer(
        &self,
        cid: &str,
        to: &TransferTarget,
        reason: Option<&str>,
        by: Actor<'_>,
    ) -> Result<HandoffResult> {
        self.actions.transfer(cid, to, reason, by).await
    }

    /// Closes a conversation, with the person's notes; one that is closed already stays as it is.
    pub async fn close(&self, cid: &str, by: Actor<'_>, summary: Option<&Value>) -> Result<HandoffResult> {
        self.actions.close(cid, by, summary).await
    }

    /// Sets an agent's status. An agent who comes online gets waiting conversations,
    /// as many as a request has time for. Fails as [`Table::set_status`] does when there is no such agent.
    pub async fn set_status(&self, agent: &str, status: AgentStatus, reason: Option<&str>) -> Result<Duty> {
        self.actions.set_status(agent, status, reason).await
    }

    /// Simulates where a visitor's first message would go. `None` when the mini program is not bound.
    pub async fn simulate(&self, simulation: &Simulation<'_>) -> Result<Option<Simulated>> {
        self.simulator.simulate(simulation).await
    }
}
