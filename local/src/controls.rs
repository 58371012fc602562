//! What the pages of the simulated WeChat control and see of the bundle.

use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use function::{CallLimits, Env};
use futures_util::future::BoxFuture;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{BOOTSTRAP, Clock, SharedClock, Table};

use crate::aws::{Aws, OWN_KEY, RequestCounts};
use crate::bundle::Bundle;
use crate::clock::MovableClock;
use crate::data::{self, DataDir};
use crate::dead_letters::DeadLetterQueues;
use crate::demo::ApiClient;
use crate::functions::Functions;
use crate::options::Schedules;
use crate::template::{REGION, Template};
use crate::wechat::{Backstage, Moved, Reception};
use crate::{LocalError, demo, schedules, table};

/// How often a schedule is fired at most when the clock is moved forward.
const FIRINGS_MAX: i64 = 3;

/// A session that was used within this time belongs to a page that is open.
const IN_USE: SignedDuration = SignedDuration::from_mins(15);

/// The parts of a bundle that its controls use.
pub(crate) struct Controls {
    clock: Arc<MovableClock>,
    template: Arc<Template>,
    functions: Arc<Functions>,
    dead_letters: DeadLetterQueues,
    database: Database,
    data: DataDir,
    api_url: String,
    api_client: ApiClient,
    /// The AWS endpoint.
    aws: Arc<Aws>,
    /// Clients of the AWS endpoint with all permissions.
    clients: function::Aws,
}

impl Bundle {
    /// Lets the pages of the simulated WeChat control the bundle, and with timed schedules deletes expired items each minute.
    pub(crate) fn add_controls(
        &mut self,
        clock: Arc<MovableClock>,
        data: &DataDir,
        schedules: Schedules,
    ) -> Result<(), LocalError> {
        let controls = Arc::new(Controls {
            clock,
            template: Arc::clone(&self.template),
            functions: Arc::clone(&self.functions),
            dead_letters: self.dead_letters.clone(),
            database: self.database.clone(),
            data: data.clone(),
            api_url: self.api_url.clone(),
            api_client: ApiClient::new(&self.admin_token)?,
            aws: Arc::clone(&self.aws),
            clients: own_clients(&self.aws, &self.aws_url)?,
        });
        if let Some(simulator) = &self.simulator {
            let backstage: Arc<dyn Backstage> = controls.clone();
            simulator.belongs_to(&backstage);
        }
        if schedules == Schedules::Timer {
            let controls = Arc::clone(&controls);
            self.workers.spawn(async move { controls.delete_expired_each_minute().await });
        }
        self.controls = Some(controls);
        Ok(())
    }
}

impl Controls {
    /// Moves the clock to an offset.
    ///
    /// Forward: the pages that are open count as having been open all the time. Agents who are present have sent their heartbeats,
    /// and sessions that were used within 15 minutes have been used; otherwise a move by 48 hours would end all sessions and take the
    /// agents' conversations away. Then each schedule fires as often as it would have, at most three times, each at the new time, and
    /// expired items are deleted. Timers and messages of queues whose time has come follow at once. WebSocket connections that are two
    /// hours old end, and the pages open new ones.
    ///
    /// Back: what has happened stays. Items keep their later times, what was deleted is gone, and what is due or visible at a time
    /// waits until the clock shows that time again.
    async fn move_clock(&self, offset: SignedDuration) -> Result<Moved, LocalError> {
        let by = offset - self.clock.offset();
        if by.is_positive() {
            // Before the clock moves, so that no tick sees them absent.
            self.keep_open_pages(offset).await?;
        }
        self.clock.set_offset(offset);
        self.data.write_json(data::CLOCK, &offset.as_secs())?;
        let mut fired = 0;
        if by.is_positive() {
            fired = self.fire_schedules(by).await;
            self.delete_expired().await?;
        }
        Ok(Moved { offset, now: self.clock.now(), fired })
    }

    /// Deletes the items that have expired.
    async fn delete_expired(&self) -> Result<(), LocalError> {
        let (database, template, now) = (self.database.clone(), Arc::clone(&self.template), self.clock.now());
        let is_moved = !self.clock.offset().is_zero();
        let delete = move || {
            // A clock that is not moved is the database's own.
            if is_moved { table::delete_expired(&database, &template, now) } else { Ok(database.sweep_ttl()?) }
        };
        let deleted = tokio::task::spawn_blocking(delete).await;
        deleted.map_err(|error| LocalError::Database(error.to_string()))?.map(drop)
    }

    /// Deletes expired items each minute. Does not return.
    async fn delete_expired_each_minute(&self) {
        let mut interval = tokio::time::interval(Duration::from_mins(1));
        loop {
            interval.tick().await;
            if let Err(error) = self.delete_expired().await {
                tracing::warn!(%error, "cannot delete expired items");
            }
        }
    }

