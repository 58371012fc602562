//! The table, the queue and the secret of the functions, in this process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use bench::{Error, Result};
use channel::{Channel, Reach};
use conversations::Conversations;
use function::Queue;
use local::template::Template;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::{SharedClock, Table, Vault};
use tokio::sync::{Mutex as AsyncMutex, Notify};

/// The name of the table.
pub(crate) const TABLE: &str = "kefu";

/// The URLs of the queues `TickWork` and `Timers`.
const WORK: &str = "http://localhost/work";
const TIMERS: &str = "http://localhost/timers";

/// The configuration of a client. A macro, because each SDK has a type of its own.
macro_rules! client_config {
    ($sdk:ident, $http:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .allow_no_auth()
            .endpoint_url("http://localhost")
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .http_client($http)
            .build()
    };
}

/// The emulated services. Every request is counted.
pub(crate) struct Cloud {
    pub(crate) dynoxide: dynoxide::Database,
    messages: Mutex<Vec<String>>,
    message: Notify,
    requests: AtomicU64,
    latency: Duration,
    cpu: Duration,
}

/// The clients of one execution environment. Its requests share a processor.
struct Connector {
    cloud: Arc<Cloud>,
    processor: Arc<AsyncMutex<()>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl Cloud {
    /// Empty services with the table of the template. Each request takes `latency`, and `cpu` of its environment's processor.
    pub(crate) fn new(latency: Duration, cpu: Duration) -> Result<Arc<Self>> {
        let failed = |error: &dyn fmt::Display| Error::Other(error.to_string());
        let dynoxide = dynoxide::Database::memory().map_err(|error| failed(&error))?;
        let given = [("AdminTokenSha256".to_owned(), String::new())];
        let template = Template::deployed(&BTreeMap::from(given)).map_err(|error| failed(&error))?;
        let table = template.tables.into_values().next();
        let mut create = table.ok_or_else(|| Error::Other("template.yaml has no table".to_owned()))?.create_request;
        create["TableName"] = json!(TABLE);
        if let Some(create) = create.as_object_mut() {
            create.remove("StreamSpecification");
        }
        dynoxide.create_table(serde_json::from_value(create)?).map_err(|error| failed(&error))?;
        let (messages, message, requests) = (Mutex::default(), Notify::new(), AtomicU64::new(0));
        Ok(Arc::new(Self { dynoxide, messages, message, requests, latency, cpu }))
    }

    /// The dependencies of the function in one execution environment.
    pub(crate) fn environment(self: &Arc<Self>, clock: SharedClock) -> Result<reception::Deps> {
        let http = self.http();
        let table = table(http.clone(), Arc::clone(&clock));
        let vault = vault(http.clone(), Arc::clone(&clock));
        let config = client_config!(aws_sdk_sqs, http);
        let client = aws_sdk_sqs::Client::from_conf(config);
        let queues = [WORK, TIMERS].map(|url| Queue::new(client.clone(), url));
        // The discard port: nothing is sent.
        let channel = Channel::new(&table, vault.clone(), "http://127.0.0.1:9", Reach::Local);
        let channel = channel.map_err(|error| Error::Other(error.to_string()))?;
        let pictures = conversations::KeptPictures::new(&table, channel.clone());
        let conversations = Conversations::new(&table, &vault, channel);
        Ok(reception::Deps::of(conversations, table.due_checks(), pictures, queues, clock))
    }

    /// A table and a vault whose requests take no time.
    pub(crate) fn instant(self: &Arc<Self>, clock: SharedClock) -> (Table, Vault) {
        let quick = Arc::new(Self {
            dynoxide: self.dynoxide.clone(),
            messages: Mutex::default(),
            message: Notify::new(),
            requests: AtomicU64::new(0),
            latency: Duration::ZERO,
            cpu: Duration::ZERO,
        });
        let http = quick.http();
        (table(http.clone(), Arc::clone(&clock)), vault(http, clock))
    }

    fn http(self: &Arc<Self>) -> SharedHttpClient {
        let connector = Connector { cloud: Arc::clone(self), processor: Arc::default() };
        let connector = SharedHttpConnector::new(connector);
        http_client_fn(move |_, _| connector.clone())
    }

    /// The bodies of the messages that were sent to the queue since the last call.
    pub(crate) fn take_messages(&self) -> Vec<String> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when a message is sent to the queue.
    pub(crate) async fn message(&self) {
        self.message.notified().await;
    }

    /// The number of requests.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sets the number of requests to zero.
    pub(crate) fn reset(&self) {
        self.requests.store(0, Ordering::Relaxed);
    }

    fn answer(&self, target: &str, body: &[u8]) -> std::result::Result<HttpResponse, ConnectorError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let db = &self.dynoxide;
        let operation = target.rsplit('.').next().unwrap_or_default();
        let done = match operation {
            "GetSecretValue" => Ok(json!({ "SecretString": "0123456789-0123456789-0123456789" }).to_string()),
            "SendMessageBatch" => Ok(self.send(body)),
            "GetItem" => call(body, |request| db.get_item(request)),
            "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
            "Query" => call(body, |request| db.query(request)),
            "PutItem" => call(body, |request| db.put_item(request)),
            "UpdateItem" => call(body, |request| db.update_item(request)),
            "DeleteItem" => call(body, |request| db.delete_item(request)),
            "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
            _ => Err((400, json!({ "__type": "UnknownOperationException" }).to_string())),
        };
        let (status, body) = match done {
            Ok(body) => (200, body),
            Err(refused) => refused,
        };
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
        Ok(HttpResponse::new(status, SdkBody::from(body)))
    }

