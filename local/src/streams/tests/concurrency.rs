//! Concurrent batches of a shard, and batching windows. The time of Tokio is paused.

use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep};

use super::*;

/// An invocation: the sort keys of its records, and its time.
type Call = (Vec<String>, Duration);

/// A function that reports its invocations. Those with a record of the partition key `blocked` wait for a permit.
struct Function {
    calls: mpsc::UnboundedReceiver<Call>,
    permits: Arc<Semaphore>,
    handler: Handler,
}

impl Function {
    fn new(blocked: &str) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&permits);
        let (blocked, start) = (blocked.to_owned(), Instant::now());
        let handler: Handler = Arc::new(move |event| {
            let records = event.payload["Records"].as_array().unwrap();
            let keys = records.iter().map(|record| &record["dynamodb"]["Keys"]);
            sender.send((keys.clone().map(|key| text(&key["sk"])).collect(), start.elapsed())).unwrap();
            let is_blocked = keys.clone().any(|key| text(&key["pk"]) == blocked);
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                if is_blocked {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(Value::Null)
            })
        });
        Self { calls, permits, handler }
    }

    async fn next_call(&mut self) -> String {
        self.calls.recv().await.unwrap().0.join(" ")
    }
}

fn text(attribute: &Value) -> String {
    attribute["S"].as_str().unwrap().to_owned()
}

impl TestStream {
    /// Writes a visitor's message.
    fn write(&self, pk: &str, sk: &str) {
        self.put_item(&json!({"pk": {"S": pk}, "sk": {"S": sk}, "kind": {"S": "inbound"}}));
    }

    fn wait_for_robot(&self, sk: &str, turn: &str) {
        self.put_item(&json!({
            "pk": {"S": "conversation#a"}, "sk": {"S": sk}, "kind": {"S": "conversation"}, "turn": {"S": turn},
        }));
    }
}

