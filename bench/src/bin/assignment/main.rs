//! Measures the time from the acknowledgement of a push to the assignment of its conversation, in the local bundle.
//!
//! ```text
//! cargo run --release -p bench --bin assignment -- [--json] [--seconds 10] [--rates 1,50,200]
//! ```
//!
//! Every message is the first of a new visitor. The messages are sent at a steady rate that does not depend on the progress of
//! earlier ones, and all go to one group. The time starts when WeChat has the callback's `success` and ends with the transaction
//! that assigns the conversation, both by the clock of the machine. The simulated WeChat, the functions and the database share
//! the processors of this machine.

use std::{
    collections::HashMap,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use bench::{Desk, Error, Result, Stream, attribute, events, written_at};
use desk::conversation::EventKind;
use jiff::Timestamp;
use local::Streams;
use serde::Serialize;
use serde_json::json;
use store::{Event, SystemClock};
use tokio::{task::JoinSet, time::Instant};

const APP_ID: &str = "wx00000000000000a1";
/// The text of every message.
const TEXT: &str = "你好，我昨天下午下的单到现在还没有看到物流信息，请帮我查一下什么时候能发货，谢谢";
/// Number of agents in the group.
const AGENTS: usize = 40;
/// Capacity of each agent, in conversations: 4000 for the group.
const CAPACITY: u32 = 100;
/// Number of visitors before the measurement, which warm up every function.
const WARM_UP: usize = 20;

struct Options {
    json: bool,
    seconds: u32,
    rates: Vec<u32>,
}

/// One visitor's first message.
struct Push {
    openid: String,
    /// When it was sent.
    written: Timestamp,
    /// When WeChat had the callback's `success`.
    acknowledged: Timestamp,
}

/// Median, 95th percentile and maximum, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    p50: f64,
    p95: f64,
    max: f64,
}

/// The result for one rate.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Messages a second that were sent.
    rate: u32,
    messages: usize,
    /// Assignments a second, from the first push to the last assignment.
    reached: f64,
    /// From the visitor's message to the callback's `success`.
    acknowledged_ms: Spread,
    /// From the callback's `success` to the assignment.
    assigned_ms: Spread,
    /// Conversations without an agent at the end.
    unassigned: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let options = options(arguments)?;
    let mut outcomes = Vec::new();
    for rate in &options.rates {
        outcomes.push(measure(*rate, options.seconds).await?);
    }
    let mut stdout = io::stdout();
    if options.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&outcomes)?)?;
        return Ok(());
    }
    writeln!(
        stdout,
        "{:>8}{:>10}{:>12}{:>24}{:>34}{:>12}",
        "rate/s", "messages", "reached/s", "success ms", "assigned ms", "unassigned"
    )?;
    for it in outcomes {
        let (ack, assigned) = (it.acknowledged_ms, it.assigned_ms);
        writeln!(
            stdout,
            "{:>8}{:>10}{:>12.1}{:>24}{:>34}{:>12}",
            it.rate,
            it.messages,
            it.reached,
            format!("p50 {:.1} p95 {:.1}", ack.p50, ack.p95),
            format!("p50 {:.1} p95 {:.1} max {:.1}", assigned.p50, assigned.p95, assigned.max),
            it.unassigned,
        )?;
    }
    Ok(())
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let wrong = |what: &str| {
        Error::Usage(format!("{what}\nusage: assignment [--json] [--seconds SECONDS] [--rates RATE,RATE…]"))
    };
    let mut options = Options { json: false, seconds: 10, rates: vec![1, 50, 200] };
    while let Some(name) = arguments.next() {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        match name.as_str() {
            "--json" => options.json = true,
            "--seconds" => {
                let seconds = arguments.next().as_deref().and_then(number);
                options.seconds = seconds.ok_or_else(|| wrong("--seconds needs a number"))?;
            }
            "--rates" => {
                let rates = arguments.next().unwrap_or_default();
                let rates: Option<Vec<u32>> = rates.split(',').map(number).collect();
                options.rates = rates.ok_or_else(|| wrong("--rates needs numbers"))?;
            }
            other => return Err(wrong(&format!("unknown argument {other}"))),
        }
    }
    Ok(options)
}

