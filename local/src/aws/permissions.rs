//! The record of the permissions that functions use.
//!
//! `.ci/check_permissions.py` compares the record of a whole test run with the statements in `template.yaml`. A test alone sees
//! only its own bundle, so the processes of a run append to one file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use http::{HeaderMap, header};
use serde_json::json;

use crate::iam::AuthorizationRequest;

/// The environment variable with the path of the file. Without it nothing is recorded.
const VARIABLE: &str = "KEFU_RECORD_PERMISSIONS";

/// The record of this process: the file, and the lines that are in it.
struct Record {
    file: File,
    lines: BTreeSet<String>,
}

/// Records an authorized or refused request of a function, once. Requests that a test makes in the name of a function are left out.
pub(super) fn record(function: &str, headers: &HeaderMap, request: &AuthorizationRequest, is_allowed: bool) {
    if is_of_sdk(headers) {
        write(function, request, is_allowed);
    }
}

/// The same of a request to S3, for which the functions have a client of their own. The name of the object is left out.
pub(super) fn record_object(function: &str, request: &AuthorizationRequest, is_allowed: bool) {
    let bucket = request.resource.split('/').next().unwrap_or_default();
    if function != super::OWN_KEY {
        write(function, &AuthorizationRequest { resource: format!("{bucket}/*"), ..request.clone() }, is_allowed);
    }
}

fn write(function: &str, request: &AuthorizationRequest, is_allowed: bool) {
    static RECORD: OnceLock<Option<Mutex<Record>>> = OnceLock::new();
    let Some(record) = RECORD.get_or_init(open).as_ref() else { return };
    // A request without a key has one line, too.
    let keys: BTreeSet<&str> = request.leading_keys.iter().map(|key| prefix(key)).collect();
    let keys = if keys.is_empty() { BTreeSet::from([""]) } else { keys };
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    for key in keys {
        let line = json!({
            "function": function, "action": request.action, "resource": request.resource, "key": key, "allowed": is_allowed,
        });
        let line = format!("{line}\n");
        if record.lines.insert(line.clone()) {
            // A record that is not complete fails the check.
            let _ = record.file.write_all(line.as_bytes());
        }
    }
}

fn open() -> Option<Mutex<Record>> {
    let path = std::env::var_os(VARIABLE)?;
    let file = File::options().create(true).append(true).open(&path);
    let file = file.inspect_err(|error| tracing::error!(%error, "{VARIABLE}: the file cannot be opened")).ok()?;
    Some(Mutex::new(Record { file, lines: BTreeSet::new() }))
}

fn is_of_sdk(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"aws-sdk-rust"))
}

/// The kind of a partition key, as `thread#` of `thread#<appid>#<openid>`; the whole key if it has no `#`.
fn prefix(key: &str) -> &str {
    key.split_inclusive('#').next().unwrap_or(key)
}
