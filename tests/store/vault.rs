//! A sealed credential opens only in the item for which it was sealed, and only with the secret that sealed it.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::SignedDuration;
use store::{BindingChange, ExposeSecret, SealState, Sealed, StoreError, Vault};

use crate::support::{APP_ID, Fault, Item, Kit, MASTER, backend, concurrently, new_binding, s, secret};

const OTHER: &str = "wxfedcba9876543210";
const CREDENTIALS: [&str; 3] = ["app_secret", "token", "encoding_aes_key"];

fn second_master() -> String {
    MASTER.replace("master", "second")
}

fn third_master() -> String {
    MASTER.replace("master", "third-")
}

async fn item(kit: &Kit, app_id: &str) -> Item {
    kit.items_of("binding").await.into_iter().find(|item| s(item, "app_id") == app_id).unwrap()
}

fn blob(item: &Item, attribute: &str) -> Vec<u8> {
    item[attribute].as_b().unwrap().as_ref().to_vec()
}

/// A binding with this sealed AppSecret.
async fn with_app_secret(kit: &Kit, blob: Vec<u8>) -> Sealed {
    let mut item = item(kit, APP_ID).await;
    item.insert("app_secret".to_owned(), AttributeValue::B(Blob::new(blob)));
    kit.write(item).await;
    kit.table.bindings().binding(APP_ID).await.unwrap().unwrap().app_secret
}

/// "sealed by an earlier version" as the AppSecret of [`APP_ID`], in format 1.
const FORMAT_1: &str = "01f919437cec2d2ec3000102030405060708090a0b07147e63b8dcae702f7fea369231e10fe11c90fa907a6bed331137e3c5d4b46410ac038b597272838a7a2627";

async fn open(vault: &Vault, sealed: &Sealed) -> Result<String, StoreError> {
    vault.open(sealed).await.map(|secret| secret.expose_secret().to_owned())
}

#[track_caller]
fn assert_sealed(opened: &Result<String, StoreError>, when: &str) {
    assert!(matches!(opened, Err(StoreError::Sealed)), "{when}: {opened:?}");
}

#[tokio::test]
async fn no_credential_is_readable_in_the_table() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let item = item(&kit, APP_ID).await;
    let binding = new_binding(APP_ID);
    for (attribute, secret) in CREDENTIALS.iter().zip([binding.app_secret, binding.token, binding.encoding_aes_key]) {
        let kept = blob(&item, attribute);
        let plain = secret.expose_secret().as_bytes();
        assert!(kept.len() > plain.len());
        for part in plain.windows(4) {
            assert!(!kept.windows(4).any(|window| window == part), "{attribute}");
        }
    }
}

#[tokio::test]
async fn sealing_twice_gives_different_bytes() {
    let kit = Kit::start().await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        kit.bind(APP_ID).await;
        seen.push(blob(&item(&kit, APP_ID).await, "app_secret"));
        kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    }
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), total);
}

#[tokio::test]
async fn moved_credential_does_not_open() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.bind(OTHER).await;
    let ours = item(&kit, APP_ID).await;
    let theirs = item(&kit, OTHER).await;
    let kept = with_app_secret(&kit, blob(&ours, "app_secret")).await;
    assert_eq!(open(&kit.vault, &kept).await.unwrap(), new_binding(APP_ID).app_secret.expose_secret());

    let moved = with_app_secret(&kit, blob(&theirs, "app_secret")).await;
    assert_sealed(&open(&kit.vault, &moved).await, "another binding's");
    for attribute in ["token", "encoding_aes_key"] {
        let moved = with_app_secret(&kit, blob(&ours, attribute)).await;
        assert_sealed(&open(&kit.vault, &moved).await, attribute);
    }
    // The current key in the attribute of the previous one, where an attacker with access to the table could move it.
    let mut item = ours.clone();
    item.insert("previous_encoding_aes_key".to_owned(), ours["encoding_aes_key"].clone());
    kit.write(item).await;
    let previous = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap().previous_encoding_aes_key.unwrap();
    assert_sealed(&open(&kit.vault, &previous).await, "encoding_aes_key as the previous");
}

