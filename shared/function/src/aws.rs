//! AWS clients, built and connected once during init.
//!
//! They are not built by `aws-config`: Lambda sets region and credentials as environment variables that stay the same for
//! the lifetime of the execution environment, and the other credential providers only add to the binary.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::{
    retry::{RetryConfig, RetrySpec},
    timeout::TimeoutConfig,
};
use store::{Objects, SharedClock, Table, Vault};

use crate::{
    env::{Env, Settings, StartError},
    https::Https,
    tls,
};

/// The time limit of opening a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// The pause before the first retry of a throttled call in the bundle on one machine.
const LOCAL_PAUSE: Duration = Duration::from_millis(20);

/// The time limits and retries of calls to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallLimits {
    /// 3.5 s with up to 3 attempts, for functions that have to answer within 5 s: WeChat closes the connection of a push
    /// and of a callback's verification after that time (接收消息和事件), and the authorizer's timeout is as long.
    FiveSeconds,
    /// 10 s with up to 5 attempts, for all other functions. A transaction whose answer was lost is refused with
    /// `TransactionInProgressException` until DynamoDB completes it, which a retry more than 5 s later triggers (API
    /// reference, `TransactWriteItems`).
    TenSeconds,
    /// 1.5 s with one attempt, for what is not worth a repetition: a hint to a browser.
    OneSecond,
}

impl CallLimits {
    /// The time limits of a call and of one attempt.
    fn timeouts(self) -> TimeoutConfig {
        let (call, attempt) = match self {
            Self::FiveSeconds => (Duration::from_millis(3500), Duration::from_millis(1500)),
            Self::TenSeconds => (Duration::from_secs(10), Duration::from_millis(2500)),
            Self::OneSecond => (Duration::from_millis(1500), Duration::from_millis(1500)),
        };
        TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(attempt)
            .operation_timeout(call)
            .build()
    }

    /// The number of attempts and the pauses between them. Throttled calls pause longer than failed ones, as in the AWS SDKs' retry
    /// behavior 2.1; `TransactionInProgressException` counts as throttling.
    fn retries(self) -> RetryConfig {
        let failed = Duration::from_millis(50);
        let (attempts, throttled) = match self {
            Self::FiveSeconds => (3, failed),
            Self::TenSeconds => (5, Duration::from_secs(1)),
            Self::OneSecond => (1, failed),
        };
        RetryConfig::standard()
            .with_max_attempts(attempts)
            .with_initial_backoff(throttled)
            .with_max_backoff(Duration::from_secs(4))
            .with_retry_spec(RetrySpec::v2_1().with_non_throttling_initial_backoff(failed))
    }
}

/// The region, credentials and endpoints of this function's AWS calls.
#[derive(Debug)]
pub struct Aws {
    region: Region,
    credentials: Credentials,
    https: Https,
    dynamodb_endpoint: Option<String>,
    secrets_endpoint: Option<String>,
    s3_endpoint: Option<String>,
    #[cfg(feature = "queue")]
    sqs_endpoint: Option<String>,
    #[cfg(feature = "connections")]
    connections_endpoint: Option<String>,
    timeouts: TimeoutConfig,
    retries: RetryConfig,
}

/// The configuration of a client. A macro, because each SDK has a type of its own. The conversion from `SdkConfig` would replace
/// the retries of DynamoDB by its defaults.
macro_rules! client_config {
    ($sdk:ident, $aws:expr, $endpoint:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region($aws.region.clone())
            .credentials_provider($aws.credentials.clone())
            .http_client(SharedHttpClient::new($aws.https.clone()))
            .retry_config($aws.retries.clone())
            .timeout_config($aws.timeouts.clone());
        config.set_endpoint_url($endpoint.clone());
        config.build()
    }};
}

