//! A decision as reception and agents make it: from the visitor and the conversation as read to their new state.

use desk::conversation::{ClosedBy, EventKind};
use jiff::Timestamp;
use store::{
    Assign, Commit, CommitOutcome, Conversation, IdempotentRequest, InboundRef, NewEvent, NewOutbound, ProvedId,
    QueueLimit, Result, ShareLength, Stage, Table, Thread, Visitor,
};

use super::{APP_ID, Kit, SIGNER};

impl Kit {
    /// The visitors who are the person with this `partnerid` under [`SIGNER`].
    pub(crate) async fn person(&self, partnerid: &str) -> Vec<Thread> {
        self.person_under(Some(SIGNER), partnerid, APP_ID).await
    }

    /// The same under another signer, or without one, for a visitor of a mini program.
    pub(crate) async fn person_under(&self, signer: Option<&str>, partnerid: &str, app_id: &str) -> Vec<Thread> {
        self.table.threads().person(app_id, &ProvedId { partnerid, signer }).await.unwrap()
    }

    /// Opens an unassigned conversation with a first text from the visitor.
    pub(crate) async fn opened(&self, thread: &Thread, second: i64, number: u32) -> Conversation {
        let message = self.receive_text(thread, second, number).await;
        let decision = Decision::about(&self.table, &message).await;
        assert!(decision.before.is_none(), "the visitor has an open conversation");
        self.written(decision).await
    }

    /// Opens a conversation directly in this stage.
    pub(crate) async fn opened_in(&self, thread: &Thread, stage: Stage) -> Conversation {
        let message = self.receive_text(thread, 0, 1).await;
        self.written(Decision::about(&self.table, &message).await.to(stage)).await
    }

    /// Writes a decision about a conversation, without concurrent changes.
    pub(crate) async fn written(&self, decision: Decision) -> Conversation {
        match decision.write(&self.table).await.unwrap() {
            CommitOutcome::Written(Some(after)) => after,
            other => panic!("not written: {other:?}"),
        }
    }

    /// Asserts that a decision is refused with `with` and leaves the table unchanged.
    pub(crate) async fn refused(&self, decision: &Decision, with: &CommitOutcome) {
        let before = self.items().await;
        assert_eq!(decision.write(&self.table).await.unwrap(), *with);
        assert_eq!(self.items().await, before);
    }
}

/// The kind of an event with this name.
pub(crate) fn event_kind(name: &str) -> EventKind {
    serde_json::from_value(name.into()).unwrap()
}

/// The state as read and the state to write. A test may change any field before the write.
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
    pub(crate) queue_limit: Option<QueueLimit>,
    pub(crate) idempotency: Option<IdempotentRequest>,
    now: Timestamp,
}

impl Decision {
    /// A decision about a visitor without a conversation.
    pub(crate) async fn of(table: &Table, thread: &Thread) -> Self {
        let visitor = table.threads().visitor(thread).await.unwrap();
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
            assign: Assign::Manual,
            queue_limit: None,
            idempotency: None,
            now: table.clock().now(),
        }
    }

    /// A decision about a message, which joins the visitor's open conversation or opens one.
    pub(crate) async fn about(table: &Table, message: &InboundRef) -> Self {
        let mut decision = Self::of(table, &message.thread).await;
        decision.message = Some(message.clone());
        if let Some(cid) = decision.visitor.open_cid.clone() {
            let open = table.conversations().conversation(&cid).await.unwrap();
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

    /// A decision about a conversation as stored.
    pub(crate) async fn on(table: &Table, cid: &str) -> Self {
        let conversation = table.conversations().conversation(cid).await.unwrap().unwrap();
        let mut decision = Self::of(table, &conversation.thread()).await;
        decision.before = Some(conversation.clone());
        decision.after = Some(conversation);
        decision
    }

    /// Sets the new stage. The stage `Closed` also clears the visitor's open conversation.
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

    /// Sets the verified `partnerid` of the visitor, under the signer [`SIGNER`].
    pub(crate) fn proving(self, partnerid: &str) -> Self {
        self.proving_under(Some(SIGNER), partnerid)
    }

    /// Sets the verified `partnerid` of the visitor under a signer, or as an earlier version did without one.
    pub(crate) fn proving_under(mut self, signer: Option<&str>, partnerid: &str) -> Self {
        self.visitor.profile.partnerid = Some(partnerid.to_owned());
        self.visitor.profile.partnerid_verified = true;
        self.visitor.profile.partnerid_signer = signer.map(ToOwned::to_owned);
        self
    }

    /// Closes the conversation as the agent.
    pub(crate) fn closed(self) -> Self {
        self.to(Stage::Closed { by: ClosedBy::Agent })
    }

    pub(crate) fn by(mut self, assign: Assign) -> Self {
        self.assign = assign;
        self
    }

    /// Sets the number of entries at which the queue is full. `departed` have left it.
    pub(crate) fn limited_to(mut self, entries: u32, departed: u64) -> Self {
        self.queue_limit = Some(QueueLimit { entries, departed, share: None });
        self
    }

    /// Sets the places of its mini program in the queue that is limited, and how many have left them.
    pub(crate) fn sharing(mut self, share: Option<ShareLength>) -> Self {
        self.queue_limit = self.queue_limit.map(|limit| QueueLimit { share, ..limit });
        self
    }

    pub(crate) fn event(mut self, kind: &str) -> Self {
        self.events.push(NewEvent::new(event_kind(kind), serde_json::Value::Null));
        self
    }

    pub(crate) fn says(mut self, send: NewOutbound) -> Self {
        self.sends.push(send);
        self
    }

    /// The id of the decision's conversation.
    pub(crate) fn cid(&self) -> String {
        self.after.as_ref().map(|after| after.cid.clone()).unwrap_or_default()
    }

    pub(crate) fn commit(&self) -> Commit<'_> {
        Commit {
            message: self.message.as_ref(),
            ignored: None,
            visitor: (self.visitor != self.seen).then(|| (&self.thread, &self.seen, self.visitor.clone())),
            before: self.before.as_ref(),
            after: self.after.clone(),
            events: self.events.clone(),
            sends: self.sends.clone(),
            released: self.released.clone(),
            assign: self.assign,
            queue_limit: self.queue_limit,
            idempotency: self.idempotency.as_ref(),
            audit: None,
        }
    }

    pub(crate) async fn write(&self, table: &Table) -> Result<CommitOutcome> {
        Box::pin(table.decisions().commit(self.commit())).await
    }
}
