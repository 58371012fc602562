//! Putting the parts together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use function::Env;
use sha2::{Digest, Sha256};
use store::SharedClock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Aws, Secrets};
use crate::bundle::Bundle;
use crate::data::{self, DataDir};
use crate::functions::Functions;
use crate::gateway::Gateway;
use crate::options::{Options, Schedules, Streams};
use crate::streams::{Consumer, DeadLetters, Pace, Positions, Source};
use crate::template::{Function, REGION, Template};
use crate::wechat::Simulator;
use crate::{LocalError, code, demo, random, schedules, table};

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
