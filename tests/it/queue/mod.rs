//! Who waits, who is next, and how a conversation goes from hand to hand to its end.

mod burst;
mod drained;
mod ending;
mod failing;
mod gone;
mod handed_on;
mod hands;
mod left_messages;
mod morning;
mod order;
mod transfers;
mod waits;
