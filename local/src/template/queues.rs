//! `AWS::SQS::Queue`, and the events with `Type: SQS`: event source mappings of a queue.

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::intrinsics::{Resolver, logical_id, plain};
use super::{Result, Template, TemplateError};

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDefinition {
    /// The logical id.
    pub id: String,
    /// The URL, by which senders name it.
    pub url: String,
    /// The ARN.
    pub arn: String,
    /// How long a message that was received stays invisible.
    pub visibility_timeout: SignedDuration,
    /// How long a message without a delay of its own is invisible after it was sent.
    pub delay: SignedDuration,
    /// How long a message is kept.
    pub retention: SignedDuration,
    /// Where a message goes that was received too often.
    pub redrive: Option<Redrive>,
}

/// The redrive policy of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// How often a message is received before it goes there.
    pub max_receive_count: u32,
}

/// An event source mapping of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMapping {
    /// The function's logical id and the event's name, as `Robot/Turn`.
    pub name: String,
    /// The logical id of the function.
    pub function: String,
    /// The logical id of the queue.
    pub queue: String,
    /// The most messages of one batch.
    pub batch_size: usize,
    /// The most concurrent invocations.
    pub max_concurrency: usize,
    /// Whether the function's answer lists the messages that failed (`ReportBatchItemFailures`).
    pub reports_failures: bool,
}

/// The defaults are those of SQS (Amazon SQS API reference, `CreateQueue`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    #[serde(default = "default_visibility_timeout", deserialize_with = "number")]
    visibility_timeout: u32,
    #[serde(default, deserialize_with = "number")]
    delay_seconds: u32,
    #[serde(default = "default_retention", deserialize_with = "number")]
    message_retention_period: u32,
    redrive_policy: Option<RedrivePolicy>,
    /// Encryption, which has no local counterpart.
    #[serde(default, rename = "SqsManagedSseEnabled")]
    _encrypted: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "number")]
    max_receive_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SqsEvent {
    queue: String,
    #[serde(default = "default_batch_size", deserialize_with = "number")]
    batch_size: u32,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    scaling_config: ScalingConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScalingConfig {
    #[serde(deserialize_with = "number")]
    maximum_concurrency: u32,
}

impl Default for ScalingConfig {
    fn default() -> Self {
        // The concurrency of an account.
        Self { maximum_concurrency: 1000 }
    }
}

fn default_visibility_timeout() -> u32 {
    30
}

fn default_retention() -> u32 {
    345_600
}

fn default_batch_size() -> u32 {
    10
}

/// A number, or the text of one: the value of a parameter is a text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let parsed = plain(&value).and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| serde::de::Error::custom(format!("{value} is not a number")))
}

/// Reads a queue into the template.
pub(super) fn read(id: &str, properties: Value, resolver: &Resolver<'_>, template: &mut Template) -> Result<()> {
    let properties = if properties.is_null() { Value::Object(serde_json::Map::new()) } else { properties };
    let properties: Properties =
        serde_json::from_value(properties).map_err(|error| TemplateError::new(error.to_string()))?;
    check_limits(&[
        ("VisibilityTimeout", properties.visibility_timeout, 0..=43_200),
        ("DelaySeconds", properties.delay_seconds, 0..=900),
        ("MessageRetentionPeriod", properties.message_retention_period, 60..=1_209_600),
    ])?;
    let redrive = properties.redrive_policy.map(|policy| {
        let dead_letter_queue = logical_id(&policy.dead_letter_target_arn)?.to_owned();
        Ok(Redrive { dead_letter_queue, max_receive_count: policy.max_receive_count })
    });
    let seconds = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
    let queue = QueueDefinition {
        id: id.to_owned(),
        url: resolver.reference(id)?,
        arn: resolver.attribute(id, "Arn")?,
        visibility_timeout: seconds(properties.visibility_timeout),
        delay: seconds(properties.delay_seconds),
        retention: seconds(properties.message_retention_period),
        redrive: redrive.transpose()?,
    };
    template.queues.insert(id.to_owned(), queue);
    Ok(())
}

impl SqsEvent {
    /// The event source mapping for a function.
    pub(super) fn into_mapping(self, name: String, function: String) -> Result<QueueMapping> {
        // AWS Lambda developer guide, "Lambda parameters for Amazon SQS event source mappings".
        let concurrency = self.scaling_config.maximum_concurrency;
        check_limits(&[("BatchSize", self.batch_size, 1..=10_000), ("MaximumConcurrency", concurrency, 2..=1000)])?;
        Ok(QueueMapping {
            name,
            function,
            queue: logical_id(&self.queue)?.to_owned(),
            batch_size: self.batch_size as usize,
            max_concurrency: concurrency as usize,
            reports_failures: self.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures"),
        })
    }
}

/// Checks that each queue of a mapping exists, and that its messages stay invisible for six times as long as an invocation
/// can take (AWS Lambda developer guide, "Configuring a queue to use with Lambda"): an invocation that Lambda retries itself
/// because of throttling must not meet the same message received by another.
pub(super) fn check_mappings(template: &Template) -> Result<()> {
    for mapping in &template.queue_mappings {
        let queue = template.queues.get(&mapping.queue);
        let queue = queue.ok_or_else(|| TemplateError::new(format!("{}: no queue {}", mapping.name, mapping.queue)))?;
        let timeout = template.functions.get(&mapping.function).map(|function| function.timeout);
        let needed = SignedDuration::try_from(timeout.unwrap_or_default()).unwrap_or_default() * 6;
        if queue.visibility_timeout < needed {
            let message = format!("{}: VisibilityTimeout of {} is below {}", mapping.name, queue.id, needed.as_secs());
            return Err(TemplateError::new(message));
        }
    }
    Ok(())
}

fn check_limits(limits: &[(&str, u32, std::ops::RangeInclusive<u32>)]) -> Result<()> {
    let exceeded = limits.iter().find(|(_, value, limits)| !limits.contains(value));
    exceeded.map_or(Ok(()), |(name, value, limits)| {
        Err(TemplateError::new(format!("{name} is {value}, which is outside {limits:?}")))
    })
}
