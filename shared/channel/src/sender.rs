//! One send, at most once: `pending → sending → sent | failed | unknown | held`.
//!
//! WeChat has no idempotency key. So a message is claimed before anything goes out, only one claim is ever granted,
//! and a claim whose end nobody saw becomes `unknown` rather than a second message on the phone.

use desk::quota::{QuotaError, RESERVATION_TTL};
use jiff::SignedDuration;
use serde_json::Value;
use store::{
    Claim, Claimed, Commit, Committed, Message, MessageState, SENDING_LEASE, SendFailure, Settled, Settlement,
    StoreError, Thread,
};
use wechat::{
    Action, ApiError, Outbound, Outcome,
    client::SendOptions,
    text::{MAX_TEXT, split},
};

use crate::{
    CachedToken, Channel,
    error::{TokenError, wechat_failure},
    ledger::failure,
    say::HOLD_LIFE,
};

/// Whether somebody is waiting for the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// A person is: what cannot go out now has failed, and they are told.
    FailFast,
    /// Nobody is: what was not sent is tried again, with growing pauses, for about a quarter of an hour.
    Retry,
}

/// How often an outcome is written when others change the visitor meanwhile.
const SETTLINGS: u32 = 8;

/// How long after it was written a message goes out without another look at what WeChat grants. Its reservation is good
/// for longer than that by more than a send takes.
const RENEWED_AFTER: SignedDuration =
    SignedDuration::from_secs(RESERVATION_TTL.as_secs() - SENDING_LEASE.as_secs() - 120);

/// Attempts of a send that nobody waits for: after 30 s, 1, 2, 4 and 8 minutes.
const ATTEMPTS: u32 = 6;

/// How one part ended that did not go out.
enum Refused {
    Token(TokenError),
    WeChat(ApiError),
    Media(SendFailure),
}

impl Channel {
    /// Sends a pending message and gives it back as it now stands. `None` when there is no such message. A message
    /// that is not pending is left alone and given back as it is.
    pub async fn deliver(&self, thread: &Thread, id: &str, retry: RetryPolicy) -> Result<Option<Message>, StoreError> {
        let claim = match self.table.claim(thread, id).await? {
            Claimed::Ours(claim) => claim,
            Claimed::Not(message) => return Ok(Some(*message)),
            Claimed::Missing => return Ok(None),
        };
        let (settled, parts_sent) = match self.renew(&claim.message).await? {
            Ok(()) => self.send(&claim, retry).await,
            Err(shortage) => (self.short(&claim.message, failure(shortage)), claim.message.parts_sent),
        };
        match self.keep(&claim, &settled, parts_sent).await {
            Ok(message) => Ok(Some(message)),
            Err(error) => {
                // What WeChat said is true whether or not we could write it down.
                tracing::error!(app_id = thread.app_id, id, %error, "the outcome of a send could not be kept");
                Ok(Some(outcome(claim.message, settled, parts_sent)))
            }
        }
    }

    /// A reservation is for as long as a function may run. Whoever sends so much later (a message was put off, or its
    /// sender died and nobody was there to take over) asks anew what WeChat grants now.
    async fn renew(&self, message: &Message) -> Result<Result<(), QuotaError>, StoreError> {
        let (id, thread) = (&message.id, &message.thread);
        let parts = parts_of(&message.kind, &message.content).saturating_sub(message.parts_sent);
        for _ in 0..SETTLINGS {
            let now = self.table.clock().now();
            if now.duration_since(message.created_at) < RENEWED_AFTER {
                return Ok(Ok(()));
            }
            let seen = self.table.visitor(thread).await?;
            let mut visitor = seen.clone();
            visitor.ledger.settle(id, message.parts_sent, now);
            let reserved = visitor.ledger.reserve(id, parts, 0, now);
            let commit = Commit { visitor: Some((thread, &seen, visitor)), ..Commit::default() };
            if let Committed::Now(_) = self.table.commit(commit).await? {
                return Ok(reserved);
            }
        }
        Err(StoreError::Exhausted)
    }

    /// What becomes of a message that WeChat grants no reply for: what a person has written waits for the visitor.
    fn short(&self, message: &Message, failure: SendFailure) -> Settled {
        let person = message.author.as_ref().is_some_and(|author| author.role.is_caller());
        if person && message.kind == "text" && message.parts_sent == 0 {
            return Settled::Held(self.table.clock().now() + HOLD_LIFE, failure);
        }
        Settled::Failed(failure)
    }

