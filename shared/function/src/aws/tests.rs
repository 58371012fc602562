use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryPartition},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;

use super::CallLimits;

/// DynamoDB after the answer to a transaction was lost: it completes it when a repetition comes more than 5 s later.
#[derive(Debug, Clone)]
struct Unfinished {
    began: Instant,
    calls: Arc<AtomicU32>,
}

impl HttpConnector for Unfinished {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (is_first, waited) = (self.calls.fetch_add(1, Ordering::SeqCst) == 0, self.began.elapsed());
        HttpConnectorFuture::new(async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            let (status, body) = if waited > Duration::from_secs(5) {
                (200, "{}")
            } else {
                (400, r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionInProgressException"}"#)
            };
            Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body)))
        })
    }
}

/// A transaction of a function with these limits: whether it succeeded, and how long it took.
async fn transaction(limits: CallLimits, number: u64) -> (bool, Duration) {
    fastrand::seed(number);
    let began = Instant::now();
    let unfinished = Unfinished { began, calls: Arc::default() };
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"))
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(unfinished.clone())))
        // A retry quota of its own.
        .retry_partition(RetryPartition::new(format!("{limits:?} {number}")))
        .retry_config(limits.retries())
        .timeout_config(limits.timeouts());
    let answer = Client::from_conf(config.build()).transact_write_items().send().await;
    (answer.is_ok(), began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn transaction_whose_answer_was_lost_is_completed_by_a_retry() {
    let mut completed = 0;
    for number in 0..40 {
        let (is_ok, took) = transaction(CallLimits::TenSeconds, number).await;
        assert!(took <= Duration::from_secs(10), "{took:?}");
        completed += u32::from(is_ok);
    }
    // The pauses are random, so that concurrent functions do not retry together; a few end too early or too late.
    assert!(completed >= 32, "{completed} of 40");
}

#[tokio::test(start_paused = true)]
async fn call_of_a_function_that_wechat_waits_for_ends_within_three_and_a_half_seconds() {
    for number in 0..10 {
        let (is_ok, took) = transaction(CallLimits::FiveSeconds, number).await;
        assert!(!is_ok && took <= Duration::from_millis(3500), "{took:?}");
    }
}