#[tokio::test]
async fn access_token_of_another_mini_program_does_not_open() {
    let kit = Kit::start().await;
    let end = kit.now();
    for app_id in [APP_ID, OTHER] {
        let lease = kit.table.access_tokens().lease_token(app_id, 0).await.unwrap().unwrap();
        kit.table.access_tokens().renew_token(&kit.vault, &lease, &secret("access token"), end, end).await.unwrap();
    }
    let [mut ours, theirs] = <[Item; 2]>::try_from(kit.items_of("token").await).unwrap();
    ours.insert("value".to_owned(), theirs["value"].clone());
    kit.write(ours).await;
    let token = kit.table.access_tokens().token(APP_ID).await.unwrap().unwrap();
    assert_sealed(&open(&kit.vault, &token.value.unwrap()).await, "another mini program's");
    let token = kit.table.access_tokens().token(OTHER).await.unwrap().unwrap();
    assert_eq!(open(&kit.vault, &token.value.unwrap()).await.unwrap(), "access token");
}

#[tokio::test]
async fn credential_with_a_changed_byte_does_not_open() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let whole = blob(&item(&kit, APP_ID).await, "app_secret");
    for place in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut changed = whole.clone();
            changed[place] ^= bit;
            let sealed = with_app_secret(&kit, changed).await;
            assert_sealed(&open(&kit.vault, &sealed).await, &format!("bit {bit:#04x} of byte {place}"));
        }
    }
    for length in 0..whole.len() {
        let sealed = with_app_secret(&kit, whole[..length].to_vec()).await;
        assert_sealed(&open(&kit.vault, &sealed).await, &format!("cut to {length}"));
    }
    let longer = with_app_secret(&kit, [&whole[..], &[0]].concat()).await;
    assert_sealed(&open(&kit.vault, &longer).await, "one byte longer");
    let kept = with_app_secret(&kit, whole).await;
    assert!(open(&kit.vault, &kept).await.is_ok());
}

#[tokio::test]
async fn any_text_is_sealed_and_opened() {
    let kit = Kit::start().await;
    let long = "长".repeat(20_000);
    for text in ["", "a", "密钥 🔑", "\0\n", &long] {
        let new = store::NewBinding { app_secret: secret(text), ..new_binding(APP_ID) };
        let binding = kit.table.binding_writer().create_binding(&kit.vault, new).await.unwrap();
        assert_eq!(open(&kit.vault, &binding.app_secret).await.unwrap(), text);
        kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    }
}

#[tokio::test]
async fn value_sealed_before_one_rotation_opens() {
    let kit = Kit::start().await;
    let old = kit.bind(APP_ID).await;
    kit.secret.rotate(&second_master()).await;
    let restarted = kit.secret.vault();
    assert_eq!(open(&restarted, &old.app_secret).await.unwrap(), "planted-app-secret");
    // New values are sealed with the current version.
    let new = kit.table.binding_writer().create_binding(&restarted, new_binding(OTHER)).await.unwrap();
    kit.secret.rotate(&third_master()).await;
    let restarted = kit.secret.vault();
    assert_eq!(open(&restarted, &new.app_secret).await.unwrap(), "planted-app-secret");
    assert_eq!(open(&restarted, &old.app_secret).await.unwrap(), "planted-app-secret", "sealed two rotations ago");
}

