//! DynamoDB: an emulator, and prepared answers.
//!
//! The emulator is the one of `local`. Its time is part of what a function waits for, which the prepared answers leave out: a
//! read is answered with what the emulator answered to the first such request, a write of an item with success.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Where a function's requests to DynamoDB go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The emulator.
    Emulator,
    /// Prepared answers.
    Canned,
}

/// An answer of DynamoDB.
pub(crate) type Answer = (StatusCode, Bytes);

/// Runs a request on the emulator.
pub(crate) fn emulate(database: &Database, operation: &str, body: &[u8]) -> Answer {
    let done = match operation {
        "GetItem" => call(body, |request| database.get_item(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        _ => Err(DynoxideError::ValidationException(format!("{operation} is not measured"))),
    };
    match done {
        Ok(text) => (StatusCode::OK, text.into()),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.to_json().into())
        }
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    run: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let invalid = |error: serde_json::Error| DynoxideError::ValidationException(error.to_string());
    serde_json::to_string(&run(serde_json::from_slice(body).map_err(invalid)?)?).map_err(invalid)
}

/// Prepared answers.
#[derive(Default)]
pub(crate) struct Canned {
    reads: Mutex<HashMap<(String, String), Answer>>,
    puts: Mutex<Vec<Bytes>>,
}

impl Canned {
    /// Answers a request. The first of its kind is run on the emulator.
    pub(crate) fn answer(&self, database: &Database, operation: &str, body: Bytes) -> Answer {
        if operation == "PutItem" {
            self.puts.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            return (StatusCode::OK, Bytes::from_static(b"{}"));
        }
        // The SDK writes the fields of maps in any order.
        let sorted: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = reads.entry((operation.to_owned(), sorted.to_string()));
        answer.or_insert_with(|| emulate(database, operation, &body)).clone()
    }

    /// The number of different items with this text that were put into the partition since the last call, each on the
    /// condition that it is new.
    pub(crate) fn take_puts(&self, partition: &str, text: &str) -> usize {
        let puts = std::mem::take(&mut *self.puts.lock().unwrap_or_else(PoisonError::into_inner));
        let puts = puts.iter().filter_map(|body| serde_json::from_slice::<Value>(body).ok());
        let expected = puts.filter(|put| {
            let has_text = |value: &Value| value["S"].as_str().is_some_and(|value| value.contains(text));
            put["Item"]["pk"]["S"] == partition
                && put["ConditionExpression"] == "attribute_not_exists(pk)"
                && put["Item"].as_object().is_some_and(|item| item.values().any(has_text))
        });
        expected.map(|put| put["Item"]["sk"].to_string()).collect::<BTreeSet<_>>().len()
    }
}