async fn measure(rate: u32, seconds: u32) -> Result<Outcome> {
    let desk = Arc::new(Desk::start(Arc::new(SystemClock), Streams::Automatic).await?);
    let mut agents = Vec::new();
    for _ in 0..AGENTS {
        agents.push(desk.agent(CAPACITY).await?);
    }
    let group = desk.group(&agents).await?;
    desk.bind(APP_ID, None, json!({ "group_id": group })).await?;
    for number in 0..WARM_UP {
        desk.send_text(APP_ID, &format!("oWARM{number:05}-0123456789abcdefg"), TEXT).await?;
    }
    desk.bundle.drain_streams().await?;

    let started = Instant::now();
    let interval = Duration::from_secs(1) / rate;
    let mut pushes = JoinSet::new();
    for number in 0..rate * seconds {
        tokio::time::sleep_until(started + interval * number).await;
        let (desk, openid) = (Arc::clone(&desk), format!("oTIME{number:05}-0123456789abcdefg"));
        pushes.spawn(async move {
            let written = Timestamp::now();
            desk.send_text(APP_ID, &openid, TEXT).await?;
            Ok(Push { openid, written, acknowledged: Timestamp::now() })
        });
    }
    let pushes: Vec<Push> = pushes.join_all().await.into_iter().collect::<Result<_>>()?;
    // Waits until every push is processed.
    desk.bundle.drain_streams().await?;
    let assigned = assignments(&desk).await?;
    outcome(rate, &pushes, &assigned)
}

/// The time of assignment of each visitor's conversation, by openid.
async fn assignments(desk: &Desk) -> Result<HashMap<String, Timestamp>> {
    let mut stream = Stream::of(desk).await?;
    let mut assigned = HashMap::new();
    loop {
        let records = stream.next().await?;
        if records.is_empty() {
            return Ok(assigned);
        }
        let is_assigned = |event: &Event| event.kind == EventKind::Assigned;
        for record in records.iter().filter(|record| events(record).iter().any(is_assigned)) {
            let at = written_at(record).ok_or_else(|| Error::Other(format!("record without a time: {record}")))?;
            assigned.entry(attribute(record, "openid").to_owned()).or_insert(at);
        }
    }
}

fn outcome(rate: u32, pushes: &[Push], assigned: &HashMap<String, Timestamp>) -> Result<Outcome> {
    let nothing = || Error::Other("no conversation was assigned".to_owned());
    let ended = || pushes.iter().filter_map(|push| Some((push, *assigned.get(&push.openid)?)));
    let first = pushes.iter().map(|push| push.written).min().ok_or_else(nothing)?;
    let last = ended().map(|(_, at)| at).max().ok_or_else(nothing)?;
    // The times are wrong if the clock was set, or if dynoxide changed the form of its sequence numbers.
    if last < first || Timestamp::now() < last {
        let wrong = format!("implausible times: last assignment at {last}, first message at {first}");
        return Err(Error::Other(wrong));
    }
    let acknowledged = pushes.iter().map(|push| milliseconds(push.written, push.acknowledged));
    let (acknowledged, count) = (acknowledged.collect(), ended().count());
    let times = ended().map(|(push, at)| milliseconds(push.acknowledged, at)).collect();
    Ok(Outcome {
        rate,
        messages: pushes.len(),
        reached: f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / last.duration_since(first).as_secs_f64(),
        acknowledged_ms: Spread::of(acknowledged).ok_or_else(nothing)?,
        assigned_ms: Spread::of(times).ok_or_else(nothing)?,
        unassigned: pushes.len() - count,
    })
}

/// Negative if the assignment happened before the callback's answer arrived.
fn milliseconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        Some(Self { p50: values[last.div_ceil(2)], p95: values[(last * 19).div_ceil(20)], max: values[last] })
    }
}
