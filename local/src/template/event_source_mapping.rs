//! Events with `Type: DynamoDB`: event source mappings of a table's stream.

use std::time::Duration;

use serde::Deserialize;

use super::events::Destinations;
use super::filter_pattern::FilterPattern;
use super::intrinsics::logical_id;
use super::{Result, TemplateError};

/// An event source mapping of a table's stream.
#[derive(Debug, Clone)]
pub struct EventSourceMapping {
    /// The function's logical id and the event's name, as `Reception/Inbound`.
    pub name: String,
    /// The logical id of the function.
    pub function: String,
    /// The logical id of the table.
    pub table: String,
    /// The ARN of the stream.
    pub stream_arn: String,
    /// The most records of one batch.
    pub batch_size: usize,
    /// How long records are collected for a batch that is not full, from the first record.
    pub batching_window: Duration,
    /// The number of concurrent batches (1 to 10). Records of one partition key stay in order.
    pub parallelization_factor: usize,
    /// Whether the starting position is `TRIM_HORIZON` (the oldest record) or `LATEST`.
    pub from_trim_horizon: bool,
    /// The most retries of a failed batch.
    pub max_retries: u32,
    /// Whether a failed batch is split in two before a retry.
    pub bisect_on_error: bool,
    /// Whether the function's answer lists the records that failed (`ReportBatchItemFailures`).
    pub reports_failures: bool,
    /// The logical id of the queue for discarded batches.
    pub dead_letter_queue: Option<String>,
    /// A record is delivered if one of these matches, or if there are none.
    pub filters: Vec<FilterPattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DynamoDbEvent {
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

impl DynamoDbEvent {
    /// The event source mapping for a function.
    pub(super) fn into_mapping(self, name: String, function: String) -> Result<EventSourceMapping> {
        self.check_limits()?;
        let filters = self.filter_criteria.filters.iter();
        let filters = filters
            .map(|filter| FilterPattern::parse(&filter.pattern).map_err(|error| TemplateError::new(error.to_string())));
        Ok(EventSourceMapping {
            name,
            function,
            table: logical_id(&self.stream)?.to_owned(),
            batch_size: self.batch_size,
            batching_window: Duration::from_secs(self.maximum_batching_window_in_seconds),
            parallelization_factor: self.parallelization_factor,
            from_trim_horizon: self.starting_position == "TRIM_HORIZON",
            // Lambda's default, -1, means until the record expires.
            max_retries: self.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX),
            bisect_on_error: self.bisect_batch_on_function_error,
            reports_failures: self.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures"),
            dead_letter_queue: self.destination_config.dead_letter_queue()?,
            filters: filters.collect::<Result<_>>()?,
            stream_arn: self.stream,
        })
    }

    /// Checks Lambda's limits (AWS Lambda developer guide, "Lambda parameters for Amazon DynamoDB event source mappings").
    fn check_limits(&self) -> Result<()> {
        let limits = [
            ("BatchSize", self.batch_size as u64, 1..=10_000),
            ("MaximumBatchingWindowInSeconds", self.maximum_batching_window_in_seconds, 0..=300),
            ("ParallelizationFactor", self.parallelization_factor as u64, 1..=10),
        ];
        let exceeded = limits.into_iter().find(|(_, value, limits)| !limits.contains(value));
        exceeded.map_or(Ok(()), |(name, value, limits)| {
            Err(TemplateError::new(format!("{name} is {value}, which is outside {limits:?}")))
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
