//! The log entries from which `CloudWatch` extracts the metrics that the alarms of `template.yaml` watch.

use std::io;
use std::sync::{Arc, Mutex};

use local::{Fault, TableFault};
use serde_json::{Value, json};
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};

use crate::support::World;
use crate::support::push::{Push, text_document};

const APP: &str = "wx00000000000000a1";

/// What the functions of this thread's bundle log, in the format of Lambda.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = function::json_logs(move || writer.clone(), LevelFilter::INFO, "kefu-Table");
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The sum of a metric.
    fn sum(&self, metric: &str) -> u64 {
        let written = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let entries = written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let described = entries.filter(|entry| {
            let description = &entry["_aws"]["CloudWatchMetrics"][0];
            let metrics = description["Metrics"].as_array().into_iter().flatten();
            description["Namespace"] == "Kefu" && metrics.into_iter().any(|described| described["Name"] == metric)
        });
        described.map(|entry| entry[metric].as_u64().unwrap()).sum()
    }
}

#[tokio::test]
async fn push_that_cannot_be_stored_is_counted() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let push = Push::new(&binding, &text_document("o-1", 1_772_438_400, 1, "keep me"));
    let (log, _guard) = Log::start();
    let fault = TableFault::new(Fault::InternalError).function("MessageIngress").operation("PutItem").times(1000);
    world.bundle.table_faults().add(fault);
    assert_eq!(world.deliver(&push).await.status, 500);
    assert_eq!(log.sum("PushesNotStored"), 1);
    world.bundle.table_faults().clear();
    assert_eq!(world.deliver(&push).await.status, 200);
    assert_eq!(log.sum("PushesNotStored"), 1);
}

#[tokio::test]
async fn send_with_an_unknown_outcome_is_counted() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let (log, _guard) = Log::start();
    world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/send", "break_off": "after" })).await;
    let sent = chat.send_text("您好").await;
    assert_eq!(sent.body["state"], "unknown", "{}", sent.raw);
    assert_eq!(log.sum("UnknownSends"), 1);
    assert_eq!(chat.send_text("在吗").await.body["state"], "sent");
    assert_eq!(log.sum("UnknownSends"), 1);
}

#[tokio::test]
async fn expired_token_that_cannot_be_renewed_is_counted() {
    let world = World::start().await;
    let _binding = world.bind(APP).await;
    let (log, _guard) = Log::start();
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "errcode": 40125, "times": 100 })).await;
    // WeChat's tokens live for two hours; the first renewals fail before the token has expired.
    world.advance(2 * 60 * 60 - 120);
    world.tick("TokenRefresh").await;
    assert_eq!(log.sum("TokensExpired"), 0);
    world.advance(60 * 60);
    world.tick("TokenRefresh").await;
    assert_eq!(log.sum("TokensExpired"), 1);
}
