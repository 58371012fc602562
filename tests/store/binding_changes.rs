//! The settings of a mini program change one by one or together, and concurrent changes are not lost.

use desk::settings::{Mode, Reception};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{BindingChange, NewBinding, StoreError};

use crate::{
    bindings::{binding, change, opened, problem},
    support::{APP_ID, Kit, new_binding, secret, signing},
};

fn reception(settings: Value) -> Reception {
    serde_json::from_value(settings).unwrap()
}

#[tokio::test]
async fn binding_created_with_reception_stores_it() {
    let kit = Kit::start().await;
    let reception = reception(json!({ "mode": "robot_first", "group_id": "g1", "greeting": "您好 🙂" }));
    let new = NewBinding { reception: Some(reception.clone()), ..new_binding(APP_ID) };
    assert_eq!(
        kit.table.binding_writer().create_binding(&kit.vault, new).await.unwrap().reception().unwrap(),
        reception
    );
    assert_eq!(binding(&kit).await.reception().unwrap(), reception);
}

#[tokio::test]
async fn reception_and_session_from_secret_change_separately() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let reception = reception(json!({ "mode": "robot_only" }));
    let set = BindingChange { reception: Some(Some(reception.clone())), ..BindingChange::default() };
    assert_eq!(change(&kit, set).await.reception().unwrap(), reception);
    for text in ["signs", "signs anew"] {
        let set = BindingChange { session_from_secret: Some(signing(text)), ..BindingChange::default() };
        let changed = change(&kit, set).await;
        assert_eq!(changed.reception().unwrap(), reception);
        assert_eq!(opened(&kit, &changed.session_from_secret.unwrap()).await, text);
        assert_eq!(opened(&kit, &binding(&kit).await.session_from_secret.unwrap()).await, text);
    }
}

#[tokio::test]
async fn empty_change_keeps_every_attribute() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.table.callback_verifier().mark_verified(APP_ID).await.unwrap();
    kit.table.access_tokens().set_credential_problem(APP_ID, Some(&problem(&kit))).await.unwrap();
    let before = binding(&kit).await;
    kit.advance(SignedDuration::from_secs(9));
    let after = change(&kit, BindingChange::default()).await;
    assert_eq!((after.name, after.auto_reply), (before.name, before.auto_reply));
    assert_eq!((after.verified_at, after.problem), (before.verified_at, before.problem));
    assert_eq!((after.created_at, after.updated_at, after.version), (before.created_at, kit.now(), 2));
    for (old, new) in [
        (&before.app_secret, &after.app_secret),
        (&before.token, &after.token),
        (&before.encoding_aes_key, &after.encoding_aes_key),
    ] {
        assert_eq!(opened(&kit, old).await, opened(&kit, new).await);
    }
    assert!(after.previous_encoding_aes_key.is_none());
}

#[tokio::test]
async fn change_of_name_and_automatic_reply_is_stored() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let name = Some("茶馆".to_owned());
    let reply = Some(Some("马上来".to_owned()));
    let changed = change(&kit, BindingChange { name, auto_reply: reply, ..BindingChange::default() }).await;
    assert_eq!((changed.name.as_str(), changed.auto_reply.as_deref()), ("茶馆", Some("马上来")));
    let silent = change(&kit, BindingChange { auto_reply: Some(None), ..BindingChange::default() }).await;
    assert_eq!((silent.name.as_str(), silent.auto_reply, silent.version), ("茶馆", None, 3));
    assert_eq!(binding(&kit).await.auto_reply, None);
}

#[tokio::test]
async fn change_of_an_old_version_is_a_conflict() {
    let kit = Kit::start().await;
    let old = kit.bind(APP_ID).await;
    change(&kit, BindingChange { name: Some("first".to_owned()), ..BindingChange::default() }).await;
    let before = kit.items().await;
    let late = BindingChange { name: Some("second".to_owned()), ..BindingChange::default() };
    assert!(matches!(
        kit.table.binding_writer().change_binding(&kit.vault, &old, late).await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(kit.items().await, before);

    kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    let gone = BindingChange { token: Some(secret("other")), ..BindingChange::default() };
    assert!(matches!(
        kit.table.binding_writer().change_binding(&kit.vault, &old, gone).await,
        Err(StoreError::Conflict)
    ));
    assert!(kit.items().await.is_empty());
}

#[tokio::test]
async fn change_of_all_attributes_is_stored() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let all = BindingChange {
        name: Some("n".to_owned()),
        auto_reply: Some(None),
        reception: Some(Some(reception(json!({ "mode": "robot_only" })))),
        session_from_secret: Some(signing("s")),
        app_secret: Some(secret("a")),
        token: Some(secret("t")),
        encoding_aes_key: Some(secret("k")),
    };
    let changed = change(&kit, all).await;
    assert_eq!((changed.name.as_str(), &changed.auto_reply), ("n", &None));
    assert_eq!(changed.reception().unwrap().mode, Mode::RobotOnly);
    let signs = changed.session_from_secret.unwrap();
    let kept = [&changed.app_secret, &changed.token, &changed.encoding_aes_key, &signs];
    for (sealed, text) in kept.into_iter().zip(["a", "t", "k", "s"]) {
        assert_eq!(opened(&kit, sealed).await, text);
    }
}
