//! `Type: DynamoDB`: a function that reads a table's stream.

use std::time::Duration;

use serde::Deserialize;

use super::events::Destinations;
use super::intrinsics::logical_id;
use super::{Result, TemplateError};
use crate::streams::Pattern;

/// A function that reads a table's stream.
#[derive(Debug, Clone)]
pub struct StreamMapping {
    /// The function's logical id and the event's name, as `Reception/Inbound`.
    pub name: String,
    /// The logical id of the function.
    pub function: String,
    /// The logical id of the table.
    pub table: String,
    /// The ARN of the stream.
    pub arn: String,
    /// How many records one invocation gets at most.
    pub batch_size: usize,
    /// How long records are gathered before the function is called, from the first on, unless the batch is full earlier.
    pub window: Duration,
    /// How many batches are on their way at once (1 to 10). Records of one partition key are always in order.
    pub parallel: usize,
    /// Whether a new consumer begins with the oldest record, or with the next.
    pub from_oldest: bool,
    /// How often a failed batch is tried again.
    pub retries: u32,
    /// Whether a failed batch is split in two before it is tried again.
    pub bisect: bool,
    /// Whether the function's answer names the records that failed.
    pub reports_failures: bool,
    /// The logical id of the queue for what failed for good.
    pub dead_letters: Option<String>,
    /// A record is delivered when one of these matches, or when there are none.
    pub patterns: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DynamoDb {
    stream: String,
    starting_position: String,
    #[serde(default = "default_batch_size")]
    batch_size: usize,
    #[serde(default)]
    maximum_batching_window_in_seconds: u64,
    #[serde(default = "default_parallelization_factor")]
    parallelization_factor: usize,
    #[serde(default)]
    maximum_retry_attempts: Option<i64>,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    destination_config: Destinations,
    #[serde(default)]
    filter_criteria: FilterCriteria,
}

fn default_batch_size() -> usize {
    100
}

fn default_parallelization_factor() -> usize {
    1
}

impl DynamoDb {
    /// The mapping of a function's event.
    pub(super) fn mapping(self, name: String, function: String) -> Result<StreamMapping> {
        self.check()?;
        let patterns = self.filter_criteria.filters.iter();
        let patterns = patterns
            .map(|filter| Pattern::read(&filter.pattern).map_err(|error| TemplateError::new(error.to_string())));
        Ok(StreamMapping {
            name,
            function,
            table: logical_id(&self.stream)?.to_owned(),
            batch_size: self.batch_size,
            window: Duration::from_secs(self.maximum_batching_window_in_seconds),
            parallel: self.parallelization_factor,
            from_oldest: self.starting_position == "TRIM_HORIZON",
            // Lambda's own, -1, means until the record leaves the stream.
            retries: self.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX),
            bisect: self.bisect_batch_on_function_error,
            reports_failures: self.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures"),
            dead_letters: self.destination_config.dead_letters()?,
            patterns: patterns.collect::<Result<_>>()?,
            arn: self.stream,
        })
    }

    /// Lambda's limits (`services-ddb-params.html`, `invocation-eventsourcemapping.html`), at which a deployment would fail.
    fn check(&self) -> Result<()> {
        let limits = [
            ("BatchSize", self.batch_size as u64, 1..=10_000),
            ("MaximumBatchingWindowInSeconds", self.maximum_batching_window_in_seconds, 0..=300),
            ("ParallelizationFactor", self.parallelization_factor as u64, 1..=10),
        ];
        let beyond = limits.into_iter().find(|(_, value, limits)| !limits.contains(value));
        beyond.map_or(Ok(()), |(name, value, limits)| {
            Err(TemplateError::new(format!("{name} is {value}, which is not within {limits:?}")))
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}
