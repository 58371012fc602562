//! dynoxide: the table itself, in memory or in a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::{Database, storage_backend};
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

/// Opens the database and creates what the template has and the database has not. A table that has changed since is an
/// error: CloudFormation would migrate it, which dynoxide cannot.
///
/// A database in a file goes by the machine's time.
pub(crate) fn open(template: &Template, data: &DataDir, clock: &SharedClock) -> Result<Database, LocalError> {
    let database = match data.path(data::TABLE) {
        Some(path) => Database::new(&path.to_string_lossy())?,
        None => Database::memory_with_clock(Arc::new(BundleClock(Arc::clone(clock))))?,
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
