//! How many replies WeChat still grants (发送客服消息, `customer-message/send.html`).
//!
//! A visitor's act fills an allowance up again the moment WeChat takes the act; this side hears of it later. What it
//! sent meanwhile may count against the old allowance or the new one, and the act's time is known in whole seconds of
//! another clock. So every send is held against every allowance as one of three:
//!
//! | Order | when | counts |
//! |---|---|---|
//! | before the act | its last moment is [`CLOCK_SKEW`] earlier than the act's second | not at all |
//! | after the act | it was reserved when the act was known here already, or [`CLOCK_SKEW`] after the act's second was over | as used |
//! | unknown | otherwise | as used in [`Quota::replies_left`], as granted in [`Quota::uncertain_replies`] |
//!
//! What is promised, in any interleaving, as long as clocks differ by no more than [`CLOCK_SKEW`], every send goes through
//! [`Ledger::reserve`] and none reaches WeChat later than [`RESERVATION_TTL`] after it: `replies_left` is never more
//! than what WeChat grants at that moment less all that is reserved and neither taken nor given back. An act that is
//! not heard of yet only adds to what WeChat grants; one that is heard of late changes nothing when a later one is known.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

mod send;

use send::{Act, Order, Send, millis};

/// What an act of the visitor allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many messages. They do not add up: the next act of the same kind fills up to this number again.
    pub replies: u32,
    /// For how long.
    pub window: SignedDuration,
}

/// The visitor has sent a message (发送客服消息, `customer-message/send.html`: 5 in 48 hours).
pub const MESSAGE_ALLOWANCE: Allowance = Allowance { replies: 5, window: SignedDuration::from_hours(48) };

/// The visitor has entered by the contact button (发送客服消息, `customer-message/send.html`: 2 in 1 minute).
pub const ENTER_ALLOWANCE: Allowance = Allowance { replies: 2, window: SignedDuration::from_mins(1) };

/// How far WeChat's clock and those of this side may be apart. It is taken off the end of every window too, since a
/// reply that comes a moment late is refused.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// How long after its reservation a send may still reach WeChat: longer than any is tried again, or waits for whoever
/// takes it over (DynamoDB Streams, `Streams.html`: a record is kept for 24 hours). One that nobody has ended until then
/// never will be; it counts as taken.
pub const RESERVATION_TTL: SignedDuration = SignedDuration::from_hours(24);

/// How many sends are remembered one by one. The oldest of more are lumped together and count as taken.
pub const MAX_SENDS: usize = 20;

/// What may be sent to a visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Replies that WeChat surely grants.
    pub replies_left: u32,
    /// Replies that WeChat may grant on top: so many were sent about the time of the visitor's message, and which of
    /// them it counts is not known. It says 45047 if it does.
    pub uncertain_replies: u32,
    /// Until when. None when there is no window.
    pub window_ends_at: Option<Timestamp>,
}

/// Why nothing may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaError {
    /// The window is over or never began (45015).
    WindowClosed,
    /// The replies of the window are used up, or kept for others (45047).
    Exhausted,
}

/// The replies that one visitor has granted and those that were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    message: Option<Act>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    entering: Option<Act>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    sends: Vec<Send>,
}

/// What is left of one open allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    surely: u32,
    at_most: u32,
    ends_at: i64,
}

impl Ledger {
    /// The visitor has sent a message in the second `created_at`. Messages may come late and in any order.
    pub fn record_message(&mut self, created_at: Timestamp, now: Timestamp) {
        let at = send::second(created_at, now);
        if let Some(known) = self.message.filter(|known| at <= known.at) {
            if at == known.at {
                // Another one of the same second: what was sent after the first may have been before this one.
                self.sends.iter_mut().for_each(|send| send.knew_message = false);
            }
            return;
        }
        self.message = Some(Act { at, closed: false });
        // A message ends what entering had allowed. Of the same second, whichever was first, the message grants more.
        self.entering = self.entering.filter(|entering| entering.at > at);
        self.sends.iter_mut().for_each(|send| send.knew_message = false);
        self.prune(now);
    }

