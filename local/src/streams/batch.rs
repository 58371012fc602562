//! One batch until it is done: retries, bisecting, and the queue for what failed for good.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html> and `…/services-ddb-batchfailurereporting.html`

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::sequence_number;
use crate::functions::InvokeError;
use crate::template::{Schedule, StreamMapping, function_arn};

/// Whether there is a wait before a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Waits that grow, as in AWS.
    BackOff,
    /// None: a test wants to be through.
    AtOnce,
}

impl Pace {
    async fn wait(self, attempt: u32) {
        if self == Self::BackOff {
            let milliseconds = 100 << attempt.min(5);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
}

/// What failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The logical id of the queue.
    pub queue: String,
    /// The logical id of the function.
    pub function: String,
    /// The message, in the form that Lambda sends.
    pub message: Value,
}

/// The queues for what failed for good, one list for all. They end with the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeadLetters(Arc<Mutex<Vec<DeadLetter>>>);

impl DeadLetters {
    pub(crate) fn all(&self) -> Vec<DeadLetter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add_batch(&self, mapping: &StreamMapping, records: &[Value], attempts: u32, now: Timestamp) {
        let number = |record: Option<&Value>| record.map(|record| sequence_number(record).to_owned());
        let message = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "functionArn": function_arn(&mapping.function),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "DDBStreamBatchInfo": {
                "streamArn": mapping.arn,
                "batchSize": records.len(),
                "startSequenceNumber": number(records.first()),
                "endSequenceNumber": number(records.last()),
            },
        });
        self.add(mapping.dead_letters.as_deref(), &mapping.function, message);
    }

    pub(crate) fn add_tick(&self, schedule: &Schedule, attempts: u32, now: Timestamp) {
        let message = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "functionArn": function_arn(&schedule.function),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": schedule.input,
        });
        self.add(schedule.dead_letters.as_deref(), &schedule.function, message);
    }

    fn add(&self, queue: Option<&str>, function: &str, message: Value) {
        tracing::error!(function, queue, "failed for good");
        if let Some(queue) = queue {
            let letter = DeadLetter { queue: queue.to_owned(), function: function.to_owned(), message };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        }
    }
}

/// Calls the function until each record is done or has failed for good; `dead` gets those, with the number of calls.
pub(super) async fn deliver<F>(
    mapping: &StreamMapping,
    records: &[Value],
    pace: Pace,
    invoke: impl Fn(&[Value]) -> F,
    dead: impl Fn(&[Value], u32),
) where
    F: Future<Output = Result<Value, InvokeError>>,
{
    // What is left to do, in order: a run of records and how often it has failed as a whole.
    let mut work = VecDeque::from([(records, 0)]);
    while let Some((records, failures)) = work.pop_front() {
        let Some(failed) = first_failure(mapping, records, invoke(records).await) else { continue };
        // Those before the first failure are done.
        let (_, records) = records.split_at(failed);
        if failed > 0 {
            work.push_front((records, failures));
        } else if mapping.bisect && records.len() > 1 {
            // Splitting does not count as a retry.
            let (first, second) = records.split_at(records.len() / 2);
            work.push_front((second, failures));
            work.push_front((first, failures));
        } else if failures >= mapping.retries {
            dead(records, failures + 1);
        } else {
            pace.wait(failures).await;
            work.push_front((records, failures + 1));
        }
    }
}

