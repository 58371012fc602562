//! One send, at most once: `pending → sending → sent | failed | unknown | held`.
//!
//! WeChat has no idempotency key. A message is therefore claimed before it is sent, a claim is granted once, and a claim
//! whose outcome is not known becomes `unknown` instead of a second message on the visitor's phone.

use desk::quota::{QuotaError, RESERVATION_TTL};
use jiff::SignedDuration;
use store::{
    Attempted, Claim, Claimed, Commit, CommitOutcome, Message, MessageState, SENDING_LEASE, SendFailure, Settled,
    Settlement, StoreError, Thread, Visitor,
};
use tracing::{Span, field};

use crate::{
    Channel, HELD_TEXT_LIFETIME, MAX_HELD_TEXTS,
    held::too_many_held,
    parts::{parts_of, progress},
    quota::{quota_error, quota_failure},
};

/// What happens to a message that cannot be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// The message fails. For a caller who waits for the outcome.
    FailFast,
    /// The message is sent again after 30 s, 1, 2, 4 and 8 minutes, then fails.
    Retry,
}

/// The age of a message from which its reservation is renewed before it is sent. A reservation outlasts this age by
/// more than a send takes.
const RENEW_RESERVATION_AFTER: SignedDuration =
    SignedDuration::from_secs(RESERVATION_TTL.as_secs() - SENDING_LEASE.as_secs() - 120);

impl Channel {
    /// Sends a pending message and returns it with its new state. Returns a message that is not pending unchanged, and
    /// `None` when there is no such message. A message for which no time is left stays pending; see [`Channel::until`] and
    /// [`Channel::sending_until`].
    #[tracing::instrument(skip_all, fields(app_id = thread.app_id, cid = field::Empty, uid = thread.uid(), id = id))]
    pub async fn deliver(&self, thread: &Thread, id: &str, retry: RetryPolicy) -> Result<Option<Message>, StoreError> {
        if !self.has_time_to_send() {
            return self.store.threads.message(thread, id).await;
        }
        let claimed = self.store.sends.claim(thread, id).await?;
        self.send_claimed(claimed, retry).await
    }

    /// Sends a pending message that is due: its writer has stopped, or an earlier attempt has failed.
    #[tracing::instrument(skip_all, fields(app_id = thread.app_id, cid = field::Empty, uid = thread.uid(), id = id))]
    pub async fn deliver_due(&self, thread: &Thread, id: &str) -> Result<(), StoreError> {
        if self.has_time_to_send() {
            let claimed = self.store.sends.claim_due(thread, id).await?;
            self.send_claimed(claimed, RetryPolicy::Retry).await?;
        }
        Ok(())
    }

    fn has_time_to_send(&self) -> bool {
        let has_time = self.last_send_begins().is_none_or(|last| self.store.clock.now() <= last);
        if !has_time {
            tracing::warn!("not sent: too little time is left");
        }
        has_time
    }

    async fn send_claimed(&self, claimed: Claimed, retry: RetryPolicy) -> Result<Option<Message>, StoreError> {
        let claim = match claimed {
            Claimed::Ours(claim) => claim,
            Claimed::Not(message) => return Ok(Some(*message)),
            Claimed::Missing => return Ok(None),
        };
        Span::current().record("cid", claim.message.cid.as_deref());
        let (settled, parts_sent) = match self.renew_reservation(&claim.message).await? {
            Ok(()) => self.send_parts(&claim, retry).await,
            Err(shortage) => {
                (self.settle_without_quota(&claim.message, quota_failure(shortage)), claim.message.parts_sent)
            }
        };
        if matches!(settled, Settled::Unknown(_)) {
            count_unknown();
        }
        match self.record_outcome(&claim, &settled, parts_sent).await {
            Ok(message) => Ok(Some(message)),
            Err(error) => {
                // What WeChat answered holds, whether or not it could be stored.
                tracing::error!(%error, "outcome of a send not stored");
                Ok(Some(with_outcome(claim.message, settled, parts_sent)))
            }
        }
    }

    /// Reserves the message's replies anew where its reservation may have ended: it was postponed, or its sender stopped
    /// and nothing took over in time.
    async fn renew_reservation(&self, message: &Message) -> Result<Result<(), QuotaError>, StoreError> {
        self.retry_on_conflict(|_| self.try_renew_reservation(message)).await
    }

    async fn try_renew_reservation(&self, message: &Message) -> Result<Attempted<Result<(), QuotaError>>, StoreError> {
        let (id, thread) = (&message.id, &message.thread);
        let parts = parts_of(message).saturating_sub(message.parts_sent);
        let now = self.store.clock.now();
        if now.duration_since(message.created_at) < RENEW_RESERVATION_AFTER {
            return Ok(Attempted::Done(Ok(())));
        }
        let seen = self.store.threads.visitor(thread).await?;
        let mut visitor = seen.clone();
        visitor.ledger.settle(id, message.parts_sent, now);
        let reserved = visitor.ledger.reserve(id, parts, 0, now);
        if !seen.is_stored() {
            // The visitor was erased meanwhile: a write would bring them back.
            return Ok(Attempted::Done(reserved));
        }
        let commit = Commit { visitor: Some((thread, &seen, visitor)), ..Commit::default() };
        Ok(match self.store.decisions.commit(commit).await? {
            CommitOutcome::Written(_) => Attempted::Done(reserved),
            _ => Attempted::Conflict,
        })
    }

