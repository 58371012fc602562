//! A queue with the settings of a small template, and a function that records its events.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use store::ManualClock;
use tokio::sync::Semaphore;

use super::*;
use crate::dead_letters::DeadLetterQueues;
use crate::functions::{Handler, tests::fake};

const TEMPLATE: &str = "
Resources:
  Dead: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f
      Timeout: 10
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            BatchSize: 2
            ScalingConfig: {MaximumConcurrency: 2}
            FunctionResponseTypes: [ReportBatchItemFailures]
";

struct TestQueue {
    clock: Arc<ManualClock>,
    queue: Arc<Queue>,
    poller: Arc<QueuePoller>,
    dead_letters: DeadLetterQueues,
}

impl TestQueue {
    fn new(handler: Handler) -> Self {
        let template = Template::read(TEMPLATE, &BTreeMap::new()).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_772_438_400).unwrap()));
        let shared: SharedClock = clock.clone();
        let queue = Arc::clone(Queues::new(&template, &shared).get("Work").unwrap());
        let dead_letters = DeadLetterQueues::default();
        let mapping = template.queue_mappings[0].clone();
        let functions = Arc::new(fake(vec![("F", handler)]));
        let poller = QueuePoller::new(mapping, Arc::clone(&queue), functions, dead_letters.clone());
        Self { clock, queue, poller: Arc::new(poller), dead_letters }
    }

    fn send(&self, body: &str, delay: i64) {
        self.queue.send(json!(body).to_string(), Some(SignedDuration::from_secs(delay)), None);
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// The bodies of the dead letters.
    fn dead(&self) -> Vec<Value> {
        self.dead_letters.messages().into_iter().map(|letter| letter.message).collect()
    }
}

/// The bodies and receive counts of an event.
fn contents(event: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = event["Records"].as_array().unwrap().iter();
    records.map(|record| (text(&record["body"]), text(&record["attributes"]["ApproximateReceiveCount"]))).collect()
}

/// A handler that records its batches and answers with `answer`.
fn recorder(
    answer: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static,
) -> (Arc<Mutex<Vec<Value>>>, Handler) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let handler: Handler = Arc::new(move |LambdaEvent { payload: event, .. }: LambdaEvent<Value>| {
        let answer = answer(&event);
        recorded.lock().unwrap().push(event);
        Box::pin(async move { answer })
    });
    (events, handler)
}

fn batches(events: &Mutex<Vec<Value>>) -> Vec<Vec<(String, String)>> {
    events.lock().unwrap().drain(..).map(|event| contents(&event)).collect()
}

fn entry(body: &str, receive_count: u32) -> (String, String) {
    (json!(body).to_string(), receive_count.to_string())
}

#[tokio::test]
async fn messages_are_delivered_in_batches_as_lambda_events_and_deleted() {
    let (events, handler) = recorder(|_| Ok(Value::Null));
    let queue = TestQueue::new(handler);
    for body in ["a", "b", "c"] {
        queue.send(body, 0);
    }
    assert_eq!(queue.poller.drain().await, 3);
    let record = events.lock().unwrap()[0]["Records"][0].clone();
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:local:000000000000:kefu-Work");
    assert_eq!(record["attributes"]["SentTimestamp"], "1772438400000");
    assert_eq!(record["messageId"].as_str().unwrap().len(), 36);
    assert_eq!(batches(&events), [vec![entry("a", 1), entry("b", 1)], vec![entry("c", 1)]]);
    queue.advance(3600);
    assert_eq!(queue.poller.drain().await, 0, "they are deleted");
}

#[tokio::test]
async fn reported_message_alone_comes_back_after_its_visibility_timeout() {
    let (events, handler) =
        recorder(|event| Ok(json!({ "batchItemFailures": [{ "itemIdentifier": event["Records"][0]["messageId"] }] })));
    let queue = TestQueue::new(handler);
    queue.send("a", 0);
    queue.send("b", 0);
    queue.poller.drain().await;
    queue.advance(59);
    assert_eq!(queue.poller.drain().await, 0, "it is invisible");
    queue.advance(1);
    assert_eq!(queue.poller.drain().await, 1);
    assert_eq!(batches(&events), [vec![entry("a", 1), entry("b", 1)], vec![entry("a", 2)]]);
}

