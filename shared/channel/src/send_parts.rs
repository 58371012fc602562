//! The calls to WeChat for one claimed message, and what a failed call means for the message.

use jiff::SignedDuration;
use serde_json::Value;
use store::{Claim, Message, SendFailure, Settled};
use wechat::{Action, ApiError, Outbound, Outcome, client::SendOptions};

use crate::{
    CachedToken, Channel, RetryPolicy,
    error::{TokenError, wechat_failure},
    parts::split_message,
    quota::quota_error,
};

/// Attempts under [`RetryPolicy::Retry`]: the first, and those after 30 s, 1, 2, 4 and 8 minutes.
const MAX_ATTEMPTS: u32 = 6;

/// Why a part was not sent.
enum PartError {
    Token(TokenError),
    WeChat(ApiError),
    Media(SendFailure),
}

impl From<TokenError> for PartError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::WeChat(error) => Self::WeChat(error),
            other => Self::Token(other),
        }
    }
}

impl Channel {
    /// Sends the parts of a message that are not sent yet. Returns the outcome and the number of parts sent in all.
    pub(crate) async fn send_parts(&self, claim: &Claim, retry: RetryPolicy) -> (Settled, u32) {
        let message = &claim.message;
        let parts = match split_message(message) {
            Ok(parts) => parts,
            Err(failure) => return (Settled::Failed(failure), 0),
        };
        let total = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let mut sent = message.parts_sent;
        for part in parts.into_iter().skip(usize::try_from(sent).unwrap_or(usize::MAX)) {
            if let Err(error) = self.send_part(message, part).await {
                return (self.settle_failed_part(message, error, retry, sent, total), sent);
            }
            sent += 1;
            if sent < total
                && let Err(error) = self.store.sends.progress(claim, sent).await
            {
                tracing::error!(%error, "progress of a send not stored");
                return (Settled::Unknown(interrupted(sent, total)), sent);
            }
        }
        (Settled::Sent, sent)
    }

    async fn send_part(&self, message: &Message, part: Outbound) -> Result<(), PartError> {
        match self.call_send(message, &part).await {
            Err(TokenError::WeChat(error)) if error.action() == Action::Reupload => {
                let part = self.with_new_media(message, part).await?.ok_or(PartError::WeChat(error))?;
                self.call_send(message, &part).await.map_err(PartError::from)
            }
            answer => answer.map_err(PartError::from),
        }
    }

    async fn call_send(&self, message: &Message, part: &Outbound) -> Result<(), TokenError> {
        let (app_id, openid) = (&message.thread.app_id, &message.thread.openid);
        let options = SendOptions { ai_generated: message.ai };
        let send = |token: CachedToken| async move { self.api.send(token.value(), openid, part, options).await };
        self.with_token(app_id, send).await
    }

    /// The part with its picture uploaded again. `None` when the message has no address to fetch the picture from.
    async fn with_new_media(&self, message: &Message, part: Outbound) -> Result<Option<Outbound>, PartError> {
        let text = |name: &str| message.content.get(name).and_then(Value::as_str).unwrap_or_default();
        let (app_id, thumb_url, image_url) = (&message.thread.app_id, text("thumb_url"), text("url"));
        let media_error = |error: crate::MediaError| PartError::Media(error.failure());
        Ok(match part {
            Outbound::MiniProgramPage { title, appid, pagepath, thumb_media_id } if !thumb_url.is_empty() => {
                let new = self.upload_again(app_id, &thumb_media_id, thumb_url).await.map_err(media_error)?;
                Some(Outbound::MiniProgramPage { title, appid, pagepath, thumb_media_id: new })
            }
            Outbound::Image { media_id } if !image_url.is_empty() => {
                let new = self.upload_again(app_id, &media_id, image_url).await.map_err(media_error)?;
                Some(Outbound::Image { media_id: new })
            }
            _ => None,
        })
    }

    /// The outcome of a message of which `sent` of `total` parts went out before one failed.
    fn settle_failed_part(
        &self,
        message: &Message,
        error: PartError,
        retry: RetryPolicy,
        sent: u32,
        total: u32,
    ) -> Settled {
        let (mut failure, is_unknown, is_transient) = match error {
            PartError::Token(error) => (error.failure(), false, is_transient(&error)),
            PartError::WeChat(error) => {
                let is_transient = matches!(error.action(), Action::RetryLater | Action::RefreshToken);
                (wechat_failure(&error), error.outcome() == Outcome::Unknown, is_transient)
            }
            PartError::Media(failure) => (failure, false, false),
        };
        if total > 1 {
            failure.detail = format!("{} ({sent} of {total} parts were sent.)", failure.detail);
        }
        if is_unknown {
            return Settled::Unknown(failure);
        }
        if quota_error(&failure).is_some() {
            return self.settle_without_quota(message, failure);
        }
        if retry == RetryPolicy::Retry && is_transient && message.attempts < MAX_ATTEMPTS {
            let pause = SignedDuration::from_secs(30 << message.attempts.saturating_sub(1).min(MAX_ATTEMPTS));
            return Settled::Later(self.store.clock.now() + pause, failure);
        }
        Settled::Failed(failure)
    }
}

/// Whether a later attempt to get a token may succeed without a change of the binding.
fn is_transient(error: &TokenError) -> bool {
    match error {
        TokenError::Busy | TokenError::Store(_) => true,
        TokenError::NotBound | TokenError::Refused(_) => false,
        TokenError::NoToken(error) | TokenError::WeChat(error) => error.action() == Action::RetryLater,
    }
}

fn interrupted(sent: u32, total: u32) -> SendFailure {
    SendFailure {
        code: "message.stopped".to_owned(),
        errcode: None,
        detail: format!("Sending stopped after {sent} of {total} parts."),
    }
}
