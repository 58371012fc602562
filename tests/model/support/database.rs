//! dynoxide in this process. Each request of the SDK becomes a call, and each write is shown to the watcher before it is
//! answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        AsyncSleep, BehaviorVersion, Region, SharedAsyncSleep, Sleep, StalledStreamProtectionConfig,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use dynoxide::{AttributeValue, DynoxideError, Item, actions::get_item::GetItemRequest};
use local::template::Template;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    earlier::{EarlierStates, agents_among},
    random::Random,
    run::{self, Fault},
    running::RunningTransactions,
};

/// The name of the table.
pub(crate) const TABLE: &str = "kefu";

/// The key of an item.
pub(crate) type Key = (String, String);

/// Is shown every write: the items as they are after it.
pub(crate) type Watcher = Box<dyn FnMut(&[(Key, Option<Item>)]) + Send>;

/// A database with the table.
pub(crate) struct Database {
    dynoxide: dynoxide::Database,
    watcher: Mutex<Option<Watcher>>,
    calls: Mutex<BTreeMap<String, u64>>,
    /// The `ClientRequestToken` of each transaction that was done.
    tokens: Mutex<BTreeSet<String>>,
    running: RunningTransactions,
    earlier: EarlierStates,
    pace: Mutex<Random>,
    takes_turns: AtomicBool,
}