/// A partition key whose batch queue is not that of `pk`.
fn key_of_another_queue(poller: &Poller, pk: &str) -> String {
    let queue = |pk: &str| std::ptr::from_ref(poller.queue(&json!({"S": pk}).to_string()));
    let mut others = (0..1000).map(|number| format!("thread#a#{number}"));
    others.find(|other| queue(other) != queue(pk)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn slow_invocation_delays_only_its_own_batch_queue() {
    let stream = TestStream::new(in_memory());
    let mut function = Function::new("slow");
    let mut mapping = stream.mapping("Reception/Inbound");
    mapping.batch_size = 1;
    let poller = Arc::new(stream.poller_of(mapping, Arc::clone(&function.handler)));
    let other = key_of_another_queue(&poller, "slow");
    stream.write("slow", "slow-1");
    stream.write("slow", "slow-2");
    stream.write(&other, "other-1");
    stream.write(&other, "other-2");
    let drained = tokio::spawn({
        let poller = Arc::clone(&poller);
        async move { poller.drain().await.unwrap() }
    });
    let mut first = [function.next_call().await, function.next_call().await, function.next_call().await];
    first.sort_unstable();
    assert_eq!(first, ["other-1", "other-2", "slow-1"]);
    assert!(!drained.is_finished(), "slow-1 is not completed");
    function.permits.add_permits(1);
    assert_eq!(function.next_call().await, "slow-2");
    function.permits.add_permits(1);
    assert_eq!(drained.await.unwrap(), 4);
    assert!(function.calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn crash_repeats_records_of_a_slow_batch_queue() {
    let directory = std::env::temp_dir().join(format!("kefu-batch-queues-{}", std::process::id()));
    let (data, _lock) = DataDir::open(Some(&directory), true, "a test").unwrap();
    let stream = TestStream::new(data);
    let mut function = Function::new("slow");
    let poller = stream.poller("Reception/Inbound", Arc::clone(&function.handler));
    let other = key_of_another_queue(&poller, "slow");
    stream.write(&other, "before");
    assert_eq!(poller.drain().await.unwrap(), 1);
    stream.write("slow", "slow");
    stream.write(&other, "after");
    let mut drained = Box::pin(poller.drain());
    let calls = async { [function.next_call().await, function.next_call().await, function.next_call().await] };
    tokio::select! {
        _ = &mut drained => panic!("the slow invocation has no permit"),
        calls = calls => assert_eq!(calls[0], "before"),
    }
    // Long enough for the other batch queue, and shorter than the function's timeout.
    tokio::select! {
        _ = &mut drained => panic!("the slow invocation has no permit"),
        () = sleep(Duration::from_millis(50)) => {}
    }
    assert_eq!(poller.queues.iter().map(|queue| queue.peek(9).len()).sum::<usize>(), 1, "only the slow record is open");
    drop(drained);

    let (events, handler) = recorder();
    stream.poller("Reception/Inbound", handler).drain().await.unwrap();
    let text = json!(*events.lock().unwrap()).to_string();
    assert!(text.contains(r#""slow""#) && !text.contains(r#""before""#), "{text}");

    // It is not lost either if only the caller of `drain` was dropped. Its invocation continues, as in AWS.
    function.permits.add_permits(2);
    assert_eq!(poller.drain().await.unwrap(), 1);
    assert_eq!(stream.dead_letters.messages(), []);
    std::fs::remove_dir_all(directory).unwrap();
}

/// The mapping `FanOut/Changes` with a batching window of a second and batches of ten records.
fn with_window(stream: &TestStream, handler: &Handler) -> Poller {
    let mapping = stream.mapping("FanOut/Changes");
    let mapping = EventSourceMapping { batch_size: 10, batching_window: Duration::from_secs(1), ..mapping };
    stream.poller_of(mapping, Arc::clone(handler))
}

/// Runs a mapping with a batching window. The sender announces writes.
fn run_with_window(stream: &TestStream) -> (Function, watch::Sender<u64>) {
    let function = Function::new("no key");
    let poller = with_window(stream, &function.handler);
    let writes = watch::Sender::new(0);
    let receiver = writes.subscribe();
    tokio::spawn(async move { poller.run(receiver).await });
    (function, writes)
}

#[tokio::test(start_paused = true)]
async fn records_within_a_batching_window_are_one_batch() {
    let stream = TestStream::new(in_memory());
    let (mut function, writes) = run_with_window(&stream);
    let milliseconds = Duration::from_millis;
    let write = |sk: &str, turn: &str| {
        stream.wait_for_robot(sk, turn);
        writes.send_modify(|count| *count += 1);
    };
    stream.put("filtered out", "visitor");
    writes.send_modify(|count| *count += 1);
    sleep(milliseconds(500)).await;
    write("1", "waiting");
    sleep(milliseconds(900)).await;
    write("2", "waiting");
    let (keys, at) = function.calls.recv().await.unwrap();
    assert_eq!(keys, ["1", "2"]);
    assert!((milliseconds(1500)..milliseconds(1510)).contains(&at), "1 s after the first matching record: {at:?}");

    write("3", "waiting");
    let (keys, later) = function.calls.recv().await.unwrap();
    assert_eq!(keys, ["3"]);
    assert!(later >= at + milliseconds(1000), "the next window is complete");

    let start = Instant::now();
    for number in 0..12 {
        write(&format!("{number:02}"), "waiting");
    }
    assert_eq!(function.calls.recv().await.unwrap().0.len(), 10);
    assert_eq!(start.elapsed(), Duration::ZERO, "a full batch does not wait");
    assert_eq!(function.calls.recv().await.unwrap().0, ["10", "11"]);
}

#[tokio::test(start_paused = true)]
async fn drain_waits_for_open_invocations_and_not_for_a_batching_window() {
    let stream = TestStream::new(in_memory());
    let mut function = Function::new("conversation#a");
    let poller = Arc::new(with_window(&stream, &function.handler));
    let writes = watch::Sender::new(0);
    let (running, receiver) = (Arc::clone(&poller), writes.subscribe());
    tokio::spawn(async move { running.run(receiver).await });
    stream.wait_for_robot("1", "waiting");
    writes.send_modify(|count| *count += 1);
    assert_eq!(function.next_call().await, "1");

    let start = Instant::now();
    stream.wait_for_robot("2", "waiting");
    let drained = tokio::spawn(async move { poller.drain().await.unwrap() });
    tokio::task::yield_now().await;
    assert!(!drained.is_finished() && function.calls.is_empty(), "1 is not completed");
    function.permits.add_permits(2);
    assert_eq!(drained.await.unwrap(), 2, "records delivered during the drain count");
    assert_eq!((function.next_call().await.as_str(), start.elapsed()), ("2", Duration::ZERO));
    sleep(Duration::from_secs(3)).await;
    assert!(function.calls.is_empty(), "no record is delivered twice");
}
