//! WeChat's quota of five replies in 48 hours: the ledger, held texts and their release, the robot's reserve.

mod held_texts;
mod interleavings;
mod ledger;
mod partly_sent;
mod release;
mod reserve;