impl Aws {
    /// Reads the variables that Lambda sets, and `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`,
    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI` and `AWS_CA_BUNDLE` (AWS SDKs and Tools Reference Guide) where they are set.
    pub fn new(env: &Env, limits: CallLimits) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let region = settings.text("AWS_REGION");
        let key_id = settings.text("AWS_ACCESS_KEY_ID");
        let key = settings.text("AWS_SECRET_ACCESS_KEY");
        settings.done()?;
        let session = env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
        Ok(Self {
            credentials: Credentials::new(key_id, key, session, None, "lambda environment"),
            https: Https::new(tls::config(env, &region)?),
            dynamodb_endpoint: env.get("AWS_ENDPOINT_URL_DYNAMODB").map(ToOwned::to_owned),
            secrets_endpoint: env.get("AWS_ENDPOINT_URL_SECRETS_MANAGER").map(ToOwned::to_owned),
            s3_endpoint: env.get("AWS_ENDPOINT_URL_S3").map(ToOwned::to_owned),
            #[cfg(feature = "queue")]
            sqs_endpoint: env.get("AWS_ENDPOINT_URL_SQS").map(ToOwned::to_owned),
            #[cfg(feature = "connections")]
            connections_endpoint: env.get("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI").map(ToOwned::to_owned),
            region: Region::new(region),
            timeouts: limits.timeouts(),
            retries: if env.is_local() { limits.retries().with_initial_backoff(LOCAL_PAUSE) } else { limits.retries() },
        })
    }

    /// Begins to open the connections to Secrets Manager and DynamoDB, during init: the clients are built and the first requests
    /// are signed while the endpoints answer. Secrets Manager comes first, because it takes longer.
    pub async fn open_connections(&self) {
        for (service, endpoint) in [("secretsmanager", &self.secrets_endpoint), ("dynamodb", &self.dynamodb_endpoint)] {
            let url = endpoint.clone().unwrap_or_else(|| self.usual_endpoint(service));
            self.https.open_ahead(&url, CONNECT);
        }
        // First the connections begin, then the TLS handshakes of those that are open at once.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
    }

    /// The endpoint of a service in the partitions `aws` and `aws-cn` (AWS General Reference, "Service endpoints and quotas").
    /// The SDK resolves endpoints itself; if it finds another one, a connection to this one was opened for nothing.
    fn usual_endpoint(&self, service: &str) -> String {
        let suffix = if self.region.as_ref().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{}.{suffix}", self.region)
    }

    /// A client of the table with this name.
    pub fn table(&self, name: &str, clock: SharedClock) -> Table {
        let config = client_config!(aws_sdk_dynamodb, self, self.dynamodb_endpoint);
        Table::new(config, name, clock)
    }

    /// The vault over the secret with this ARN.
    pub fn vault(&self, secret: &str, clock: SharedClock) -> Vault {
        let config = client_config!(aws_sdk_secretsmanager, self, self.secrets_endpoint);
        Vault::new(aws_sdk_secretsmanager::Client::from_conf(config), secret, clock)
    }

    /// The objects of the bucket with this name (Amazon S3 user guide, "Virtual hosting of general purpose buckets"; with an endpoint of its
    /// own, the bucket stands in the path).
    pub fn objects(&self, bucket: &str, clock: SharedClock) -> Objects {
        let address = match &self.s3_endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}"),
            None => self.usual_endpoint(&format!("{bucket}.s3")),
        };
        let connector = SharedHttpConnector::new(self.https.clone());
        Objects::new(connector, self.credentials.clone(), self.region.to_string(), address, clock)
    }

    /// The connections of the WebSocket API whose stage has this URL.
    #[cfg(feature = "connections")]
    pub fn connections(&self, url: &str) -> crate::Connections {
        let endpoint = Some(self.connections_endpoint.clone().unwrap_or_else(|| url.to_owned()));
        let config = client_config!(aws_sdk_apigatewaymanagement, self, endpoint);
        crate::Connections::new(aws_sdk_apigatewaymanagement::Client::from_conf(config))
    }

    /// The queue with this URL.
    #[cfg(feature = "queue")]
    pub fn queue(&self, url: &str) -> crate::Queue {
        let config = client_config!(aws_sdk_sqs, self, self.sqs_endpoint);
        let queue = crate::Queue::new(aws_sdk_sqs::Client::from_conf(config), url);
        // Fair queues were announced for the other partitions; where they are missing, SQS refuses a message with a group.
        if self.region.as_ref().starts_with("cn-") { queue.without_groups() } else { queue }
    }
}

impl Settings<'_> {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and the periods of [`retention`](Self::retention), and returns the table and the vault with their connections open and the
    /// vault's key loaded. A failure to connect is ignored here; the first event connects again.
    pub async fn stores(self, clock: SharedClock, limits: CallLimits) -> Result<(Table, Vault), StartError> {
        let (table, vault) = self.opening_stores(clock, limits).await?;
        let _ = tokio::join!(vault.prime(), table.prime("binding#prime"));
        Ok((table, vault))
    }

    /// Reads `WECHAT_API_URL` as well, and returns the channel to WeChat with the table and the vault.
    #[cfg(feature = "channel")]
    pub async fn channel(mut self, clock: SharedClock) -> Result<(Table, Vault, channel::Channel), StartError> {
        let (api, reach) = (self.https_url("WECHAT_API_URL"), self.env.reach());
        let (table, vault) = self.stores(clock, CallLimits::TenSeconds).await?;
        let channel = channel::Channel::new(&table, vault.clone(), &api, reach);
        let channel = channel.map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        Ok((table, vault, channel))
    }

    /// The bucket of pictures, whose name is in `PICTURES_BUCKET`.
    pub fn pictures(mut self, clock: SharedClock) -> Result<Objects, StartError> {
        let bucket = self.text("PICTURES_BUCKET");
        Ok(Aws::new(self.done()?, CallLimits::TenSeconds)?.objects(&bucket, clock))
    }

    /// The queue whose URL is in the variable `name`. The first message opens the connection.
    #[cfg(feature = "queue")]
    pub fn queue(mut self, name: &str) -> Result<crate::Queue, StartError> {
        let url = self.text(name);
        Ok(Aws::new(self.done()?, CallLimits::TenSeconds)?.queue(&url))
    }

    /// [`stores`](Self::stores) whose connections are being opened, for a function whose own init uses them.
    pub async fn opening_stores(
        mut self,
        clock: SharedClock,
        limits: CallLimits,
    ) -> Result<(Table, Vault), StartError> {
        let (table, secret) = (self.text("TABLE_NAME"), self.text("SECRET_ARN"));
        let retention = self.retention();
        let aws = Aws::new(self.done()?, limits)?;
        aws.open_connections().await;
        Ok((aws.table(&table, clock.clone()).with_retention(retention), aws.vault(&secret, clock)))
    }
}

#[cfg(test)]
mod tests;
