//! One decision about a conversation: what was read, the change to write, the events and the messages that go with it.

use channel::text_part_count;
use desk::{limits::Ignored, routing::Mode, settings::Reception};
use jiff::Timestamp;
use serde_json::json;
use store::{
    Assign, Author, Commit, CommitOutcome, Conversation, Decisions, IgnoredMessage, InboundRef, NewAudit, NewOutbound,
    QueueLimit, Result, RobotStage, Stage, Thread, Visitor,
};

use crate::{
    automatic_message::AutomaticMessage,
    due::next_check_at,
    events::ConversationEvent,
    in_flight::InFlightAssignment,
    routing::{Freshness, RoutingTerms},
};

/// What was read, and what is to be written.
pub(crate) struct Decision<'a> {
    /// The time of the decision.
    pub(crate) now: Timestamp,
    /// The visitor's thread.
    pub(crate) thread: Thread,
    /// The settings of the mini program's reception.
    pub(crate) reception: Reception,
    /// The message that is processed, if there is one.
    pub(crate) message: Option<&'a InboundRef>,
    visitor_before: Visitor,
    /// The visitor as they will be written.
    pub(crate) visitor: Visitor,
    /// The conversation as read; `None` if none is open.
    pub(crate) before: Option<Conversation>,
    /// The conversation as it will be written.
    pub(crate) after: Option<Conversation>,
    /// The condition on the agent, if one is assigned.
    pub(crate) assign: Assign,
    /// The limit of the queue that the conversation joins.
    pub(crate) queue_limit: Option<QueueLimit>,
    /// Counts the assignment in this process until it is written.
    pub(crate) in_flight: Option<InFlightAssignment>,
    /// How many earlier attempts lost their agent to another writer.
    pub(crate) lost_races: u32,
    /// When the tick has to check the conversation at the latest, whatever else says.
    pub(crate) check_by: Option<Timestamp>,
    /// Held texts and the ids of the messages that they go out with.
    pub(crate) released: Vec<(String, String)>,
    /// The entry of the audit log, if a person acts who does not have the conversation.
    pub(crate) audit: Option<Box<NewAudit>>,
    ignored: Option<IgnoredMessage>,
    events: Vec<ConversationEvent>,
    sends: Vec<NewOutbound>,
}