    /// Extends the presence of agents and the use of sessions to the time of another offset.
    async fn keep_open_pages(&self, offset: SignedDuration) -> Result<(), LocalError> {
        let now = self.clock.now();
        let (today, later) = (self.table(self.clock.clone())?, self.table(self.clock.moved_to(offset))?);
        let failed = |error: store::StoreError| LocalError::Database(error.to_string());
        let agents = self.agents().await?;
        for owner in agents.iter().map(String::as_str).chain([BOOTSTRAP]) {
            for session in today.sessions().sessions_of(owner).await.map_err(failed)? {
                if now.duration_since(session.last_used_at) < IN_USE {
                    later.token_verifier().record_session_use(&session).await.map_err(failed)?;
                }
            }
        }
        for duty in today.staff().duties(&agents).await.map_err(failed)? {
            if duty.present_until > now {
                // The agent may go offline at this moment.
                let _ = later.duty_writer().heartbeat(&duty.agent_id).await;
            }
        }
        Ok(())
    }

    /// The table as the functions have it, with this clock.
    fn table(&self, clock: SharedClock) -> Result<Table, LocalError> {
        let mut tables = self.template.tables.values();
        let table = tables.next().ok_or_else(|| LocalError::Unknown("table".to_owned()))?;
        Ok(self.clients.table(&table.name, clock))
    }

    /// The ids of all agents.
    async fn agents(&self) -> Result<Vec<String>, LocalError> {
        let (mut agents, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = self.api_client.get(&format!("{}/api/agents?limit=100{cursor}", self.api_url)).await?;
            let items = page["items"].as_array().into_iter().flatten();
            agents.extend(items.filter_map(|agent| agent["id"].as_str().map(str::to_owned)));
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(agents),
            }
        }
    }

    /// Fires the schedules for a time that was skipped. Returns how often. A failure is logged and goes to the dead-letter queue.
    async fn fire_schedules(&self, skipped: SignedDuration) -> usize {
        let mut fired = 0;
        for schedule in &self.template.schedules {
            let interval = i64::try_from(schedule.interval.as_secs()).unwrap_or(i64::MAX).max(1);
            for _ in 0..(skipped.as_secs() / interval).min(FIRINGS_MAX) {
                let clock: SharedClock = self.clock.clone();
                let _ = schedules::fire(schedule, &self.functions, &self.dead_letters, &clock).await;
                fired += 1;
            }
        }
        fired
    }

    /// Who would answer a visitor who entered now. An error if the mini program is not bound.
    async fn reception(&self, app_id: &str, openid: &str, session_from: &str) -> Result<Reception, LocalError> {
        let body = json!({ "app_id": app_id, "openid": openid, "session_from": session_from });
        let url = format!("{}/api/routing/simulate", self.api_url);
        let simulated = self.api_client.send(Method::POST, &url, &body).await?;
        let goes_to = |outcome: &str| simulated["outcome"].get(outcome).is_some();
        Ok(if goes_to("assign") {
            Reception::Online
        } else if goes_to("queue") {
            Reception::Busy
        } else if goes_to("robot") || simulated["first"] == "robot" {
            Reception::Robot
        } else {
            Reception::Offline
        })
    }

    /// The address of a visitor's conversation in the workbench, if it is among the newest hundred.
    async fn conversation(&self, app_id: &str, openid: &str) -> Result<Option<String>, LocalError> {
        let url = format!("{}/api/conversations?view=all&limit=100", self.api_url);
        let (_, page) = self.api_client.get(&url).await?;
        let mut items = page["items"].as_array().into_iter().flatten();
        let found = items.find(|item| item["app_id"] == app_id && item["openid"] == openid);
        Ok(found.and_then(|item| Some(format!("{}/desk/{}", self.api_url, item["cid"].as_str()?))))
    }

    /// Sets the agent of the demo online, as their page would.
    async fn begin_demo(&self) -> Result<(), LocalError> {
        let Some(agent) = demo::agent(&self.api_client, &self.api_url).await? else { return Ok(()) };
        let url = format!("{}/api/agents/{agent}/status", self.api_url);
        self.api_client.send(Method::PUT, &url, &json!({ "status": "online" })).await.map(drop::<Value>)
    }
}

/// Clients of the AWS endpoint with all permissions.
fn own_clients(aws: &Aws, aws_url: &str) -> Result<function::Aws, LocalError> {
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", &aws.access_keys().of(OWN_KEY)),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws_url),
    ];
    let env: Env = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    function::Aws::new(&env.local(), CallLimits::TenSeconds).map_err(|error| LocalError::Demo(error.to_string()))
}

impl Backstage for Controls {
    fn now(&self) -> (SignedDuration, Timestamp) {
        (self.clock.offset(), self.clock.now())
    }

    fn move_clock(&self, offset: SignedDuration) -> BoxFuture<'_, Result<Moved, String>> {
        Box::pin(async move { Self::move_clock(self, offset).await.map_err(|error| error.to_string()) })
    }

    fn reception<'a>(&'a self, app_id: &'a str, openid: &'a str, from: &'a str) -> BoxFuture<'a, Option<Reception>> {
        Box::pin(async move { Self::reception(self, app_id, openid, from).await.ok() })
    }

    fn conversation<'a>(&'a self, app_id: &'a str, openid: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move { Self::conversation(self, app_id, openid).await.ok().flatten() })
    }

    fn requests(&self) -> RequestCounts {
        self.aws.requests().counts()
    }

    fn begin_demo(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { Self::begin_demo(self).await.map_err(|error| error.to_string()) })
    }
}
