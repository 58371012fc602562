//! The number of replies that WeChat still grants to a visitor (发送客服消息, `customer-message/send.html`).
//!
//! A visitor action (a message or an enter event) resets an [`Allowance`] at the moment WeChat receives it; the push
//! arrives here later. A reply sent in between counts against the old or the new allowance, and the time of the action is
//! known only in whole seconds of WeChat's clock. Therefore each send has one of three orders relative to each action:
//!
//! | Order | Condition | Counts |
//! |---|---|---|
//! | before the action | the send ended more than [`CLOCK_SKEW`] before the action's second | no |
//! | after the action | the send was reserved when the action was known, or more than [`CLOCK_SKEW`] after the action's second | yes |
//! | unknown | otherwise | yes in [`Quota::replies_left`], no in the sum with [`Quota::uncertain_replies`] |
//!
//! A refusal with 45047 counts like a send of all replies of the action that it was refused for. Where its order to a later action is
//! unknown, it counts as before it in a reservation that keeps replies for others ([`Ledger::reserve`] with `keep`): what WeChat
//! has taken since that action has records of its own. [`Quota::replies_left`] still counts the refusal.
//!
//! A send that WeChat has taken whole counts the same before and after it is settled, until the next visitor action is
//! recorded. So a caller may settle such sends ([`Ledger::settle_sent`]) just before it records an action. The order of one
//! that is still in flight then is unknown.
//!
//! Guarantee: `replies_left` never exceeds the replies that WeChat grants minus the reserved replies that WeChat has not
//! taken yet. It holds for every interleaving if clocks differ by at most [`CLOCK_SKEW`], every send is reserved by
//! [`Ledger::reserve`], and no send reaches WeChat later than [`RESERVATION_TTL`] after its reservation. A pending push
//! can only increase the replies that WeChat grants, and a late push of an older action changes nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

mod send;

use send::{Order, SendRecord, VisitorAction, millis};

/// The replies that one kind of visitor action grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The number of replies. The next action of the same kind resets it; allowances do not add up.
    pub replies: u32,
    /// The validity of the allowance after the action.
    pub window: SignedDuration,
}

/// After a message of the visitor: 5 replies in 48 hours (发送客服消息, `customer-message/send.html`).
pub const MESSAGE_ALLOWANCE: Allowance = Allowance { replies: 5, window: SignedDuration::from_hours(48) };

/// After the visitor enters by the contact button: 2 replies in 1 minute (发送客服消息, `customer-message/send.html`).
pub const ENTER_ALLOWANCE: Allowance = Allowance { replies: 2, window: SignedDuration::from_mins(1) };

/// The maximum difference between WeChat's clock and ours. It also shortens every window, because WeChat refuses a late
/// reply.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// The lifetime of a reservation: the longest time from [`Ledger::reserve`] until the send reaches WeChat.
///
/// Retries end earlier: a stream record, from which a send can be retried, is kept for 24 hours (DynamoDB Streams,
/// `Streams.html`). A reservation that is not settled within its lifetime counts as taken.
pub const RESERVATION_TTL: SignedDuration = SignedDuration::from_hours(24);

/// The maximum number of sends stored in a ledger. Beyond it the two oldest are merged and can no longer be given back.
pub const MAX_SENDS: usize = 20;

/// The replies that can be sent to a visitor at a given time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// The replies that WeChat grants with certainty.
    pub replies_left: u32,
    /// The replies that WeChat possibly grants in addition. They were sent close to a visitor action, so it is unknown
    /// whether WeChat counts them against the new allowance. If it does, it refuses with 45047.
    pub uncertain_replies: u32,
    /// The end of the window; `None` if no window is open.
    pub window_ends_at: Option<Timestamp>,
}

/// The reason why no reply can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaError {
    /// No window is open (45015).
    WindowClosed,
    /// The replies of the window are used up or reserved for agents (45047).
    Exhausted,
}

/// The latest actions of one visitor and the sends that count against them. Stored with the visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    message: Option<VisitorAction>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    enter: Option<VisitorAction>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    sends: Vec<SendRecord>,
}

/// The rest of an open allowance. The order of the fields defines which allowance has the most left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Remaining {
    certain: u32,
    at_most: u32,
    /// As `certain`, where a refusal of unknown order does not count.
    but_for_refusals: u32,
    /// In milliseconds since the Unix epoch.
    ends_at: i64,
}

