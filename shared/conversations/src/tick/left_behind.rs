//! What a function that stopped has left behind: messages that were not processed, and sends that were not made.
//!
//! The function that writes a send also sends it: `reception` its automatic replies, `robot` its answers, `desk-api` and
//! `card-send` what people write. If that function was stopped before it called WeChat, the send is made here. If it was
//! stopped during the call, the outcome is not known and the send becomes `unknown`. A held text whose visitor did not write
//! in time expires here, too.

use store::{InboundRef, Message, MessageState, Result};

use super::{Tick, TickReport};

impl Tick {
    pub(super) async fn take_up(&self, message: &InboundRef, report: &mut TickReport) -> Result<()> {
        report.taken_up += 1;
        self.receiver.receive(message).await
    }

    pub(super) async fn take_over(&self, message: &Message, report: &mut TickReport) -> Result<()> {
        report.taken_over += 1;
        match message.state {
            MessageState::Sending => self.channel.give_up(message).await,
            MessageState::Held => self.channel.expire(message).await.map(drop),
            _ => self.channel.deliver_due(&message.thread, &message.id).await,
        }
    }
}
