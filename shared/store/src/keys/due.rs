//! Times in keys, and the keys of the index `due`.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Partition of the `due` index that holds the access tokens.
pub(crate) const DUE_TOKENS: &str = "tokens";

/// How many partitions of the `due` index everything else is spread over. A partition takes 1000 writes a second (DynamoDB,
/// "Partitions and data distribution"), and an answered message takes six.
pub const DUE_SHARDS: u8 = 64;

/// The shards of each kind before all kinds shared a partition.
const EARLIER_DUE_SHARDS: u8 = 8;

/// Sortable form of a time: milliseconds since 1970, 13 digits.
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond().max(0))
}

/// The time of an [`instant`].
pub(crate) fn at_instant(text: &str) -> Option<Timestamp> {
    let milliseconds = text.parse().ok().filter(|_| text.len() == 13)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// The end of a sort key in the `due` index of an item that has a timer already.
pub(crate) const TIMED: &str = "t";

/// The greatest sort key in the `due` index of an item that is due at this time, with or without [`TIMED`].
pub(crate) fn due_until(at: Timestamp) -> String {
    instant(at) + "~"
}

/// The partition of the `due` index for the items that have, or belong to, this partition key of the table.
pub(crate) fn due(pk: &str) -> String {
    due_shard(Sha256::digest(pk.as_bytes())[0] % DUE_SHARDS)
}

fn due_shard(shard: u8) -> String {
    format!("due#{shard}")
}

/// All partitions of the `due` index but that of the access tokens.
pub(crate) fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(due_shard)
}

/// The partitions in which earlier versions put items; each leaves them when it is written again.
pub(crate) fn earlier_due_partitions() -> impl Iterator<Item = String> {
    let sharded = ["inbox", "outbox", "conversations"].into_iter();
    let sharded = sharded.flat_map(|kind| (0..EARLIER_DUE_SHARDS).map(move |shard| format!("{kind}#{shard}")));
    sharded.chain(["agents", "queues"].map(str::to_owned))
}
