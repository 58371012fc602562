//! A running bundle.

use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use jiff::Timestamp;
use serde_json::Value;
use store::SharedClock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Aws, RequestCounts, TableFaults};
use crate::controls::Controls;
use crate::data::DataLock;
use crate::dead_letters::{DeadLetter, DeadLetterQueues};
use crate::functions::{Functions, InvokeError};
use crate::queues::QueuePoller;
use crate::streams::Poller;
use crate::template::Template;
use crate::wechat::Simulator;
use crate::{LocalError, schedules};

/// The time that open requests have to finish at a shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A running bundle. Dropping it stops it at once; [`Bundle::shutdown`] lets requests finish.
pub struct Bundle {
    pub(crate) template: Arc<Template>,
    pub(crate) api_url: String,
    pub(crate) aws_url: String,
    pub(crate) admin_token: String,
    pub(crate) wechat_url: String,
    pub(crate) simulator: Option<Simulator>,
    pub(crate) aws: Arc<Aws>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) pollers: Vec<Arc<Poller>>,
    pub(crate) queue_pollers: Vec<Arc<QueuePoller>>,
    pub(crate) dead_letters: DeadLetterQueues,
    pub(crate) database: Database,
    pub(crate) clock: SharedClock,
    /// What the pages of the simulated WeChat control. It reaches them as long as the bundle has them.
    pub(crate) controls: Option<Arc<Controls>>,
    pub(crate) shutdown: watch::Sender<bool>,
    /// Tasks that end after [`Bundle::shutdown`].
    pub(crate) servers: JoinSet<()>,
    /// Tasks that end when they are dropped.
    pub(crate) workers: JoinSet<()>,
    pub(crate) _data_lock: DataLock,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bundle").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Bundle {
    /// The base URL of the API, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// The API token of the admin.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// The URL of the simulated WeChat and its phone; `None` if the functions call another WeChat.
    pub fn phone_url(&self) -> Option<String> {
        self.simulator.as_ref().map(Simulator::url)
    }

    /// The base URL of the WeChat that the functions call.
    pub fn wechat_url(&self) -> &str {
        &self.wechat_url
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The endpoint of DynamoDB, Secrets Manager and SQS, for requests with an [access key](Self::access_key).
    pub fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// The access key of a caller: of a function by its logical id, with the permissions of the function, or of
    /// [`OWN_KEY`](crate::OWN_KEY), with all permissions. It is another one after each start.
    pub fn access_key(&self, caller: &str) -> String {
        self.aws.access_keys().of(caller)
    }

    /// Invokes a function, by logical id.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, String> {
        self.functions.invoke(function, event).await.map_err(|error| error.to_string())
    }

    /// Invokes a function with this deadline instead of that of its timeout, so that a test need not move the clock during the
    /// invocation.
    pub async fn invoke_until(&self, function: &str, event: Value, deadline: Timestamp) -> Result<Value, String> {
        self.functions.invoke_until(function, event, deadline).await.map_err(|error| error.to_string())
    }

    /// Fires the schedules of a function. An error if it has none.
    pub async fn tick(&self, function: &str) -> Result<(), String> {
        let schedules = self.template.schedules.iter().filter(|schedule| schedule.function == function);
        let mut fired = false;
        for schedule in schedules {
            let answer = schedules::fire(schedule, &self.functions, &self.dead_letters, &self.clock).await;
            answer.map_err(|error| error.to_string())?;
            fired = true;
        }
        if fired { Ok(()) } else { Err(format!("{function} has no schedule")) }
    }

    /// Delivers the records of the streams and the messages of the queues, including those that this causes, until there are no
    /// new ones. It waits neither for batching windows nor for delays of messages of up to a second; a longer delay ends by
    /// the bundle's clock, and so does the visibility timeout of a message whose invocation failed. Returns the number of delivered records and messages. With
    /// [`Streams::Automatic`](crate::Streams::Automatic), too, all of them from before the call are processed when it returns.
    pub async fn drain_streams(&self) -> Result<usize, LocalError> {
        let mut total = 0;
        loop {
            // First all records, because the queues wait for invocations of earlier calls.
            let mut round = 0;
            for poller in &self.pollers {
                round += poller.drain().await?;
            }
            if round == 0 {
                for poller in &self.queue_pollers {
                    round += poller.drain().await;
                }
            }
            total += round;
            if round == 0 {
                return Ok(total);
            }
        }
    }

    /// The faults to inject into requests to DynamoDB, Secrets Manager and SQS.
    pub fn table_faults(&self) -> &TableFaults {
        self.aws.faults()
    }

    /// The number of requests to DynamoDB, Secrets Manager and SQS since the last reset.
    pub fn request_counts(&self) -> RequestCounts {
        self.aws.requests().counts()
    }

    /// Resets the counts of requests.
    pub fn reset_request_counts(&self) {
        self.aws.requests().reset();
    }

    /// The keys of all objects of S3, each with its bucket.
    pub fn object_keys(&self) -> Vec<String> {
        self.aws.objects().keys()
    }

    /// The messages in the dead-letter queues.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead_letters.messages()
    }

    /// Kills the next invocation of a function after `awaits` polls, and ends its environment; 0 kills it before its first step.
    pub fn kill_next(&self, function: &str, awaits: u32) -> Result<(), InvokeError> {
        self.functions.kill_next(function, awaits)
    }

    /// The number of killed invocations of a function. An invocation that ends in fewer polls is not killed.
    pub fn kills(&self, function: &str) -> Result<u32, InvokeError> {
        self.functions.kills(function)
    }

    /// Ends the execution environments of all functions: the next invocations are cold starts.
    pub async fn end_environments(&self) {
        self.functions.end_environments().await;
    }

    /// Freezes the execution environments until the other ends have closed all idle connections: the next request on such a
    /// connection fails without an effect, as AWS Lambda's developer guide describes under "Best practices" for connections.
    pub fn freeze_environments(&self) {
        self.aws.close_idle_connections();
        if let Some(simulator) = &self.simulator {
            simulator.close_idle_connections();
        }
    }

    /// The number of requests to the AWS endpoint that met a connection closed by [`freeze_environments`](Self::freeze_environments).
    pub fn requests_on_closed_connections(&self) -> u64 {
        self.aws.requests_on_closed_connections()
    }

    /// Limits the concurrent invocations of a function, by logical id. The API answers 503 beyond the limit; streams and schedules
    /// wait.
    pub fn limit_function_concurrency(&self, function: &str, limit: Option<u32>) {
        self.functions.concurrency().limit_function(function, limit);
    }

    /// How often an invocation was throttled by a limit of concurrent invocations.
    pub fn throttles(&self) -> u64 {
        self.functions.concurrency().throttles()
    }

    /// Limits the concurrent invocations of all functions together.
    pub fn limit_account_concurrency(&self, limit: Option<u32>) {
        self.functions.concurrency().limit_account(limit);
    }

    /// Rotates a secret, by logical id: a new current version is generated, and the old one becomes the previous version.
    pub fn rotate_secret(&self, id: &str) -> Result<(), LocalError> {
        self.aws.secrets().rotate(id)
    }

    /// Deletes the versions of a secret that have no label, as Secrets Manager may.
    pub fn forget_secret_versions(&self, id: &str) -> Result<(), LocalError> {
        self.aws.secrets().forget(id)
    }

    /// Deletes the expired items and returns their number. DynamoDB deletes them within a few days.
    pub fn expire_items(&self) -> Result<usize, LocalError> {
        Ok(self.database.sweep_ttl()?)
    }

    /// Stops the bundle. Open requests get two seconds to finish.
    pub async fn shutdown(mut self) {
        self.shutdown.send_replace(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        // The requests that are still open are dropped.
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, ended).await;
        self.servers.shutdown().await;
        self.workers.shutdown().await;
        if let Some(simulator) = self.simulator.take() {
            simulator.shutdown().await;
        }
    }
}
