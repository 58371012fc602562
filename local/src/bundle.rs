//! The handle on what runs.

use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use serde_json::Value;
use store::SharedClock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Aws, CallCounts, TableFaults};
use crate::functions::{Functions, InvokeError};
use crate::streams::{Consumer, DeadLetter, DeadLetters};
use crate::template::Template;
use crate::wechat::Simulator;
use crate::{LocalError, schedules};

/// How long requests under way may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// A running bundle. Dropping it ends it at once; [`Bundle::shutdown`] lets requests finish.
pub struct Bundle {
    pub(crate) template: Template,
    pub(crate) api_url: String,
    pub(crate) aws_url: String,
    pub(crate) admin_token: String,
    pub(crate) wechat_url: String,
    pub(crate) simulator: Option<Simulator>,
    pub(crate) aws: Arc<Aws>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) consumers: Vec<Arc<Consumer>>,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) database: Database,
    pub(crate) clock: SharedClock,
    pub(crate) shutdown: watch::Sender<bool>,
    /// What ends when it is told to.
    pub(crate) servers: JoinSet<()>,
    /// What ends when it is dropped.
    pub(crate) workers: JoinSet<()>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bundle").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Bundle {
    /// Where the API is, without a slash at the end.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// The token that may do everything at the API.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Where the simulated WeChat is, and its phone; none if the functions call another one.
    pub fn phone_url(&self) -> Option<String> {
        self.simulator.as_ref().map(Simulator::url)
    }

    /// The WeChat that the functions call.
    pub fn wechat_url(&self) -> &str {
        &self.wechat_url
    }

    /// What the template says.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Where DynamoDB and Secrets Manager answer. The access key [`crate::OWN_KEY`] may do everything; a function's
    /// logical id may do what the function may.
    pub fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// Invokes one function, by logical id, with an event.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, String> {
        self.functions.invoke(function, event).await.map_err(|error| error.to_string())
    }

    /// Fires the schedules of one function now.
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

    /// Delivers what waits in the streams, and what that writes, until nothing is left; returns how many records
    /// functions were given. With [`Streams::Pump`], too, everything written before is done when it returns.
    pub async fn pump(&self) -> Result<usize, LocalError> {
        let mut total = 0;
        loop {
            let mut round = 0;
            for consumer in &self.consumers {
                round += consumer.drain().await?;
            }
            total += round;
            if round == 0 {
                return Ok(total);
            }
        }
    }

    /// Makes calls to DynamoDB and Secrets Manager fail.
    pub fn table_faults(&self) -> &TableFaults {
        self.aws.faults()
    }

    /// Calls to DynamoDB and Secrets Manager so far, by function and operation.
    pub fn calls(&self) -> CallCounts {
        self.aws.calls().counts()
    }

    /// Begins to count the calls from nothing.
    pub fn reset_calls(&self) {
        self.aws.calls().reset();
    }

    /// What failed for good.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead_letters.all()
    }

    /// Kills the next invocation of a function instead of letting it go on after so many awaits; 0 kills it before
    /// its first step. Its environment ends with it.
    pub fn kill_next(&self, function: &str, awaits: u32) -> Result<(), InvokeError> {
        self.functions.kill_next(function, awaits)
    }

    /// How many invocations of a function have been killed. One that ended in fewer awaits was not.
    pub fn kills(&self, function: &str) -> Result<u32, InvokeError> {
        self.functions.kills(function)
    }

    /// Ends every function's environment: the next invocations start cold, with nothing in memory.
    pub async fn recycle(&self) {
        self.functions.recycle().await;
    }

    /// Gives the template's secret of this logical id a new current version; the old one becomes the previous.
    pub fn rotate_secret(&self, id: &str) -> Result<(), LocalError> {
        self.aws.secrets().rotate(id)
    }

    /// Deletes the items whose TTL has passed, which AWS does within days and dynoxide only when asked; returns how many.
    pub fn expire_items(&self) -> Result<usize, LocalError> {
        Ok(self.database.sweep_ttl()?)
    }

    /// Ends the bundle: open requests get two seconds to finish.
    pub async fn shutdown(mut self) {
        self.shutdown.send_replace(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        // What is still open after that is dropped.
        let _ = tokio::time::timeout(GRACE, ended).await;
        self.servers.shutdown().await;
        self.workers.shutdown().await;
        if let Some(simulator) = self.simulator.take() {
            simulator.shutdown().await;
        }
    }
}
