//! One function process: it is started as Lambda starts it, answers events, and is killed.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    dynamodb::Endpoint,
    error::{BenchError, at},
    runtime_api::{Answer, RuntimeApi},
    small_share::SmallShare,
};

/// The longest wait for a poll or an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pause between two events under a quota. It lasts longer than a period of the quota, so that the previous event does not
/// use up the quota of the next.
const PAUSE: Duration = Duration::from_millis(25);

/// A function's program and the environment it starts in.
pub(crate) struct Program {
    /// What it answers.
    pub(crate) kind: Kind,
    /// The name in the report.
    pub(crate) name: String,
    /// Where its requests to DynamoDB go.
    pub(crate) endpoint: Endpoint,
    /// The executable and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Environment variables beside those that Lambda sets.
    pub(crate) variables: Vec<(String, String)>,
    /// The expected body of every answer.
    pub(crate) body: Body,
}

/// What a program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// WeChat pushes, without a table.
    Hello,
    /// WeChat pushes, which it stores.
    Pushes,
    /// Lists of conversations.
    Lists,
}

/// The expected body of an answer with status 200.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    /// Exactly this text.
    Equals(&'static str),
    /// Any text with this part.
    Contains(&'static str),
}

impl Body {
    fn matches(self, body: &str) -> bool {
        match self {
            Self::Equals(text) => body == text,
            Self::Contains(part) => body.contains(part),
        }
    }
}

/// The measurements of one process, in milliseconds and bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Process start to the first poll.
    pub(crate) init: f64,
    /// Process start to the first answer; `None` under a quota, because the process starts outside it.
    pub(crate) start_to_first: Option<f64>,
    /// Delivery of the first event to its answer.
    pub(crate) first: f64,
    /// CPU time from the process start to the first answer; `None` under a quota.
    pub(crate) start_to_first_cpu: Option<f64>,
    /// CPU time of the first event, including what the function does before its next poll; measured under a quota only.
    pub(crate) first_cpu: Option<f64>,
    /// CPU time of an event after the first, on average.
    pub(crate) warm_cpu: f64,
    /// Delivery of the hundredth event to its answer.
    pub(crate) hundredth: f64,
    /// Peak resident set size.
    pub(crate) peak_rss: f64,
    /// What it logs for an event, on average.
    pub(crate) log_per_event: f64,
}

struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts the program, delivers the events one by one, checks the answers and kills the process. A small share applies
    /// from the first poll on: Lambda does not throttle the init phase.
    pub(crate) async fn run(
        &self,
        folder: &Path,
        share: Option<&SmallShare>,
        events: &[Bytes],
    ) -> Result<Run, BenchError> {
        let mut api = RuntimeApi::start().await?;
        let (first_event, other_events) =
            events.split_first().ok_or_else(|| BenchError::Usage("no events".to_owned()))?;
        if share.is_none() {
            api.deliver(first_event.clone());
        }
        let started = Instant::now();
        let process = self.spawn(folder, &api)?;
        let polled = tokio::time::timeout(TIMEOUT, api.polled()).await.ok().flatten();
        let polled = polled.ok_or_else(|| process.failed("no poll for an event"))?;
        let mut cpu_before = None;
        if let Some(share) = share {
            share.add(process.child.id()).map_err(at("control group"))?;
            cpu_before = Some(process.cpu()?);
            api.deliver(first_event.clone());
        }
        let first = self.answer(&mut api, &process).await?;
        let mut last = duration(&first);
        if share.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
        let cpu = process.cpu()?;
        for event in other_events {
            if share.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            api.deliver(event.clone());
            last = duration(&self.answer(&mut api, &process).await?);
        }
        Ok(Run {
            init: ms(polled - started),
            start_to_first: share.is_none().then(|| ms(first.answered - started)),
            start_to_first_cpu: share.is_none().then_some(cpu),
            first: duration(&first),
            first_cpu: cpu_before.map(|before| cpu - before),
            warm_cpu: (process.cpu()? - cpu) / count(other_events.len()),
            hundredth: last,
            peak_rss: process.peak_rss()?,
            log_per_event: process.log_bytes()? / count(events.len()),
        })
    }

    fn spawn(&self, folder: &Path, api: &RuntimeApi) -> Result<Process, BenchError> {
        let log = folder.join(format!("{}.log", self.name));
        let stdout = File::create(&log).map_err(at("log"))?;
        let stderr = stdout.try_clone().map_err(at("log"))?;
        let (executable, arguments) =
            self.command.split_first().ok_or_else(|| BenchError::Usage(format!("{} has no command", self.name)))?;
        let child = Command::new(executable)
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &self.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("LAMBDA_TASK_ROOT", "/var/task")
            .env("_HANDLER", "bootstrap")
            .env("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin")
            .env("LANG", "en_US.UTF-8")
            .env("TZ", ":UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .map_err(at(executable.to_string_lossy()))?;
        Ok(Process { name: self.name.clone(), child, log })
    }

    /// The next answer; an error if it is not the expected one.
    async fn answer(&self, api: &mut RuntimeApi, process: &Process) -> Result<Answer, BenchError> {
        let answer = tokio::time::timeout(TIMEOUT, api.answer()).await.ok().flatten();
        let answer = answer.ok_or_else(|| process.failed("no answer"))?;
        let response: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let body = response["body"].as_str().unwrap_or_default();
        if answer.resource == "response" && response["statusCode"] == 200 && self.body.matches(body) {
            Ok(answer)
        } else {
            Err(process.failed(&format!("{}: {}", answer.resource, String::from_utf8_lossy(&answer.body))))
        }
    }
}

impl Process {
    fn failed(&self, problem: &str) -> BenchError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        BenchError::Function { function: self.name.clone(), problem: problem.to_owned(), log }
    }

    /// CPU time of all threads since the start, in milliseconds (`schedstat`, kernel documentation, "Scheduler Statistics").
    fn cpu(&self) -> Result<f64, BenchError> {
        let path = format!("/proc/{}/task", self.child.id());
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(&path).map_err(at(&path))? {
            let path = task.map_err(at(&path))?.path().join("schedstat");
            let text = fs::read_to_string(&path).map_err(at(path.to_string_lossy()))?;
            let spent = text.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
            nanoseconds += spent.ok_or_else(|| self.failed("no schedstat"))?;
        }
        Ok(nanoseconds / 1e6)
    }

    /// The size of its log.
    fn log_bytes(&self) -> Result<f64, BenchError> {
        let size = fs::metadata(&self.log).map_err(at("log"))?.len();
        Ok(count(usize::try_from(size).unwrap_or_default()))
    }

    /// `VmHWM` of proc(5), in bytes.
    fn peak_rss(&self) -> Result<f64, BenchError> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(at(path))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().strip_suffix(" kB")).and_then(|text| text.parse::<f64>().ok());
        Ok(peak.ok_or_else(|| self.failed("no VmHWM"))? * 1024.0)
    }
}

fn duration(answer: &Answer) -> f64 {
    ms(answer.answered - answer.delivered)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
