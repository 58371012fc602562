//! Counts what functions ask of DynamoDB, and what it bills.
//!
//! It stands between the functions and the bundle's AWS endpoint and asks DynamoDB to say what each request consumed
//! (`ReturnConsumedCapacity`). dynoxide reckons that as DynamoDB does, from the sizes of the items: a consistent read takes one
//! unit for each 4 kB, an eventually consistent one half of that; a write one for each kB of the item before or after, whichever
//! is larger, twice that in a transaction; and an index one more where its entry comes or goes, two where its key changes.

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

/// The largest request that DynamoDB takes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What one function did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Tally {
    /// How often it was invoked.
    pub(crate) invocations: u64,
    /// Its requests, by operation.
    pub(crate) requests: BTreeMap<String, u64>,
    /// Read request units.
    pub(crate) read_units: f64,
    /// Write request units, those of the indexes among them.
    pub(crate) write_units: f64,
    /// Requests that were refused, most of them for their condition. What they consume is not known here.
    pub(crate) refused: u64,
}

/// What was done, by function.
pub(crate) type Tallies = BTreeMap<String, Tally>;

/// A meter that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    url: String,
    tallies: Arc<Mutex<Tallies>>,
    _server: JoinSet<()>,
}

#[derive(Clone)]
struct Passing {
    client: Client,
    aws_url: String,
    tallies: Arc<Mutex<Tallies>>,
}

impl Meter {
    /// A meter in front of the AWS endpoint at `aws_url`.
    pub(crate) async fn start(aws_url: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let tallies = Arc::new(Mutex::new(Tallies::new()));
        let client = Client::builder().no_proxy().build()?;
        let passing = Passing { client, aws_url: aws_url.to_owned(), tallies: Arc::clone(&tallies) };
        let mut server = JoinSet::new();
        server.spawn(async move {
            // It ends when it is dropped.
            let _ = axum::serve(listener, Router::new().fallback(pass).with_state(passing)).await;
        });
        Ok(Self { url, tallies, _server: server })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Notes that a function is invoked.
    pub(crate) fn invoked(&self, function: &str) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(function.to_owned()).or_default().invocations += 1;
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Tallies {
        std::mem::take(&mut *self.tallies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn pass(State(passing): State<Passing>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = text(&parts.headers, "x-amz-target");
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let of_table = service.starts_with("DynamoDB");
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if of_table && asked.is_object() {
        asked["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let mut headers = parts.headers.clone();
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    let request = passing.client.post(&passing.aws_url).headers(headers).body(asked.to_string());
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };

    let mut tallies = passing.tallies.lock().unwrap_or_else(PoisonError::into_inner);
    let tally = tallies.entry(caller(&parts.headers).to_owned()).or_default();
    *tally.requests.entry(operation.to_owned()).or_default() += 1;
    if !status.is_success() {
        tally.refused += 1;
    } else if of_table {
        let answered: Value = serde_json::from_slice(&body).unwrap_or_default();
        let units = units(&answered["ConsumedCapacity"]);
        if matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems") {
            tally.read_units += units;
        } else {
            tally.write_units += units;
        }
    }
    drop(tallies);

    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// One table's units, or those of several.
fn units(consumed: &Value) -> f64 {
    let of = |table: &Value| table["CapacityUnits"].as_f64().unwrap_or_default();
    consumed.as_array().map_or_else(|| of(consumed), |tables| tables.iter().map(of).sum())
}

/// The bundle gives each function its logical id as the access key of its signatures.
fn caller(headers: &HeaderMap) -> &str {
    let (_, credential) = text(headers, "authorization").split_once("Credential=").unwrap_or_default();
    credential.split('/').next().unwrap_or_default()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
