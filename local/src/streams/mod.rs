//! What Lambda's event source mappings do: they read a table's stream and call functions with its records.
//!
//! Each mapping reads for itself, so that one that is stuck holds up no other. A position is kept when a batch is done;
//! after a crash its records come again, as in AWS.

mod batch;
mod pattern;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::Database;
use serde_json::{Value, json};
use store::SharedClock;
use tokio::sync::{Mutex as AsyncMutex, watch};

pub use batch::DeadLetter;
pub(crate) use batch::{DeadLetters, Pace};
pub use pattern::{Pattern, PatternError};

use crate::LocalError;
use crate::data::{self, DataDir};
use crate::functions::Functions;
use crate::template::{REGION, StreamMapping};

/// How far each mapping has read.
pub(crate) struct Positions {
    positions: Mutex<BTreeMap<String, String>>,
    data: DataDir,
}

impl Positions {
    pub(crate) fn open(data: DataDir) -> Result<Self, LocalError> {
        Ok(Self { positions: Mutex::new(data.read_json(data::POSITIONS)?.unwrap_or_default()), data })
    }

    fn get(&self, mapping: &str) -> Option<String> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).get(mapping).cloned()
    }

    fn set(&self, mapping: &str, sequence_number: &str) -> Result<(), LocalError> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.insert(mapping.to_owned(), sequence_number.to_owned());
        self.data.write_json(data::POSITIONS, &*positions)
    }
}

/// One mapping at work.
pub(crate) struct Consumer {
    mapping: StreamMapping,
    source: Source,
    functions: Arc<Functions>,
    positions: Arc<Positions>,
    dead_letters: DeadLetters,
    clock: SharedClock,
    pace: Pace,
    /// Held while records are on their way, so that they are handed over one batch after the other.
    turn: AsyncMutex<()>,
}

/// The stream of one table in dynoxide.
pub(crate) struct Source {
    database: Database,
    stream: String,
    shard: String,
}

impl Source {
    /// The stream of a table that exists.
    pub(crate) fn open(database: Database, table: &str) -> Result<Self, LocalError> {
        let request = serde_json::from_value(json!({ "TableName": table }))?;
        let described = serde_json::to_value(database.describe_table(request)?)?;
        let stream = described["Table"]["LatestStreamArn"].as_str().unwrap_or_default().to_owned();
        let request = serde_json::from_value(json!({ "StreamArn": stream }))?;
        let described = serde_json::to_value(database.describe_stream(request)?)?;
        let shard = described["StreamDescription"]["Shards"][0]["ShardId"].as_str().unwrap_or_default().to_owned();
        Ok(Self { database, stream, shard })
    }

    /// The records after a position, oldest first, at most a thousand.
    fn after(&self, position: Option<&str>) -> Result<Vec<Value>, LocalError> {
        let request = match position {
            Some(number) => json!({
                "StreamArn": self.stream, "ShardId": self.shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number,
            }),
            None => json!({
                "StreamArn": self.stream, "ShardId": self.shard, "ShardIteratorType": "TRIM_HORIZON",
            }),
        };
        let request = serde_json::from_value(request)?;
        let iterator = self.database.get_shard_iterator(request)?.shard_iterator;
        let request = serde_json::from_value(json!({ "ShardIterator": iterator }))?;
        let records = self.database.get_records(request)?.records;
        records.iter().map(|record| Ok(serde_json::to_value(record)?)).collect()
    }
}

/// The sequence number of a record.
fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

impl Consumer {
    pub(crate) fn new(
        mapping: StreamMapping,
        source: Source,
        functions: Arc<Functions>,
        positions: Arc<Positions>,
        dead_letters: DeadLetters,
        clock: SharedClock,
        pace: Pace,
    ) -> Self {
        let turn = AsyncMutex::new(());
        Self { mapping, source, functions, positions, dead_letters, clock, pace, turn }
    }

    /// Reads whenever something was written.
    pub(crate) async fn run(&self, mut writes: watch::Receiver<u64>) {
        loop {
            writes.borrow_and_update();
            if let Err(error) = self.drain().await {
                tracing::error!(mapping = self.mapping.name, %error, "the stream cannot be read");
            }
            if writes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Hands over everything that is there, and returns how many records the function was given.
    pub(crate) async fn drain(&self) -> Result<usize, LocalError> {
        let _turn = self.turn.lock().await;
        let mut handed_over = 0;
        loop {
            let position = self.positions.get(&self.mapping.name);
            let records = self.source.after(position.as_deref())?;
            let Some(last) = records.last().map(|record| sequence_number(record).to_owned()) else {
                return Ok(handed_over);
            };
            if position.is_none() && !self.mapping.from_oldest {
                self.positions.set(&self.mapping.name, &last)?;
                continue;
            }
            let patterns = &self.mapping.patterns;
            let wanted = records
                .into_iter()
                .filter(|record| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(record)));
            let wanted: Vec<Value> = wanted.map(|record| self.as_lambda_gets_it(record)).collect();
            for records in wanted.chunks(self.mapping.batch_size.max(1)) {
                let event =
                    |records: &[Value]| self.functions.invoke(&self.mapping.function, json!({ "Records": records }));
                batch::deliver(&self.mapping, records, self.pace, event, |records, attempts| {
                    self.dead_letters.add_batch(&self.mapping, records, attempts, self.clock.now());
                })
                .await;
                handed_over += records.len();
                if let Some(record) = records.last() {
                    self.positions.set(&self.mapping.name, sequence_number(record))?;
                }
            }
            self.positions.set(&self.mapping.name, &last)?;
        }
    }

    fn as_lambda_gets_it(&self, mut record: Value) -> Value {
        record["awsRegion"] = json!(REGION);
        record["eventSourceARN"] = json!(self.mapping.arn);
        record
    }
}

#[cfg(test)]
mod tests;