    /// Keeps how a send ended, and reckons with the visitor's replies what it means.
    async fn keep(&self, claim: &Claim, settled: &Settled, parts_sent: u32) -> Result<Message, StoreError> {
        let message = &claim.message;
        for _ in 0..SETTLINGS {
            let now = self.table.clock().now();
            let seen = self.table.visitor(&message.thread).await?;
            let mut visitor = seen.clone();
            let id = &message.id;
            match settled {
                // It is still under way: its replies stay taken.
                Settled::Later(..) => {}
                Settled::Sent => visitor.ledger.settle(id, parts_sent, now),
                Settled::Unknown(_) => {
                    // What may have gone out counts as gone.
                    let parts = parts_of(&message.kind, &message.content);
                    visitor.ledger.settle(id, parts, now);
                }
                Settled::Failed(failure) | Settled::Held(_, failure) => match shortage(failure) {
                    Some(shortage) => visitor.ledger.record_refusal(id, parts_sent, shortage, now),
                    None => visitor.ledger.settle(id, parts_sent, now),
                },
            }
            if matches!(settled, Settled::Held(..)) && !visitor.held.contains(id) {
                visitor.held.push(id.clone());
            }
            match self.table.settle(claim, settled, parts_sent, Some((&seen, &visitor))).await? {
                Settlement::Kept(message) => return Ok(*message),
                Settlement::TooLate => return Err(StoreError::Conflict),
                Settlement::VisitorChanged => {}
            }
        }
        Err(StoreError::Exhausted)
    }

    /// Makes a send `unknown` whose sender is gone; what it may have used up counts as used.
    pub async fn give_up(&self, message: &Message) -> Result<(), StoreError> {
        let failure = SendFailure {
            code: "message.outcome_unknown".to_owned(),
            errcode: None,
            detail: "Sending was interrupted. The visitor may or may not have the message; it is not repeated."
                .to_owned(),
        };
        for _ in 0..SETTLINGS {
            let seen = self.table.visitor(&message.thread).await?;
            let mut visitor = seen.clone();
            let parts = parts_of(&message.kind, &message.content);
            let now = self.table.clock().now();
            visitor.ledger.settle(&message.id, parts, now);
            match self.table.give_up(message, &failure, Some((&seen, &visitor))).await? {
                Settlement::Kept(_) | Settlement::TooLate => return Ok(()),
                Settlement::VisitorChanged => {}
            }
        }
        Err(StoreError::Exhausted)
    }

    async fn send(&self, claim: &Claim, retry: RetryPolicy) -> (Settled, u32) {
        let message = &claim.message;
        let parts = match parts(message) {
            Ok(parts) => parts,
            Err(failure) => return (Settled::Failed(failure), 0),
        };
        let total = parts.len();
        let mut sent = message.parts_sent;
        for part in parts.into_iter().skip(usize::try_from(sent).unwrap_or(usize::MAX)) {
            if let Err(refused) = self.send_part(message, part).await {
                return (self.judge(message, refused, retry, sent, total), sent);
            }
            sent += 1;
            if usize::try_from(sent).is_ok_and(|sent| sent < total)
                && let Err(error) = self.table.progress(claim, sent).await
            {
                tracing::error!(app_id = message.thread.app_id, id = message.id, %error, "progress could not be kept");
                return (Settled::Unknown(stopped(sent, total)), sent);
            }
        }
        (Settled::Sent, sent)
    }

    async fn send_part(&self, message: &Message, part: Outbound) -> Result<(), Refused> {
        match self.post(message, &part).await {
            Err(TokenError::WeChat(error)) if error.action() == Action::Reupload => {
                let again = self.with_new_media(message, part).await?.ok_or(Refused::WeChat(error))?;
                self.post(message, &again).await.map_err(Refused::from)
            }
            answer => answer.map_err(Refused::from),
        }
    }

    async fn post(&self, message: &Message, part: &Outbound) -> Result<(), TokenError> {
        let (app_id, openid) = (&message.thread.app_id, &message.thread.openid);
        let options = SendOptions { ai_generated: message.ai };
        let send = |token: CachedToken| async move { self.api.send(token.value(), openid, part, options).await };
        self.with_token(app_id, send).await
    }

