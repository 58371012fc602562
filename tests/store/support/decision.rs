//! A decision as reception and agents make it: the visitor and the conversation are read, and then it is said what they
//! shall be.

use desk::conversation::ClosedBy;
use jiff::Timestamp;
use store::{
    Assign, Commit, Committed, Conversation, InboundRef, NewEvent, NewOutbound, Once, Result, Stage, Table, Thread,
    Visitor,
};

use super::Kit;

impl Kit {
    /// Opens a conversation with a first text of a visitor's; nobody has it.
    pub(crate) async fn opened(&self, thread: &Thread, second: i64, number: u32) -> Conversation {
        let message = self.arrived(thread, second, number).await;
        let decision = Decision::about(&self.table, &message).await;
        assert!(decision.before.is_none(), "the visitor has an open conversation");
        self.written(decision).await
    }

    /// Opens a conversation that is in this stage at once.
    pub(crate) async fn opened_in(&self, thread: &Thread, stage: Stage) -> Conversation {
        let message = self.arrived(thread, 0, 1).await;
        self.written(Decision::about(&self.table, &message).await.to(stage)).await
    }

    /// Writes a decision about a conversation, which nobody disturbs.
    pub(crate) async fn written(&self, decision: Decision) -> Conversation {
        match decision.write(&self.table).await.unwrap() {
            Committed::Now(Some(after)) => after,
            other => panic!("not written: {other:?}"),
        }
    }

    /// Writes a decision that is refused as `with` says: nothing of it may be found in the table.
    pub(crate) async fn refused(&self, decision: &Decision, with: &Committed) {
        let before = self.items().await;
        assert_eq!(decision.write(&self.table).await.unwrap(), *with);
        assert_eq!(self.items().await, before);
    }
}

/// What was read and what shall be written. A test changes any of it before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) thread: Thread,
    pub(crate) message: Option<InboundRef>,
    pub(crate) seen: Visitor,
    pub(crate) visitor: Visitor,
    pub(crate) before: Option<Conversation>,
    pub(crate) after: Option<Conversation>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) sends: Vec<NewOutbound>,
    pub(crate) released: Vec<(String, String)>,
    pub(crate) assign: Assign,
    pub(crate) once: Option<Once>,
    now: Timestamp,
}

impl Decision {
    /// About a visitor, of whom nothing but themselves is read.
    pub(crate) async fn of(table: &Table, thread: &Thread) -> Self {
        let visitor = table.visitor(thread).await.unwrap();
        Self {
            thread: thread.clone(),
            message: None,
            seen: visitor.clone(),
            visitor,
            before: None,
            after: None,
            events: Vec::new(),
            sends: Vec::new(),
            released: Vec::new(),
            assign: Assign::ByHand,
            once: None,
            now: table.clock().now(),
        }
    }

    /// About a message: it joins the visitor's open conversation or opens one.
    pub(crate) async fn about(table: &Table, message: &InboundRef) -> Self {
        let mut decision = Self::of(table, &message.thread).await;
        decision.message = Some(message.clone());
        if let Some(cid) = decision.visitor.open_cid.clone() {
            let open = table.conversation(&cid).await.unwrap();
            decision.before.clone_from(&open);
            decision.after = open;
        }
        let now = decision.now;
        if let Some(after) = &mut decision.after {
            after.join(message, now);
        } else {
            let opened = Conversation::new(&message.thread, message, Stage::Unassigned, now);
            decision.visitor.open_cid = Some(opened.cid.clone());
            decision.after = Some(opened);
        }
        decision.visitor.last_seen_at = Some(decision.now);
        decision
    }

    /// About a conversation as it stands.
    pub(crate) async fn on(table: &Table, cid: &str) -> Self {
        let conversation = table.conversation(cid).await.unwrap().unwrap();
        let mut decision = Self::of(table, &conversation.thread()).await;
        decision.before = Some(conversation.clone());
        decision.after = Some(conversation);
        decision
    }

    /// Whose conversation it shall be. One that is closed frees the visitor.
    pub(crate) fn to(mut self, stage: Stage) -> Self {
        if let Stage::Closed { .. } = stage {
            self.visitor.open_cid = None;
        }
        if let Some(after) = &mut self.after {
            after.closed_at = matches!(stage, Stage::Closed { .. }).then_some(self.now);
            after.stage = stage;
        }
        self
    }

    /// By a visitor who has proved this.
    pub(crate) fn proving(mut self, partnerid: &str) -> Self {
        self.visitor.profile.partnerid = Some(partnerid.to_owned());
        self.visitor.profile.partnerid_verified = true;
        self
    }

    /// Closed by the agent.
    pub(crate) fn closed(self) -> Self {
        self.to(Stage::Closed { by: ClosedBy::Agent })
    }

    pub(crate) fn by(mut self, assign: Assign) -> Self {
        self.assign = assign;
        self
    }

    pub(crate) fn event(mut self, kind: &'static str) -> Self {
        self.events.push(NewEvent::new(kind, serde_json::Value::Null));
        self
    }

    pub(crate) fn says(mut self, send: NewOutbound) -> Self {
        self.sends.push(send);
        self
    }

    /// The conversation that it is about.
    pub(crate) fn cid(&self) -> String {
        self.after.as_ref().map(|after| after.cid.clone()).unwrap_or_default()
    }

    pub(crate) fn commit(&self) -> Commit<'_> {
        Commit {
            message: self.message.as_ref(),
            visitor: (self.visitor != self.seen).then(|| (&self.thread, &self.seen, self.visitor.clone())),
            before: self.before.as_ref(),
            after: self.after.clone(),
            events: self.events.clone(),
            sends: self.sends.clone(),
            released: self.released.clone(),
            assign: self.assign,
            once: self.once.as_ref(),
        }
    }

    pub(crate) async fn write(&self, table: &Table) -> Result<Committed> {
        Box::pin(table.commit(self.commit())).await
    }
}
