//! Starts a bundle.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use dynoxide::Database;
use function::Env;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use store::SharedClock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Aws, Objects, Secrets};
use crate::bundle::Bundle;
use crate::clock::MovableClock;
use crate::data::{self, DataDir};
use crate::dead_letters::DeadLetterQueues;
use crate::functions::Functions;
use crate::gateway::Gateway;
use crate::options::{Options, Schedules, Streams};
use crate::queues::{QueuePoller, Queues};
use crate::streams::{Checkpoints, Poller, PollerContext, RetryPause, Shard};
use crate::template::{EventSourceMapping, Function, QueueMapping, REGION, Template};
use crate::trusted_hosts::TrustedHosts;
use crate::websocket::{OpenConnections, WebSocketGateway};
use crate::wechat::{Callbacks, Simulator};
use crate::{LocalError, demo, packages, random, table};

/// Starts a bundle and returns when it answers requests.
pub async fn start(options: Options) -> Result<Bundle, LocalError> {
    let (api, wechat) = listeners(&options).await?;
    let api_address = address(&api)?;
    let user = format!("the bundle at {} (process {})", url(&api)?, std::process::id());
    let (data, data_lock) = DataDir::open(options.data.as_deref(), options.fresh, &user)?;
    let admin_token = admin_token(options.admin_token, &data)?;
    let movable = movable_clock(options.clock, &data)?;
    let clock: SharedClock = movable.clone();
    let callbacks = options.callbacks.unwrap_or(Callbacks::At(api_address));
    let simulator = wechat.map(|listener| simulator(listener, &clock, &data, callbacks)).transpose()?;
    let wechat_url = options.wechat_api.unwrap_or_else(|| simulator.as_ref().map_or_else(String::new, Simulator::url));
    let template = Arc::new(deployed(&admin_token, &wechat_url)?);

    let mut tasks = Tasks::default();
    let database = table::open(&template, &data, &clock)?;
    let queues = Queues::new(&template, &clock);
    let connections = OpenConnections::default();
    let (aws, aws_url) = serve_aws(&template, &database, &data, &queues, &connections, &mut tasks).await?;
    let functions = Arc::new(functions(&template, &aws, &aws_url, &clock)?);
    let dead_letters = DeadLetterQueues::default();
    let context = PollerContext {
        functions: Arc::clone(&functions),
        checkpoints: Arc::new(Checkpoints::open(data.clone())?),
        dead_letters: dead_letters.clone(),
        clock: Arc::clone(&clock),
        retry_pause: if options.streams == Streams::Automatic { RetryPause::Backoff } else { RetryPause::None },
    };
    let pollers = pollers(&template, &database, &context)?;
    let queue_pollers = queue_pollers(&template, &queues, &context)?;
    if options.streams == Streams::Automatic {
        run_pollers(&pollers, &queue_pollers, &aws, &mut tasks);
    }
    let api_url = url(&api)?;
    let trusted_hosts = trusted_hosts(api_address, &options.allowed_hosts, simulator.as_ref());
    serve_api(api, trusted_hosts, &template, connections, &context, &mut tasks);
    run_schedules(options.schedules, &template, &context, &mut tasks);

    let Tasks { shutdown, servers, workers } = tasks;
    let mut bundle = Bundle {
        template,
        api_url,
        aws_url,
        admin_token,
        wechat_url,
        simulator,
        aws,
        functions,
        pollers,
        queue_pollers,
        dead_letters,
        database,
        clock,
        controls: None,
        shutdown,
        servers,
        workers,
        _data_lock: data_lock,
    };
    bundle.add_controls(movable, &data, options.schedules)?;
    bind_demo(&bundle, options.demo, &data).await?;
    Ok(bundle)
}

/// Binds the mini program of the demo, where it is wanted and WeChat is simulated.
async fn bind_demo(bundle: &Bundle, is_wanted: bool, data: &DataDir) -> Result<(), LocalError> {
    match bundle.phone_url().filter(|_| is_wanted) {
        Some(phone) => demo::bind(&bundle.api_url, &bundle.admin_token, &phone, data).await,
        None => Ok(()),
    }
}

