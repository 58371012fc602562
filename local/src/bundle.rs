//! Putting the parts together, and the handle on what runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use function::Env;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{SharedClock, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Aws, CallCounts, Secrets, TableFaults};
use crate::data::{self, DataDir};
use crate::functions::{Functions, InvokeError};
use crate::gateway::Gateway;
use crate::streams::{Consumer, DeadLetter, DeadLetters, Pace, Positions, Source};
use crate::template::{Function, REGION, Template};
use crate::wechat::Simulator;
use crate::{LocalError, code, demo, random, schedules, table};

/// How long requests under way may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// Who fires the schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedules {
    /// A timer, at the rates of the template and once at the start.
    Timer,
    /// Nobody but [`Bundle::tick`].
    Manual,
}

/// Who reads the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// The bundle, as soon as something is written; failed batches wait a little before they are tried again.
    Pump,
    /// Nobody but [`Bundle::pump`]; failed batches are tried again at once.
    Manual,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of the API on 127.0.0.1, 0 for any free one. The simulated WeChat takes the one after it, or any free one.
    pub port: u16,
    /// Where table, secrets and positions are kept; memory if there is none.
    pub data: Option<PathBuf>,
    /// Throws away what is kept there.
    pub fresh: bool,
    /// The admin token. Without it one is made, and kept where data is kept.
    pub admin_token: Option<String>,
    /// Whose API to call instead of a simulated WeChat, as `https://api.weixin.qq.com`.
    pub wechat_api: Option<String>,
    /// Binds a demo mini program of the simulated WeChat.
    pub demo: bool,
    /// The time for the functions and the simulated WeChat.
    pub clock: SharedClock,
    /// Who fires the schedules.
    pub schedules: Schedules,
    /// Who reads the streams.
    pub streams: Streams,
}

impl Default for Options {
    /// A bundle for a test: free ports, nothing kept, no demo, schedules fired by hand, streams read by the bundle.
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            fresh: false,
            admin_token: None,
            wechat_api: None,
            demo: false,
            clock: Arc::new(SystemClock),
            schedules: Schedules::Manual,
            streams: Streams::Pump,
        }
    }
}

/// A running bundle. Dropping it ends it at once; [`Bundle::shutdown`] lets requests finish.
pub struct Bundle {
    template: Template,
    api_url: String,
    aws_url: String,
    admin_token: String,
    wechat_url: String,
    simulator: Option<Simulator>,
    aws: Arc<Aws>,
    functions: Arc<Functions>,
    consumers: Vec<Arc<Consumer>>,
    dead_letters: DeadLetters,
    database: Database,
    clock: SharedClock,
    shutdown: watch::Sender<bool>,
    /// What ends when it is told to.
    servers: JoinSet<()>,
    /// What ends when it is dropped.
    workers: JoinSet<()>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bundle").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

/// Starts a bundle and returns when it answers requests.
pub async fn start(options: Options) -> Result<Bundle, LocalError> {
    let (api, wechat) = listeners(&options).await?;
    let data = DataDir::open(options.data.as_deref(), options.fresh)?;
    let admin_token = admin_token(options.admin_token, &data)?;

    let simulator = match wechat {
        Some(listener) => Some(simulator(listener, &options.clock, &data)?),
        None => None,
    };
    let wechat_url = options.wechat_api.unwrap_or_else(|| simulator.as_ref().map_or_else(String::new, Simulator::url));
    let template = Template::deployed(&BTreeMap::from([
        ("AdminTokenSha256".to_owned(), random::hex(&Sha256::digest(&admin_token))),
        ("WeChatApiUrl".to_owned(), wechat_url.clone()),
    ]))?;

    let database = table::open(&template, &data, &options.clock)?;
    let mut servers = JoinSet::new();
    let mut workers = JoinSet::new();
    let shutdown = watch::Sender::new(false);

    let dynoxide = listen(0).await?;
    let dynoxide_address = dynoxide.local_addr().map_err(|source| LocalError::Port { port: 0, source })?;
    let served = dynoxide::server::serve_with_shutdown(dynoxide, database.clone(), ended(&shutdown));
    servers.spawn(async {
        if let Err(error) = served.await {
            tracing::error!(error, "dynoxide stopped");
        }
    });

    let listener = listen(0).await?;
    let aws_url = url(&listener)?;
    let secrets = Secrets::open(&template, data.clone())?;
    let aws = Arc::new(Aws::new(&template, secrets, dynoxide_address));
    workers.spawn(Arc::clone(&aws).serve(listener));

    let functions = Arc::new(functions(&template, &aws_url, &options.clock)?);

    let dead_letters = DeadLetters::default();
    let positions = Arc::new(Positions::open(data.clone())?);
    let mut consumers = Vec::new();
    for mapping in &template.streams {
        let table = template.tables.get(&mapping.table).ok_or_else(|| LocalError::Unknown(mapping.table.clone()))?;
        let consumer = Arc::new(Consumer::new(
            mapping.clone(),
            Source::open(database.clone(), &table.name)?,
            Arc::clone(&functions),
            Arc::clone(&positions),
            dead_letters.clone(),
            Arc::clone(&options.clock),
            if options.streams == Streams::Pump { Pace::BackOff } else { Pace::AtOnce },
        ));
        if options.streams == Streams::Pump {
            let (consumer, writes) = (Arc::clone(&consumer), aws.writes());
            workers.spawn(async move { consumer.run(writes).await });
        }
        consumers.push(consumer);
    }

    let api_url = url(&api)?;
    let gateway = Gateway::new(template.routes.clone(), Arc::clone(&functions), Arc::clone(&options.clock));
    let served = gateway.serve(api, ended(&shutdown));
    servers.spawn(async {
        if let Err(error) = served.await {
            tracing::error!(%error, "the API stopped");
        }
    });

    if options.schedules == Schedules::Timer {
        for schedule in template.schedules.clone() {
            let (functions, dead_letters) = (Arc::clone(&functions), dead_letters.clone());
            let clock = Arc::clone(&options.clock);
            workers.spawn(async move { schedules::run(&schedule, &functions, &dead_letters, &clock).await });
        }
        workers.spawn(expire(database.clone()));
    }

    let clock = options.clock;
    let bundle = Bundle {
        template,
        api_url,
        aws_url,
        admin_token,
        wechat_url,
        simulator,
        aws,
        functions,
        consumers,
        dead_letters,
        database,
        clock,
        shutdown,
        servers,
        workers,
    };
    if let (true, Some(phone)) = (options.demo, bundle.phone_url()) {
        demo::bind(&bundle.api_url, &bundle.admin_token, &phone, &data).await?;
    }
    Ok(bundle)
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

/// The listeners of the API and of the simulated WeChat, if there is one.
async fn listeners(options: &Options) -> Result<(TcpListener, Option<TcpListener>), LocalError> {
    let api = listen(options.port).await?;
    if options.wechat_api.is_some() {
        return Ok((api, None));
    }
    let next = if options.port == 0 { 0 } else { options.port.wrapping_add(1) };
    Ok((api, Some(listen(next).await?)))
}

async fn listen(port: u16) -> Result<TcpListener, LocalError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| LocalError::Port { port, source })
}