/// The index of the first record that failed; none if all are done.
fn first_failure(mapping: &StreamMapping, records: &[Value], answer: Result<Value, InvokeError>) -> Option<usize> {
    let Ok(answer) = answer else { return Some(0) };
    if !mapping.reports_failures {
        return None;
    }
    let failures = answer["batchItemFailures"].as_array()?;
    // A name that is no record's fails the batch as a whole.
    let index = |failure: &Value| {
        let number = failure["itemIdentifier"].as_str().unwrap_or_default();
        records.iter().position(|record| sequence_number(record) == number).unwrap_or(0)
    };
    failures.iter().map(index).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(retries: u32, bisect: bool) -> StreamMapping {
        StreamMapping {
            name: "F/S".to_owned(),
            function: "F".to_owned(),
            table: "T".to_owned(),
            arn: "arn".to_owned(),
            batch_size: 100,
            window: Duration::ZERO,
            parallel: 1,
            from_oldest: true,
            retries,
            bisect,
            reports_failures: true,
            dead_letters: Some("Q".to_owned()),
            patterns: Vec::new(),
        }
    }

    fn records(numbers: &[&str]) -> Vec<Value> {
        numbers.iter().map(|number| json!({"dynamodb": {"SequenceNumber": number}})).collect()
    }

    fn numbers(records: &[Value]) -> String {
        records.iter().map(sequence_number).collect()
    }

    /// Delivers the batch to `function`, which gets the numbers of a call, and returns the calls and the dead batches.
    async fn run(
        mapping: &StreamMapping,
        batch: &[&str],
        function: impl Fn(&str) -> Result<Value, InvokeError>,
    ) -> (Vec<String>, Vec<(String, u32)>) {
        let calls = Mutex::new(Vec::new());
        let dead = Mutex::new(Vec::new());
        let invoke = |records: &[Value]| {
            let numbers = numbers(records);
            let answer = function(&numbers);
            calls.lock().unwrap().push(numbers);
            async move { answer }
        };
        let bury = |records: &[Value], calls| dead.lock().unwrap().push((numbers(records), calls));
        deliver(mapping, &records(batch), Pace::AtOnce, invoke, bury).await;
        (calls.into_inner().unwrap(), dead.into_inner().unwrap())
    }

    fn error() -> Result<Value, InvokeError> {
        Err(InvokeError::Failed("no".to_owned()))
    }

    fn failed(number: &str) -> Value {
        json!({"batchItemFailures": [{"itemIdentifier": number}]})
    }

    #[tokio::test]
    async fn what_succeeds_is_called_once() {
        for answer in [json!(null), json!({}), json!({"batchItemFailures": []})] {
            let (calls, dead) = run(&mapping(5, true), &["a", "b"], |_| Ok(answer.clone())).await;
            assert_eq!((calls, dead), (vec!["ab".to_owned()], vec![]));
        }
    }

    #[tokio::test]
    async fn a_poisoned_record_is_cut_out_and_its_neighbours_get_through() {
        let poisoned = |call: &str| if call.contains('c') { error() } else { Ok(json!(null)) };
        let (calls, dead) = run(&mapping(2, true), &["a", "b", "c", "d"], poisoned).await;
        assert_eq!(calls, ["abcd", "ab", "cd", "c", "c", "c", "d"]);
        assert_eq!(dead, [("c".to_owned(), 3)]);
    }

    #[tokio::test]
    async fn a_reported_failure_is_tried_again_from_there_on() {
        let answer =
            |call: &str| if call.contains('c') { Ok(failed("c")) } else { Ok(json!({"batchItemFailures": []})) };
        let (calls, dead) = run(&mapping(1, true), &["a", "b", "c", "d"], answer).await;
        assert_eq!(calls, ["abcd", "cd", "c", "c", "d"]);
        assert_eq!(dead, [("c".to_owned(), 2)]);
    }

    #[tokio::test]
    async fn the_lowest_of_several_failures_counts() {
        let answer = |call: &str| match call {
            "abc" => Ok(json!({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "b"}]})),
            _ => Ok(json!(null)),
        };
        let (calls, _) = run(&mapping(1, true), &["a", "b", "c"], answer).await;
        assert_eq!(calls, ["abc", "bc"]);
    }

    #[tokio::test]
    async fn without_bisecting_the_batch_fails_as_a_whole() {
        let (calls, dead) = run(&mapping(2, false), &["a", "b"], |_| error()).await;
        assert_eq!(calls, ["ab", "ab", "ab"]);
        assert_eq!(dead, [("ab".to_owned(), 3)]);
    }

    #[tokio::test]
    async fn an_unknown_identifier_fails_the_whole_batch() {
        let (calls, dead) = run(&mapping(0, false), &["a", "b"], |_| Ok(failed("z"))).await;
        assert_eq!((calls, dead), (vec!["ab".to_owned()], vec![("ab".to_owned(), 1)]));
    }
}
