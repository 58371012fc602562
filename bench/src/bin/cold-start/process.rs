//! One function process: started as Lambda starts it, asked some events, and ended.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    error::{BenchError, at},
    runtime_api::{Answer, RuntimeApi},
    small_share::SmallShare,
};

/// How long a function may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two events under a quota: long enough for a new period, so that an event is measured and not the one before it.
const PAUSE: Duration = Duration::from_millis(25);

/// A release binary and what it is given to start with.
pub(crate) struct Program {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// The binary.
    pub(crate) path: PathBuf,
    /// Its variables, beside Lambda's own.
    pub(crate) variables: Vec<(String, String)>,
    /// What every answer must contain.
    pub(crate) body: &'static str,
}

/// What one process took, in milliseconds and bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Process start to the first poll.
    pub(crate) init: f64,
    /// Process start to the first answer. Meaningless under a quota: the process is moved in between.
    pub(crate) start_to_first: f64,
    /// First event handed over to first answer.
    pub(crate) first: f64,
    /// CPU time of that, with what the function does before it waits again; known under a quota only.
    pub(crate) first_cpu: Option<f64>,
    /// The same as `first`, of the hundredth event.
    pub(crate) hundredth: f64,
    /// Peak resident set size.
    pub(crate) peak_rss: f64,
}

struct Process {
    function: &'static str,
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
    /// Starts the program, hands it the events one by one, checks the answers, and ends it. With a small share it is put
    /// under the quota after its first poll: on Lambda the start is not throttled.
    pub(crate) async fn run(
        &self,
        folder: &Path,
        share: Option<&SmallShare>,
        events: &[Bytes],
    ) -> Result<Run, BenchError> {
        let mut api = RuntimeApi::start().await?;
        let (one, others) = events.split_first().ok_or_else(|| BenchError::Usage("there are no events".to_owned()))?;
        if share.is_none() {
            api.hand(one.clone());
        }
        let began = Instant::now();
        let process = self.spawn(folder, &api)?;
        let polled = tokio::time::timeout(PATIENCE, api.polled()).await.ok().flatten();
        let polled = polled.ok_or_else(|| process.failed("never asked for an event"))?;
        let mut cpu = None;
        if let Some(share) = share {
            share.take(process.child.id()).map_err(at("control group"))?;
            cpu = Some(process.cpu()?);
            api.hand(one.clone());
        }
        let first = self.answer(&mut api, &process).await?;
        let mut last = took(&first);
        if let Some(before) = cpu {
            tokio::time::sleep(PAUSE).await;
            cpu = Some(process.cpu()? - before);
        }
        for event in others {
            if share.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            api.hand(event.clone());
            last = took(&self.answer(&mut api, &process).await?);
        }
        Ok(Run {
            init: ms(polled - began),
            start_to_first: ms(first.answered - began),
            first: took(&first),
            first_cpu: cpu,
            hundredth: last,
            peak_rss: process.peak_rss()?,
        })
    }

    fn spawn(&self, folder: &Path, api: &RuntimeApi) -> Result<Process, BenchError> {
        let log = folder.join(format!("{}.log", self.name));
        let to = File::create(&log).map_err(at("log"))?;
        let too = to.try_clone().map_err(at("log"))?;
        let child = Command::new(&self.path)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name)
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
            .stdout(to)
            .stderr(too)
            .spawn()
            .map_err(at(self.path.to_string_lossy()))?;
        Ok(Process { function: self.name, child, log })
    }

    /// The next answer, if it is the right one.
    async fn answer(&self, api: &mut RuntimeApi, process: &Process) -> Result<Answer, BenchError> {
        let answer = tokio::time::timeout(PATIENCE, api.answer()).await.ok().flatten();
        let answer = answer.ok_or_else(|| process.failed("never answered"))?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.resource == "response" && said["statusCode"] == 200 && said["body"] == self.body {
            Ok(answer)
        } else {
            Err(process.failed(&format!("{}: {}", answer.resource, String::from_utf8_lossy(&answer.body))))
        }
    }
}

impl Process {
    fn failed(&self, what: &str) -> BenchError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        BenchError::Function { function: self.function, what: what.to_owned(), log }
    }

    /// CPU time of all threads so far, in milliseconds (`schedstat`, kernel documentation, "Scheduler Statistics").
    fn cpu(&self) -> Result<f64, BenchError> {
        let path = format!("/proc/{}/task", self.child.id());
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(&path).map_err(at(&path))? {
            let path = task.map_err(at(&path))?.path().join("schedstat");
            let text = fs::read_to_string(&path).map_err(at(path.to_string_lossy()))?;
            let spent = text.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
            nanoseconds += spent.ok_or_else(|| self.failed("has no schedstat"))?;
        }
        Ok(nanoseconds / 1e6)
    }

    /// `VmHWM` of proc(5), in bytes.
    fn peak_rss(&self) -> Result<f64, BenchError> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(at(path))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().strip_suffix(" kB")).and_then(|text| text.parse::<f64>().ok());
        Ok(peak.ok_or_else(|| self.failed("has no VmHWM"))? * 1024.0)
    }
}

fn took(answer: &Answer) -> f64 {
    ms(answer.answered - answer.handed)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