    /// The same message with its picture uploaded anew; `None` when there is nowhere to fetch it from.
    async fn with_new_media(&self, message: &Message, part: Outbound) -> Result<Option<Outbound>, Refused> {
        let text = |name: &str| message.content.get(name).and_then(Value::as_str).unwrap_or_default();
        let (app_id, address) = (&message.thread.app_id, text("thumb_url"));
        Ok(match part {
            Outbound::MiniProgramPage { title, appid, pagepath, thumb_media_id } if !address.is_empty() => {
                let thumb_media_id = self.again(app_id, &thumb_media_id, address).await?;
                Some(Outbound::MiniProgramPage { title, appid, pagepath, thumb_media_id })
            }
            Outbound::Image { media_id } if !text("url").is_empty() => {
                Some(Outbound::Image { media_id: self.again(app_id, &media_id, text("url")).await? })
            }
            _ => None,
        })
    }

    async fn again(&self, app_id: &str, refused: &str, address: &str) -> Result<String, Refused> {
        self.cover_again(app_id, refused, address).await.map_err(|error| Refused::Media(error.failure()))
    }

    fn judge(&self, message: &Message, refused: Refused, retry: RetryPolicy, sent: u32, total: usize) -> Settled {
        let (mut failure, unknown, passing) = match refused {
            Refused::Token(error) => (error.failure(), false, passing(&error)),
            Refused::WeChat(error) => {
                let unknown = error.outcome() == Outcome::Unknown;
                let passing = error.action() == Action::RetryLater || error.action() == Action::RefreshToken;
                (wechat_failure(&error), unknown, passing)
            }
            Refused::Media(failure) => (failure, false, false),
        };
        if total > 1 {
            failure.detail = format!("{} ({sent} of {total} parts were sent.)", failure.detail);
        }
        if unknown {
            return Settled::Unknown(failure);
        }
        if shortage(&failure).is_some() && sent == 0 {
            return self.short(message, failure);
        }
        if retry == RetryPolicy::Retry && passing && message.attempts < ATTEMPTS {
            let pause = SignedDuration::from_secs(30 << message.attempts.saturating_sub(1).min(ATTEMPTS));
            return Settled::Later(self.table.clock().now() + pause, failure);
        }
        Settled::Failed(failure)
    }
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::WeChat(error) => Self::WeChat(error),
            other => Self::Token(other),
        }
    }
}

/// Whether a failure to get a token may pass by itself.
fn passing(error: &TokenError) -> bool {
    match error {
        TokenError::Busy | TokenError::Store(_) => true,
        TokenError::NotBound | TokenError::Refused(_) => false,
        TokenError::NoToken(error) | TokenError::WeChat(error) => error.action() == Action::RetryLater,
    }
}

/// What goes out for a message: one or, for a text over WeChat's limit, several.
fn parts(message: &Message) -> Result<Vec<Outbound>, SendFailure> {
    let broken = |_| SendFailure {
        code: "message.unsendable".to_owned(),
        errcode: None,
        detail: "This kind of message cannot be sent.".to_owned(),
    };
    Ok(match Outbound::from_json(&message.kind, &message.content).map_err(broken)? {
        Outbound::Text { content } => {
            split(&content, MAX_TEXT).into_iter().map(|part| Outbound::Text { content: part.to_owned() }).collect()
        }
        whole => vec![whole],
    })
}

/// How many messages of WeChat's something takes.
pub(crate) fn parts_of(kind: &str, content: &Value) -> u32 {
    match content.get("content").and_then(Value::as_str) {
        Some(text) if kind == "text" => text_parts(text),
        _ => 1,
    }
}

/// How many messages of WeChat's a text takes.
pub fn text_parts(text: &str) -> u32 {
    u32::try_from(split(text, MAX_TEXT).len()).unwrap_or(u32::MAX)
}

/// Whether WeChat refused because it grants no reply now.
fn shortage(failure: &SendFailure) -> Option<QuotaError> {
    match failure.errcode {
        Some(45047) => Some(QuotaError::Exhausted),
        Some(45015) => Some(QuotaError::WindowClosed),
        _ => None,
    }
}

fn stopped(sent: u32, total: usize) -> SendFailure {
    SendFailure {
        code: "message.stopped".to_owned(),
        errcode: None,
        detail: format!("Sending stopped after {sent} of {total} parts."),
    }
}

fn outcome(mut message: Message, settled: Settled, parts_sent: u32) -> Message {
    message.parts_sent = parts_sent;
    (message.state, message.failure) = match settled {
        Settled::Sent => (MessageState::Sent, None),
        Settled::Failed(failure) => (MessageState::Failed, Some(failure)),
        Settled::Unknown(failure) | Settled::Later(_, failure) => (MessageState::Unknown, Some(failure)),
        Settled::Held(_, failure) => (MessageState::Held, Some(failure)),
    };
    message
}