impl Database {
    /// An empty database in memory with the table of the template. `seed` determines how concurrent requests interleave.
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let dynoxide = dynoxide::Database::memory().unwrap();
        let given = ["AdminTokenSha256", "WeChatApiUrl"].map(|name| (name.to_owned(), "x".to_owned()));
        let mut table = Template::deployed(&BTreeMap::from(given)).unwrap().tables.remove("Table").unwrap();
        table.create_request["TableName"] = TABLE.into();
        // No test reads the stream, which would keep a copy of every write.
        table.create_request.as_object_mut().unwrap().remove("StreamSpecification");
        dynoxide.create_table(serde_json::from_value(table.create_request).unwrap()).unwrap();
        Arc::new(Self {
            dynoxide,
            watcher: Mutex::default(),
            calls: Mutex::default(),
            tokens: Mutex::default(),
            running: RunningTransactions::default(),
            earlier: EarlierStates::default(),
            pace: Mutex::new(Random::new(seed)),
            takes_turns: AtomicBool::new(false),
        })
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        *self.watcher.lock().unwrap() = Some(watcher);
    }

    /// Whether requests interleave: each may let others go first.
    pub(crate) fn take_turns(&self, whether: bool) {
        self.takes_turns.store(whether, Ordering::Relaxed);
    }

    /// The number of requests, by operation.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().unwrap().clone()
    }

    /// A client of this database.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let way = SharedHttpConnector::new(InProcessConnector(Arc::clone(self)));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .allow_no_auth()
            .endpoint_url("http://localhost")
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .sleep_impl(SharedAsyncSleep::new(NoSleep))
            .http_client(http_client_fn(move |_, _| way.clone()));
        Client::from_conf(config.build())
    }

    /// How many requests conflicted with a running transaction, without a fault.
    pub(crate) fn conflicts(&self) -> u64 {
        self.running.conflicts()
    }

    /// All items of the table.
    pub(crate) fn everything(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut from = Value::Null;
        loop {
            let mut scan = json!({ "TableName": TABLE, "ConsistentRead": true });
            if !from.is_null() {
                scan["ExclusiveStartKey"] = from;
            }
            let page = self.dynoxide.scan(serde_json::from_value(scan).unwrap()).unwrap();
            items.extend(page.items.unwrap_or_default());
            from = serde_json::to_value(page.last_evaluated_key).unwrap();
            if from.is_null() {
                return items;
            }
        }
    }

    fn item(&self, key: &Key) -> Option<Item> {
        let part = |name: &str, text: &str| (name.to_owned(), AttributeValue::S(text.to_owned()));
        let key = [part("pk", &key.0), part("sk", &key.1)].into();
        let get = GetItemRequest { table_name: TABLE.to_owned(), key, ..GetItemRequest::default() };
        self.dynoxide.get_item(get).unwrap().item
    }

    /// Lets other requests go first, up to three times.
    async fn turn(&self) {
        if self.takes_turns.load(Ordering::Relaxed) {
            let times = self.pace.lock().unwrap().below(4);
            for _ in 0..times {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn answer(&self, request: HttpRequest, run: Option<Arc<run::Run>>) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        self.turn().await;
        let fault = match &run {
            Some(run) => run.request(&operation).await,
            None => None,
        };
        *self.calls.lock().unwrap().entry(operation.clone()).or_default() += 1;
        match fault {
            Some(Fault::TransactionThrottled) => return Ok(cancelled(["ThrottlingError"])),
            Some(Fault::ThrottledThroughout) if operation == "TransactWriteItems" => {
                return Ok(cancelled(["ThrottlingError"]));
            }
            Some(Fault::Throttled | Fault::ThrottledThroughout) => {
                return Ok(refusal("ProvisionedThroughputExceededException", json!({})));
            }
            Some(Fault::Frozen) => return Err(ConnectorError::io("the connection was closed".into())),
            Some(Fault::TransactionInProgress) => return Ok(refusal("TransactionInProgressException", json!({}))),
            Some(Fault::Contended | Fault::AlwaysContended) if operation == "TransactWriteItems" => {
                let keys = serde_json::from_slice::<WriteRequest>(body).unwrap().keys();
                let other = self.pace.lock().unwrap().below(u32::try_from(keys.len()).unwrap());
                let other = usize::try_from(other).unwrap();
                if let Some(run) = &run {
                    run.conflicted_at(&keys[other].0);
                }
                let code = |item| if item == other { "TransactionConflict" } else { "None" };
                return Ok(cancelled((0..keys.len()).map(code)));
            }
            Some(Fault::Contended | Fault::AlwaysContended) => {
                return Ok(refusal("TransactionConflictException", json!({})));
            }
            Some(Fault::LostAnswer | Fault::LostAnswers) | None => {}
        }
        let running = match self.running.enter(&operation, body) {
            Ok(running) => running,
            Err(conflict) => return Ok(*conflict),
        };
        if running.is_some() {
            self.turn().await;
        }
        let answer = self.run(&operation, body, run.as_deref());
        drop(running);
        if let Some(run) = run.filter(|_| operation == "TransactWriteItems" && answer.status().is_success()) {
            run.transacted();
        }
        self.turn().await;
        match fault {
            Some(_) => Err(ConnectorError::io("the answer was lost".into())),
            None => Ok(answer),
        }
    }

    fn run(&self, operation: &str, body: &[u8], run: Option<&run::Run>) -> HttpResponse {
        let db = &self.dynoxide;
        let stale = |text: String| match run.filter(|run| run.reads_stale()) {
            Some(run) => self.earlier.instead_of(body, text, run),
            None => text,
        };
        let done = match operation {
            "GetItem" => call(body, |request| db.get_item(request)).map(stale),
            "Query" => call(body, |request| db.query(request)),
            "BatchGetItem" => call(body, |request| db.batch_get_item(request)).map(stale),
            "Scan" => call(body, |request| db.scan(request)),
            _ => self.write(operation, body),
        };
        match done {
            Ok(text) => answer(200, text),
            Err(error) => answer(error.status_code(), error.to_json()),
        }
    }

    fn write(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let db = &self.dynoxide;
        // Locked, so that no write comes between a write and its watcher.
        let mut watcher = self.watcher.lock().unwrap();
        let mut request: WriteRequest = serde_json::from_slice(body).unwrap();
        let (token, keys) = (request.token.take(), request.keys());
        let before = agents_among(&keys, |key| self.item(key));
        let done = match operation {
            "PutItem" => call(body, |request| db.put_item(request)),
            "UpdateItem" => call(body, |request| db.update_item(request)),
            "DeleteItem" => call(body, |request| db.delete_item(request)),
            "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
            other => panic!("unexpected operation {other}"),
        }?;
        self.earlier.keep(before);
        // The second attempt of a transaction whose first one was done changes nothing.
        let is_new = token.is_none_or(|token| self.tokens.lock().unwrap().insert(token));
        if let Some(watcher) = watcher.as_mut().filter(|_| is_new) {
            let touched: Vec<_> = keys.into_iter().map(|key| (key.clone(), self.item(&key))).collect();
            watcher(&touched);
        }
        Ok(done)
    }
}

/// The keys of the items that a request writes.
#[derive(Deserialize)]
pub(super) struct WriteRequest {
    #[serde(rename = "ClientRequestToken")]
    token: Option<String>,
    #[serde(rename = "TransactItems", default)]
    parts: Vec<BTreeMap<String, Self>>,
    #[serde(alias = "Item", alias = "Key")]
    key: Option<KeyAttributes>,
}

#[derive(Deserialize)]
struct KeyAttributes {
    pk: StringAttribute,
    sk: StringAttribute,
}

#[derive(Deserialize)]
struct StringAttribute {
    #[serde(rename = "S")]
    text: String,
}

impl WriteRequest {
    pub(super) fn keys(self) -> Vec<Key> {
        let parts = self.parts.into_iter().flat_map(BTreeMap::into_values).filter_map(|part| part.key);
        parts.chain(self.key).map(|named| (named.pk.text, named.sk.text)).collect()
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let answer = operation(serde_json::from_slice(body).unwrap())?;
    Ok(serde_json::to_string(&answer).unwrap())
}

/// A cancelled transaction, with the codes of its members.
pub(super) fn cancelled<'a>(codes: impl IntoIterator<Item = &'a str>) -> HttpResponse {
    let reasons = codes.into_iter().map(|code| json!({ "Code": code }));
    refusal("TransactionCanceledException", json!({ "CancellationReasons": reasons.collect::<Vec<_>>() }))
}

pub(super) fn refusal(kind: &str, mut more: Value) -> HttpResponse {
    more["__type"] = format!("com.amazonaws.dynamodb.v20120810#{kind}").into();
    more["message"] = "planned".into();
    answer(400, more.to_string())
}

pub(crate) fn answer(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
}

struct InProcessConnector(Arc<Database>);

impl fmt::Debug for InProcessConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcessConnector")
    }
}

impl HttpConnector for InProcessConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let database = Arc::clone(&self.0);
        let run = run::current();
        HttpConnectorFuture::new(async move { database.answer(request, run).await })
    }
}

/// Skips the pauses between the SDK's attempts.
#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: std::time::Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}
