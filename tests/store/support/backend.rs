//! The database and the Secrets Manager that the tests use.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    types::TimeToLiveSpecification,
};
use aws_smithy_http_client::Builder;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use local::template::{TableDefinition, Template};
use store::ManualClock;
use tokio::net::TcpListener;

use super::{
    secrets::{self, Secret},
    wire::Wire,
};

const DYNAMODB: &str = "KEFU_TEST_DYNAMODB_URL";
const SECRETS: &str = "KEFU_TEST_SECRETS_URL";

/// Returns whether the tests use an external server.
pub(crate) fn is_external() -> bool {
    std::env::var_os(DYNAMODB).is_some()
}

/// The definition of the table in the template.
pub(crate) fn definition() -> TableDefinition {
    let given = ["AdminTokenSha256", "WeChatApiUrl"].map(|name| (name.to_owned(), "x".to_owned()));
    let mut template = Template::deployed(&BTreeMap::from(given)).unwrap();
    template.tables.remove("Table").unwrap()
}

/// A client of the external database, or of a new one in this process.
pub(crate) async fn dynamodb(wire: &Arc<Wire>) -> Client {
    let url = match std::env::var(DYNAMODB) {
        Ok(url) => url,
        Err(_) => dynoxide().await,
    };
    Client::from_conf(dynamodb_config(wire, &url))
}

/// The client configuration for a database at this address.
pub(crate) fn dynamodb_config(wire: &Arc<Wire>, url: &str) -> aws_sdk_dynamodb::Config {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("tests", super::SECRET_ACCESS_KEY, None, None, "tests"))
        .retry_config(retries())
        .timeout_config(timeouts())
        // A request that waits for its turn (see `Wire`) must not count as a stalled stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.http_client(wire.before(Builder::new().build_http())).endpoint_url(url).build()
}

async fn dynoxide() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let database = Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    url
}

/// Creates a table of this name exactly as the template defines it.
pub(crate) async fn create_table(client: &Client, name: &str) {
    let definition = definition();
    let mut create = definition.create_request;
    create["TableName"] = name.into();
    let create = create.to_string();
    let request = client.create_table().table_name(name).customize().mutate_request(move |request| {
        request.headers_mut().insert("content-length", create.len().to_string());
        *request.body_mut() = SdkBody::from(create.as_str());
    });
    request.send().await.unwrap();
    let ttl = TimeToLiveSpecification::builder().attribute_name(definition.ttl.unwrap()).enabled(true).build();
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl.unwrap()).send().await.unwrap();
}

/// A secret with this name and value.
pub(crate) async fn secret(wire: &Arc<Wire>, name: &str, text: &str, clock: Arc<ManualClock>) -> Secret {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("tests", super::SECRET_ACCESS_KEY, None, None, "tests"))
        .retry_config(retries())
        .timeout_config(timeouts());
    let config = match std::env::var(SECRETS) {
        Ok(url) => config.endpoint_url(url).http_client(wire.before(Builder::new().build_http())),
        Err(_) => config.http_client(wire.before(secrets::double())),
    };
    Secret::create(config, name, text, clock).await
}

/// The same number of attempts as the functions make, with the SDK's default backoff.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1))
}

/// Far longer than a call takes, so that a busy machine does not fail a test.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(Duration::from_mins(2)).build()
}