impl Ledger {
    /// Records that the visitor sent a message in the second `created_at`. Messages can arrive late and in any order.
    pub fn record_message(&mut self, created_at: Timestamp, now: Timestamp) {
        let at = send::second(created_at, now);
        if let Some(known) = self.message.filter(|known| at <= known.at) {
            if at == known.at {
                // Another message of the same second: a send after the first can be before this one.
                self.sends.iter_mut().for_each(|send| send.knew_message = false);
            }
            return;
        }
        self.message = Some(VisitorAction { at, closed: false });
        // A message ends the allowance of an earlier enter event. Within one second the message grants more.
        self.enter = self.enter.filter(|enter| enter.at > at);
        self.sends.iter_mut().for_each(|send| send.knew_message = false);
        self.prune(now);
    }

    /// Records that the visitor entered by the contact button in the second `created_at`.
    pub fn record_enter(&mut self, created_at: Timestamp, now: Timestamp) {
        let at = send::second(created_at, now);
        if self.message.is_some_and(|message| at < message.at) || self.enter.is_some_and(|known| at < known.at) {
            return;
        }
        if self.enter.is_none_or(|known| at > known.at) {
            self.enter = Some(VisitorAction { at, closed: false });
        }
        self.sends.iter_mut().for_each(|send| send.knew_enter = false);
        self.prune(now);
    }

    /// Returns the replies that can be sent at `now`.
    pub fn quota(&self, now: Timestamp) -> Quota {
        let allowances = self.allowances(now);
        let open = || allowances.into_iter().flatten();
        let certain = open().map(|remaining| remaining.certain).max().unwrap_or(0);
        let at_most = open().map(|remaining| remaining.at_most).max().unwrap_or(0);
        // The window of the allowance with the most left: after five replies to a message, the minute of an enter event.
        let window_ends_at = open().max().map(|remaining| timestamp(remaining.ends_at));
        Quota { replies_left: certain, uncertain_replies: at_most - certain, window_ends_at }
    }

    fn allowances(&self, now: Timestamp) -> [Option<Remaining>; 2] {
        [
            self.message.and_then(|action| self.remaining(action, MESSAGE_ALLOWANCE, |send| send.knew_message, now)),
            self.enter.and_then(|action| self.remaining(action, ENTER_ALLOWANCE, |send| send.knew_enter, now)),
        ]
    }

    fn replies_left_but_for_refusals(&self, now: Timestamp) -> u32 {
        let open = self.allowances(now).into_iter().flatten();
        open.map(|remaining| remaining.but_for_refusals).max().unwrap_or(0)
    }

    /// Reserves `parts` replies for the send `id`, all or none.
    ///
    /// If `keep` is not 0, at least `keep` replies must remain in [`Quota::replies_left`] after the reservation; uncertain
    /// replies are not used, except those that only a refusal made uncertain. If `keep` is 0, uncertain replies are used after the certain ones.
    ///
    /// A reservation covers one attempt of at most `parts` messages to WeChat. Until [`Self::settle`], reserving the same
    /// `id` returns the same reservation, so a function can be retried; afterwards it makes a new one.
    ///
    /// # Errors
    ///
    /// [`QuotaError::WindowClosed`] if no window is open, [`QuotaError::Exhausted`] if too few replies are left. The
    /// ledger is unchanged then.
    pub fn reserve(&mut self, id: &str, parts: u32, keep: u32, now: Timestamp) -> Result<(), QuotaError> {
        let held = self.in_flight(id).map_or(0, |send| send.parts);
        let more = parts.saturating_sub(held);
        if more > 0 {
            let Quota { replies_left, uncertain_replies, window_ends_at } = self.quota(now);
            if window_ends_at.is_none() {
                return Err(QuotaError::WindowClosed);
            }
            let kept = keep == 0 || more.saturating_add(keep) <= self.replies_left_but_for_refusals(now);
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
            self.push(SendRecord { id, parts, from, until, knew_message: true, knew_enter: true, refusal: false });
        }
        Ok(())
    }

    /// The ids of the sends in flight: reserved and not settled.
    pub fn ids_in_flight(&self) -> impl Iterator<Item = &str> {
        self.sends.iter().filter(|send| send.in_flight()).map(|send| send.id.as_str())
    }

    /// Settles a send all of whose reserved parts WeChat had taken at `sent_at`, which may be any time ago. Does nothing if
    /// the send is not in flight.
    pub fn settle_sent(&mut self, id: &str, sent_at: Timestamp) {
        if let Some(parts) = self.in_flight(id).map(|send| send.parts) {
            self.settle(id, parts, sent_at);
        }
    }

    /// Settles a send: `taken` of its parts were taken by WeChat or possibly taken; the others are given back. Does nothing
    /// if the send is not in flight.
    pub fn settle(&mut self, id: &str, taken: u32, now: Timestamp) {
        if let Some(send) = self.in_flight(id) {
            send.parts = taken;
            send.until = send.until.min(now.as_millisecond());
            send.id.clear();
            self.prune(now);
        }
    }