    /// The visitor has entered by the contact button in the second `created_at`.
    pub fn record_enter(&mut self, created_at: Timestamp, now: Timestamp) {
        let at = send::second(created_at, now);
        if self.message.is_some_and(|message| at < message.at) || self.entering.is_some_and(|known| at < known.at) {
            return;
        }
        if self.entering.is_none_or(|known| at > known.at) {
            self.entering = Some(Act { at, closed: false });
        }
        self.sends.iter_mut().for_each(|send| send.knew_entering = false);
        self.prune(now);
    }

    /// What may be sent now.
    pub fn quota(&self, now: Timestamp) -> Quota {
        let message = self.message.and_then(|act| self.left(act, MESSAGE_ALLOWANCE, |send| send.knew_message, now));
        let entering = self.entering.and_then(|act| self.left(act, ENTER_ALLOWANCE, |send| send.knew_entering, now));
        let open = || [message, entering].into_iter().flatten();
        let surely = open().map(|left| left.surely).max().unwrap_or(0);
        let at_most = open().map(|left| left.at_most).max().unwrap_or(0);
        // The window is that of the allowance that has most to give: after a message that is used up, entering's minute.
        let window_ends_at = open().max().map(|left| timestamp(left.ends_at));
        Quota { replies_left: surely, uncertain_replies: at_most - surely, window_ends_at }
    }

    /// Takes `parts` replies for the send `id`, all or none. With a `keep`, so many must surely be left after it:
    /// what is kept for an agent is not staked on a doubt. With none, what may be granted is taken too, after what
    /// surely is.
    ///
    /// One reservation is for one attempt, that is for at most `parts` messages to WeChat. Until [`Self::settle`] the
    /// same `id` is the same reservation, so that a function may be run again; after it, it is a new one.
    pub fn reserve(&mut self, id: &str, parts: u32, keep: u32, now: Timestamp) -> Result<(), QuotaError> {
        let held = self.in_flight(id).map_or(0, |send| send.parts);
        let more = parts.saturating_sub(held);
        if more > 0 {
            let Quota { replies_left, uncertain_replies, window_ends_at } = self.quota(now);
            if window_ends_at.is_none() {
                return Err(QuotaError::WindowClosed);
            }
            let kept = keep == 0 || more.saturating_add(keep) <= replies_left;
            if more > replies_left + uncertain_replies || !kept {
                return Err(QuotaError::Exhausted);
            }
        }
        let (from, until) = (now.as_millisecond(), now.as_millisecond() + millis(RESERVATION_TTL));
        if let Some(send) = self.in_flight(id) {
            send.parts += more;
            send.until = send.until.max(until);
        } else if more > 0 {
            let id = id.to_owned();
            self.note(Send { id, parts, from, until, knew_message: true, knew_entering: true });
        }
        Ok(())
    }

    /// The send has ended: WeChat took `taken` of its parts, or may have taken them; the others are given back.
    /// Of a send that is not in flight nothing changes.
    pub fn settle(&mut self, id: &str, taken: u32, now: Timestamp) {
        if let Some(send) = self.in_flight(id) {
            send.parts = taken;
            send.until = send.until.min(now.as_millisecond());
            send.id.clear();
            self.prune(now);
        }
    }

