//! One decision on its way: what was read, what shall be, what is said.

use channel::{text_parts, update_ledger};
use desk::settings::{IDLE_MAX, Reception};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{
    Assign, Author, Commit, Committed, Conversation, InboundRef, NewEvent, NewOutbound, Result, Stage, Table, Thread,
    Visitor,
};

use crate::in_flight::InFlightAssignment;

/// After this long a turn that no robot has answered is shown to the stream once more.
const TURN_LEFT_BEHIND: SignedDuration = SignedDuration::from_mins(2);

/// What a decision has read and what it wants.
pub(crate) struct Decision<'a> {
    pub(crate) now: Timestamp,
    pub(crate) thread: Thread,
    pub(crate) reception: Reception,
    pub(crate) message: Option<&'a InboundRef>,
    seen: Visitor,
    pub(crate) visitor: Visitor,
    pub(crate) before: Option<Conversation>,
    pub(crate) after: Option<Conversation>,
    pub(crate) assign: Assign,
    /// The place that is kept with the agent until this is written.
    pub(crate) seat: Option<InFlightAssignment>,
    /// How often somebody else got the agent whom this had chosen.
    pub(crate) lost_races: u32,
    pub(crate) released: Vec<(String, String)>,
    events: Vec<NewEvent>,
    sends: Vec<NewOutbound>,
}

/// Who says something by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The binding's automatic reply.
    AutoReply,
    /// A set text: a greeting, a place in the queue.
    Prompt,
    /// A robot.
    Robot {
        /// Whether a model has made it.
        ai: bool,
    },
}

impl<'a> Decision<'a> {
    pub(crate) fn new(
        thread: Thread,
        reception: Reception,
        visitor: Visitor,
        before: Option<Conversation>,
        now: Timestamp,
    ) -> Self {
        Self {
            now,
            thread,
            reception,
            message: None,
            seen: visitor.clone(),
            visitor,
            after: before.clone(),
            before,
            assign: Assign::ByHand,
            seat: None,
            lost_races: 0,
            released: Vec::new(),
            events: Vec::new(),
            sends: Vec::new(),
        }
    }

    /// With the message that the decision is about.
    pub(crate) fn about(mut self, message: &'a InboundRef) -> Self {
        self.message = Some(message);
        self
    }

    /// Decided anew, after others were quicker so many times.
    pub(crate) fn lost_races(mut self, times: u32) -> Self {
        self.lost_races = times;
        self
    }

    pub(crate) fn event(&mut self, kind: &'static str, data: Value) {
        self.events.push(NewEvent::new(kind, data));
    }

    /// Says something, if WeChat still grants a reply for it and the robot's reserve allows it. `what` tells apart
    /// what is said because of the same thing.
    pub(crate) fn say(&mut self, what: &str, text: &str, speaker: Speaker) -> bool {
        if text.trim().is_empty() {
            return false;
        }
        let id = self.id(what);
        let keep = if matches!(speaker, Speaker::Robot { .. }) { self.reception.robot_keeps() } else { 0 };
        let (parts, now) = (text_parts(text), self.now);
        if update_ledger(&mut self.visitor, now, |ledger| ledger.reserve(&id, parts, keep, now)).is_err() {
            if self.after.is_some() {
                self.event("message.not_said", json!({ "what": what, "because": "WeChat grants no reply for it" }));
            }
            return false;
        }
        let role = match speaker {
            Speaker::AutoReply => "auto_reply",
            Speaker::Prompt => "prompt",
            Speaker::Robot { .. } => "robot",
        };
        self.sends.push(NewOutbound {
            thread: self.thread.clone(),
            cid: self.after.as_ref().map(|after| after.cid.clone()),
            id,
            kind: "text".to_owned(),
            content: json!({ "content": text }),
            author: Author { role: role.to_owned(), name: None },
            ai: matches!(speaker, Speaker::Robot { ai: true }),
            held: None,
        });
        true
    }

    /// Sends what has its replies already.
    pub(crate) fn send(&mut self, send: NewOutbound) {
        self.sends.push(send);
    }

    /// The id of something that is said. It follows from what it is said for, so that a function that is stopped and
    /// run again says it once.
    pub(crate) fn id(&self, what: &str) -> String {
        let order = self.sends.len();
        match (self.message, &self.before) {
            (Some(message), _) => NewOutbound::said_id(order, what, &self.thread, &message.id, message.created_at),
            (None, Some(before)) => {
                let because = format!("{}#{}#{}", before.cid, before.seq, self.now.as_millisecond());
                NewOutbound::said_id(order, what, &self.thread, &because, self.now)
            }
            (None, None) => NewOutbound::said_id(order, what, &self.thread, "", self.now),
        }
    }

    /// Writes it.
    pub(crate) async fn commit(&mut self, table: &Table) -> Result<Committed> {
        let after = self.after.take().map(|mut after| {
            after.next_check_at = next_check_at(&after, &self.reception, self.now);
            after
        });
        let _until_written = self.seat.take();
        let visitor = (self.visitor != self.seen).then(|| (&self.thread, &self.seen, self.visitor.clone()));
        table
            .commit(Commit {
                message: self.message,
                visitor,
                before: self.before.as_ref(),
                after,
                events: std::mem::take(&mut self.events),
                sends: self.sends.clone(),
                released: std::mem::take(&mut self.released),
                assign: self.assign,
                once: None,
            })
            .await
    }

    /// What is to be sent now that it is written.
    pub(crate) fn sends(&self) -> impl Iterator<Item = &str> {
        self.sends.iter().map(|send| send.id.as_str())
    }

    /// Whether the visitor changes hands: who opens or ends a conversation is written with it.
    pub(crate) fn open_cid(&mut self, cid: Option<String>) {
        self.visitor.open_cid = cid;
    }
}

/// Minutes without a word after which a conversation ends. Whoever still waits for a person's first word waits for as
/// long as WeChat lets anybody answer, whatever is set for those who have been answered.
pub(crate) fn ends_after(conversation: &Conversation, reception: &Reception) -> u32 {
    match conversation.stage {
        Stage::Queued(_) | Stage::LeftMessage(_) => IDLE_MAX,
        Stage::Unassigned if conversation.answered_at.is_none() => IDLE_MAX,
        _ => reception.idle.close_after_minutes,
    }
}

/// When the clock has to look at a conversation. An earlier time that is set already is kept: looking too early costs
/// one look, and moving the time with every message would cost two writes of the index each time.
pub(crate) fn next_check_at(conversation: &Conversation, reception: &Reception, now: Timestamp) -> Option<Timestamp> {
    let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
    let later = |from: Timestamp, by: SignedDuration| from.checked_add(by).unwrap_or(Timestamp::MAX);
    let idle = &reception.idle;
    // Nobody else is warned: a conversation that waits would be due again at once, minute by minute.
    let warns = matches!(conversation.stage, Stage::Assigned(_) | Stage::Robot(_)) && conversation.warned_at.is_none();
    let warn = idle.warn_after_minutes.filter(|_| warns);
    let mut next = later(conversation.active_at, minutes(warn.unwrap_or(ends_after(conversation, reception))));
    match &conversation.stage {
        Stage::Queued(waiting) => next = waiting.until.map_or(next, |until| until.min(next)),
        Stage::Robot(robot) if robot.turn.is_some() => next = next.min(later(now, TURN_LEFT_BEHIND)),
        Stage::Closed { .. } => return None,
        _ => {}
    }
    Some(conversation.next_check_at.filter(|set| *set > now).map_or(next, |set| set.min(next)))
}