    /// Settles a send of which `taken` parts were taken before WeChat refused the next one with 45047
    /// ([`QuotaError::Exhausted`]) or 45015 ([`QuotaError::WindowClosed`]). Does nothing if the send is not in flight.
    ///
    /// The refusal counts against the visitor actions before it. An action that arrived while the send was in flight keeps
    /// its replies, possibly as [`Quota::uncertain_replies`].
    pub fn record_refusal(&mut self, id: &str, taken: u32, error: QuotaError, now: Timestamp) {
        let Some(send) = self.in_flight(id).cloned() else {
            return;
        };
        self.settle(id, taken, now);
        match error {
            QuotaError::Exhausted => {
                let (parts, until) = (MESSAGE_ALLOWANCE.replies, send.until.min(now.as_millisecond()));
                self.push(SendRecord { id: String::new(), parts, until, refusal: true, ..send });
            }
            // WeChat does not refuse in an open window, so an action of unknown order came after the refusal.
            QuotaError::WindowClosed => self.close_windows(send.knew_message, send.knew_enter),
        }
    }

    /// Records a 45047 for a send without a reservation: no replies are left until the visitor's next action. For a
    /// reserved send use [`Self::record_refusal`].
    pub fn mark_exhausted(&mut self, now: Timestamp) {
        // The time of the send is unknown, so its order to every later action is unknown.
        let (id, parts, from, until) = (String::new(), MESSAGE_ALLOWANCE.replies, 0, now.as_millisecond());
        self.push(SendRecord { id, parts, from, until, knew_message: true, knew_enter: true, refusal: true });
    }

    /// Records a 45015 for a send without a reservation: the window is closed until the visitor's next action. For a
    /// reserved send use [`Self::record_refusal`].
    pub fn mark_window_closed(&mut self, now: Timestamp) {
        self.close_windows(true, true);
        self.prune(now);
    }

    fn close_windows(&mut self, message: bool, enter: bool) {
        let closed = [self.message.as_mut().filter(|_| message), self.enter.as_mut().filter(|_| enter)];
        closed.into_iter().flatten().for_each(|action| action.closed = true);
    }

    fn in_flight(&mut self, id: &str) -> Option<&mut SendRecord> {
        self.sends.iter_mut().find(|send| send.in_flight() && send.id == id)
    }

    fn remaining(
        &self,
        action: VisitorAction,
        allowance: Allowance,
        knew: impl Fn(&SendRecord) -> bool,
        now: Timestamp,
    ) -> Option<Remaining> {
        let ends_at = action.at.saturating_mul(1000).saturating_add(millis(allowance.window) - millis(CLOCK_SKEW));
        if action.closed || now.as_millisecond() >= ends_at {
            return None;
        }
        let left = |counts: fn(Order, &SendRecord) -> bool| {
            let counted = self.sends.iter().filter(|send| counts(send.order(action, knew(send)), send));
            allowance.replies.saturating_sub(counted.map(|send| send.parts).fold(0, u32::saturating_add))
        };
        Some(Remaining {
            certain: left(|order, _| order != Order::Before),
            at_most: left(|order, _| order == Order::After),
            but_for_refusals: left(|order, send| order == Order::After || order == Order::Unknown && !send.refusal),
            ends_at,
        })
    }

    fn push(&mut self, send: SendRecord) {
        while self.sends.len() >= MAX_SENDS {
            self.merge_oldest_two();
        }
        self.sends.push(send);
    }

    /// Merges the two oldest sends into one that counts whenever one of them would. Settled sends are merged first,
    /// because the parts of a merged send in flight can no longer be given back.
    fn merge_oldest_two(&mut self) {
        self.sends.sort_by_key(|send| (send.in_flight(), send.from));
        let old = self.sends.remove(0);
        if let Some(send) = self.sends.first_mut() {
            send.id.clear();
            send.parts = send.parts.saturating_add(old.parts);
            send.from = send.from.min(old.from);
            send.until = send.until.max(old.until);
            send.knew_message &= old.knew_message;
            send.knew_enter &= old.knew_enter;
            send.refusal &= old.refusal;
        }
    }

    /// Removes the sends that no allowance can count: those before the latest message, and those older than every window
    /// that was open then. Sends before an enter event stay, because an earlier message can still arrive.
    fn prune(&mut self, now: Timestamp) {
        let message = self.message;
        let outlived = now.as_millisecond() - millis(MESSAGE_ALLOWANCE.window) - 2 * millis(CLOCK_SKEW);
        self.sends.retain(|send| {
            let before = message.is_some_and(|action| send.order(action, send.knew_message) == Order::Before);
            (send.in_flight() || send.parts > 0) && !before && send.until > outlived
        });
    }
}

fn timestamp(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
}
