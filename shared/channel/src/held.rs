//! Held texts: what a person wrote while WeChat granted no reply. They wait for the visitor's next message.

use desk::quota::QuotaError;
use jiff::SignedDuration;
use store::{Message, MessageState, NewOutbound, SendFailure, StoreError, Visitor};

use crate::{
    Channel,
    deliver::ended,
    parts::{parts_of, progress},
    quota::quota_failure,
};

/// How long a held text waits for the visitor's next message.
pub const HELD_TEXT_LIFETIME: SignedDuration = SignedDuration::from_hours(72);

/// How many texts may be held for one visitor. One transaction releases them all, within DynamoDB's limit of 100 items.
pub const MAX_HELD_TEXTS: usize = 20;

impl Channel {
    /// Withdraws a held text. Of a text that was sent in part, the rest; its failure says so. `None` when the text is not held, or no longer.
    #[tracing::instrument(skip_all, fields(
        app_id = message.thread.app_id,
        cid = message.cid,
        uid = message.thread.uid(),
        id = message.id,
    ))]
    pub async fn take_back(&self, message: &Message) -> Result<Option<Message>, StoreError> {
        let failure = progress(message.parts_sent, parts_of(message)).map(|progress| SendFailure {
            code: "message.stopped".to_owned(),
            errcode: None,
            detail: format!("{progress} before the rest was taken back."),
        });
        self.end_hold(message, MessageState::Cancelled, failure.as_ref()).await
    }

    /// Fails a held text that has waited for [`HELD_TEXT_LIFETIME`]. `None` when the text is not held, or no longer.
    #[tracing::instrument(skip_all, fields(
        app_id = message.thread.app_id,
        cid = message.cid,
        uid = message.thread.uid(),
        id = message.id,
    ))]
    pub async fn expire(&self, message: &Message) -> Result<Option<Message>, StoreError> {
        let failure = SendFailure {
            code: "quota.hold_expired".to_owned(),
            errcode: None,
            detail: match progress(message.parts_sent, parts_of(message)) {
                Some(progress) => {
                    format!("The visitor has not written again in time, so the rest was never sent ({progress}).")
                }
                None => "The visitor has not written again in time, so this text was never sent.".to_owned(),
            },
        };
        self.end_hold(message, MessageState::Failed, Some(&failure)).await
    }

    async fn end_hold(
        &self,
        message: &Message,
        state: MessageState,
        failure: Option<&SendFailure>,
    ) -> Result<Option<Message>, StoreError> {
        self.retry_on_conflict(|_| async {
            let seen = self.store.threads.visitor(&message.thread).await?;
            let mut visitor = seen.clone();
            visitor.held.retain(|id| *id != message.id);
            self.store.sends.end_held(message, state, failure, (&seen, &visitor)).await.map(ended)
        })
        .await
    }
}

/// Adds a message to the visitor's held texts. Fails where the message is not a text or where too many are held.
pub(crate) fn hold(message: &NewOutbound, visitor: &mut Visitor, shortage: QuotaError) -> Result<(), SendFailure> {
    if message.kind != "text" {
        return Err(quota_failure(shortage));
    }
    if visitor.held.len() >= MAX_HELD_TEXTS {
        return Err(too_many_held());
    }
    visitor.held.push(message.id.clone());
    Ok(())
}

/// The failure of a text beyond [`MAX_HELD_TEXTS`].
pub(crate) fn too_many_held() -> SendFailure {
    SendFailure {
        code: "quota.too_many_held".to_owned(),
        errcode: None,
        detail: "Twenty texts wait already for the visitor's next message.".to_owned(),
    }
}
