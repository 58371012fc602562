//! The database: dynoxide, in memory or in a file.

use std::collections::BTreeMap;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use dynoxide::{Database, storage::Storage, storage_backend};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::SharedClock;

use crate::LocalError;
use crate::data::{self, DataDir};
use crate::template::{TableDefinition, Template};

/// The bundle's clock for dynoxide, which uses it for the times of stream records and for the TTL.
struct BundleClock(SharedClock);

impl storage_backend::Clock for BundleClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::try_from(self.0.now().as_duration()).unwrap_or_default().as_secs_f64()
    }
}

/// An index on the stream records. dynoxide searches the last sequence number at each write and a position at each read, and
/// never deletes records, so that without this index both become slower with each record.
const CREATE_STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS _stream_in_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Opens the database and creates the missing tables of the template. A table whose definition has changed is an error, because
/// dynoxide cannot migrate it.
///
/// A database in a file uses the system clock; see [`delete_expired`].
pub(crate) fn open(template: &Template, data: &DataDir, clock: &SharedClock) -> Result<Database, LocalError> {
    let database = match data.path(data::TABLE) {
        Some(path) => {
            // SQLite gives its other files the mode of this one.
            data::create(&path).map_err(|source| LocalError::Data { path: path.clone(), source })?;
            let path = path.to_string_lossy();
            create_stream_index(&path)?;
            Database::new(&path)?
        }
        None => in_memory(clock)?,
    };
    let saved: BTreeMap<String, Value> = data.read_json(data::TABLES)?.unwrap_or_default();
    let existing = database.list_tables(serde_json::from_value(json!({}))?)?.table_names;
    for table in template.tables.values() {
        if !existing.contains(&table.name) {
            create(&database, table)?;
        } else if saved.get(&table.name).is_some_and(|definition| *definition != table.create_request) {
            return Err(LocalError::TableChanged(table.name.clone()));
        }
    }
    let tables = template.tables.values().map(|table| (&table.name, &table.create_request));
    data.write_json(data::TABLES, &tables.collect::<BTreeMap<_, _>>())?;
    Ok(database)
}

/// A new database in memory with the tables of the template, as a bundle without a data folder has it.
pub fn memory_database(template: &Template, clock: &SharedClock) -> Result<Database, LocalError> {
    open(template, &DataDir::open(None, false, "")?.0, clock)
}

/// A new database that uses the bundle's clock. It is restored from a database with the index, because dynoxide does not give
/// access to the connection of this one.
fn in_memory(clock: &SharedClock) -> Result<Database, LocalError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = NUMBER.fetch_add(1, Ordering::Relaxed);
    let blank = format!("file:kefu-blank-{name}?mode=memory&cache=shared");
    let _open_until_copied = create_stream_index(&blank)?;
    let database = Database::memory_with_clock(Arc::new(BundleClock(Arc::clone(clock))))?;
    database.restore_from(&blank)?;
    Ok(database)
}

/// Deletes the items that have expired by `now`. dynoxide alone goes by the system clock where the database is in a file.
pub(crate) fn delete_expired(database: &Database, template: &Template, now: Timestamp) -> Result<usize, LocalError> {
    let mut deleted = database.sweep_ttl()?;
    for table in template.tables.values() {
        let Some(attribute) = &table.ttl else { continue };
        let keys: Vec<&str> = table.create_request["KeySchema"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|key| key["AttributeName"].as_str())
            .collect();
        let mut start = Value::Null;
        loop {
            let mut request = json!({
                "TableName": table.name,
                "FilterExpression": "attribute_type(#ttl, :number) AND #ttl < :now",
                "ExpressionAttributeNames": { "#ttl": attribute },
                "ExpressionAttributeValues": { ":number": { "S": "N" }, ":now": { "N": now.as_second().to_string() } },
            });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = serde_json::to_value(database.scan(serde_json::from_value(request)?)?)?;
            for item in page["Items"].as_array().into_iter().flatten() {
                let key: serde_json::Map<_, _> =
                    keys.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect();
                let request = json!({ "TableName": table.name, "Key": key });
                database.delete_item(serde_json::from_value(request)?)?;
                deleted += 1;
            }
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
    }
    Ok(deleted)
}

fn create_stream_index(path: &str) -> Result<Storage, LocalError> {
    let storage = Storage::new(path)?;
    storage.conn().execute_batch(CREATE_STREAM_INDEX).map_err(dynoxide::DynoxideError::from)?;
    Ok(storage)
}

fn create(database: &Database, table: &TableDefinition) -> Result<(), LocalError> {
    database.create_table(serde_json::from_value(table.create_request.clone())?)?;
    if let Some(attribute) = &table.ttl {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        });
        database.update_time_to_live(serde_json::from_value(request)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The queries of dynoxide for each write, and for each read of the stream.
    const QUERIES: [&str; 2] = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'T'",
        "SELECT event_name FROM _stream_records WHERE table_name = 'T' AND shard_id = 'S' \
         AND CAST(sequence_number AS INTEGER) > 7 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 1000",
    ];

    #[test]
    fn write_and_read_of_the_stream_use_its_index() {
        let clock: SharedClock = Arc::new(store::SystemClock);
        let copy = std::env::temp_dir().join(format!("kefu-plan-{}", std::process::id()));
        let copy = copy.to_string_lossy();
        in_memory(&clock).unwrap().vacuum_into(&copy).unwrap();
        let storage = Storage::new(&copy).unwrap();
        for query in QUERIES {
            let plan = storage.conn().query_row(&format!("EXPLAIN QUERY PLAN {query}"), (), |row| row.get(3));
            let plan: String = plan.unwrap();
            assert!(plan.contains("USING") && plan.contains("_stream_in_order"), "{plan}");
        }
        drop(storage);
        for file in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{copy}{file}"));
        }
    }
}
