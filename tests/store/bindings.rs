//! The mini programs that the stack serves.

use desk::settings::Reception;
use jiff::SignedDuration;
use store::{Binding, BindingChange, BindingMode, BindingStatus, CredentialProblem, ExposeSecret, Sealed, StoreError};

use crate::support::{APP_ID, Fault, Kit, new_binding, secret};

pub(crate) async fn binding(kit: &Kit) -> Binding {
    kit.table.bindings().binding(APP_ID).await.unwrap().unwrap()
}

pub(crate) async fn change(kit: &Kit, change: BindingChange) -> Binding {
    kit.table.binding_writer().change_binding(&kit.vault, &binding(kit).await, change).await.unwrap()
}

pub(crate) async fn opened(kit: &Kit, sealed: &Sealed) -> String {
    kit.vault.open(sealed).await.unwrap().expose_secret().to_owned()
}

pub(crate) fn problem(kit: &Kit) -> CredentialProblem {
    CredentialProblem {
        code: "wechat.credentials_refused".to_owned(),
        errcode: 40125,
        reason: "AppSecret 不对".to_owned(),
        since: kit.now(),
    }
}

#[tokio::test]
async fn binding_is_read_as_it_was_created() {
    let kit = Kit::start().await;
    assert!(kit.table.bindings().binding(APP_ID).await.unwrap().is_none());
    let made = kit.bind(APP_ID).await;
    let new = new_binding(APP_ID);
    for binding in [made, binding(&kit).await] {
        assert_eq!((binding.app_id.as_str(), binding.name.as_str()), (APP_ID, new.name.as_str()));
        assert_eq!(binding.mode, BindingMode::Developer);
        assert_eq!(binding.auto_reply, new.auto_reply);
        assert_eq!((binding.verified_at, &binding.problem), (None, &None));
        assert_eq!((binding.created_at, binding.updated_at, binding.version), (kit.now(), kit.now(), 1));
        assert_eq!(binding.status(), BindingStatus::Unverified);
        assert_eq!(opened(&kit, &binding.app_secret).await, new.app_secret.expose_secret());
        assert_eq!(opened(&kit, &binding.token).await, new.token.expose_secret());
        assert_eq!(opened(&kit, &binding.encoding_aes_key).await, new.encoding_aes_key.expose_secret());
        assert!(binding.previous_encoding_aes_key.is_none());
        assert!(binding.session_from_secret.is_none());
        assert_eq!(binding.reception().unwrap(), Reception::default());
    }
}

#[tokio::test]
async fn second_binding_of_a_mini_program_is_a_conflict() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let before = kit.items().await;
    let again = kit.table.binding_writer().create_binding(&kit.vault, new_binding(APP_ID)).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn creation_of_a_binding_whose_answer_was_lost_succeeds() {
    let kit = Kit::start().await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    // The push credentials are returned by this call only.
    let made = kit.table.binding_writer().create_binding(&kit.vault, new_binding(APP_ID)).await.unwrap();
    assert_eq!(kit.wire.calls("TransactWriteItems"), 2);
    assert_eq!(opened(&kit, &made.token).await, opened(&kit, &binding(&kit).await.token).await);
}

#[tokio::test]
async fn bindings_are_paged_in_the_order_of_app_ids() {
    let kit = Kit::start().await;
    let mut app_ids: Vec<String> = (0..11).map(|number| format!("wx{:016x}", number * 7 % 11)).collect();
    for app_id in &app_ids {
        kit.bind(app_id).await;
    }
    app_ids.sort();
    for limit in [1, 3, 11, 100] {
        let mut listed = Vec::new();
        let (mut cursor, mut pages) = (None, 0);
        loop {
            let page = kit.table.binding_list().bindings(cursor.as_deref(), limit).await.unwrap();
            assert!(page.items.len() <= usize::try_from(limit).unwrap());
            listed.extend(page.items.into_iter().map(|binding| binding.app_id));
            cursor = page.cursor;
            pages += 1;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, app_ids, "by {limit}");
        assert!(pages >= 11 / limit, "{pages} pages of {limit}");
    }
}