    /// The send has ended, `taken` of its parts taken, since WeChat refused the next: with 45047 ([`QuotaError::Exhausted`])
    /// or with 45015 ([`QuotaError::WindowClosed`]). The refusal is held against the visitor's acts that were before it:
    /// one that came in while the send was under way keeps what it grants, if only as a [`Quota::uncertain_replies`].
    /// Of a send that is not in flight nothing changes.
    pub fn record_refusal(&mut self, id: &str, taken: u32, shortage: QuotaError, now: Timestamp) {
        let Some(send) = self.in_flight(id).cloned() else {
            return;
        };
        self.settle(id, taken, now);
        match shortage {
            QuotaError::Exhausted => {
                let (parts, until) = (MESSAGE_ALLOWANCE.replies, send.until.min(now.as_millisecond()));
                self.note(Send { id: String::new(), parts, until, ..send });
            }
            // An act that is not surely before the refusal is after it: an open window is not refused.
            QuotaError::WindowClosed => self.close(send.knew_message, send.knew_entering),
        }
    }

    /// WeChat has said 45047 to something that was not reserved: nothing is left until the visitor's next act.
    /// For a send of the ledger, [`Self::record_refusal`] knows more.
    pub fn mark_exhausted(&mut self, now: Timestamp) {
        // When it was sent is not known, hence not that it was after any act that comes in later.
        let (id, parts, from, until) = (String::new(), MESSAGE_ALLOWANCE.replies, 0, now.as_millisecond());
        self.note(Send { id, parts, from, until, knew_message: true, knew_entering: true });
    }

    /// WeChat has said 45015 to something that was not reserved: the window is over until the visitor's next act.
    /// For a send of the ledger, [`Self::record_refusal`] knows more.
    pub fn mark_window_closed(&mut self, now: Timestamp) {
        self.close(true, true);
        self.prune(now);
    }

    fn close(&mut self, message: bool, entering: bool) {
        let closed = [self.message.as_mut().filter(|_| message), self.entering.as_mut().filter(|_| entering)];
        closed.into_iter().flatten().for_each(|act| act.closed = true);
    }

    fn in_flight(&mut self, id: &str) -> Option<&mut Send> {
        self.sends.iter_mut().find(|send| send.in_flight() && send.id == id)
    }

    fn left(&self, act: Act, grant: Allowance, knew: impl Fn(&Send) -> bool, now: Timestamp) -> Option<Left> {
        let ends_at = act.at.saturating_mul(1000).saturating_add(millis(grant.window) - millis(CLOCK_SKEW));
        if act.closed || now.as_millisecond() >= ends_at {
            return None;
        }
        let (mut surely, mut at_most) = (grant.replies, grant.replies);
        for send in &self.sends {
            let order = send.order(act, knew(send));
            surely = surely.saturating_sub(if order == Order::Before { 0 } else { send.parts });
            at_most = at_most.saturating_sub(if order == Order::After { send.parts } else { 0 });
        }
        Some(Left { surely, at_most, ends_at })
    }

    fn note(&mut self, send: Send) {
        while self.sends.len() >= MAX_SENDS {
            self.lump();
        }
        self.sends.push(send);
    }

    /// Makes one of the two oldest, so that it counts whenever one of them would. What has ended goes first: of what is
    /// in flight, nothing can be given back any more.
    fn lump(&mut self) {
        self.sends.sort_by_key(|send| (send.in_flight(), send.from));
        let old = self.sends.remove(0);
        if let Some(send) = self.sends.first_mut() {
            send.id.clear();
            send.parts = send.parts.saturating_add(old.parts);
            send.from = send.from.min(old.from);
            send.until = send.until.max(old.until);
            send.knew_message &= old.knew_message;
            send.knew_entering &= old.knew_entering;
        }
    }

    /// Forgets what no allowance can count any more: what was before the latest message, and what has outlived every
    /// window that was open then. With entering alone there is no such message: one that was before it may yet come.
    fn prune(&mut self, now: Timestamp) {
        let message = self.message;
        let outlived = now.as_millisecond() - millis(MESSAGE_ALLOWANCE.window) - 2 * millis(CLOCK_SKEW);
        self.sends.retain(|send| {
            let before = message.is_some_and(|act| send.order(act, send.knew_message) == Order::Before);
            (send.in_flight() || send.parts > 0) && !before && send.until > outlived
        });
    }
}

fn timestamp(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
}
