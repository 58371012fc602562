//! No log text or error text contains a credential.

use desk::policy::Grant;
use store::{BindingChange, ExposeSecret, StoreError};

use crate::support::{APP_ID, Fault, Kit, MASTER, SECRET_ACCESS_KEY, new_binding, secret, signing};

const PLANTED: [&str; 8] = [
    "planted-app-secret",
    "plantedPushToken",
    "plantedEncodingAesKey0123456789012345678901",
    "planted-access-token",
    "planted-new-secret",
    "planted-session-from-secret",
    MASTER,
    SECRET_ACCESS_KEY,
];

#[track_caller]
fn assert_silent(text: &str) {
    for planted in PLANTED {
        assert!(!text.contains(planted), "{planted} in {text}");
        // A list of byte values, as `Debug` formats a buffer.
        let bytes = planted.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        assert!(!text.contains(&bytes), "{planted}, in bytes, in {text}");
    }
}

#[tokio::test]
async fn debug_shows_no_credential() {
    let kit = Kit::start().await;
    assert_silent(&format!("{:?}", new_binding(APP_ID)));
    let change = BindingChange {
        app_secret: Some(secret("planted-new-secret")),
        session_from_secret: Some(signing("planted-session-from-secret")),
        token: Some(secret("plantedPushToken")),
        encoding_aes_key: Some(secret("plantedEncodingAesKey0123456789012345678901")),
        ..BindingChange::default()
    };
    assert_silent(&format!("{change:?} {change:#?}"));

    kit.bind(APP_ID).await;
    let signed =
        BindingChange { session_from_secret: Some(signing("planted-session-from-secret")), ..BindingChange::default() };
    let binding = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    let binding = kit.table.binding_writer().change_binding(&kit.vault, &binding, signed).await.unwrap();
    kit.vault.open(&binding.app_secret).await.unwrap();
    let lease = kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().unwrap();
    let end = kit.now();
    kit.table.access_tokens().renew_token(&kit.vault, &lease, &secret("planted-access-token"), end, end).await.unwrap();
    let token = kit.table.access_tokens().token(APP_ID).await.unwrap();
    let opened = kit.vault.open(&binding.token).await.unwrap();
    assert_silent(&format!("{:?} {:#?} {binding:?} {lease:?} {token:?} {opened:?}", kit.vault, kit.vault));
    assert_silent(&format!("{:?} {:#?}", kit.table, kit.table));

    let (about, api_token) = kit.api_token(Grant::Agent, "Lin").await;
    let shown = format!("{about:?} {api_token:?}");
    assert!(!shown.contains(api_token.expose_secret()), "{shown}");
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text} {cause} {cause:?}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn unreadable_answer_of_secrets_manager_is_not_quoted() {
    let kit = Kit::start().await;
    let torn = format!(r#"{{"ARN":"arn","SecretString":"{MASTER}","VersionStages":["AWSCURR"#);
    kit.wire.fail("GetSecretValue", 3, &Fault::Answer(200, torn));
    let error = kit.secret.vault().prime().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_silent(&chain(&error));
}

#[tokio::test]
async fn error_of_a_failed_write_does_not_quote_the_item() {
    let kit = Kit::start().await;
    let item = r#"{"__type":"ConditionalCheckFailedException","Item":{"content":{"S":"plantedPushToken"}}}"#;
    kit.wire.fail(
        "TransactWriteItems",
        3,
        &Fault::Answer(500, item.replace("ConditionalCheckFailed", "InternalServerError")),
    );
    let error = kit.table.binding_writer().create_binding(&kit.vault, new_binding(APP_ID)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_silent(&chain(&error));
}

#[tokio::test]
async fn error_of_an_unreadable_item_does_not_quote_it() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let mut item = kit.items_of("binding").await.remove(0);
    item.insert("name".to_owned(), item["app_secret"].clone());
    kit.write(item).await;
    let error = kit.table.bindings().binding(APP_ID).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { item: "binding", what, .. } if what == "name"), "{error:?}");
    assert_silent(&chain(&error));
}
