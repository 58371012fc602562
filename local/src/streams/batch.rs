//! The delivery of one batch: retries, bisecting, partial batch responses, dead letters.
//!
//! AWS Lambda developer guide, "Retaining discarded batches for DynamoDB" and "Configuring partial batch response with DynamoDB":
//! a failed invocation bisects the batch in the middle. A reported failure splits it at the lowest reported sequence number only,
//! so that a record that is reported each time takes the records after it to the dead-letter queue.

use std::collections::VecDeque;
use std::time::Duration;

use aws_lambda_events::dynamodb::EventRecord;
use aws_lambda_events::streams::DynamoDbEventResponse;
use serde::Deserialize;
use serde_json::Value;

use super::shard::sequence_number;
use crate::functions::InvokeError;
use crate::template::EventSourceMapping;

/// The pause before a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPause {
    /// Increasing pauses, as in AWS: 100 ms to 3.2 s.
    Backoff,
    /// No pause, for tests.
    None,
}

impl RetryPause {
    async fn wait(self, attempt: u32) {
        if self == Self::Backoff {
            let milliseconds = 100 << attempt.min(5);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
}

/// Invokes the function until each record succeeds or has used up its retries. `discard` gets the records that failed after all
/// retries, with the number of invocations.
pub(super) async fn deliver<F>(
    mapping: &EventSourceMapping,
    records: &[EventRecord],
    pause: RetryPause,
    invoke: impl Fn(&[EventRecord]) -> F,
    discard: impl Fn(&[EventRecord], u32),
) where
    F: Future<Output = Result<Value, InvokeError>>,
{
    // The remaining records, in order: batches with the number of their failed invocations.
    let mut batches = VecDeque::from([(records, 0)]);
    while let Some((records, failures)) = batches.pop_front() {
        match outcome(mapping, records, invoke(records).await) {
            Outcome::Succeeded => {}
            // The records before the first failure are completed.
            Outcome::FailedFrom(failed) if failed > 0 => batches.push_front((&records[failed..], failures)),
            Outcome::Error if mapping.bisect_on_error && records.len() > 1 => {
                // A split does not count as a retry.
                let (first, second) = records.split_at(records.len() / 2);
                batches.push_front((second, failures));
                batches.push_front((first, failures));
            }
            Outcome::FailedFrom(_) | Outcome::Error if failures >= mapping.max_retries => {
                discard(records, failures + 1);
            }
            Outcome::FailedFrom(_) | Outcome::Error => {
                pause.wait(failures).await;
                batches.push_front((records, failures + 1));
            }
        }
    }
}

/// The outcome of an invocation.
enum Outcome {
    /// All records succeeded.
    Succeeded,
    /// The function has reported a failure. This is the index of the first record that failed.
    FailedFrom(usize),
    /// The invocation failed.
    Error,
}

fn outcome(mapping: &EventSourceMapping, records: &[EventRecord], answer: Result<Value, InvokeError>) -> Outcome {
    let Ok(answer) = answer else { return Outcome::Error };
    match first_failure(mapping, records, answer) {
        Some(failed) => Outcome::FailedFrom(failed),
        None => Outcome::Succeeded,
    }
}

/// The index of the first record whose failure is reported; `None` if there is none.
fn first_failure(mapping: &EventSourceMapping, records: &[EventRecord], answer: Value) -> Option<usize> {
    if !mapping.reports_failures {
        return None;
    }
    // An absent or null list is a success, a malformed one fails the whole batch.
    answer.get("batchItemFailures").filter(|failures| !failures.is_null())?;
    let Ok(response) = DynamoDbEventResponse::deserialize(answer) else { return Some(0) };
    // An identifier of none of the records fails the whole batch.
    let index = |identifier: Option<&str>| {
        records.iter().position(|record| Some(sequence_number(record)) == identifier).unwrap_or(0)
    };
    response.batch_item_failures.iter().map(|failure| index(failure.item_identifier.as_deref())).min()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    fn mapping(retries: u32, bisect: bool) -> EventSourceMapping {
        EventSourceMapping {
            name: "F/S".to_owned(),
            function: "F".to_owned(),
            table: "T".to_owned(),
            stream_arn: "arn".to_owned(),
            batch_size: 100,
            batching_window: Duration::ZERO,
            parallelization_factor: 1,
            from_trim_horizon: true,
            max_retries: retries,
            bisect_on_error: bisect,
            reports_failures: true,
            dead_letter_queue: Some("Q".to_owned()),
            filters: Vec::new(),
        }
    }

    fn records(numbers: &[&str]) -> Vec<EventRecord> {
        let record = |number: &&str| {
            let mut record = EventRecord::default();
            record.change.sequence_number = Some((*number).to_owned());
            record
        };
        numbers.iter().map(record).collect()
    }

    fn numbers(records: &[EventRecord]) -> String {
        records.iter().map(sequence_number).collect()
    }

    /// Delivers the batch to `function`, which gets the numbers of a call. Returns the calls and the discarded batches.
    async fn run(
        mapping: &EventSourceMapping,
        batch: &[&str],
        function: impl Fn(&str) -> Result<Value, InvokeError>,
    ) -> (Vec<String>, Vec<(String, u32)>) {
        let calls = Mutex::new(Vec::new());
        let discarded = Mutex::new(Vec::new());
        let invoke = |records: &[EventRecord]| {
            let numbers = numbers(records);
            let answer = function(&numbers);
            calls.lock().unwrap().push(numbers);
            async move { answer }
        };
        let discard = |records: &[EventRecord], calls| discarded.lock().unwrap().push((numbers(records), calls));
        deliver(mapping, &records(batch), RetryPause::None, invoke, discard).await;
        (calls.into_inner().unwrap(), discarded.into_inner().unwrap())
    }

    fn error() -> Result<Value, InvokeError> {
        Err(InvokeError::Failed("no".to_owned()))
    }

    fn failed(number: &str) -> Value {
        json!({"batchItemFailures": [{"itemIdentifier": number}]})
    }

    #[tokio::test]
    async fn successful_batch_is_delivered_once() {
        for answer in [json!(null), json!({}), json!({"batchItemFailures": []})] {
            let (calls, discarded) = run(&mapping(5, true), &["a", "b"], |_| Ok(answer.clone())).await;
            assert_eq!((calls, discarded), (vec!["ab".to_owned()], vec![]));
        }
    }

    #[tokio::test]
    async fn bisecting_isolates_a_failing_record() {
        let failing = |call: &str| if call.contains('c') { error() } else { Ok(json!(null)) };
        let (calls, discarded) = run(&mapping(2, true), &["a", "b", "c", "d"], failing).await;
        assert_eq!(calls, ["abcd", "ab", "cd", "c", "c", "c", "d"]);
        assert_eq!(discarded, [("c".to_owned(), 3)]);
    }

    #[tokio::test]
    async fn reported_failure_splits_the_batch_only_there() {
        let answer =
            |call: &str| if call.contains('c') { Ok(failed("c")) } else { Ok(json!({"batchItemFailures": []})) };
        let (calls, discarded) = run(&mapping(1, true), &["a", "b", "c", "d"], answer).await;
        assert_eq!(calls, ["abcd", "cd", "cd"]);
        assert_eq!(discarded, [("cd".to_owned(), 2)]);
    }

    #[tokio::test]
    async fn failed_invocation_after_a_reported_failure_bisects_the_rest() {
        let answer = |call: &str| match call {
            "abcd" => Ok(failed("b")),
            "bcd" => error(),
            _ => Ok(json!(null)),
        };
        let (calls, discarded) = run(&mapping(1, true), &["a", "b", "c", "d"], answer).await;
        assert_eq!((calls, discarded), (["abcd", "bcd", "b", "cd"].map(str::to_owned).to_vec(), vec![]));
    }

    #[tokio::test]
    async fn retry_starts_at_the_first_of_several_failures() {
        let answer = |call: &str| match call {
            "abc" => Ok(json!({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "b"}]})),
            _ => Ok(json!(null)),
        };
        let (calls, _) = run(&mapping(1, true), &["a", "b", "c"], answer).await;
        assert_eq!(calls, ["abc", "bc"]);
    }

    #[tokio::test]
    async fn without_bisecting_the_whole_batch_is_retried_and_discarded() {
        let (calls, discarded) = run(&mapping(2, false), &["a", "b"], |_| error()).await;
        assert_eq!(calls, ["ab", "ab", "ab"]);
        assert_eq!(discarded, [("ab".to_owned(), 3)]);
    }

    #[tokio::test]
    async fn unknown_identifier_fails_the_whole_batch() {
        for bisect in [false, true] {
            let (calls, discarded) = run(&mapping(0, bisect), &["a", "b"], |_| Ok(failed("z"))).await;
            assert_eq!((calls, discarded), (vec!["ab".to_owned()], vec![("ab".to_owned(), 1)]));
        }
    }
}
