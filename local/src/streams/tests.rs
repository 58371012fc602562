mod slices;

use std::sync::atomic::AtomicU32;

use store::SystemClock;

use super::*;
use crate::functions::{Handler, InvokeError, tests::fake};
use crate::table;
use crate::template::Template;

/// A table as deployed, and the mapping of `Reception` onto fake functions.
struct Setting {
    template: Template,
    database: Database,
    dead_letters: DeadLetters,
    data: DataDir,
}

impl Setting {
    fn new(data: DataDir) -> Self {
        let parameters = BTreeMap::from([("AdminTokenSha256".to_owned(), String::new())]);
        let template = Template::deployed(&parameters).unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let database = table::open(&template, &data, &clock).unwrap();
        Self { template, database, dead_letters: DeadLetters::default(), data }
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

    fn mapping(&self, name: &str) -> StreamMapping {
        self.template.streams.iter().find(|found| found.name == name).unwrap().clone()
    }

    fn consumer(&self, mapping: &str, handler: Handler) -> Consumer {
        self.consumer_of(self.mapping(mapping), handler)
    }

    fn consumer_of(&self, mapping: StreamMapping, handler: Handler) -> Consumer {
        let functions = fake(vec![(mapping.function.as_str(), handler)]);
        Consumer::new(
            mapping,
            Source::open(self.database.clone(), "kefu-Table").unwrap(),
            Arc::new(functions),
            Arc::new(Positions::open(self.data.clone()).unwrap()),
            self.dead_letters.clone(),
            Arc::new(SystemClock),
            Pace::AtOnce,
        )
    }
}

/// Keeps what it is called with.
fn recorder() -> (Arc<Mutex<Vec<Value>>>, Handler) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&events);
    let handler: Handler = Arc::new(move |event| {
        kept.lock().unwrap().push(event);
        Box::pin(async { Ok(Value::Null) })
    });
    (events, handler)
}

fn nowhere() -> DataDir {
    DataDir::open(None, false).unwrap()
}

#[tokio::test]
async fn a_function_gets_the_records_that_its_pattern_takes_in_lambdas_form() {
    let setting = Setting::new(nowhere());
    let (events, handler) = recorder();
    let consumer = setting.consumer("Reception/Inbound", handler);
    setting.put("1", "inbound");
    setting.put("2", "outbound");
    setting.put("3", "inbound");
    assert_eq!(consumer.drain().await.unwrap(), 2);
    assert_eq!(consumer.drain().await.unwrap(), 0, "nothing comes twice");

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
async fn batches_are_no_larger_than_the_template_allows() {
    let setting = Setting::new(nowhere());
    let (events, handler) = recorder();
    let consumer = setting.consumer("Reception/Inbound", handler);
    for n in 0..205 {
        setting.put(&format!("{n:03}"), "inbound");
    }
    assert_eq!(consumer.drain().await.unwrap(), 205);
    let sizes: Vec<_> = events.lock().unwrap().iter().map(|event| event["Records"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 5]);
}

#[tokio::test]
async fn a_poisoned_record_ends_in_the_queue_and_holds_up_nobody() {
    let setting = Setting::new(nowhere());
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let poisoned = setting.consumer(
        "Reception/Inbound",
        Arc::new(move |event: Value| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                assert!(!event.to_string().contains("poison"), "a panic fails the batch, too");
                Ok(Value::Null)
            })
        }),
    );
    let (events, handler) = recorder();
    let other = setting.consumer("Delivery/Outbound", handler);
    setting.put("1", "inbound");
    setting.put("poison", "inbound");
    setting.put("3", "inbound");
    assert_eq!(poisoned.drain().await.unwrap(), 3);
    assert_eq!(other.drain().await.unwrap(), 0);
    assert!(events.lock().unwrap().is_empty());

    // [1 poison 3], [1], [poison 3], then the record alone once and five times again, [3].
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    let letters = setting.dead_letters.all();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("StreamDeadLetters", "Reception"));
    let batch = &letter.message["DDBStreamBatchInfo"];
    assert_eq!(batch["batchSize"], 1);
    assert_eq!(batch["startSequenceNumber"], batch["endSequenceNumber"]);
    assert_eq!(letter.message["requestContext"]["approximateInvokeCount"], 6);
}

#[tokio::test]
async fn a_position_survives_a_restart() {
    let directory = std::env::temp_dir().join(format!("kefu-streams-{}", std::process::id()));
    let data = DataDir::open(Some(&directory), true).unwrap();
    {
        let setting = Setting::new(data.clone());
        setting.put("1", "inbound");
        let (_, handler) = recorder();
        assert_eq!(setting.consumer("Reception/Inbound", handler).drain().await.unwrap(), 1);
        setting.put("2", "inbound");
    }
    let setting = Setting::new(data);
    let (events, handler) = recorder();
    assert_eq!(setting.consumer("Reception/Inbound", handler).drain().await.unwrap(), 1);
    assert_eq!(events.lock().unwrap()[0]["Records"][0]["dynamodb"]["Keys"]["sk"]["S"], "2");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_tick_that_fails_is_a_dead_letter() {
    let setting = Setting::new(nowhere());
    let refuse: Handler = Arc::new(|_| Box::pin(async { Err("no".to_owned()) }));
    let functions = fake(vec![("Reception", refuse)]);
    let schedule = setting.template.schedules.iter().find(|schedule| schedule.function == "Reception").unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let answer = crate::schedules::fire(schedule, &functions, &setting.dead_letters, &clock).await;
    assert_eq!(answer, Err(InvokeError::Failed("no".to_owned())));
    let letters = setting.dead_letters.all();
    assert_eq!(letters[0].queue, "ScheduleDeadLetters");
    assert_eq!(letters[0].message["requestPayload"], json!({"tick": "minute"}));
}