#[tokio::test]
async fn warm_vault_notices_a_rotation() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let warm = kit.secret.vault();
    warm.prime().await.unwrap();
    kit.secret.rotate(&second_master()).await;
    let restarted = kit.secret.vault();
    let new = kit.table.binding_writer().create_binding(&restarted, new_binding(OTHER)).await.unwrap();
    let old = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    assert_eq!(open(&warm, &new.app_secret).await.unwrap(), "planted-app-secret");
    // The version loaded at the start is now the previous one and still opens.
    assert_eq!(open(&warm, &old.app_secret).await.unwrap(), "planted-app-secret");
    // From then on the vault seals with the current version.
    let change = BindingChange { app_secret: Some(secret("sealed warm")), ..BindingChange::default() };
    let changed = kit.table.binding_writer().change_binding(&warm, &old, change).await.unwrap();
    kit.secret.rotate(&third_master()).await;
    assert_eq!(open(&kit.secret.vault(), &changed.app_secret).await.unwrap(), "sealed warm");
}

#[tokio::test]
async fn warm_vault_seals_under_a_version_that_was_rotated_twice_and_the_value_opens() {
    let kit = Kit::start().await;
    let warm = kit.secret.vault();
    warm.prime().await.unwrap();
    kit.secret.rotate(&second_master()).await;
    kit.secret.rotate(&third_master()).await;
    let binding = kit.table.binding_writer().create_binding(&warm, new_binding(APP_ID)).await.unwrap();
    let restarted = kit.secret.vault();
    assert_eq!(open(&restarted, &binding.app_secret).await.unwrap(), "planted-app-secret");
    assert_eq!(restarted.state(&binding.app_secret).await.unwrap(), SealState::Older);
}

#[tokio::test]
async fn current_version_is_read_again_after_ten_minutes() {
    let kit = Kit::start().await;
    let warm = kit.secret.vault();
    warm.prime().await.unwrap();
    kit.secret.rotate(&second_master()).await;
    kit.advance(SignedDuration::from_secs(599));
    let before = kit.table.binding_writer().create_binding(&warm, new_binding(APP_ID)).await.unwrap();
    kit.advance(SignedDuration::from_secs(1));
    let after = kit.table.binding_writer().create_binding(&warm, new_binding(OTHER)).await.unwrap();
    let fresh = kit.secret.vault();
    assert_eq!(fresh.state(&before.app_secret).await.unwrap(), SealState::Older);
    assert_eq!(fresh.state(&after.app_secret).await.unwrap(), SealState::Current);
}

#[tokio::test]
async fn current_version_that_cannot_be_read_again_stays_in_use() {
    let kit = Kit::start().await;
    let warm = kit.secret.vault();
    warm.prime().await.unwrap();
    kit.advance(SignedDuration::from_mins(10));
    kit.wire.fail("GetSecretValue", 3, &Fault::Answer(500, r#"{"__type":"InternalServiceError"}"#.to_owned()));
    let binding = kit.table.binding_writer().create_binding(&warm, new_binding(APP_ID)).await.unwrap();
    assert_eq!(open(&kit.secret.vault(), &binding.token).await.unwrap(), "plantedPushToken");
}

#[tokio::test]
async fn value_in_the_format_of_earlier_versions_opens() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    // Made with another implementation of HKDF and AES-GCM.
    let blob = hex::decode(FORMAT_1).unwrap();
    let sealed = with_app_secret(&kit, blob).await;
    assert_eq!(open(&kit.vault, &sealed).await.unwrap(), "sealed by an earlier version");
    assert_eq!(kit.vault.state(&sealed).await.unwrap(), SealState::Older);
}

#[tokio::test]
async fn key_that_was_not_found_is_not_asked_for_again_within_ten_minutes() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let mut unknown = blob(&item(&kit, APP_ID).await, "app_secret");
    unknown[1] ^= 1;
    let sealed = with_app_secret(&kit, unknown).await;
    assert_sealed(&open(&kit.vault, &sealed).await, "unknown key");
    let asked = kit.wire.calls("GetSecretValue");
    assert_sealed(&open(&kit.vault, &sealed).await, "unknown key again");
    assert_eq!(kit.wire.calls("GetSecretValue"), asked);
    kit.advance(SignedDuration::from_mins(10));
    assert_sealed(&open(&kit.vault, &sealed).await, "unknown key later");
    assert!(kit.wire.calls("GetSecretValue") > asked);
}

