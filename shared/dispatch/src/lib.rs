//! Who has a conversation, from the visitor's first message to its end: the rules of `desk` applied to what `store` keeps.
//!
//! | Module | What |
//! |---|---|
//! | [`receive`](Dispatch::receive) | a visitor's message: the robot, an agent, the queue, or a message left |
//! | `plan` | where a conversation may go, from `session-from` and the binding; the facts that the decision asks for |
//! | `scene` | one decision on its way: what was read, what shall be, what is said |
//! | `hand` | a conversation changes hands |
//! | `seats` | to whom conversations are on their way |
//! | [`drain`](Dispatch::drain) | those who wait go to those who are free |
//! | `agents`, `gone` | what agents do: claim, accept, transfer, close, come, and go for good |
//! | [`tick`](Dispatch::tick) | what falls due by the clock |
//! | [`turn`](Dispatch::turn), `ask` | a robot's turn: what it is asked, what comes of it |
//! | `enter` | a visitor enters: who they say they are, the greeting |
//! | `held` | held texts go out |
//! | [`simulate`](Dispatch::simulate) | who would get a conversation, and why |
//!
//! Every change is one transaction on what was read, so two who decide at once cannot both succeed: the second reads
//! again and decides again. What follows a change (sends, drains) may be cut off by a stopped function; the minute tick finds it.

mod agents;
mod ask;
mod clock;
mod drain;
mod enter;
mod gone;
mod hand;
mod held;
mod knowledge;
mod plan;
mod receive;
mod scene;
mod seats;
mod simulate;
mod turn;

pub use agents::{HandFailure, To};
pub use plan::reception;
pub use simulate::{Simulated, Simulation};

use channel::Channel;
use store::{Table, Vault};

/// How often a decision is made again because something changed under it.
pub(crate) const DECISIONS: u32 = 12;

/// The desk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub(crate) table: Table,
    pub(crate) vault: Vault,
    pub(crate) channel: Channel,
    pub(crate) knowledge: knowledge::Shelf,
    pub(crate) seats: seats::Seats,
}

impl Dispatch {
    /// The desk over this table.
    pub fn new(table: Table, vault: Vault, channel: Channel) -> Self {
        let (knowledge, seats) = (knowledge::Shelf::default(), seats::Seats::default());
        Self { table, vault, channel, knowledge, seats }
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