fn url(listener: &TcpListener) -> Result<String, LocalError> {
    let address = listener.local_addr().map_err(|source| LocalError::Port { port: 0, source })?;
    Ok(format!("http://{address}"))
}

/// The token that is given; else the kept one; else a new one, which is kept.
fn admin_token(given: Option<String>, data: &DataDir) -> Result<String, LocalError> {
    if let Some(token) = given {
        return Ok(token);
    }
    if let Some(token) = data.read_json(data::ADMIN_TOKEN)? {
        return Ok(token);
    }
    let token = random::letters_and_digits(43);
    data.write_json(data::ADMIN_TOKEN, &token)?;
    Ok(token)
}

fn simulator(listener: TcpListener, clock: &SharedClock, data: &DataDir) -> Result<Simulator, LocalError> {
    match data.path(data::WECHAT) {
        Some(path) => Simulator::serve_kept(listener, Arc::clone(clock), path.clone())
            .map_err(|source| LocalError::Data { path, source }),
        None => Ok(Simulator::serve(listener, Arc::clone(clock))),
    }
}

/// The functions of the template with the code of their crates.
fn functions(template: &Template, aws_url: &str, clock: &SharedClock) -> Result<Functions, LocalError> {
    let mut functions = Vec::new();
    for function in template.functions.values() {
        let env = environment(function, aws_url);
        let starter = code::starter(&function.package, env, Arc::clone(clock))
            .ok_or_else(|| LocalError::NoCode(function.id.clone()))?;
        functions.push((function.id.clone(), function.timeout, starter));
    }
    Ok(Functions::new(functions))
}

/// What Lambda would put into the environment: the template's variables, the region, and credentials that say which
/// function is calling.
fn environment(function: &Function, aws_url: &str) -> Env {
    let lambda = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", &function.id),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws_url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws_url),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.id),
    ];
    let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
    function.environment.clone().into_iter().chain(lambda).collect()
}

fn ended(shutdown: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut shutdown = shutdown.subscribe();
    async move {
        // The sender is gone when the bundle was dropped.
        let _ = shutdown.wait_for(|&ended| ended).await;
    }
}

/// Deletes expired items once a minute.
async fn expire(database: Database) {
    let mut interval = tokio::time::interval(Duration::from_mins(1));
    loop {
        interval.tick().await;
        let database = database.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            tracing::warn!(%error, "expired items were not deleted");
        }
    }
}