#[tokio::test]
async fn concurrent_callers_fetch_the_secret_once() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    let fetched = kit.wire.calls("GetSecretValue");
    let vault = kit.secret.vault();
    let ask = |vault: &Vault| {
        let (vault, sealed) = (vault.clone(), binding.app_secret.clone());
        async move { vault.open(&sealed).await.unwrap().expose_secret().to_owned() }
    };
    assert_eq!(concurrently(20, |_| ask(&vault)).await, vec!["planted-app-secret"; 20]);
    assert_eq!(kit.wire.calls("GetSecretValue"), fetched + 1);

    // After a rotation: the current version, then the one that the value names.
    kit.secret.rotate(&second_master()).await;
    let vault = kit.secret.vault();
    assert_eq!(concurrently(20, |_| ask(&vault)).await, vec!["planted-app-secret"; 20]);
    assert_eq!(kit.wire.calls("GetSecretValue"), fetched + 1 + 2);
    concurrently(20, |_| ask(&vault)).await;
    assert_eq!(kit.wire.calls("GetSecretValue"), fetched + 1 + 2);
}

#[tokio::test]
async fn primed_vault_does_not_fetch_again() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    let vault = kit.secret.vault();
    vault.prime().await.unwrap();
    let fetched = kit.wire.calls("GetSecretValue");
    vault.prime().await.unwrap();
    open(&vault, &binding.token).await.unwrap();
    assert_eq!(kit.wire.calls("GetSecretValue"), fetched);
}

#[tokio::test]
async fn short_secret_is_refused() {
    let kit = Kit::start().await;
    for (length, enough) in [(0, false), (1, false), (31, false), (32, true), (64, true)] {
        // Secrets Manager does not accept an empty value.
        let text = if length == 0 { " ".to_owned() } else { "k".repeat(length) };
        let secret = backend::secret(&kit.wire, &format!("{}-{length}", kit.name), &text, kit.clock.clone()).await;
        let made =
            kit.table.binding_writer().create_binding(&secret.vault(), new_binding(&format!("wx{length}"))).await;
        assert_eq!(made.is_ok(), enough, "{length}: {made:?}");
        if !enough {
            assert!(matches!(made, Err(StoreError::Sealed)), "{made:?}");
            assert!(matches!(secret.vault().prime().await, Err(StoreError::Sealed)));
        }
    }
    assert_eq!(kit.items_of("binding").await.len(), 2);
}

#[tokio::test]
async fn missing_and_unreachable_secrets_are_different_errors() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    let opened = open(&kit.secret.vault_of_nothing(), &binding.token).await;
    assert_sealed(&opened, "no such secret");

    kit.wire.fail("GetSecretValue", 1, &Fault::error("AccessDeniedException"));
    let denied = open(&kit.secret.vault(), &binding.token).await;
    assert!(matches!(denied, Err(StoreError::Denied { service: "Secrets Manager", .. })), "{denied:?}");

    let vault = kit.secret.vault();
    kit.wire.fail("GetSecretValue", 3, &Fault::Answer(500, r#"{"__type":"InternalServiceError"}"#.to_owned()));
    let down = open(&vault, &binding.token).await;
    assert!(matches!(down, Err(StoreError::Unavailable { service: "Secrets Manager", .. })), "{down:?}");
    // A failure is not cached.
    assert!(open(&vault, &binding.token).await.is_ok());
}

#[tokio::test]
async fn unavailable_secret_writes_nothing() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    let before = kit.items().await;
    let vault = kit.secret.vault_of_nothing();
    assert!(kit.table.binding_writer().create_binding(&vault, new_binding(OTHER)).await.is_err());
    let change = BindingChange { token: Some(secret("token")), ..BindingChange::default() };
    assert!(kit.table.binding_writer().change_binding(&vault, &binding, change).await.is_err());
    assert_eq!(kit.items().await, before);
}
