//! Requests that are carried out once, by their `Idempotency-Key`.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Result, StoreError},
    handles::Decisions,
    item::{Build, Read, at, n, s},
    keys,
    outbox::NewOutbound,
    table::Table,
    transaction::built,
};

/// How long an `Idempotency-Key` is valid.
const IDEMPOTENCY_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A request with an `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    /// The caller, the route and the `Idempotency-Key`.
    pub scope: [String; 3],
    /// Hash of the request's content: the same key with other content is refused.
    pub fingerprint: String,
}

/// An earlier request with the same `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlierRequest {
    /// There is none: this request created the message.
    None,
    /// An earlier request with the same key and content created a message.
    Found {
        /// The message's id in the thread.
        id: String,
    },
    /// An earlier request with other content used the key.
    KeyReused,
}

impl Decisions {
    /// The message that an earlier request with this key created, after a commit answered [`CommitOutcome::DuplicateRequest`].
    /// [`StoreError::Conflict`] when the key's record has expired since: the commit may be repeated.
    ///
    /// [`CommitOutcome::DuplicateRequest`]: crate::CommitOutcome::DuplicateRequest
    pub async fn earlier_request(&self, new: &NewOutbound, request: &IdempotentRequest) -> Result<EarlierRequest> {
        let now = self.0.clock.now();
        let item = self.0.get(record_key(request), keys::IDEMPOTENCY, true).await?.ok_or(StoreError::Conflict)?;
        let read = Read { kind: keys::IDEMPOTENCY, item: &item };
        if read.at("expires_at")? <= now {
            return Err(StoreError::Conflict);
        }
        if read.s("fingerprint")? != request.fingerprint {
            return Ok(EarlierRequest::KeyReused);
        }
        // The answer to the first try of this very call may have been lost.
        match read.owned("message_id")? {
            id if id == new.id => Ok(EarlierRequest::None),
            id => Ok(EarlierRequest::Found { id }),
        }
    }
}

impl Table {
    pub(crate) fn idempotency_write(
        &self,
        request: &IdempotentRequest,
        message_id: &str,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let expires = now + IDEMPOTENCY_LIFE;
        let record = Build::new(keys::IDEMPOTENCY, record_key(request), keys::IDEMPOTENCY)
            .set("message_id", s(message_id))
            .set("fingerprint", s(&request.fingerprint))
            .set("expires_at", at(expires))
            .set("ttl", n(expires.as_second()))
            .done();
        let claim = Put::builder()
            .table_name(&self.name)
            .set_item(Some(record))
            // TTL deletes late, so the record's own end decides (DynamoDB, "Using time to live").
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", at(now));
        Ok(TransactWriteItem::builder().put(built(claim.build())?).build())
    }
}

impl IdempotentRequest {
    /// The hash that is the key of its record. The message that it creates has it too, so that both can be erased together.
    pub(crate) fn hash(&self) -> String {
        keys::long_hash(&[&self.scope[0], &self.scope[1], &self.scope[2]])
    }
}

fn record_key(request: &IdempotentRequest) -> String {
    keys::idempotency(&request.hash())
}
