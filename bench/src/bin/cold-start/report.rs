//! Medians of many runs, for a person or as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::process::Run;

/// Half of the runs were below `p50`, nine of ten below `p90`.
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

/// What a program took at one share of the CPU; times in milliseconds, sizes in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    runs: usize,
    init_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_to_first_ms: Option<Spread>,
    first_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_cpu_ms: Option<Spread>,
    hundredth_ms: Spread,
    peak_rss: Spread,
}

impl Figures {
    fn of(runs: &[Run], throttled: bool) -> Option<Self> {
        let spread = |field: fn(&Run) -> f64| Spread::of(runs.iter().map(field));
        Some(Self {
            runs: runs.len(),
            init_ms: spread(|run| run.init)?,
            start_to_first_ms: if throttled { None } else { spread(|run| run.start_to_first) },
            first_ms: spread(|run| run.first)?,
            first_cpu_ms: Spread::of(runs.iter().filter_map(|run| run.first_cpu)),
            hundredth_ms: spread(|run| run.hundredth)?,
            peak_rss: spread(|run| run.peak_rss)?,
        })
    }
}

/// The whole measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    hello: Option<Figures>,
    message_ingress: Option<Figures>,
    message_ingress_small_share: Option<Figures>,
    /// Why there is nothing under a quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    small_share_skipped: Option<String>,
    /// Process start to first answer, `message-ingress` to hello, each run to the one beside it.
    start_to_first_ratio: Option<Spread>,
}

impl Report {
    pub(crate) fn new(hello: &[Run], full: &[Run], throttled: &[Run], skipped: Option<String>) -> Self {
        let pairs = full.iter().zip(hello);
        Self {
            hello: Figures::of(hello, false),
            message_ingress: Figures::of(full, false),
            message_ingress_small_share: Figures::of(throttled, true),
            small_share_skipped: skipped,
            start_to_first_ratio: Spread::of(pairs.map(|(ours, hello)| ours.start_to_first / hello.start_to_first)),
        }
    }

    /// A table for a person.
    pub(crate) fn print(&self, to: &mut impl Write) -> io::Result<()> {
        writeln!(
            to,
            "{:<30}{:>6}{:>12}{:>16}{:>14}{:>14}{:>12}",
            "p50 (p90)", "runs", "init ms", "start→first ms", "1st ms", "100th ms", "peak RSS MB"
        )?;
        let rows = [
            ("hello", &self.hello),
            ("message-ingress", &self.message_ingress),
            ("message-ingress, 128 MB share", &self.message_ingress_small_share),
        ];
        for (name, figures) in rows {
            if let Some(it) = figures {
                let total = it.start_to_first_ms.map_or_else(|| "-".to_owned(), show);
                writeln!(
                    to,
                    "{name:<30}{:>6}{:>12}{total:>16}{:>14}{:>14}{:>12.1}",
                    it.runs,
                    show(it.init_ms),
                    show(it.first_ms),
                    show(it.hundredth_ms),
                    it.peak_rss.p50 / 1e6
                )?;
            }
        }
        if let Some(cpu) = self.message_ingress_small_share.as_ref().and_then(|it| it.first_cpu_ms) {
            writeln!(to, "CPU time of the first push at the 128 MB share: {} ms", show(cpu))?;
        }
        if let Some(why) = &self.small_share_skipped {
            writeln!(to, "Nothing under a CPU quota: {why}")?;
        }
        if let Some(ratio) = self.start_to_first_ratio {
            writeln!(to, "start→first, message-ingress to hello: {}", show(ratio))?;
        }
        Ok(())
    }
}

fn show(spread: Spread) -> String {
    format!("{:.2} ({:.2})", spread.p50, spread.p90)
}
