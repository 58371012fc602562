//! Several batches of a shard at once, and windows. Time stands still but for what a test waits for.

use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep};

use super::*;

/// What a call was given: the sort keys, and when.
type Call = (Vec<String>, Duration);

/// A function that tells of its calls before it handles them, and handles those for `held` only by permission.
struct Function {
    calls: mpsc::UnboundedReceiver<Call>,
    permits: Arc<Semaphore>,
    handler: Handler,
}

impl Function {
    fn new(held: &str) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&permits);
        let (held, start) = (held.to_owned(), Instant::now());
        let handler: Handler = Arc::new(move |event| {
            let records = event["Records"].as_array().unwrap();
            let keys = records.iter().map(|record| &record["dynamodb"]["Keys"]);
            sender.send((keys.clone().map(|key| text(&key["sk"])).collect(), start.elapsed())).unwrap();
            let held = keys.clone().any(|key| text(&key["pk"]) == held);
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                if held {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(Value::Null)
            })
        });
        Self { calls, permits, handler }
    }

    async fn called_with(&mut self) -> String {
        self.calls.recv().await.unwrap().0.join(" ")
    }
}

fn text(attribute: &Value) -> String {
    attribute["S"].as_str().unwrap().to_owned()
}

impl Setting {
    /// A visitor's message.
    fn write(&self, pk: &str, sk: &str) {
        self.put_item(&json!({"pk": {"S": pk}, "sk": {"S": sk}, "kind": {"S": "inbound"}}));
    }

    fn wait_for_robot(&self, sk: &str, turn: &str) {
        self.put_item(&json!({
            "pk": {"S": "conversation#a"}, "sk": {"S": sk}, "kind": {"S": "conversation"}, "turn": {"S": turn},
        }));
    }
}

