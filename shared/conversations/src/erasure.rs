//! Erases visitors: closes the open conversation as any other, then deletes page by page.

use std::sync::Arc;

use desk::conversation::ClosedBy;
use store::{Attempt, Attempted, AuditActor, Erasure, Erasures, Result, StoreError, Thread};

use crate::{
    Conversations,
    cycle::{DecisionCycle, FollowUp},
    handles::Handles,
};

/// How far an erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureState {
    /// The minute tick goes on with it.
    Running,
    /// Everything is deleted.
    Done,
}

/// Erases visitors. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Eraser {
    store: Arc<Handles>,
    cycle: DecisionCycle,
    erasures: Erasures,
}

impl Eraser {
    /// How many pages of 25 messages a request erases at most: about 10 seconds of its 29.
    pub const REQUEST_PAGES: u32 = 40;
    /// The same for the minute tick.
    pub const TICK_PAGES: u32 = 200;

    /// The erasures in this table.
    pub fn new(conversations: &Conversations, erasures: Erasures) -> Self {
        Self { store: conversations.store.clone(), cycle: conversations.cycle.clone(), erasures }
    }

    /// Begins to erase a visitor, or goes on, with at most this many pages. `None` when nothing is stored of the visitor.
    #[tracing::instrument(skip_all, fields(app_id = thread.app_id, uid = thread.uid()))]
    pub async fn erase(&self, thread: &Thread, actor: &Arc<AuditActor>, pages: u32) -> Result<Option<ErasureState>> {
        let begun = self.cycle.retry_on_conflict(|_| self.try_begin(thread, actor)).await?;
        match begun {
            Some(erasure) => self.go_on(&erasure, pages).await.map(Some),
            None => Ok(None),
        }
    }

    async fn try_begin(&self, thread: &Thread, actor: &Arc<AuditActor>) -> Result<Attempted<Option<Erasure>>> {
        if let Some(running) = self.erasures.erasure(thread).await? {
            return Ok(Attempted::Done(Some(running)));
        }
        if !self.store.threads.is_known(thread).await? {
            return Ok(Attempted::Done(None));
        }
        let seen = self.store.threads.visitor(thread).await?;
        conflict_is_again(self.erasures.begin(thread, &seen, actor).await.map(Some))
    }

    /// Goes on with an erasure, with at most this many pages.
    #[tracing::instrument(skip_all, fields(app_id = erasure.thread.app_id, uid = erasure.thread.uid()))]
    pub async fn go_on(&self, erasure: &Erasure, pages: u32) -> Result<ErasureState> {
        let mut after = None;
        for _ in 0..pages {
            let page = self.erasures.page(erasure, after.as_deref()).await?;
            for cid in &page.cids {
                self.cycle.retry_on_conflict(|attempt| self.try_erase_conversation(cid, attempt)).await?;
            }
            after.clone_from(&page.next);
            self.erasures.erase_page(page).await?;
            if after.is_none() {
                self.cycle.retry_on_conflict(|_| self.try_end(erasure)).await?;
                tracing::info!("visitor erased");
                return Ok(ErasureState::Done);
            }
        }
        Ok(ErasureState::Running)
    }

    /// Closes a conversation that is open, so that its queue and its agent's load stay right, and deletes it.
    async fn try_erase_conversation(&self, cid: &str, attempt: Attempt) -> Result<Attempted<()>> {
        let mut seen = self.store.conversations.conversation(cid).await?;
        if let Some(open) = seen.take_if(|seen| seen.is_open()) {
            let freed = open.assignee().map(ToOwned::to_owned);
            let mut decision = self.cycle.read(open, attempt).await?;
            decision.close(ClosedBy::Admin, None, None);
            seen = match self.cycle.write(&mut decision).await? {
                Attempted::Done(closed) => closed,
                Attempted::Conflict => return Ok(Attempted::Conflict),
                Attempted::AgentTaken => return Ok(Attempted::AgentTaken),
            };
            Box::pin(self.cycle.follow_up_in_request(FollowUp::freed_agent(freed))).await;
        }
        conflict_is_again(self.erasures.erase_conversation(cid, seen.as_ref()).await)
    }

    async fn try_end(&self, erasure: &Erasure) -> Result<Attempted<()>> {
        if self.erasures.erasure(&erasure.thread).await?.is_none() {
            // Another function has ended it.
            return Ok(Attempted::Done(()));
        }
        let seen = self.store.threads.visitor(&erasure.thread).await?;
        conflict_is_again(self.erasures.end(erasure, &seen).await)
    }
}

/// A write whose condition did not hold is tried again on what is stored then.
fn conflict_is_again<T>(written: Result<T>) -> Result<Attempted<T>> {
    match written {
        Ok(done) => Ok(Attempted::Done(done)),
        Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(Attempted::Conflict),
        Err(error) => Err(error),
    }
}