/// The template with the parameters of this bundle.
fn deployed(admin_token: &str, wechat_url: &str) -> Result<Template, LocalError> {
    Ok(Template::deployed(&BTreeMap::from([
        ("AdminTokenSha256".to_owned(), hex::encode(Sha256::digest(admin_token))),
        ("WeChatApiUrl".to_owned(), wechat_url.to_owned()),
    ]))?)
}

/// The tasks of a bundle.
#[derive(Default)]
struct Tasks {
    shutdown: watch::Sender<bool>,
    /// Tasks that end after `shutdown`.
    servers: JoinSet<()>,
    /// Tasks that end when they are dropped.
    workers: JoinSet<()>,
}

/// Serves DynamoDB, Secrets Manager, SQS, S3 and `@connections`. Returns the endpoint and its URL.
async fn serve_aws(
    template: &Template,
    database: &Database,
    data: &DataDir,
    queues: &Queues,
    connections: &OpenConnections,
    tasks: &mut Tasks,
) -> Result<(Arc<Aws>, String), LocalError> {
    let listener = listen(0).await?;
    let aws_url = url(&listener)?;
    let secrets = Secrets::open(template, data.clone())?;
    let aws = Aws::new(template, secrets, queues.clone(), database.clone(), address(&listener)?);
    let aws = aws.with_connections(template, connections.clone()).with_objects(Objects::open(data));
    let aws = Arc::new(aws);
    tasks.workers.spawn(Arc::clone(&aws).serve(listener));
    Ok((aws, aws_url))
}

/// A poller for each event source mapping.
fn pollers(template: &Template, database: &Database, context: &PollerContext) -> Result<Vec<Arc<Poller>>, LocalError> {
    let mappings = template.event_source_mappings.iter();
    let poller = |mapping: &EventSourceMapping| {
        let table = template.tables.get(&mapping.table).ok_or_else(|| LocalError::Unknown(mapping.table.clone()))?;
        let shard = Shard::open(database.clone(), &table.name)?;
        Ok(Arc::new(Poller::new(mapping.clone(), shard, context.clone())))
    };
    mappings.map(poller).collect()
}

/// A poller for each event source mapping of a queue.
fn queue_pollers(
    template: &Template,
    queues: &Queues,
    context: &PollerContext,
) -> Result<Vec<Arc<QueuePoller>>, LocalError> {
    let poller = |mapping: &QueueMapping| {
        let queue = queues.get(&mapping.queue).ok_or_else(|| LocalError::Unknown(mapping.queue.clone()))?;
        let (functions, dead_letters) = (Arc::clone(&context.functions), context.dead_letters.clone());
        Ok(Arc::new(QueuePoller::new(mapping.clone(), Arc::clone(queue), functions, dead_letters)))
    };
    template.queue_mappings.iter().map(poller).collect()
}

fn run_pollers(pollers: &[Arc<Poller>], queue_pollers: &[Arc<QueuePoller>], aws: &Aws, tasks: &mut Tasks) {
    for poller in pollers {
        let (poller, writes) = (Arc::clone(poller), aws.writes());
        tasks.workers.spawn(async move { poller.run(writes).await });
    }
    for poller in queue_pollers {
        let poller = Arc::clone(poller);
        tasks.workers.spawn(async move { poller.run().await });
    }
}

fn serve_api(
    listener: TcpListener,
    trusted_hosts: TrustedHosts,
    template: &Template,
    connections: OpenConnections,
    context: &PollerContext,
    tasks: &mut Tasks,
) {
    let (functions, clock) = (&context.functions, &context.clock);
    let gateway = Gateway::new(template.routes.clone(), Arc::clone(functions), Arc::clone(clock));
    let web_sockets = template.web_socket_api.clone().map(|api| {
        let shutdown = tasks.shutdown.subscribe();
        WebSocketGateway::new(api, Arc::clone(functions), connections, Arc::clone(clock), shutdown)
    });
    let served = gateway.serve(listener, trusted_hosts, web_sockets, shut_down(&tasks.shutdown));
    tasks.servers.spawn(async {
        if let Err(error) = served.await {
            tracing::error!(%error, "the API stopped");
        }
    });
}

