//! Who has a conversation, from the visitor's first message to its end: the rules of `desk` applied to what `store` keeps.
//!
//! | Module | What |
//! |---|---|
//! | [`receive`](Conversations::receive) | a visitor's message: the robot, an agent, the queue, or a message left |
//! | `plan` | where a conversation may go, from `session-from` and the binding; the facts that the decision asks for |
//! | `decision` | one decision on its way: what was read, what shall be, what is said |
//! | `hand` | a conversation changes hands |
//! | `in_flight` | to whom conversations are on their way |
//! | [`drain`](Conversations::drain) | those who wait go to those who are free |
//! | `agents`, `gone` | what agents do: claim, accept, transfer, close, come, and go for good |
//! | [`tick`](Conversations::tick) | what falls due by the clock |
//! | [`turn`](Conversations::turn), `ask` | a robot's turn: what it is asked, what comes of it |
//! | `enter` | a visitor enters: who they say they are, the greeting |
//! | `held` | held texts go out |
//! | [`simulate`](Conversations::simulate) | who would get a conversation, and why |
//!
//! Every change is one transaction on what was read, so two who decide at once cannot both succeed: the second reads
//! again and decides again. What follows a change (sends, drains) may be cut off by a stopped function; the minute tick finds it.

mod agent_timeout;
mod agents;
mod ask;
mod assignment;
mod decision;
mod drain;
mod held;
mod in_flight;
mod knowledge;
mod plan;
mod receive;
mod session_start;
mod simulate;
mod tick;
mod turn;

pub use agents::{HandoffError, TransferTarget};
pub use plan::reception;
pub use simulate::{Simulated, Simulation};

use channel::Channel;
use store::{Table, Vault};

/// How often a decision is made again because something changed under it.
pub(crate) const DECISIONS: u32 = 12;

/// The desk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Conversations {
    pub(crate) table: Table,
    pub(crate) vault: Vault,
    pub(crate) channel: Channel,
    pub(crate) knowledge: knowledge::RobotCache,
    pub(crate) in_flight: in_flight::InFlight,
}

impl Conversations {
    /// The desk over this table.
    pub fn new(table: Table, vault: Vault, channel: Channel) -> Self {
        let (knowledge, in_flight) = (knowledge::RobotCache::default(), in_flight::InFlight::default());
        Self { table, vault, channel, knowledge, in_flight }
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
}
