//! After a rotation of the secret, the tick seals everything again.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::SignedDuration;
use serde_json::json;
use store::{BindingChange, Kind, ResealReport, SealState, Sealed, StoreError, Vault};

use crate::support::{APP_ID, Kit, MASTER, new_binding, s, secret, signing};

/// Longer than the time until which a tick waits after a rotation.
const SETTLED: SignedDuration = SignedDuration::from_mins(16);

/// Sees the new version, and waits until sealing again begins.
async fn rotate(kit: &Kit, text: &str) {
    kit.secret.rotate(&MASTER.replace("master", text)).await;
    kit.advance(SETTLED);
    assert_eq!(tick(kit).await, ResealReport::default());
    kit.advance(SETTLED);
}

async fn tick(kit: &Kit) -> ResealReport {
    kit.table.resealing().reseal(&kit.vault).await.unwrap()
}

/// A binding with all credentials, its token, and a robot with a secret.
async fn everything(kit: &Kit) -> String {
    let binding = kit.bind(APP_ID).await;
    let change = BindingChange {
        session_from_secret: Some(signing("planted-signing")),
        encoding_aes_key: Some(secret("planted-next-key")),
        ..BindingChange::default()
    };
    kit.table.binding_writer().change_binding(&kit.vault, &binding, change).await.unwrap();
    let tokens = kit.table.access_tokens();
    let lease = tokens.lease_token(APP_ID, 0).await.unwrap().unwrap();
    let end = kit.now() + SignedDuration::from_hours(2);
    tokens.renew_token(&kit.vault, &lease, &secret("planted-token"), end, end).await.unwrap();
    let writer = kit.table.settings_writer();
    let robot = writer.new_record_of(Kind::Robot, json!({ "name": "chat" }), Vec::new());
    writer.create_record(&robot, Some((&kit.vault, &secret("planted-model-key")))).await.unwrap();
    robot.id
}

/// Everything that is sealed, read through the store.
async fn all_sealed(kit: &Kit, robot: &str) -> Vec<Sealed> {
    let binding = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    let token = kit.table.access_tokens().token(APP_ID).await.unwrap().unwrap();
    let robot = kit.table.settings().record_of(Kind::Robot, robot).await.unwrap().unwrap();
    let copy = kit.table.push_credentials().first_push_credentials(10).await.unwrap().remove(0);
    [
        binding.session_from_secret,
        Some(binding.app_secret),
        Some(binding.token),
        Some(binding.encoding_aes_key),
        binding.previous_encoding_aes_key,
        token.value,
        robot.secret,
        Some(copy.token),
        Some(copy.encoding_aes_key),
        copy.previous_encoding_aes_key,
    ]
    .map(Option::unwrap)
    .into()
}

async fn states(vault: &Vault, sealed: &[Sealed]) -> Vec<SealState> {
    let mut states = Vec::new();
    for sealed in sealed {
        states.push(vault.state(sealed).await.unwrap());
    }
    states
}

#[tokio::test]
async fn everything_is_sealed_again_after_a_rotation() {
    let kit = Kit::start().await;
    let robot = everything(&kit).await;
    rotate(&kit, "second").await;
    let before = all_sealed(&kit, &robot).await;
    assert_eq!(states(&kit.secret.vault(), &before).await, [SealState::Older; 10]);
    assert_eq!(tick(&kit).await, ResealReport { resealed: 7, ..ResealReport::default() });
    let after = all_sealed(&kit, &robot).await;
    let fresh = kit.secret.vault();
    assert_eq!(states(&fresh, &after).await, [SealState::Current; 10]);
    for (before, after) in before.iter().zip(&after) {
        use store::ExposeSecret;
        let [before, after] = [fresh.open(before).await.unwrap(), fresh.open(after).await.unwrap()];
        assert_eq!(before.expose_secret(), after.expose_secret());
    }
    // All is done: a tick reads the progress and nothing else.
    kit.advance(SETTLED);
    let (reads, queries) = (kit.wire.calls("GetItem"), kit.wire.calls("Query"));
    assert_eq!(tick(&kit).await, ResealReport::default());
    assert_eq!((kit.wire.calls("GetItem"), kit.wire.calls("Query")), (reads + 1, queries));
}

#[tokio::test]
async fn sealing_again_waits_until_no_function_seals_under_the_version_before() {
    let kit = Kit::start().await;
    everything(&kit).await;
    kit.secret.rotate(&MASTER.replace("master", "second")).await;
    kit.advance(SignedDuration::from_mins(10));
    tick(&kit).await;
    kit.advance(SignedDuration::from_mins(14));
    assert_eq!(tick(&kit).await.resealed, 0);
    kit.advance(SignedDuration::from_mins(1));
    assert_eq!(tick(&kit).await.resealed, 7);
}

#[tokio::test]
async fn each_tick_goes_on_where_the_one_before_stopped() {
    let kit = Kit::start().await;
    for number in 0..210 {
        kit.table.binding_writer().create_binding(&kit.vault, new_binding(&format!("wx{number:04}"))).await.unwrap();
    }
    rotate(&kit, "second").await;
    assert_eq!(tick(&kit).await.resealed, 600);
    assert_eq!(tick(&kit).await.resealed, 30);
    assert_eq!(tick(&kit).await.resealed, 0);
}

#[tokio::test]
async fn item_that_failed_is_sealed_again_by_the_next_pass() {
    let kit = Kit::start().await;
    let robot = everything(&kit).await;
    rotate(&kit, "second").await;
    kit.wire.fail(
        "TransactWriteItems",
        3,
        &crate::support::Fault::Answer(500, r#"{"__type":"InternalServerError"}"#.to_owned()),
    );
    let first = tick(&kit).await;
    assert_eq!((first.failed, first.unreadable), (1, 0));
    assert!(tick(&kit).await.resealed > 0);
    assert_eq!(states(&kit.secret.vault(), &all_sealed(&kit, &robot).await).await, [SealState::Current; 10]);
}

#[tokio::test]
async fn change_of_what_was_read_before_sealing_again_is_a_conflict() {
    let kit = Kit::start().await;
    let robot = everything(&kit).await;
    let binding = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    let record = kit.table.settings().record_of(Kind::Robot, &robot).await.unwrap().unwrap();
    rotate(&kit, "second").await;
    tick(&kit).await;
    let change = BindingChange { name: Some("x".to_owned()), ..BindingChange::default() };
    let changed = kit.table.binding_writer().change_binding(&kit.vault, &binding, change).await;
    assert!(matches!(changed, Err(StoreError::Conflict)), "{changed:?}");
    let changed = kit.table.settings_writer().change_record(&record, json!({}), Vec::new(), None).await;
    assert!(matches!(changed, Err(StoreError::Conflict)), "{changed:?}");
    assert_eq!(states(&kit.secret.vault(), &all_sealed(&kit, &robot).await).await, [SealState::Current; 10]);
}

#[tokio::test]
async fn token_that_cannot_be_opened_is_dropped_and_due() {
    let kit = Kit::start().await;
    everything(&kit).await;
    rotate(&kit, "second").await;
    let mut item = kit.items_of("token").await.remove(0);
    item.insert("value".to_owned(), AttributeValue::B(Blob::new(vec![2; 60])));
    kit.write(item).await;
    let report = tick(&kit).await;
    assert_eq!((report.unreadable, report.failed, report.resealed), (1, 0, 6));
    let item = kit.items_of("token").await.remove(0);
    assert!(!item.contains_key("value"));
    assert_eq!(s(&item, "due_pk"), "tokens");
    assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), [APP_ID]);
}
