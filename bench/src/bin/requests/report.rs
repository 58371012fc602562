//! The counts with their cost, as a table or as JSON.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use serde::Serialize;

use crate::{
    meter::Tallies,
    steps::{Step, difference},
    world::Size,
};

/// List prices of us-east-1 in US dollars for a million: DynamoDB on demand, table class Standard, since November 2024
/// (<https://aws.amazon.com/dynamodb/pricing/on-demand/>); Lambda (<https://aws.amazon.com/lambda/pricing/>).
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
const INVOCATIONS: f64 = 0.20;

/// The requests of a step in a desk of one size.
#[derive(Debug, Clone, Serialize)]
struct Counts {
    /// Requests to DynamoDB, by operation.
    requests: BTreeMap<String, u64>,
    read_units: f64,
    write_units: f64,
    /// Invocations of functions.
    invocations: u64,
    /// US dollars per million steps for the requests to DynamoDB.
    dynamodb_usd: f64,
    /// US dollars per million steps for Lambda's request charge.
    lambda_usd: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    #[serde(flatten)]
    counts: Counts,
    /// The same in the large desk.
    large: Counts,
    functions: Tallies,
}

/// The whole measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    small: Size,
    large: Size,
    read_units_usd: f64,
    write_units_usd: f64,
    invocations_usd: f64,
    rows: Vec<Row>,
    /// Steps whose number of requests differs in the large desk. Must be empty.
    grown: Vec<String>,
}

impl Counts {
    fn of(tallies: &Tallies) -> Self {
        let mut requests = BTreeMap::new();
        for (operation, count) in tallies.values().flat_map(|tally| &tally.requests) {
            *requests.entry(operation.clone()).or_default() += count;
        }
        let read_units = tallies.values().map(|tally| tally.read_units).sum();
        let write_units = tallies.values().map(|tally| tally.write_units).sum();
        let invocations = tallies.values().map(|tally| tally.invocations).sum::<u64>();
        Self {
            requests,
            read_units,
            write_units,
            invocations,
            dynamodb_usd: read_units * READ_UNITS + write_units * WRITE_UNITS,
            lambda_usd: f64::from(u32::try_from(invocations).unwrap_or(u32::MAX)) * INVOCATIONS,
        }
    }

    fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    fn by_operation(&self) -> String {
        let of = |(operation, count): (&String, &u64)| format!("{count} {operation}");
        self.requests.iter().map(of).collect::<Vec<_>>().join(", ")
    }
}

/// One step with its counts.
#[cfg(test)]
pub(crate) fn line(step: &Step) -> String {
    let counts = Counts::of(&step.tallies);
    let (total, operations) = (counts.total(), counts.by_operation());
    format!("{}: {total}: {operations}; {} RRU, {} WRU", step.name, counts.read_units, counts.write_units)
}

impl Report {
    /// Compares the steps of two desks.
    pub(crate) fn new(small: (Size, Vec<Step>), large: (Size, Vec<Step>)) -> Self {
        let pairs: Vec<(Step, Step)> = small.1.into_iter().zip(large.1).collect();
        let grown = pairs.iter().filter_map(|(one, other)| {
            difference(&one.tallies, &other.tallies).map(|difference| format!("{}: {difference}", one.name))
        });
        let grown = grown.collect();
        let rows = pairs.into_iter().map(|(one, other)| Row {
            name: one.name,
            counts: Counts::of(&one.tallies),
            large: Counts::of(&other.tallies),
            functions: one.tallies,
        });
        Self {
            small: small.0,
            large: large.0,
            read_units_usd: READ_UNITS,
            write_units_usd: WRITE_UNITS,
            invocations_usd: INVOCATIONS,
            rows: rows.collect(),
            grown,
        }
    }

    /// Steps whose number of requests differs in the large desk.
    pub(crate) fn grown(&self) -> &[String] {
        &self.grown
    }

    /// Prints a Markdown table.
    pub(crate) fn print(&self, to: &mut impl Write) -> io::Result<()> {
        let (small, large) = (self.small, self.large);
        writeln!(to, "| Step | Requests to DynamoDB | RRU | WRU | USD per million | Invocations | USD per million |")?;
        writeln!(to, "|---|---|--:|--:|--:|--:|--:|")?;
        for row in &self.rows {
            let it = &row.counts;
            let grown = |one: f64, other: f64| {
                let mut text = one.to_string();
                if (one - other).abs() > f64::EPSILON {
                    let _ = write!(text, " ({other})");
                }
                text
            };
            writeln!(
                to,
                "| `{}` | {}: {} | {} | {} | {:.2} | {} | {:.2} |",
                row.name,
                it.total(),
                it.by_operation(),
                grown(it.read_units, row.large.read_units),
                grown(it.write_units, row.large.write_units),
                it.dynamodb_usd,
                it.invocations,
                it.lambda_usd,
            )?;
        }
        writeln!(to)?;
        writeln!(
            to,
            "With {} waiting conversations and {} unrelated agents and groups; in brackets, if different, with {} and {}. The numbers \
             of requests were {}.",
            small.waiting,
            small.bystanders,
            large.waiting,
            large.bystanders,
            if self.grown.is_empty() { "the same" } else { "NOT the same" },
        )
    }
}
