//! Failures are reported as errors that a caller can act on.

use std::{net::TcpListener, time::Instant};

use store::{StoreError, Table};

use crate::support::{APP_ID, Fault, Kit, backend, text_message, visitor, wire::Wire};

#[tokio::test]
async fn unreachable_database_is_unavailable_within_the_timeout() {
    let kit = Kit::start().await;
    // A port that was just released, so that no process listens on it.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wire = Wire::new(false);
    let config = backend::dynamodb_config(&wire, &format!("http://{closed}"));
    let table = Table::new(config, "kefu", kit.clock.clone());
    let begin = Instant::now();
    let errors = [
        table.inbox().receive(&text_message(&visitor(), 0, 1)).await.unwrap_err(),
        table.bindings().binding(APP_ID).await.unwrap_err(),
        table.binding_list().bindings(None, 10).await.unwrap_err(),
        table.sends().claim(&visitor(), "1772352000-r1").await.unwrap_err(),
        table.access_tokens().lease_token(APP_ID, 0).await.unwrap_err(),
    ];
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    for error in errors {
        let StoreError::Unavailable { service, code, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*service, code.as_str()), ("DynamoDB", "connection"));
    }
}

#[tokio::test]
async fn call_outside_the_iam_statement_is_denied_with_the_service_message() {
    let kit = Kit::start().await;
    // AWS itself writes `Message` or `message`, and names the type with or without its namespace.
    for body in [
        r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: x is not authorized"}"#,
        r#"{"__type":"AccessDeniedException","message":"User: x is not authorized"}"#,
    ] {
        let denied = Fault::Answer(400, body.to_owned());
        kit.wire.fail("GetItem", 1, &denied);
        kit.wire.fail("PutItem", 1, &denied);
        kit.wire.fail("Query", 1, &denied);
        let before = kit.wire.calls("GetItem");
        let errors = [
            kit.table.bindings().binding(APP_ID).await.unwrap_err(),
            kit.table.inbox().receive(&text_message(&visitor(), 0, 1)).await.unwrap_err(),
            kit.table.token_schedule().due_tokens(1).await.unwrap_err(),
        ];
        for error in errors {
            let StoreError::Denied { service, message } = &error else { panic!("{error:?}") };
            assert_eq!((*service, message.as_str()), ("DynamoDB", "User: x is not authorized"));
        }
        assert_eq!(kit.wire.calls("GetItem"), before + 1, "a denied request is not repeated");
    }
}

#[tokio::test]
async fn failure_names_its_code_and_its_cause() {
    let kit = Kit::start().await;
    for (answer, expected) in [
        (Fault::error("TransactionInProgressException"), "TransactionInProgressException"),
        (Fault::error("ResourceNotFoundException"), "ResourceNotFoundException"),
        (Fault::Answer(503, "<html>no</html>".to_owned()), "service"),
        (Fault::Answer(200, "<html>no</html>".to_owned()), "service"),
        (Fault::LostAnswer, "connection"),
    ] {
        let once = expected == "ResourceNotFoundException";
        kit.wire.fail("GetItem", if once { 1 } else { 3 }, &answer);
        let before = kit.wire.calls("GetItem");
        let error = kit.table.bindings().binding(APP_ID).await.unwrap_err();
        let tries = kit.wire.calls("GetItem") - before;
        let StoreError::Unavailable { code, cause, .. } = &error else { panic!("{error:?}") };
        assert_eq!(code, expected);
        assert!(!cause.to_string().is_empty());
        assert!(error.to_string().starts_with("DynamoDB is unavailable"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        // Use up the remaining faults so that they do not affect the next round.
        for _ in tries..(if once { 1 } else { 3 }) {
            let _ = kit.table.bindings().binding(APP_ID).await;
        }
    }
    assert!(kit.table.bindings().binding(APP_ID).await.unwrap().is_none());
}

#[tokio::test]
async fn throttled_call_is_repeated_and_an_invalid_one_is_not() {
    let kit = Kit::start().await;
    for kind in ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"] {
        kit.wire.fail("GetItem", 3, &Fault::error(kind));
        let error = kit.table.bindings().binding(APP_ID).await.unwrap_err();
        assert!(matches!(&error, StoreError::Throttled { code, .. } if code == kind), "{error:?}");
    }
    let before = kit.wire.calls("GetItem");
    kit.wire.fail("GetItem", 1, &Fault::error("ValidationException"));
    let error = kit.table.bindings().binding(APP_ID).await.unwrap_err();
    assert!(matches!(&error, StoreError::Rejected { code, .. } if code == "ValidationException"), "{error:?}");
    assert_eq!(kit.wire.calls("GetItem") - before, 1);
    assert!(kit.table.bindings().binding(APP_ID).await.unwrap().is_none());
}

#[tokio::test]
async fn message_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let kept = kit.items_of("inbound").await.remove(0);
    for (attribute, value, what) in [
        ("state", Some("lost"), "state"),
        ("content", Some("{"), "content"),
        ("type", None, "type"),
        ("created_at", Some("today"), "created_at"),
    ] {
        let mut item = kept.clone();
        match value {
            Some(text) => {
                item.insert(attribute.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned()))
            }
            None => item.remove(attribute),
        };
        kit.write(item).await;
        let error = kit.table.threads().message(&visitor(), &message.id).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Corrupt { item: "message", what: named, .. } if named == what),
            "{error:?}"
        );
    }
}
