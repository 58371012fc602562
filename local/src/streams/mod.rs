//! What Lambda's event source mappings do: they read a table's stream and call functions with its records.
//!
//! Each mapping reads for itself, so that one that is stuck holds up no other. Within a mapping the records of one
//! partition key are handed over in order, those of different ones up to `ParallelizationFactor` batches at once, so
//! that a function that takes its time over one record does not hold up all others. A position is kept when everything
//! before it is done; after a crash what came later comes again, as in AWS.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html> and `…/invocation-eventsourcemapping.html`. Lambda
//! promises less about order than is kept here: of one item (partition and sort key), not of one partition key.

mod batch;
mod pattern;
mod place;
mod slice;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynoxide::Database;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store::SharedClock;
use tokio::sync::watch;

pub use batch::DeadLetter;
pub(crate) use batch::{DeadLetters, Pace};
pub use pattern::{Pattern, PatternError};

use self::place::Place;
use self::slice::Slice;
use crate::LocalError;
use crate::data::{self, DataDir};
use crate::functions::Functions;
use crate::template::{REGION, StreamMapping};

/// How far each mapping is done.
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
///
/// Its slices are worked off at the same time, each in order; a window is waited for by those that read by themselves
/// ([`run`](Self::run)) and by nobody else.
pub(crate) struct Consumer {
    mapping: StreamMapping,
    source: Source,
    functions: Arc<Functions>,
    positions: Arc<Positions>,
    dead_letters: DeadLetters,
    clock: SharedClock,
    pace: Pace,
    place: Mutex<Place>,
    slices: Vec<Slice>,
    /// Counts the records that the function was given.
    handed_over: AtomicUsize,
}

/// The stream of one table in dynoxide.
pub(crate) struct Source {
    database: Database,
    stream: String,
    shard: String,
    partition_key: String,
}

impl Source {
    /// The stream of a table that exists.
    pub(crate) fn open(database: Database, table: &str) -> Result<Self, LocalError> {
        let request = serde_json::from_value(json!({ "TableName": table }))?;
        let described = serde_json::to_value(database.describe_table(request)?)?;
        let stream = described["Table"]["LatestStreamArn"].as_str().unwrap_or_default().to_owned();
        let keys = described["Table"]["KeySchema"].as_array().into_iter().flatten();
        let hash = keys.filter(|key| key["KeyType"] == "HASH").find_map(|key| key["AttributeName"].as_str());
        let partition_key = hash.unwrap_or_default().to_owned();
        let request = serde_json::from_value(json!({ "StreamArn": stream }))?;
        let described = serde_json::to_value(database.describe_stream(request)?)?;
        let shard = described["StreamDescription"]["Shards"][0]["ShardId"].as_str().unwrap_or_default().to_owned();
        Ok(Self { database, stream, shard, partition_key })
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
        Self {
            place: Mutex::new(Place::after(positions.get(&mapping.name))),
            slices: (0..mapping.parallel.max(1)).map(|_| Slice::default()).collect(),
            handed_over: AtomicUsize::new(0),
            mapping,
            source,
            functions,
            positions,
            dead_letters,
            clock,
            pace,
        }
    }

    /// Reads whenever something was written.
    pub(crate) async fn run(&self, mut writes: watch::Receiver<u64>) {
        let reading = async {
            loop {
                writes.borrow_and_update();
                if let Err(error) = self.read() {
                    tracing::error!(mapping = self.mapping.name, %error, "the stream cannot be read");
                }
                if writes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = reading => {}
            _ = join_all(self.slices.iter().map(|slice| self.work(slice))) => {}
        }
    }

    /// Hands over everything that is there without waiting for a window, and returns how many records the function was
    /// given meanwhile.
    pub(crate) async fn drain(&self) -> Result<usize, LocalError> {
        let before = self.handed_over.load(Ordering::SeqCst);
        loop {
            let read = self.read()?;
            let cleared = join_all(self.slices.iter().map(|slice| self.clear(slice))).await;
            cleared.into_iter().collect::<Result<(), _>>()?;
            if read == 0 {
                return Ok(self.handed_over.load(Ordering::SeqCst) - before);
            }
        }
    }

    /// Reads all there is into the slices, and returns how many records that were.
    fn read(&self) -> Result<usize, LocalError> {
        let mut place = self.place();
        let mut read = 0;
        loop {
            let wanted_from_here = place.read_to().is_some() || self.mapping.from_oldest;
            let records = self.source.after(place.read_to())?;
            if records.is_empty() {
                return Ok(read);
            }
            read += records.len();
            for record in records {
                let ticket = place.read(sequence_number(&record));
                if wanted_from_here && self.wants(&record) {
                    self.slice(&record).add(ticket, self.as_lambda_gets_it(record));
                } else {
                    place.done(ticket);
                }
            }
            self.keep(&mut place)?;
        }
    }

    /// Hands over one slice, batch after batch, for ever.
    async fn work(&self, slice: &Slice) {
        loop {
            slice.gather(self.batch_size(), self.mapping.window).await;
            if let Err(error) = self.hand_over(slice).await {
                tracing::error!(mapping = self.mapping.name, %error, "the place in the stream cannot be kept");
            }
        }
    }

    async fn clear(&self, slice: &Slice) -> Result<(), LocalError> {
        while self.hand_over(slice).await? {}
        Ok(())
    }

    /// Hands over a slice's next batch, and returns whether there was one.
    async fn hand_over(&self, slice: &Slice) -> Result<bool, LocalError> {
        let _turn = slice.turn.lock().await;
        let records = slice.first(self.batch_size());
        if records.is_empty() {
            return Ok(false);
        }
        let event = |records: &[Value]| self.functions.invoke(&self.mapping.function, json!({ "Records": records }));
        batch::deliver(&self.mapping, &records, self.pace, event, |records, attempts| {
            self.dead_letters.add_batch(&self.mapping, records, attempts, self.clock.now());
        })
        .await;
        self.handed_over.fetch_add(records.len(), Ordering::SeqCst);
        let mut place = self.place();
        for ticket in slice.take(records.len()) {
            place.done(ticket);
        }
        self.keep(&mut place)?;
        Ok(true)
    }

    /// Keeps the position, if it has moved.
    fn keep(&self, place: &mut Place) -> Result<(), LocalError> {
        place.advance().map_or(Ok(()), |position| self.positions.set(&self.mapping.name, &position))
    }

    fn wants(&self, record: &Value) -> bool {
        let patterns = &self.mapping.patterns;
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(record))
    }

    /// The slice of a record's partition key.
    fn slice(&self, record: &Value) -> &Slice {
        let key = &record["dynamodb"]["Keys"][&self.source.partition_key];
        let mut hasher = DefaultHasher::new();
        key.to_string().hash(&mut hasher);
        let count = self.slices.len() as u64;
        let index = usize::try_from(hasher.finish() % count).unwrap_or_default();
        &self.slices[index]
    }

    fn batch_size(&self) -> usize {
        self.mapping.batch_size.max(1)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn as_lambda_gets_it(&self, mut record: Value) -> Value {
        record["awsRegion"] = json!(REGION);
        record["eventSourceARN"] = json!(self.mapping.arn);
        record
    }
}

#[cfg(test)]
mod tests;