    fn send(&self, body: &[u8]) -> String {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let entries: Vec<&Value> = request["Entries"].as_array().into_iter().flatten().collect();
        let bodies = entries.iter().filter_map(|entry| entry["MessageBody"].as_str().map(ToOwned::to_owned));
        // Timers are left out: what they are for is not due yet.
        if request["QueueUrl"] == WORK {
            self.messages.lock().unwrap_or_else(PoisonError::into_inner).extend(bodies);
            self.message.notify_one();
        }
        let accepted = entries.iter().map(|entry| json!({ "Id": entry["Id"], "MessageId": entry["Id"] }));
        json!({ "Successful": accepted.collect::<Vec<_>>() }).to_string()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (cloud, processor) = (Arc::clone(&self.cloud), Arc::clone(&self.processor));
        HttpConnectorFuture::new(async move {
            if !cloud.cpu.is_zero() {
                let _using = processor.lock().await;
                tokio::time::sleep(cloud.cpu).await;
            }
            if !cloud.latency.is_zero() {
                tokio::time::sleep(cloud.latency).await;
            }
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            cloud.answer(target, request.body().bytes().unwrap_or_default())
        })
    }
}

fn call<I, O>(
    body: &[u8],
    run: impl FnOnce(I) -> std::result::Result<O, dynoxide::DynoxideError>,
) -> std::result::Result<String, (u16, String)>
where
    I: DeserializeOwned,
    O: Serialize,
{
    let invalid = |error: serde_json::Error| {
        (400, json!({ "__type": "SerializationException", "message": error.to_string() }).to_string())
    };
    let answer = run(serde_json::from_slice(body).map_err(invalid)?);
    let answer = answer.map_err(|error| (error.status_code(), error.to_json()))?;
    serde_json::to_string(&answer).map_err(invalid)
}

fn table(http: SharedHttpClient, clock: SharedClock) -> Table {
    let config = client_config!(aws_sdk_dynamodb, http);
    Table::new(config, TABLE, clock)
}

fn vault(http: SharedHttpClient, clock: SharedClock) -> Vault {
    let config = client_config!(aws_sdk_secretsmanager, http);
    Vault::new(aws_sdk_secretsmanager::Client::from_conf(config), "secret", clock)
}