#[tokio::test]
async fn page_of_more_than_a_hundred_bindings_is_complete() {
    let kit = Kit::start().await;
    for number in 0..120 {
        kit.bind(&format!("wx{number:016x}")).await;
    }
    let page = kit.table.binding_list().bindings(None, 120).await.unwrap();
    let listed: Vec<_> = page.items.iter().map(|binding| binding.app_id.clone()).collect();
    assert_eq!(listed, (0..120).map(|number| format!("wx{number:016x}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn deleted_binding_is_not_listed() {
    let kit = Kit::start().await;
    for app_id in ["wx1", "wx2", "wx3"] {
        kit.bind(app_id).await;
    }
    let first = kit.table.binding_list().bindings(None, 1).await.unwrap();
    kit.table.binding_writer().delete_binding("wx1").await.unwrap();
    // The cursor's item was deleted in the meantime.
    let next = kit.table.binding_list().bindings(first.cursor.as_deref(), 1).await.unwrap();
    assert_eq!(next.items[0].app_id, "wx2");
}

#[tokio::test]
async fn new_encoding_aes_key_keeps_only_the_previous_one() {
    let kit = Kit::start().await;
    let first = new_binding(APP_ID).encoding_aes_key;
    kit.bind(APP_ID).await;
    let second = change(&kit, BindingChange { encoding_aes_key: Some(secret("second")), ..BindingChange::default() });
    let second = second.await;
    assert_eq!(opened(&kit, &second.encoding_aes_key).await, "second");
    let previous = second.previous_encoding_aes_key.unwrap();
    assert_eq!(opened(&kit, &previous).await, first.expose_secret());

    let third = change(&kit, BindingChange { encoding_aes_key: Some(secret("third")), ..BindingChange::default() });
    let third = third.await;
    assert_eq!(opened(&kit, &third.encoding_aes_key).await, "third");
    assert_eq!(opened(&kit, &third.previous_encoding_aes_key.unwrap()).await, "second");
}

#[tokio::test]
async fn new_token_makes_the_binding_unverified() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.advance(SignedDuration::from_secs(3));
    kit.table.callback_verifier().mark_verified(APP_ID).await.unwrap();
    let verified = binding(&kit).await;
    assert_eq!((verified.verified_at, verified.status()), (Some(kit.now()), BindingStatus::Verified));
    // A credential problem does not increment the version of the settings.
    assert_eq!(verified.version, 1);

    let key = change(&kit, BindingChange { encoding_aes_key: Some(secret("key")), ..BindingChange::default() }).await;
    assert_eq!(key.status(), BindingStatus::Verified);
    let token = change(&kit, BindingChange { token: Some(secret("token")), ..BindingChange::default() }).await;
    assert_eq!((token.verified_at, token.status()), (None, BindingStatus::Unverified));
    assert_eq!(opened(&kit, &token.token).await, "token");
}

#[tokio::test]
async fn credential_problem_is_shown_until_it_is_cleared() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.table.callback_verifier().mark_verified(APP_ID).await.unwrap();
    kit.table.access_tokens().set_credential_problem(APP_ID, Some(&problem(&kit))).await.unwrap();
    let refused = binding(&kit).await;
    assert_eq!((refused.status(), refused.problem), (BindingStatus::CredentialsRefused, Some(problem(&kit))));
    kit.table.access_tokens().set_credential_problem(APP_ID, None).await.unwrap();
    let mended = binding(&kit).await;
    assert_eq!((mended.status(), mended.problem), (BindingStatus::Verified, None));

    kit.table.access_tokens().set_credential_problem(APP_ID, Some(&problem(&kit))).await.unwrap();
    let secret = change(&kit, BindingChange { app_secret: Some(secret("new")), ..BindingChange::default() }).await;
    assert_eq!((secret.status(), secret.problem), (BindingStatus::Verified, None));
    assert_eq!(opened(&kit, &secret.app_secret).await, "new");
}

#[tokio::test]
async fn deletion_of_a_binding_deletes_only_its_access_token() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.bind("wx2").await;
    for app_id in [APP_ID, "wx2"] {
        let lease = kit.table.access_tokens().lease_token(app_id, 0).await.unwrap().unwrap();
        let end = kit.now() + SignedDuration::from_hours(2);
        kit.table.access_tokens().renew_token(&kit.vault, &lease, &secret("token"), end, end).await.unwrap();
    }
    kit.opened(&crate::support::visitor(), 0, 1).await;
    let visitors = (kit.items_of("inbound").await, kit.items_of("conversation").await);

    assert!(kit.table.binding_writer().delete_binding(APP_ID).await.unwrap());
    assert!(!kit.table.binding_writer().delete_binding(APP_ID).await.unwrap());
    assert!(kit.table.bindings().binding(APP_ID).await.unwrap().is_none());
    assert!(kit.table.access_tokens().token(APP_ID).await.unwrap().is_none());
    assert!(kit.table.bindings().binding("wx2").await.unwrap().is_some());
    assert!(kit.table.access_tokens().token("wx2").await.unwrap().is_some());
    assert_eq!((kit.items_of("inbound").await, kit.items_of("conversation").await), visitors);
}

#[tokio::test]
async fn writes_to_a_deleted_binding_do_not_recreate_it() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    kit.table.callback_verifier().mark_verified(APP_ID).await.unwrap();
    kit.table.access_tokens().set_credential_problem(APP_ID, Some(&problem(&kit))).await.unwrap();
    kit.table.access_tokens().set_credential_problem(APP_ID, None).await.unwrap();
    kit.table.access_tokens().reset_token(APP_ID).await.unwrap();
    kit.table.access_tokens().unschedule_token(APP_ID).await.unwrap();
    assert!(kit.items().await.is_empty());
    // The mini program can be bound again.
    let again = kit.bind(APP_ID).await;
    assert_eq!((again.version, again.status()), (1, BindingStatus::Unverified));
}