    /// The outcome of a message that WeChat grants no reply for: a person's text is held, or what is left of it, anything else fails.
    pub(crate) fn settle_without_quota(&self, message: &Message, failure: SendFailure) -> Settled {
        let by_person = message.author.as_ref().is_some_and(|author| author.role.is_caller());
        if by_person && message.kind == "text" {
            return Settled::Held(self.store.clock.now() + HELD_TEXT_LIFETIME, failure);
        }
        Settled::Failed(failure)
    }

    /// Stores the outcome of a send, with its effect on the visitor's quota.
    async fn record_outcome(&self, claim: &Claim, settled: &Settled, parts_sent: u32) -> Result<Message, StoreError> {
        let ended = self.retry_on_conflict(|_| async move {
            if keeps_reservation(settled) {
                return self.store.sends.settle(claim, settled, parts_sent, None).await.map(ended);
            }
            let seen = self.store.threads.visitor(&claim.message.thread).await?;
            let mut visitor = seen.clone();
            let settled = &within_hold_limit(settled, &visitor, &claim.message, parts_sent);
            self.apply_outcome(&mut visitor, &claim.message, settled, parts_sent);
            self.store.sends.settle(claim, settled, parts_sent, Some((&seen, &visitor))).await.map(ended)
        });
        ended.await?.ok_or(StoreError::Conflict)
    }

    fn apply_outcome(&self, visitor: &mut Visitor, message: &Message, settled: &Settled, parts_sent: u32) {
        let now = self.store.clock.now();
        let id = &message.id;
        match settled {
            Settled::Sent | Settled::Later(..) => {}
            Settled::Unknown(_) => {
                // Parts that may have been sent count as sent.
                let parts = parts_of(message);
                visitor.ledger.settle(id, parts, now);
            }
            Settled::Failed(failure) | Settled::Held(_, failure) => match quota_error(failure) {
                Some(error) => visitor.ledger.record_refusal(id, parts_sent, error, now),
                None => visitor.ledger.settle(id, parts_sent, now),
            },
        }
        if matches!(settled, Settled::Held(..)) && !visitor.held.contains(id) {
            // Texts that were held while this one was in flight are later than it.
            let place = visitor.held.partition_point(|held| held < id);
            visitor.held.insert(place, id.clone());
        }
    }

    /// Makes a message `unknown` whose sender stopped during the send. All its replies count as used.
    #[tracing::instrument(skip_all, fields(
        app_id = message.thread.app_id,
        cid = message.cid,
        uid = message.thread.uid(),
        id = message.id,
    ))]
    pub async fn give_up(&self, message: &Message) -> Result<(), StoreError> {
        let failure = SendFailure {
            code: "message.outcome_unknown".to_owned(),
            errcode: None,
            detail: "Sending was interrupted. The visitor may or may not have the message; it is not repeated."
                .to_owned(),
        };
        let ended = self.retry_on_conflict(|_| async {
            let seen = self.store.threads.visitor(&message.thread).await?;
            let mut visitor = seen.clone();
            let parts = parts_of(message);
            visitor.ledger.settle(&message.id, parts, self.store.clock.now());
            self.store.sends.give_up(message, &failure, Some((&seen, &visitor))).await.map(ended)
        });
        if ended.await?.is_some() {
            count_unknown();
        }
        Ok(())
    }
}

/// The outcome of a text that would be held: it fails where as many texts are held as can be released together.
fn within_hold_limit(settled: &Settled, visitor: &Visitor, message: &Message, parts_sent: u32) -> Settled {
    match settled {
        Settled::Held(_, refusal) if visitor.held.len() >= MAX_HELD_TEXTS && !visitor.held.contains(&message.id) => {
            let mut failure = too_many_held();
            failure.errcode = refusal.errcode;
            if let Some(progress) = progress(parts_sent, parts_of(message)) {
                failure.detail = format!("{} ({progress}.)", failure.detail);
            }
            Settled::Failed(failure)
        }
        settled => settled.clone(),
    }
}

/// Whether an outcome changes nothing in the visitor's ledger: a message that is sent later is still in flight, and one that
/// is sent counts the same until the visitor's next action ([`settle_sent`](crate::settle_sent)).
fn keeps_reservation(settled: &Settled) -> bool {
    matches!(settled, Settled::Sent | Settled::Later(..))
}

/// The message whose end is stored; `None` when it has ended otherwise.
pub(crate) fn ended(settlement: Settlement) -> Attempted<Option<Message>> {
    match settlement {
        Settlement::Kept(message) => Attempted::Done(Some(*message)),
        Settlement::TooLate => Attempted::Done(None),
        Settlement::VisitorChanged => Attempted::Conflict,
    }
}

/// Counts a send for the metric `UnknownSends` (`function::METRICS`).
fn count_unknown() {
    tracing::warn!(UnknownSends = 1, "it is not known whether WeChat received a message");
}

/// The message as it would have been stored with this outcome.
fn with_outcome(mut message: Message, settled: Settled, parts_sent: u32) -> Message {
    message.parts_sent = parts_sent;
    (message.state, message.failure) = match settled {
        Settled::Sent => (MessageState::Sent, None),
        Settled::Failed(failure) => (MessageState::Failed, Some(failure)),
        Settled::Unknown(failure) | Settled::Later(_, failure) => (MessageState::Unknown, Some(failure)),
        Settled::Held(_, failure) => (MessageState::Held, Some(failure)),
    };
    message
}