/// Fires the schedules, if they are timed.
fn run_schedules(schedules: Schedules, template: &Template, context: &PollerContext, tasks: &mut Tasks) {
    if schedules == Schedules::Manual {
        return;
    }
    for schedule in template.schedules.clone() {
        let PollerContext { functions, dead_letters, clock, .. } = context.clone();
        tasks.workers.spawn(async move { crate::schedules::run(&schedule, &functions, &dead_letters, &clock).await });
    }
}

/// The given clock, as far ahead as it was when the data was used last.
fn movable_clock(clock: SharedClock, data: &DataDir) -> Result<Arc<MovableClock>, LocalError> {
    let offset = SignedDuration::from_secs(data.read_json(data::CLOCK)?.unwrap_or_default());
    Ok(MovableClock::new(clock, offset))
}

/// The host names of the API. The page of the simulator may show the workbench in a frame.
fn trusted_hosts(api: SocketAddr, others: &[String], simulator: Option<&Simulator>) -> TrustedHosts {
    TrustedHosts::of(api, others).framed_by(simulator.map(Simulator::url))
}

/// The listeners of the API and of the simulated WeChat.
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

fn address(listener: &TcpListener) -> Result<SocketAddr, LocalError> {
    listener.local_addr().map_err(|source| LocalError::Port { port: 0, source })
}

fn url(listener: &TcpListener) -> Result<String, LocalError> {
    Ok(format!("http://{}", address(listener)?))
}

/// The given token, or the saved one, or a new one, which is saved.
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

fn simulator(
    listener: TcpListener,
    clock: &SharedClock,
    data: &DataDir,
    callbacks: Callbacks,
) -> Result<Simulator, LocalError> {
    match data.path(data::WECHAT) {
        Some(path) => Simulator::serve_persistent(listener, Arc::clone(clock), callbacks, path.clone())
            .map_err(|source| LocalError::Data { path, source }),
        None => Ok(Simulator::serve(listener, Arc::clone(clock), callbacks)),
    }
}

/// The functions of the template with the handlers of their packages.
fn functions(template: &Template, aws: &Aws, aws_url: &str, clock: &SharedClock) -> Result<Functions, LocalError> {
    let mut functions = Vec::new();
    for function in template.functions.values() {
        let env = environment(template, function, &aws.access_keys().of(&function.id), aws_url);
        let init = packages::init(&function.package, env, Arc::clone(clock))
            .ok_or_else(|| LocalError::NoPackage(function.id.clone()))?;
        functions.push((function.id.clone(), function.timeout, init));
    }
    Ok(Functions::new(functions, Arc::clone(clock)))
}

/// The environment variables of a function: those of the template, the region, and the credentials that identify the function.
fn environment(template: &Template, function: &Function, access_key: &str, aws_url: &str) -> Env {
    let lambda = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws_url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws_url),
        ("AWS_ENDPOINT_URL_S3", aws_url),
        ("AWS_ENDPOINT_URL_SQS", aws_url),
        ("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", aws_url),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.id),
    ];
    let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
    // The WebSocket API is on the port of the API, whatever the host name by which that is called.
    let web_socket = template.web_socket_api.as_ref().filter(|_| function.environment.contains_key("REALTIME_URL"));
    let web_socket = web_socket.map(|api| ("REALTIME_URL".to_owned(), api.path()));
    let variables: Env = function.environment.clone().into_iter().chain(lambda).chain(web_socket).collect();
    variables.local()
}

fn shut_down(shutdown: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut shutdown = shutdown.subscribe();
    async move {
        // An error means that the bundle was dropped.
        let _ = shutdown.wait_for(|&shut_down| shut_down).await;
    }
}
