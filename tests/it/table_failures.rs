//! DynamoDB throttles, answers 500, or closes the connection before or after its work: WeChat gets 500 and delivers
//! again, and the message is stored once.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::World;
use crate::support::push::{Push, text_document};

const APP: &str = "wx00000000000000a1";
const FAULTS: [Fault; 6] = [
    Fault::ThrottleTable,
    Fault::ThrottleRequests,
    Fault::TransactionConflict,
    Fault::InternalError,
    Fault::CloseBefore,
    Fault::CloseAfter,
];

/// More requests than the SDK sends with its retries.
const DOWN: u32 = 1000;

fn down(fault: Fault, function: &str, operation: &str) -> TableFault {
    TableFault::new(fault).function(function).operation(operation).times(DOWN)
}

#[tokio::test]
async fn failed_write_returns_500_and_the_redelivery_is_stored_once() {
    for fault in FAULTS {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        let push = Push::new(&binding, &text_document("oDOWN", 1_772_438_400, 1, "keep me"));
        world.bundle.table_faults().add(down(fault, "MessageIngress", "PutItem"));
        let refused = world.deliver(&push).await;
        assert_eq!((refused.status, refused.raw.as_str()), (500, "try again"), "{fault:?}");
        assert!(world.bundle.table_faults().left() <= DOWN - 3, "{fault:?}: the SDK sent fewer than three requests");
        let stored = world.items("inbound").await.len();
        assert_eq!(stored, usize::from(fault == Fault::CloseAfter), "{fault:?}");

        world.bundle.table_faults().clear();
        let accepted = world.deliver(&push).await;
        assert_eq!((accepted.status, accepted.raw.as_str()), (200, "success"), "{fault:?}");
        let stored = world.visitor(&binding, "oDOWN").messages().await;
        assert_eq!(stored.len(), 1, "{fault:?}");
        assert_eq!(stored[0]["text"]["content"], "keep me");
    }
}

#[tokio::test]
async fn write_that_fails_once_is_retried_within_the_push() {
    for fault in FAULTS {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        world.bundle.table_faults().add(TableFault::new(fault).function("MessageIngress").operation("PutItem"));
        let push = Push::new(&binding, &text_document("oONCE", 1_772_438_400, 1, "keep me"));
        let accepted = world.deliver(&push).await;
        assert_eq!((accepted.status, accepted.raw.as_str()), (200, "success"), "{fault:?}");
        assert_eq!(world.bundle.table_faults().left(), 0, "{fault:?}");
        assert_eq!(world.items("inbound").await.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn cold_start_without_access_to_the_binding_returns_500_and_not_403() {
    // The operations that read bindings, during init or for a push.
    let table: &[&str] = &["Query", "GetItem"];
    for (fault, operations) in [
        (Fault::ThrottleTable, table),
        (Fault::InternalError, table),
        (Fault::CloseBefore, table),
        (Fault::ThrottleTable, &["GetSecretValue"]),
        (Fault::InternalError, &["GetSecretValue"]),
    ] {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        world.bundle.end_environments().await;
        for operation in operations {
            world.bundle.table_faults().add(down(fault, "MessageIngress", operation));
        }
        let push = Push::new(&binding, &text_document("oCOLD", 1_772_438_400, 1, "keep me"));
        assert_eq!(world.deliver(&push).await.status, 500, "{fault:?} {operations:?}");
        world.bundle.table_faults().clear();
        assert_eq!(world.deliver(&push).await.status, 200, "{fault:?} {operations:?}");
        assert_eq!(world.items("inbound").await.len(), 1);
    }
}

#[tokio::test]
async fn callback_verification_returns_500_when_the_table_is_down() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.bundle.table_faults().add(down(Fault::InternalError, "CallbackVerify", "UpdateItem"));
    let timestamp = world.now().as_second().to_string();
    let signature = crate::support::push::sign(&[&binding.token, &timestamp, "2"]);
    let query =
        [("signature", signature.as_str()), ("timestamp", timestamp.as_str()), ("nonce", "2"), ("echostr", "87654321")];
    let answer = world.check(&binding.callback_url, &query).await;
    assert_eq!((answer.status, answer.raw.as_str()), (500, "try again"));
    world.bundle.table_faults().clear();
    assert_eq!(world.check(&binding.callback_url, &query).await.raw, "87654321");
}

#[tokio::test]
async fn wechat_retries_a_push_until_it_is_stored() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, "您好").await;
    world.sim_settings(&json!({ "retry_pause_ms": 0 })).await;
    let visitor = world.visitor(&binding, "oAGAIN");
    // The SDK sends three requests per push, so two pushes fail.
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::ThrottleTable).function("MessageIngress").operation("PutItem").times(6));
    let answer = visitor.text("keep me").await;
    let statuses: Vec<&Value> =
        answer.body["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [500, 500, 200]);
    world.settle().await;
    assert_eq!(visitor.inbound().await.len(), 1);
    assert_eq!(visitor.received_texts().await, ["您好"]);
}

#[tokio::test]
async fn four_concurrent_deliveries_with_table_faults_store_one_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..20_u64 {
        for (skip, fault) in FAULTS.into_iter().enumerate() {
            let skip = u32::try_from(skip).unwrap();
            world
                .bundle
                .table_faults()
                .add(TableFault::new(fault).function("MessageIngress").operation("PutItem").skip(skip));
        }
        let push = Push::new(&binding, &text_document("oHALF", 1_772_438_400, round, "keep me"));
        let answers = futures_util::future::join_all((0..4).map(|_| world.deliver(&push))).await;
        world.bundle.table_faults().clear();
        let accepted = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(answers.iter().all(|answer| [200, 500].contains(&answer.status)));
        if accepted < 4 {
            assert_eq!(world.deliver(&push).await.status, 200);
        }
        assert_eq!(world.items("inbound").await.len(), usize::try_from(round).unwrap() + 1);
    }
}
