//! Conflicts between requests that are in flight at the same time.
//!
//! DynamoDB developer guide, "Transaction conflict handling in DynamoDB": a single write conflicts with a running
//! `TransactWriteItems` on its item, a `TransactWriteItems` with another one, and a `TransactGetItems` with both kinds of writes.
//! Reads of single items and batches conflict with nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::template::TableDefinition;

/// The table and the key of an item.
type ItemKey = (String, String);

/// The writes that are in flight. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<ItemKey, Writers>>>);

/// The requests in flight that write an item.
#[derive(Debug, Clone, Copy, Default)]
struct Writers {
    transactions: u32,
    single: u32,
}

/// A request that is in flight until this is dropped.
#[derive(Debug)]
pub(super) struct InFlightRequest {
    requests: InFlight,
    items: Vec<ItemKey>,
    is_transaction: bool,
}

/// The conflicts of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Of a single write.
    Write,
    /// Of a transaction; one flag for each member.
    Transaction(Vec<bool>),
}

/// What a request does with items.
enum Access {
    Write(ItemKey),
    Transaction(Vec<ItemKey>),
    TransactionalRead(Vec<ItemKey>),
    Other,
}

impl InFlight {
    /// Adds a request, unless it conflicts with others.
    pub(super) fn enter(
        &self,
        operation: &str,
        body: &Value,
        tables: &[TableDefinition],
    ) -> Result<InFlightRequest, Conflict> {
        let access = access(operation, body, tables);
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: &ItemKey| writers.get(key).copied().unwrap_or_default();
        let (items, is_transaction) = match access {
            Access::Write(item) if of(&item).transactions > 0 => return Err(Conflict::Write),
            Access::Write(item) => (vec![item], false),
            Access::Transaction(items) => {
                refuse(items.iter().map(|item| of(item).transactions > 0))?;
                (items, true)
            }
            Access::TransactionalRead(items) => {
                refuse(items.iter().map(|item| of(item).transactions + of(item).single > 0))?;
                (Vec::new(), false)
            }
            Access::Other => (Vec::new(), false),
        };
        for item in &items {
            let writers = writers.entry(item.clone()).or_default();
            *writers.count(is_transaction) += 1;
        }
        drop(writers);
        Ok(InFlightRequest { requests: self.clone(), items, is_transaction })
    }
}

impl Writers {
    fn count(&mut self, is_transaction: bool) -> &mut u32 {
        if is_transaction { &mut self.transactions } else { &mut self.single }
    }
}

impl InFlightRequest {
    /// Whether other requests on the same items are refused.
    pub(super) fn is_transaction(&self) -> bool {
        self.is_transaction
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        let mut writers = self.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
        for item in &self.items {
            if let Some(found) = writers.get_mut(item) {
                *found.count(self.is_transaction) -= 1;
                if found.transactions + found.single == 0 {
                    writers.remove(item);
                }
            }
        }
    }
}

fn refuse(conflicts: impl Iterator<Item = bool>) -> Result<(), Conflict> {
    let conflicts: Vec<bool> = conflicts.collect();
    if conflicts.contains(&true) { Err(Conflict::Transaction(conflicts)) } else { Ok(()) }
}

fn access(operation: &str, body: &Value, tables: &[TableDefinition]) -> Access {
    let one = |image: &str| item_key(body, image, tables).map_or(Access::Other, Access::Write);
    match operation {
        "PutItem" => one("Item"),
        "UpdateItem" | "DeleteItem" => one("Key"),
        "TransactWriteItems" => Access::Transaction(members(body, tables)),
        "TransactGetItems" => Access::TransactionalRead(members(body, tables)),
        _ => Access::Other,
    }
}

/// The items of a transaction, one for each member.
fn members(body: &Value, tables: &[TableDefinition]) -> Vec<ItemKey> {
    let members = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let members = members.flat_map(Map::iter).map(|(kind, member)| {
        let image = if kind == "Put" { "Item" } else { "Key" };
        // A member without a key conflicts with nothing. DynamoDB refuses it as invalid.
        item_key(member, image, tables).unwrap_or_default()
    });
    members.collect()
}

fn item_key(request: &Value, image: &str, tables: &[TableDefinition]) -> Option<ItemKey> {
    let name = request["TableName"].as_str()?;
    let name = name.rsplit_once(":table/").map_or(name, |(_, name)| name);
    let table = tables.iter().find(|table| table.name == name)?;
    let item = &request[image];
    let mut key = item.get(&table.partition_key)?.to_string();
    if let Some(sort_key) = &table.sort_key {
        key.push_str(&item.get(sort_key)?.to_string());
    }
    Some((name.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn tables() -> [TableDefinition; 1] {
        [TableDefinition {
            name: "t".to_owned(),
            partition_key: "pk".to_owned(),
            sort_key: Some("sk".to_owned()),
            indexes: BTreeMap::new(),
            ttl: None,
            create_request: Value::Null,
        }]
    }

    fn named(image: &str, sk: &str) -> Value {
        json!({"TableName": "t", image: {"pk": {"S": "a"}, "sk": {"S": sk}}})
    }

    fn transaction(kind: &str, image: &str, keys: &[&str]) -> Value {
        let members = keys.iter().map(|sk| json!({kind: named(image, sk)}));
        json!({"TransactItems": members.collect::<Vec<_>>()})
    }

    #[test]
    fn running_transaction_refuses_writes_to_its_items_until_it_ends() {
        let requests = InFlight::default();
        let enter = |operation: &str, body: &Value| requests.enter(operation, body, &tables());
        let running = enter("TransactWriteItems", &transaction("ConditionCheck", "Key", &["1", "2"])).unwrap();
        assert!(running.is_transaction());
        for (operation, image) in [("PutItem", "Item"), ("UpdateItem", "Key"), ("DeleteItem", "Key")] {
            assert_eq!(enter(operation, &named(image, "2")).unwrap_err(), Conflict::Write, "{operation}");
            assert!(enter(operation, &named(image, "3")).is_ok(), "{operation}");
        }
        let other = transaction("Put", "Item", &["3", "2"]);
        assert_eq!(enter("TransactWriteItems", &other).unwrap_err(), Conflict::Transaction(vec![false, true]));
        let read = transaction("Get", "Key", &["1", "3"]);
        assert_eq!(enter("TransactGetItems", &read).unwrap_err(), Conflict::Transaction(vec![true, false]));
        assert!(enter("GetItem", &named("Key", "1")).is_ok());
        drop(running);
        assert!(enter("PutItem", &named("Item", "2")).is_ok());
        assert!(enter("TransactWriteItems", &other).is_ok());
        assert!(requests.0.lock().unwrap().is_empty());
    }

    #[test]
    fn running_single_write_refuses_only_transactional_reads() {
        let requests = InFlight::default();
        let enter = |operation: &str, body: &Value| requests.enter(operation, body, &tables());
        let _running = enter("PutItem", &named("Item", "1")).unwrap();
        assert!(enter("UpdateItem", &named("Key", "1")).is_ok());
        assert!(enter("TransactWriteItems", &transaction("Delete", "Key", &["1"])).is_ok());
        let read = enter("TransactGetItems", &transaction("Get", "Key", &["1"]));
        assert_eq!(read.unwrap_err(), Conflict::Transaction(vec![true]));
    }
}
