//! Requests that are carried out once, by their `Idempotency-Key`.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Result, StoreError},
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
pub struct Once {
    /// The caller, the route and the `Idempotency-Key`.
    pub scope: [String; 3],
    /// Hash of the request's content: the same key with other content is refused.
    pub fingerprint: String,
}

/// The result of a request with an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutDown {
    /// This request created the message.
    New,
    /// An earlier request with the same key and content created a message.
    Before {
        /// The message's id in the thread.
        id: String,
    },
    /// An earlier request with other content used the key.
    KeyReused,
}

impl Table {
    pub(crate) fn once_write(&self, once: &Once, message_id: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let expires = now + IDEMPOTENCY_LIFE;
        let record = Build::new(keys::IDEMPOTENCY, idempotency(once), keys::IDEMPOTENCY)
            .set("message_id", s(message_id))
            .set("fingerprint", s(&once.fingerprint))
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

    /// The message that an earlier request with this key created, after a commit answered [`Committed::Once`].
    /// [`StoreError::Conflict`] when the key's record has expired since: the commit may be repeated.
    ///
    /// [`Committed::Once`]: crate::Committed::Once
    pub async fn put_down_before(&self, new: &NewOutbound, once: &Once) -> Result<PutDown> {
        let now = self.clock.now();
        let item = self.get(idempotency(once), keys::IDEMPOTENCY, true).await?.ok_or(StoreError::Conflict)?;
        let read = Read { kind: keys::IDEMPOTENCY, item: &item };
        if read.at("expires_at")? <= now {
            return Err(StoreError::Conflict);
        }
        if read.s("fingerprint")? != once.fingerprint {
            return Ok(PutDown::KeyReused);
        }
        // The answer to the first try of this very call may have been lost.
        match read.owned("message_id")? {
            id if id == new.id => Ok(PutDown::New),
            id => Ok(PutDown::Before { id }),
        }
    }
}

fn idempotency(once: &Once) -> String {
    keys::idempotency(&keys::long_hash(&[&once.scope[0], &once.scope[1], &once.scope[2]]))
}
