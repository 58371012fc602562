//! Who waits, who is next, and how a conversation goes from hand to hand to its end.

mod drained;
mod ending;
mod gone;
mod hands;
mod left_messages;
mod order;
mod transfers;
mod waits;