/// A partition key of another slice than `pk`'s.
fn elsewhere(consumer: &Consumer, pk: &str) -> String {
    let slice = |pk: &str| std::ptr::from_ref(consumer.slice(&json!({"dynamodb": {"Keys": {"pk": {"S": pk}}}})));
    let mut others = (0..1000).map(|number| format!("thread#a#{number}"));
    others.find(|other| slice(other) != slice(pk)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_is_answered_slowly_holds_up_nobody_else_and_keeps_the_own_order() {
    let setting = Setting::new(nowhere());
    let mut function = Function::new("slow");
    let mut mapping = setting.mapping("Reception/Inbound");
    mapping.batch_size = 1;
    let consumer = Arc::new(setting.consumer_of(mapping, Arc::clone(&function.handler)));
    let other = elsewhere(&consumer, "slow");
    setting.write("slow", "slow-1");
    setting.write("slow", "slow-2");
    setting.write(&other, "other-1");
    setting.write(&other, "other-2");
    let drained = tokio::spawn({
        let consumer = Arc::clone(&consumer);
        async move { consumer.drain().await.unwrap() }
    });
    let mut first = [function.called_with().await, function.called_with().await, function.called_with().await];
    first.sort_unstable();
    assert_eq!(first, ["other-1", "other-2", "slow-1"]);
    assert!(!drained.is_finished(), "what is on its way is not through");
    function.permits.add_permits(1);
    assert_eq!(function.called_with().await, "slow-2");
    function.permits.add_permits(1);
    assert_eq!(drained.await.unwrap(), 4);
    assert!(function.calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_crash_loses_nothing_that_another_slice_has_passed() {
    let directory = std::env::temp_dir().join(format!("kefu-slices-{}", std::process::id()));
    let setting = Setting::new(DataDir::open(Some(&directory), true).unwrap());
    let mut function = Function::new("slow");
    let consumer = setting.consumer("Reception/Inbound", Arc::clone(&function.handler));
    let other = elsewhere(&consumer, "slow");
    setting.write(&other, "before");
    assert_eq!(consumer.drain().await.unwrap(), 1);
    setting.write("slow", "slow");
    setting.write(&other, "after");
    let mut drained = Box::pin(consumer.drain());
    let calls = async { [function.called_with().await, function.called_with().await, function.called_with().await] };
    tokio::select! {
        _ = &mut drained => panic!("the slow one has no permission"),
        calls = calls => assert_eq!(calls[0], "before"),
    }
    // Long enough for the other slice to be through, and shorter than the function's time limit.
    tokio::select! {
        _ = &mut drained => panic!("the slow one has no permission"),
        () = sleep(Duration::from_millis(50)) => {}
    }
    assert_eq!(consumer.slices.iter().map(|slice| slice.first(9).len()).sum::<usize>(), 1, "only the slow one is left");
    drop(drained);

    let (events, handler) = recorder();
    setting.consumer("Reception/Inbound", handler).drain().await.unwrap();
    let text = json!(*events.lock().unwrap()).to_string();
    assert!(text.contains(r#""slow""#) && !text.contains(r#""before""#), "{text}");

    // Nor is it lost when only the one who waited for it has gone. The call before is still there, as it would be in AWS.
    function.permits.add_permits(2);
    assert_eq!(consumer.drain().await.unwrap(), 1);
    assert_eq!(setting.dead_letters.all(), []);
    std::fs::remove_dir_all(directory).unwrap();
}

/// `Robot/Turn` reading by itself; whoever writes says so by the sender.
fn robot(setting: &Setting) -> (Function, watch::Sender<u64>) {
    let function = Function::new("nobody");
    let consumer = setting.consumer("Robot/Turn", Arc::clone(&function.handler));
    let writes = watch::Sender::new(0);
    let receiver = writes.subscribe();
    tokio::spawn(async move { consumer.run(receiver).await });
    (function, writes)
}

#[tokio::test(start_paused = true)]
async fn what_comes_within_a_window_is_handed_over_together_when_it_ends() {
    let setting = Setting::new(nowhere());
    let (mut function, writes) = robot(&setting);
    let milliseconds = Duration::from_millis;
    let write = |sk: &str, turn: &str| {
        setting.wait_for_robot(sk, turn);
        writes.send_modify(|count| *count += 1);
    };
    write("of no interest", "none");
    sleep(milliseconds(500)).await;
    write("1", "waiting");
    sleep(milliseconds(900)).await;
    write("2", "waiting");
    let (keys, at) = function.calls.recv().await.unwrap();
    assert_eq!(keys, ["1", "2"]);
    assert!((milliseconds(1500)..milliseconds(1510)).contains(&at), "1 s after the first that it wants: {at:?}");

    write("3", "waiting");
    let (keys, later) = function.calls.recv().await.unwrap();
    assert_eq!(keys, ["3"]);
    assert!(later >= at + milliseconds(1000), "the next window is a whole one");

    let start = Instant::now();
    for number in 0..12 {
        write(&format!("{number:02}"), "waiting");
    }
    assert_eq!(function.calls.recv().await.unwrap().0.len(), 10);
    assert_eq!(start.elapsed(), Duration::ZERO, "a full batch does not wait");
    assert_eq!(function.calls.recv().await.unwrap().0, ["10", "11"]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_is_on_its_way_and_for_no_window() {
    let setting = Setting::new(nowhere());
    let mut function = Function::new("conversation#a");
    let consumer = Arc::new(setting.consumer("Robot/Turn", Arc::clone(&function.handler)));
    let writes = watch::Sender::new(0);
    let (running, receiver) = (Arc::clone(&consumer), writes.subscribe());
    tokio::spawn(async move { running.run(receiver).await });
    setting.wait_for_robot("1", "waiting");
    writes.send_modify(|count| *count += 1);
    assert_eq!(function.called_with().await, "1");

    let start = Instant::now();
    setting.wait_for_robot("2", "waiting");
    let drained = tokio::spawn(async move { consumer.drain().await.unwrap() });
    tokio::task::yield_now().await;
    assert!(!drained.is_finished() && function.calls.is_empty(), "1 is still on its way");
    function.permits.add_permits(2);
    assert_eq!(drained.await.unwrap(), 2, "what was handed over meanwhile counts");
    assert_eq!((function.called_with().await.as_str(), start.elapsed()), ("2", Duration::ZERO));
    sleep(Duration::from_secs(3)).await;
    assert!(function.calls.is_empty(), "nothing comes twice");
}
