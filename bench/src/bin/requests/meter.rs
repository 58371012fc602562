//! Counts the requests of the functions to DynamoDB and SQS, and the capacity that they consume.
//!
//! It is a proxy between the functions and the bundle's AWS endpoint that adds `ReturnConsumedCapacity` to each request. dynoxide
//! calculates the capacity as DynamoDB does, from the sizes of the items: one unit per 4 kB for a consistent read, half of that
//! for an eventually consistent one; one unit per kB for a write, of the item before or after it, whichever is larger, twice
//! that in a transaction; one more for an index whose entry is added or removed, two for an index whose key changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bench::Result;
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// The size limit of a DynamoDB request, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The requests of one function.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Tally {
    /// Number of invocations.
    pub(crate) invocations: u64,
    /// Number of requests, by operation.
    pub(crate) requests: BTreeMap<String, u64>,
    /// Read request units.
    pub(crate) read_units: f64,
    /// Write request units, including those of the indexes.
    pub(crate) write_units: f64,
    /// Written items, by the beginning of their partition key.
    pub(crate) writes: BTreeMap<String, u32>,
    /// Write request units of each index.
    pub(crate) index_units: BTreeMap<String, f64>,
    /// Requests that failed, mostly because of a condition. Their consumed capacity is not counted.
    pub(crate) refused: u64,
}

impl Tally {
    /// Counts a request with its answer, `None` if it failed.
    fn count(&mut self, operation: &str, of_table: bool, parameters: &Value, answered: Option<&Value>) {
        *self.requests.entry(operation.to_owned()).or_default() += 1;
        let Some(answered) = answered else {
            self.refused += 1;
            return;
        };
        if !of_table {
            return;
        }
        let consumed = &answered["ConsumedCapacity"];
        if matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems") {
            self.read_units += units(consumed);
            return;
        }
        self.write_units += units(consumed);
        for key in written_keys(parameters) {
            *self.writes.entry(key).or_default() += 1;
        }
        for (index, units) in index_units(consumed) {
            *self.index_units.entry(index).or_default() += units;
        }
    }
}

/// Tallies by the logical id of the function.
pub(crate) type Tallies = BTreeMap<String, Tally>;

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    url: String,
    tallies: Arc<Mutex<Tallies>>,
    messages: Messages,
    _server: JoinSet<()>,
}

/// A message that a function has sent to a queue.
#[derive(Debug)]
pub(crate) struct SentMessage {
    /// The URL of the queue.
    pub(crate) queue: String,
    /// The content.
    pub(crate) body: String,
}

/// The longest delay, in seconds, with which a message counts as part of what sent it; a later one is for another time.
const DELAY_MAX: u64 = 1;

/// The messages that functions have sent to queues.
type Messages = Arc<Mutex<Vec<SentMessage>>>;

#[derive(Clone)]
struct Proxy {
    client: Client,
    aws_url: String,
    tallies: Arc<Mutex<Tallies>>,
    messages: Messages,
}

impl Meter {
    /// Starts a proxy for the AWS endpoint at `aws_url`.
    pub(crate) async fn start(aws_url: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let tallies = Arc::new(Mutex::new(Tallies::new()));
        let client = Client::builder().no_proxy().build()?;
        let messages = Messages::default();
        let (counted, sent) = (Arc::clone(&tallies), Arc::clone(&messages));
        let proxy = Proxy { client, aws_url: aws_url.to_owned(), tallies: counted, messages: sent };
        let mut server = JoinSet::new();
        server.spawn(async move {
            // The task ends when the set is dropped.
            let _ = axum::serve(listener, Router::new().fallback(forward).with_state(proxy)).await;
        });
        Ok(Self { url, tallies, messages, _server: server })
    }

    /// The URL of the proxy.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Counts an invocation of a function.
    pub(crate) fn invoked(&self, function: &str) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(function.to_owned()).or_default().invocations += 1;
    }

    /// Returns the messages that were sent to queues since the last call, and forgets them. Those that are delayed for longer than
    /// a second are left out.
    pub(crate) fn take_messages(&self) -> Vec<SentMessage> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the counts since the last call and resets them.
    pub(crate) fn take(&self) -> Tallies {
        std::mem::take(&mut *self.tallies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = text(&parts.headers, "x-amz-target");
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let of_table = service.starts_with("DynamoDB");
    let mut parameters: Value = serde_json::from_slice(&body).unwrap_or_default();
    if of_table && parameters.is_object() {
        parameters["ReturnConsumedCapacity"] = json!("INDEXES");
    }
    let mut headers = parts.headers.clone();
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    let request = proxy.client.post(&proxy.aws_url).headers(headers).body(parameters.to_string());
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };

    if status.is_success() && operation == "SendMessageBatch" {
        let queue = parameters["QueueUrl"].as_str().unwrap_or_default();
        let entries = parameters["Entries"].as_array().into_iter().flatten();
        let soon = entries.filter(|entry| entry["DelaySeconds"].as_u64().unwrap_or_default() <= DELAY_MAX);
        let sent = soon.filter_map(|entry| {
            let body = entry["MessageBody"].as_str()?;
            Some(SentMessage { queue: queue.to_owned(), body: body.to_owned() })
        });
        proxy.messages.lock().unwrap_or_else(PoisonError::into_inner).extend(sent);
    }
    // The secret is read when an environment starts and every ten minutes after that, so it belongs to no step.
    if operation != "GetSecretValue" {
        let answered = if status.is_success() { serde_json::from_slice(&body).ok() } else { None };
        let mut tallies = proxy.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(caller(&parts.headers).to_owned()).or_default();
        tally.count(operation, of_table, &parameters, answered.as_ref());
    }

    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// The consumed capacity of each table: DynamoDB answers with an object or with a list.
fn by_table(consumed: &Value) -> &[Value] {
    consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice)
}

/// The capacity units of all tables.
fn units(consumed: &Value) -> f64 {
    by_table(consumed).iter().map(|table| table["CapacityUnits"].as_f64().unwrap_or_default()).sum()
}

/// The capacity units of each index.
fn index_units(consumed: &Value) -> Vec<(String, f64)> {
    let indexes = by_table(consumed).iter().filter_map(|table| table["GlobalSecondaryIndexes"].as_object()).flatten();
    indexes.map(|(name, index)| (name.clone(), index["CapacityUnits"].as_f64().unwrap_or_default())).collect()
}

/// The partition keys that a request writes, up to the first `#`.
fn written_keys(parameters: &Value) -> Vec<String> {
    let own = [parameters];
    let members = parameters["TransactItems"].as_array().into_iter().flatten();
    let writes = members.flat_map(|member| ["Put", "Update", "Delete"].map(|kind| &member[kind])).chain(own);
    let key = |write: &Value| {
        let pk = write["Key"]["pk"]["S"].as_str().or(write["Item"]["pk"]["S"].as_str())?;
        Some(pk.split_inclusive('#').next().unwrap_or(pk).to_owned())
    };
    writes.filter_map(key).collect()
}

/// The logical id of the calling function, which the bundle uses as its access key.
fn caller(headers: &HeaderMap) -> &str {
    let (_, credential) = text(headers, "authorization").split_once("Credential=").unwrap_or_default();
    // The function's logical id and a random text.
    let key = credential.split('/').next().unwrap_or_default();
    key.rsplit_once('-').map_or(key, |(function, _)| function)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
