//! dynoxide: the table itself, in memory or in a file.

use std::collections::BTreeMap;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use dynoxide::{Database, storage::Storage, storage_backend};
use serde_json::{Value, json};
use store::SharedClock;

use crate::LocalError;
use crate::data::{self, DataDir};
use crate::template::{TableDefinition, Template};

/// dynoxide asks this bundle's clock for the times of stream records and for what has expired.
struct BundleClock(SharedClock);

impl storage_backend::Clock for BundleClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::try_from(self.0.now().as_duration()).unwrap_or_default().as_secs_f64()
    }
}

/// dynoxide looks for a stream's last sequence number at every write, and for what follows a position at every read. It
/// has no index for that and reads the whole stream, which is never trimmed: without this one, writing gets slower with
/// every record there is.
const STREAM_IN_ORDER: &str = "CREATE INDEX IF NOT EXISTS _stream_in_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Opens the database and creates what the template has and the database has not. A table that has changed since is an
/// error: CloudFormation would migrate it, which dynoxide cannot.
///
/// A database in a file goes by the machine's time.
pub(crate) fn open(template: &Template, data: &DataDir, clock: &SharedClock) -> Result<Database, LocalError> {
    let database = match data.path(data::TABLE) {
        Some(path) => {
            let path = path.to_string_lossy();
            index(&path)?;
            Database::new(&path)?
        }
        None => in_memory(clock)?,
    };
    let kept: BTreeMap<String, Value> = data.read_json(data::TABLES)?.unwrap_or_default();
    let existing = database.list_tables(serde_json::from_value(json!({}))?)?.table_names;
    for table in template.tables.values() {
        if !existing.contains(&table.name) {
            create(&database, table)?;
        } else if kept.get(&table.name).is_some_and(|definition| *definition != table.create) {
            return Err(LocalError::TableChanged(table.name.clone()));
        }
    }
    let tables = template.tables.values().map(|table| (&table.name, &table.create));
    data.write_json(data::TABLES, &tables.collect::<BTreeMap<_, _>>())?;
    Ok(database)
}

/// A new database whose time is the bundle's. It begins as a copy, since dynoxide lets nobody at its connection.
fn in_memory(clock: &SharedClock) -> Result<Database, LocalError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = NUMBER.fetch_add(1, Ordering::Relaxed);
    let blank = format!("file:kefu-blank-{name}?mode=memory&cache=shared");
    let _kept_until_copied = index(&blank)?;
    let database = Database::memory_with_clock(Arc::new(BundleClock(Arc::clone(clock))))?;
    database.restore_from(&blank)?;
    Ok(database)
}

fn index(path: &str) -> Result<Storage, LocalError> {
    let storage = Storage::new(path)?;
    storage.conn().execute_batch(STREAM_IN_ORDER).map_err(dynoxide::DynoxideError::from)?;
    Ok(storage)
}

fn create(database: &Database, table: &TableDefinition) -> Result<(), LocalError> {
    database.create_table(serde_json::from_value(table.create.clone())?)?;
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

    /// What dynoxide asks for each write, and for each read of the stream.
    const ASKED: [&str; 2] = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'T'",
        "SELECT event_name FROM _stream_records WHERE table_name = 'T' AND shard_id = 'S' \
         AND CAST(sequence_number AS INTEGER) > 7 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 1000",
    ];

    #[test]
    fn neither_a_write_nor_a_read_of_the_stream_reads_all_of_it() {
        let clock: SharedClock = Arc::new(store::SystemClock);
        let copy = std::env::temp_dir().join(format!("kefu-plan-{}", std::process::id()));
        let copy = copy.to_string_lossy();
        in_memory(&clock).unwrap().vacuum_into(&copy).unwrap();
        let storage = Storage::new(&copy).unwrap();
        for asked in ASKED {
            let plan = storage.conn().query_row(&format!("EXPLAIN QUERY PLAN {asked}"), (), |row| row.get(3));
            let plan: String = plan.unwrap();
            assert!(plan.contains("USING") && plan.contains("_stream_in_order"), "{plan}");
        }
        drop(storage);
        for file in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{copy}{file}"));
        }
    }
}
