//! Medians of many runs, as a table or as JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::process::Run;

/// The median and the 90th percentile of a quantity.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    p50: f64,
    p90: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        Some(Self { p50: values[last.div_ceil(2)], p90: values[(last * 9).div_ceil(10)] })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{:.2} ({:.2})", self.p50, self.p90))
    }
}

/// The runs of one program at one share of the CPU; times in milliseconds, sizes in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    runs: usize,
    init_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_to_first_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_to_first_cpu_ms: Option<Spread>,
    first_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_cpu_ms: Option<Spread>,
    hundredth_ms: Spread,
    warm_cpu_ms: Spread,
    peak_rss: Spread,
    log_per_event: Spread,
}

impl Figures {
    fn of(runs: &[Run]) -> Option<Self> {
        let spread = |field: fn(&Run) -> f64| Spread::of(runs.iter().map(field));
        Some(Self {
            runs: runs.len(),
            init_ms: spread(|run| run.init)?,
            start_to_first_ms: Spread::of(runs.iter().filter_map(|run| run.start_to_first)),
            start_to_first_cpu_ms: Spread::of(runs.iter().filter_map(|run| run.start_to_first_cpu)),
            first_ms: spread(|run| run.first)?,
            first_cpu_ms: Spread::of(runs.iter().filter_map(|run| run.first_cpu)),
            hundredth_ms: spread(|run| run.hundredth)?,
            warm_cpu_ms: spread(|run| run.warm_cpu)?,
            peak_rss: spread(|run| run.peak_rss)?,
            log_per_event: spread(|run| run.log_per_event)?,
        })
    }
}

/// The result of the measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// By program name with underscores, as `message_ingress`, `message_ingress_128_mb_share`, `desk_api_baseline`.
    #[serde(flatten)]
    programs: BTreeMap<String, Figures>,
    /// Why there are no figures under a CPU quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    small_share_skipped: Option<String>,
    /// Process start to first answer, divided by that of the run of `hello` in the same round.
    ratios_to_hello: BTreeMap<String, Spread>,
    /// The same with CPU time.
    cpu_ratios_to_hello: BTreeMap<String, Spread>,
}

impl Report {
    /// Summarizes the runs of each program, which are in the order of the rounds.
    pub(crate) fn new(runs: &BTreeMap<String, Vec<Run>>, small_share_skipped: Option<String>) -> Self {
        Self {
            programs: runs.iter().filter_map(|(name, runs)| Some((key(name), Figures::of(runs)?))).collect(),
            small_share_skipped,
            ratios_to_hello: ratios_to_hello(runs, |run| run.start_to_first),
            cpu_ratios_to_hello: ratios_to_hello(runs, |run| run.start_to_first_cpu),
        }
    }

    /// Prints a table.
    pub(crate) fn print(&self, to: &mut impl Write) -> io::Result<()> {
        writeln!(
            to,
            "{:<30}{:>6}{:>16}{:>18}{:>18}{:>14}{:>14}{:>14}{:>14}{:>14}",
            "p50 (p90)",
            "runs",
            "init ms",
            "start→first ms",
            "of it CPU ms",
            "1st ms",
            "100th ms",
            "warm CPU ms",
            "peak RSS MB",
            "log bytes"
        )?;
        for (name, it) in &self.programs {
            let optional = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |spread| spread.to_string());
            writeln!(
                to,
                "{name:<30}{:>6}{:>16}{:>18}{:>18}{:>14}{:>14}{:>14}{:>14.1}{:>14.0}",
                it.runs,
                it.init_ms,
                optional(it.start_to_first_ms),
                optional(it.start_to_first_cpu_ms),
                it.first_ms,
                it.hundredth_ms,
                it.warm_cpu_ms,
                it.peak_rss.p50 / 1e6,
                it.log_per_event.p50
            )?;
            if let Some(cpu) = it.first_cpu_ms {
                writeln!(to, "{:<30}CPU time of the first event: {cpu} ms", "")?;
            }
        }
        if let Some(reason) = &self.small_share_skipped {
            writeln!(to, "No figures under a CPU quota: {reason}")?;
        }
        for (name, ratio) in &self.ratios_to_hello {
            writeln!(to, "start→first, {name} to hello: {ratio}")?;
        }
        for (name, ratio) in &self.cpu_ratios_to_hello {
            writeln!(to, "CPU of start→first, {name} to hello: {ratio}")?;
        }
        Ok(())
    }
}

/// A quantity of each program, divided by that of the run of `hello` in the same round. The runs are in the order of the rounds.
fn ratios_to_hello(
    runs: &BTreeMap<String, Vec<Run>>,
    quantity: impl Fn(&Run) -> Option<f64>,
) -> BTreeMap<String, Spread> {
    let hello = runs.get("hello").map(Vec::as_slice).unwrap_or_default();
    let ratios = runs.iter().filter(|(name, _)| *name != "hello").filter_map(|(name, runs)| {
        let rounds = runs.iter().zip(hello);
        Some((key(name), Spread::of(rounds.filter_map(|(ours, hello)| Some(quantity(ours)? / quantity(hello)?)))?))
    });
    ratios.collect()
}

/// `message-ingress, 128 MB share` becomes `message_ingress_128_mb_share`.
fn key(name: &str) -> String {
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}
