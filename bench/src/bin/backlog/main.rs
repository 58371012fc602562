//! Simulates an outage: messages that no function has processed, and agents who are online, at the moment when the minute tick
//! works again. Prints minute by minute how many are left, and how many invocations and requests it took.
//!
//! ```text
//! cargo run -p bench --bin backlog -- --agents 1000 --messages 30000
//! ```
//!
//! The functions are those that are deployed, on the emulated table, with a clock of their own: each request takes `--latency-ms`,
//! and the requests of one invocation share a processor, of which each needs `--cpu-ms`. So a minute of the simulation takes as
//! long as the machine needs for the requests in it.
//!
//! | Module | Content |
//! |---|---|
//! | [`clock`] | the time of the simulation |
//! | [`aws`] | the table, the queue and the secret, in this process |
//! | [`office`] | agents, mini programs and messages |

mod aws;
mod clock;
mod office;

use std::{
    collections::VecDeque,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use bench::{Error, Result};
use function::Deadline;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};
use store::{Clock, SharedClock};

use crate::{aws::Cloud, clock::VirtualClock};

/// The size of the simulation and its assumptions.
#[derive(Debug, Clone, Copy)]
struct Options {
    agents: u32,
    messages: u32,
    /// Concurrent invocations from the queue: `BacklogConcurrency` in `template.yaml`.
    concurrency: usize,
    latency: Duration,
    cpu: Duration,
}

/// The timeout of `Reception` in `template.yaml`.
const TIMEOUT: Duration = Duration::from_mins(3);

/// After this many minutes the simulation ends without success.
const MINUTES_MAX: u32 = 120;

fn main() -> ExitCode {
    let outcome = options(std::env::args().skip(1)).and_then(|options| {
        // Paused: the time is that of the simulation, and goes on when every task waits for it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(run(options))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options {
        agents: 1000,
        messages: 30_000,
        concurrency: 20,
        latency: Duration::from_millis(5),
        cpu: Duration::from_millis(3),
    };
    while let Some(name) = arguments.next() {
        let number = arguments.next().and_then(|value| value.parse::<u32>().ok());
        let number = number.ok_or_else(|| Error::Usage(format!("{name} needs a number")))?;
        match name.as_str() {
            "--agents" => options.agents = number,
            "--messages" => options.messages = number,
            "--concurrency" => options.concurrency = number as usize,
            "--latency-ms" => options.latency = Duration::from_millis(number.into()),
            "--cpu-ms" => options.cpu = Duration::from_millis(number.into()),
            other => return Err(Error::Usage(format!("unknown argument {other}"))),
        }
    }
    Ok(options)
}

async fn run(options: Options) -> Result<()> {
    let mut stdout = io::stdout();
    let clock = Arc::new(VirtualClock::new());
    let cloud = Cloud::new(options.latency, options.cpu)?;
    office::leave_behind(&cloud, &clock, options.agents, options.messages).await?;
    cloud.reset();
    writeln!(stdout, "| Minute | Messages left | Agents overdue | Invocations | Requests |")?;
    writeln!(stdout, "|--:|--:|--:|--:|--:|")?;
    let mut invocations = 0;
    for minute in 0..MINUTES_MAX {
        invocations += one_minute(&cloud, &clock, options).await?;
        let (messages, agents) = office::left(&cloud, clock.now())?;
        writeln!(stdout, "| {} | {messages} | {agents} | {invocations} | {} |", minute + 1, cloud.requests())?;
        if messages == 0 {
            return Ok(());
        }
    }
    Err(Error::Other("the backlog was not caught up".to_owned()))
}

/// Fires the tick, and invokes the function with what it puts into the queue, until the minute is over. Returns the number of
/// invocations.
async fn one_minute(cloud: &Arc<Cloud>, clock: &Arc<VirtualClock>, options: Options) -> Result<u32> {
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    let mut waiting: VecDeque<Value> = VecDeque::from([json!({ "tick": "minute" })]);
    let (mut running, mut invocations, mut number) = (FuturesUnordered::new(), 0, 0);
    loop {
        waiting.extend(cloud.take_messages().into_iter().map(|body| {
            number += 1;
            json!({ "Records": [{ "messageId": number.to_string(), "body": body, "eventSource": "aws:sqs" }] })
        }));
        while running.len() <= options.concurrency {
            let Some(event) = waiting.pop_front() else { break };
            invocations += 1;
            running.push(invoke(cloud, clock, event));
        }
        tokio::select! {
            Some(answer) = running.next(), if !running.is_empty() => drop(answer?),
            () = cloud.message() => {}
            () = tokio::time::sleep_until(end), if running.is_empty() && waiting.is_empty() => return Ok(invocations),
        }
    }
}

/// One invocation, in an environment of its own.
async fn invoke(cloud: &Arc<Cloud>, clock: &Arc<VirtualClock>, event: Value) -> Result<Value> {
    let shared: SharedClock = clock.clone();
    let deps = cloud.environment(shared)?;
    let deadline = Deadline::at(clock.now() + jiff::SignedDuration::try_from(TIMEOUT).unwrap_or_default());
    let answer = Box::pin(reception::handle(&deps, serde_json::from_value(event)?, deadline)).await;
    answer.map_err(|error| Error::Other(error.to_string()))
}