impl<'a> Decision<'a> {
    /// A decision that changes nothing yet.
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
            visitor_before: visitor.clone(),
            visitor,
            after: before.clone(),
            before,
            assign: Assign::Manual,
            queue_limit: None,
            in_flight: None,
            lost_races: 0,
            check_by: None,
            released: Vec::new(),
            audit: None,
            ignored: None,
            events: Vec::new(),
            sends: Vec::new(),
        }
    }

    /// Processes this message.
    pub(crate) fn with_message(mut self, message: &'a InboundRef) -> Self {
        self.message = Some(message);
        self
    }

    /// Was attempted before and lost its agent this often.
    pub(crate) fn with_lost_races(mut self, lost_races: u32) -> Self {
        self.lost_races = lost_races;
        self
    }

    /// How current the facts are that it is routed by: at first advice, which the transaction checks; after a lost race as
    /// they are in the table.
    pub(crate) fn freshness(&self) -> Freshness {
        if self.lost_races == 0 { Freshness::Recent } else { Freshness::Current }
    }

    /// The terms of its routing, by facts as current as the decision needs them.
    pub(crate) fn routing(&self, mode: Mode) -> RoutingTerms<'_> {
        RoutingTerms { app_id: &self.thread.app_id, mode, now: self.now, freshness: self.freshness() }
    }

    /// The same by facts as they are in the table.
    pub(crate) fn current_routing(&self) -> RoutingTerms<'_> {
        RoutingTerms { freshness: Freshness::Current, ..self.routing(Mode::Full) }
    }

    /// Whether it writes the visitor, so that its transaction fails if the visitor has changed since it was read.
    pub(crate) fn changes_visitor(&self) -> bool {
        self.visitor != self.visitor_before
    }

    /// The visitor as they are once the decision is written.
    pub(crate) fn written_visitor(&self) -> Visitor {
        let visitor = self.visitor.clone();
        if self.changes_visitor() { visitor.once_written() } else { visitor }
    }

    /// The robot's part of the conversation as it will be written.
    pub(crate) fn robot_mut(&mut self) -> Option<&mut RobotStage> {
        match self.after.as_mut().map(|after| &mut after.stage) {
            Some(Stage::Robot(robot)) => Some(robot),
            _ => None,
        }
    }

    /// Lets nothing follow from the message. The open conversation shows it, and has an event where agents are told.
    pub(crate) fn ignore(&mut self, reason: Ignored, is_told: bool) {
        let cid = self.after.as_ref().map(|after| after.cid.clone());
        if is_told && cid.is_some() {
            let messages_per_minute = self.reception.messages_per_minute;
            self.event(ConversationEvent::Limited { messages_per_minute });
        } else {
            // It is not written.
            (self.before, self.after) = (None, None);
        }
        self.ignored = Some(IgnoredMessage { reason, cid });
    }

    /// Adds an event.
    pub(crate) fn event(&mut self, event: ConversationEvent) {
        self.events.push(event);
    }

    /// Sends an automatic text, unless it is empty, WeChat grants no reply for it, or the replies that are left are
    /// reserved for agents. `true` if it will be sent.
    pub(crate) fn say(&mut self, message: AutomaticMessage, text: &str) -> bool {
        if wechat::text::is_blank(text) {
            return false;
        }
        let id = self.outbound_id(message.purpose());
        let keep = if message.is_robot() { self.reception.robot_reserve() } else { 0 };
        let (parts, now) = (text_part_count(text), self.now);
        if self.visitor.ledger.reserve(&id, parts, keep, now).is_err() {
            if self.after.is_some() {
                let because = "WeChat grants no reply for it";
                self.event(ConversationEvent::NotSent { what: message.purpose(), because });
            }
            return false;
        }
        self.send(NewOutbound {
            thread: self.thread.clone(),
            cid: self.after.as_ref().map(|after| after.cid.clone()),
            id,
            kind: "text".to_owned(),
            content: json!({ "content": text }),
            author: Author::automatic(message.author_role()),
            ai: message.is_ai(),
            held: None,
        });
        true
    }

    /// Notes for the lists that the visitor wrote this message, and what is said after it.
    pub(crate) fn note_message(&mut self, message: &InboundRef) {
        if let Some(after) = &self.after {
            self.visitor.preview.received(&after.cid, message, self.now);
        }
    }

    /// Tells the visitor that no agent is there and the robot goes on.
    pub(crate) fn say_no_agent(&mut self) {
        let text = self.reception.prompts.no_agent.clone();
        self.say(AutomaticMessage::NoAgent, &text);
    }

    /// Sends a message whose replies are reserved already.
    pub(crate) fn send(&mut self, message: NewOutbound) {
        self.sends.push(message);
    }

    /// The id of a message with this purpose. It follows from what the decision is about, so that a function that is
    /// stopped and run again sends the message once.
    pub(crate) fn outbound_id(&self, purpose: &str) -> String {
        let order = self.sends.len();
        match (self.message, &self.before) {
            (Some(message), _) => {
                NewOutbound::derived_message_id(order, purpose, &self.thread, &message.id, message.created_at)
            }
            (None, Some(before)) => {
                let cause = format!("{}#{}#{}", before.cid, before.seq, self.now.as_millisecond());
                NewOutbound::derived_message_id(order, purpose, &self.thread, &cause, self.now)
            }
            (None, None) => NewOutbound::derived_message_id(order, purpose, &self.thread, "", self.now),
        }
    }

    /// The ids of the messages to send once the decision is written.
    pub(crate) fn sends(&self) -> impl Iterator<Item = &str> {
        self.sends.iter().map(|send| send.id.as_str())
    }

    /// Writes the decision in one transaction that requires that nothing that was read has changed.
    pub(crate) async fn commit(&mut self, decisions: &Decisions) -> Result<CommitOutcome> {
        let after = self.after.take().map(|mut after| {
            let next = next_check_at(&after, &self.reception, self.now);
            after.next_check_at = next.map(|next| self.check_by.map_or(next, |by| by.min(next)));
            after
        });
        let _in_flight_until_written = self.in_flight.take();
        // Every send has reserved a reply, so that the visitor is written anyway.
        if let Some(last) = self.sends.iter().rfind(|send| send.cid.is_some()) {
            self.visitor.preview.sent(last, self.now);
        }
        let changed = self.changes_visitor();
        let commit = Commit {
            message: self.message,
            ignored: self.ignored.take(),
            visitor: changed.then(|| (&self.thread, &self.visitor_before, self.visitor.clone())),
            before: self.before.as_ref(),
            after,
            events: self.events.drain(..).map(Into::into).collect(),
            sends: self.sends.clone(),
            released: std::mem::take(&mut self.released),
            assign: self.assign,
            queue_limit: self.queue_limit,
            idempotency: None,
            audit: self.audit.take(),
        };
        // Boxed, because everything that decides awaits it and would carry its size.
        Box::pin(decisions.commit(commit)).await
    }
}