#[tokio::test]
async fn message_goes_to_the_dead_letter_queue_when_it_was_received_too_often() {
    for answer in [Err("no".to_owned()), Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "unknown" }] }))] {
        let (events, handler) = recorder(move |_| answer.clone());
        let queue = TestQueue::new(handler);
        queue.send("poison", 0);
        for _ in 0..4 {
            queue.poller.drain().await;
            queue.advance(60);
        }
        assert_eq!(batches(&events), [vec![entry("poison", 1)], vec![entry("poison", 2)]]);
        assert_eq!(queue.dead(), [json!("poison")]);
        let letter = queue.dead_letters.messages().remove(0);
        assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("Dead", "F"));
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_message_is_delivered_when_the_clock_has_moved_on() {
    let (events, handler) = recorder(|_| Ok(Value::Null));
    let queue = TestQueue::new(handler);
    let poller = Arc::clone(&queue.poller);
    tokio::spawn(async move { poller.run().await });
    queue.send("later", 2);
    queue.send("now", 0);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!(batches(&events), [vec![entry("now", 1)]], "the queue goes by the clock that it was given");
    queue.advance(2);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(batches(&events), [vec![entry("later", 1)]]);
}

#[tokio::test]
async fn drain_waits_for_the_clock_where_a_delay_is_longer_than_a_second() {
    let (events, handler) = recorder(|_| Ok(Value::Null));
    let queue = TestQueue::new(handler);
    queue.send("soon", 1);
    queue.send("later", 10);
    assert_eq!(queue.poller.drain().await, 1);
    assert_eq!(batches(&events), [vec![entry("soon", 1)]]);
    queue.advance(9);
    assert_eq!(queue.poller.drain().await, 0);
    queue.advance(1);
    assert_eq!(queue.poller.drain().await, 1);
    assert_eq!(batches(&events), [vec![entry("later", 1)]]);
}

#[test]
fn group_with_the_fewest_messages_in_flight_is_received_first() {
    let (_, handler) = recorder(|_| Ok(Value::Null));
    let queue = TestQueue::new(handler).queue;
    for (body, group) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
        queue.send(body.to_owned(), None, Some(group.to_owned()));
    }
    queue.send("none".to_owned(), None, None);
    let next = || queue.receive(1, super::queue::Delays::Wait).messages.remove(0);
    let first = next();
    assert_eq!((first.body.as_str(), next().body.as_str(), next().body.as_str()), ("a1", "b1", "none"));
    assert_eq!(next().body, "a2");
    queue.delete(&first.id);
    assert_eq!(next().body, "a3");
}

#[tokio::test]
async fn message_is_dropped_after_the_retention() {
    let (_, handler) = recorder(|_| Ok(Value::Null));
    let queue = TestQueue::new(handler);
    queue.send("old", 0);
    queue.advance(345_600);
    assert_eq!(queue.poller.drain().await, 0);
}

#[tokio::test]
async fn invocations_are_concurrent_up_to_the_maximum_and_a_slow_one_delays_no_other() {
    let (permits, started) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (open, begun, called) = (Arc::clone(&permits), Arc::clone(&started), Arc::clone(&calls));
    let handler: Handler = Arc::new(move |LambdaEvent { payload: event, .. }: LambdaEvent<Value>| {
        let (open, begun) = (Arc::clone(&open), Arc::clone(&begun));
        called.lock().unwrap().push(contents(&event).remove(0).0);
        Box::pin(async move {
            begun.add_permits(1);
            if event.to_string().contains("slow") {
                open.acquire().await.unwrap().forget();
            }
            Ok(Value::Null)
        })
    });
    let queue = TestQueue::new(handler);
    for body in ["slow", "slow too", "1", "1 too", "2", "2 too"] {
        queue.send(body, 0);
    }
    let poller = Arc::clone(&queue.poller);
    tokio::spawn(async move { poller.run().await });
    started.acquire_many(3).await.unwrap().forget();
    assert_eq!(*calls.lock().unwrap(), ["\"slow\"", "\"1\"", "\"2\""], "one after the other beside the slow one");

    queue.send("slow again", 0);
    started.acquire().await.unwrap().forget();
    queue.send("3", 0);
    tokio::task::yield_now().await;
    assert_eq!(calls.lock().unwrap().len(), 4, "two invocations are the maximum");
    permits.add_permits(1);
    started.acquire().await.unwrap().forget();
    assert_eq!(calls.lock().unwrap().last().unwrap(), "\"3\"");
    permits.add_permits(1);
    assert_eq!(queue.poller.drain().await, 0, "waits for the running invocations");
}
