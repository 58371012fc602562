//! Which visitors are the same person: the `partnerid` under the signer that vouched for it.

use std::sync::Arc;

use desk::policy::Role;
use store::{AuditActor, BindingChange, CommitOutcome, ExposeSecret, SigningSecret, Thread};
use wechat::session_from::{SignatureVersion, Verification};

use crate::support::{APP_ID, Decision, Kit, SIGNER, new_binding, s, secret, signing, visitor};

const ELSEWHERE: &str = "wxfedcba9876543210";

/// Writes a visitor with a verified partnerid.
async fn proves(kit: &Kit, thread: &Thread, signer: Option<&str>, partnerid: &str) {
    let decision = Decision::of(&kit.table, thread).await.proving_under(signer, partnerid);
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
}

#[tokio::test]
async fn one_partnerid_under_two_signers_is_two_persons() {
    let kit = Kit::start().await;
    let [here, there, joined] = [(APP_ID, "oHere"), (ELSEWHERE, "oThere"), (ELSEWHERE, "oJoined")]
        .map(|(app_id, openid)| Thread::new(app_id, openid));
    for (thread, signer) in [(&here, "s1"), (&there, "s2"), (&joined, "s1")] {
        proves(&kit, thread, Some(signer), "42").await;
    }
    let mut one = kit.person_under(Some("s1"), "42", APP_ID).await;
    one.sort_by(|one, other| one.openid.cmp(&other.openid));
    assert_eq!(one, [here.clone(), joined]);
    assert_eq!(kit.person_under(Some("s2"), "42", APP_ID).await, std::slice::from_ref(&there));
    assert!(kit.person_under(None, "42", APP_ID).await.is_empty());
    // Another signer for the same partnerid removes the link to the person before.
    proves(&kit, &there, Some("s1"), "42").await;
    assert!(kit.person_under(Some("s2"), "42", APP_ID).await.is_empty());
    assert_eq!(kit.items_of("person").await.len(), 3);
}

#[tokio::test]
async fn person_of_an_earlier_version_is_joined_within_its_mini_program_until_vouched_for() {
    let kit = Kit::start().await;
    let [one, two, other] =
        [(APP_ID, "oOne"), (APP_ID, "oTwo"), (ELSEWHERE, "oOther")].map(|(app_id, openid)| Thread::new(app_id, openid));
    for thread in [&one, &two, &other] {
        proves(&kit, thread, None, "42").await;
    }
    // The key of earlier versions: 128 bits of SHA-256 over `person` NUL partnerid NUL.
    for item in kit.items_of("person").await {
        assert_eq!(s(&item, "pk"), "person#bde3fc306bbc4fe7fd979837bd76301b");
    }
    let mut here = kit.person_under(None, "42", APP_ID).await;
    here.sort_by(|one, other| one.openid.cmp(&other.openid));
    assert_eq!(here, [one.clone(), two.clone()]);
    assert_eq!(kit.person_under(None, "42", ELSEWHERE).await, [other]);

    proves(&kit, &one, Some(APP_ID), "42").await;
    assert_eq!(kit.person_under(Some(APP_ID), "42", APP_ID).await, [one]);
    assert_eq!(kit.person_under(None, "42", APP_ID).await, [two]);
    assert_eq!(kit.items_of("person").await.len(), 3);
}

#[tokio::test]
async fn erasure_deletes_the_link_of_either_version() {
    let kit = Kit::start().await;
    for signer in [Some(SIGNER), None] {
        proves(&kit, &visitor(), signer, "42").await;
        assert_eq!(kit.items_of("person").await.len(), 1);
        let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
        let erasures = kit.table.erasures();
        let actor = Arc::new(AuditActor { token_id: "t1".to_owned(), name: None, role: Role::Admin, agent_id: None });
        let erasure = erasures.begin(&visitor(), &seen, &actor).await.unwrap();
        let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
        erasures.end(&erasure, &seen).await.unwrap();
        assert!(kit.items_of("person").await.is_empty(), "{signer:?}");
    }
}

#[tokio::test]
async fn verified_visitor_of_an_earlier_version_has_signature_version_1() {
    let kit = Kit::start().await;
    let mut decision = Decision::of(&kit.table, &visitor()).await.proving_under(None, "42");
    decision.visitor.verification = Some(Verification::Verified);
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    assert!(!s(&kit.items_of("visitor").await[0], "data").contains("\"signature_version\":1"));
    let read = kit.table.threads().visitor(&visitor()).await.unwrap();
    let version = Some(SignatureVersion::V1);
    assert_eq!((read.signature_version, read.profile.signature_version), (version, version));
    // A signature of no version has none.
    let mut decision = Decision::of(&kit.table, &Thread::new(APP_ID, "oBad")).await;
    decision.visitor.verification = Some(Verification::Bad);
    let thread = decision.thread.clone();
    decision.write(&kit.table).await.unwrap();
    assert_eq!(kit.table.threads().visitor(&thread).await.unwrap().signature_version, None);
}

#[tokio::test]
async fn signer_is_stored_with_the_secret_and_is_the_app_id_without_one() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    assert_eq!(binding.signer(), None);
    let writer = kit.table.binding_writer();
    let set = |signing| BindingChange { session_from_secret: Some(signing), ..BindingChange::default() };
    let binding = writer.change_binding(&kit.vault, &binding, set(signing("planted"))).await.unwrap();
    assert_eq!(binding.signer(), Some(SIGNER));
    let name = BindingChange { name: Some("x".to_owned()), ..BindingChange::default() };
    let binding = writer.change_binding(&kit.vault, &binding, name).await.unwrap();
    assert_eq!(binding.signer(), Some(SIGNER));

    let mut item = kit.items_of("binding").await.remove(0);
    item.remove("session_from_signer").unwrap();
    kit.write(item).await;
    let earlier = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    assert_eq!(earlier.signer(), Some(APP_ID));

    // A copy is sealed for the binding that it is in.
    let other = kit.table.binding_writer().create_binding(&kit.vault, new_binding(ELSEWHERE)).await.unwrap();
    let opened = kit.vault.open(earlier.session_from_secret.as_ref().unwrap()).await.unwrap();
    let copy = SigningSecret { secret: secret(opened.expose_secret()), signer: APP_ID.to_owned() };
    let other = writer.change_binding(&kit.vault, &other, set(copy)).await.unwrap();
    let blobs: Vec<_> = kit.items_of("binding").await.iter().map(|item| item["session_from_secret"].clone()).collect();
    assert_ne!(blobs[0], blobs[1]);
    let sealed = other.session_from_secret.clone().unwrap();
    assert_eq!(kit.vault.open(&sealed).await.unwrap().expose_secret(), "planted");
    assert_eq!(other.signer(), Some(APP_ID));
}

#[test]
fn fresh_secrets_and_signers_are_random_and_independent() {
    let all: Vec<_> = (0..2).map(|_| SigningSecret::fresh().unwrap()).collect();
    assert_ne!(all[0].secret.expose_secret(), all[1].secret.expose_secret());
    assert_ne!(all[0].signer, all[1].signer);
    for one in &all {
        assert_eq!((one.secret.expose_secret().len(), one.signer.len()), (43, 33));
        assert!(!format!("{one:?}").contains(one.secret.expose_secret()));
    }
}
