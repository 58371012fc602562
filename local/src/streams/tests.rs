mod concurrency;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use dynoxide::Database;
use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use store::SystemClock;

use super::*;
use crate::data::DataDir;
use crate::functions::{Handler, InvokeError, tests::fake};
use crate::table;
use crate::template::Template;

/// The deployed table, with event source mappings that invoke fake functions.
struct TestStream {
    template: Template,
    database: Database,
    dead_letters: DeadLetterQueues,
    data: DataDir,
}

impl TestStream {
    fn new(data: DataDir) -> Self {
        let parameters = BTreeMap::from([("AdminTokenSha256".to_owned(), String::new())]);
        let template = Template::deployed(&parameters).unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let database = table::open(&template, &data, &clock).unwrap();
        Self { template, database, dead_letters: DeadLetterQueues::default(), data }
    }

    fn put(&self, sk: &str, kind: &str) {
        self.put_item(&json!({
            "pk": {"S": "thread#a#b"}, "sk": {"S": sk}, "kind": {"S": kind}, "n": {"N": "9007199254740993"},
        }));
    }

    fn put_item(&self, item: &Value) {
        let request = json!({"TableName": "kefu-Table", "Item": item});
        self.database.put_item(serde_json::from_value(request).unwrap()).unwrap();
    }

    fn mapping(&self, name: &str) -> EventSourceMapping {
        self.template.event_source_mappings.iter().find(|found| found.name == name).unwrap().clone()
    }

    fn poller(&self, mapping: &str, handler: Handler) -> Poller {
        self.poller_of(self.mapping(mapping), handler)
    }

    fn poller_of(&self, mapping: EventSourceMapping, handler: Handler) -> Poller {
        let functions = fake(vec![(mapping.function.as_str(), handler)]);
        let context = PollerContext {
            functions: Arc::new(functions),
            checkpoints: Arc::new(Checkpoints::open(self.data.clone()).unwrap()),
            dead_letters: self.dead_letters.clone(),
            clock: Arc::new(SystemClock),
            retry_pause: RetryPause::None,
        };
        Poller::new(mapping, Shard::open(self.database.clone(), "kefu-Table").unwrap(), context)
    }
}

/// A handler that records its events.
fn recorder() -> (Arc<Mutex<Vec<Value>>>, Handler) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let handler: Handler = Arc::new(move |event| {
        recorded.lock().unwrap().push(event.payload);
        Box::pin(async { Ok(Value::Null) })
    });
    (events, handler)
}

fn in_memory() -> DataDir {
    DataDir::open(None, false, "").unwrap().0
}

#[tokio::test]
async fn records_that_match_the_filter_are_delivered_as_lambda_events() {
    let stream = TestStream::new(in_memory());
    let (events, handler) = recorder();
    let poller = stream.poller("Reception/Inbound", handler);
    stream.put("1", "inbound");
    stream.put("2", "outbound");
    stream.put("3", "inbound");
    assert_eq!(poller.drain().await.unwrap(), 2);
    assert_eq!(poller.drain().await.unwrap(), 0, "no record is delivered twice");

    let events = events.lock().unwrap().clone();
    let [event] = events.as_slice() else { panic!("one batch: {events:?}") };
    let record = &event["Records"][0];
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["eventSourceARN"], "arn:aws:dynamodb:local:000000000000:table/kefu-Table/stream/local");
    assert_eq!(record["awsRegion"], "local");
    assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_IMAGE");
    assert_eq!(record["dynamodb"]["Keys"], json!({"pk": {"S": "thread#a#b"}, "sk": {"S": "1"}}));
    assert_eq!(record["dynamodb"]["NewImage"]["n"], json!({"N": "9007199254740993"}));
    for field in ["eventID", "eventVersion"] {
        assert!(record[field].is_string(), "{field}");
    }
    assert!(record["dynamodb"]["ApproximateCreationDateTime"].is_number());
    assert!(record["dynamodb"]["SizeBytes"].is_number());
    assert_eq!(event["Records"][1]["dynamodb"]["Keys"]["sk"]["S"], "3");
}

#[tokio::test]
async fn batches_have_at_most_the_batch_size_of_the_template() {
    let stream = TestStream::new(in_memory());
    let (events, handler) = recorder();
    let poller = stream.poller("Reception/Inbound", handler);
    for n in 0..205 {
        stream.put(&format!("{n:03}"), "inbound");
    }
    assert_eq!(poller.drain().await.unwrap(), 205);
    let sizes: Vec<_> = events.lock().unwrap().iter().map(|event| event["Records"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 5]);
}

#[tokio::test]
async fn record_that_always_fails_goes_to_the_dead_letter_queue_and_delays_no_other() {
    let stream = TestStream::new(in_memory());
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let failing = stream.poller(
        "Reception/Inbound",
        Arc::new(move |event: LambdaEvent<Value>| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                assert!(!event.payload.to_string().contains("poison"), "a panic fails the batch");
                Ok(Value::Null)
            })
        }),
    );
    let (events, handler) = recorder();
    let other = stream.poller("FanOut/Changes", handler);
    stream.put("1", "inbound");
    stream.put("poison", "inbound");
    stream.put("3", "inbound");
    assert_eq!(failing.drain().await.unwrap(), 3);
    assert_eq!(other.drain().await.unwrap(), 0);
    assert!(events.lock().unwrap().is_empty());

    // [1 poison 3], [1], [poison 3], then the record alone with five retries, [3].
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    let letters = stream.dead_letters.messages();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("StreamDeadLetters", "Reception"));
    let batch = &letter.message["DDBStreamBatchInfo"];
    assert_eq!(batch["batchSize"], 1);
    assert_eq!(batch["startSequenceNumber"], batch["endSequenceNumber"]);
    assert_eq!(letter.message["requestContext"]["approximateInvokeCount"], 6);
}

#[tokio::test]
async fn checkpoint_survives_a_restart() {
    let directory = std::env::temp_dir().join(format!("kefu-streams-{}", std::process::id()));
    let (data, _lock) = DataDir::open(Some(&directory), true, "a test").unwrap();
    {
        let stream = TestStream::new(data.clone());
        stream.put("1", "inbound");
        let (_, handler) = recorder();
        assert_eq!(stream.poller("Reception/Inbound", handler).drain().await.unwrap(), 1);
        stream.put("2", "inbound");
    }
    let stream = TestStream::new(data);
    let (events, handler) = recorder();
    assert_eq!(stream.poller("Reception/Inbound", handler).drain().await.unwrap(), 1);
    assert_eq!(events.lock().unwrap()[0]["Records"][0]["dynamodb"]["Keys"]["sk"]["S"], "2");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn failed_scheduled_event_goes_to_the_dead_letter_queue() {
    let stream = TestStream::new(in_memory());
    let refuse: Handler = Arc::new(|_| Box::pin(async { Err("no".to_owned()) }));
    let functions = fake(vec![("Reception", refuse)]);
    let schedule = stream.template.schedules.iter().find(|schedule| schedule.function == "Reception").unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let answer = crate::schedules::fire(schedule, &functions, &stream.dead_letters, &clock).await;
    assert_eq!(answer, Err(InvokeError::Failed("no".to_owned())));
    let letters = stream.dead_letters.messages();
    assert_eq!(letters[0].queue, "ScheduleDeadLetters");
    assert_eq!(letters[0].message["requestPayload"], json!({"tick": "minute"}));
}
