//! A visitor enters by the contact button: reads and verifies `session-from`, and greets.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{Binding, ExposeSecret, InboundRef, Profile, Result, SecretString, StoreError, Thread, Vault};
use wechat::session_from::{self, Entrant, Params, SessionFrom, SignatureVersion, Verification};

use crate::{automatic_message::AutomaticMessage, decision::Decision};

/// A visitor is greeted at most once in this time.
const GREETING_INTERVAL: SignedDuration = SignedDuration::from_hours(12);

/// Processes WeChat's `user_enter_tempsession` event; other events change nothing. `true` if the visitor has entered with a
/// `session-from`.
pub(crate) async fn start_session(
    vault: &Vault,
    decision: &mut Decision<'_>,
    message: &InboundRef,
    binding: Option<&Binding>,
) -> Result<bool> {
    let now = decision.now;
    if message.content.get("event").and_then(Value::as_str) != Some("user_enter_tempsession") {
        return Ok(false);
    }
    decision.visitor.ledger.record_enter(message.created_at, now);
    let text = message.content.get("session_from").and_then(Value::as_str);
    // A page without a session-from leaves what an earlier page said.
    let text = text.filter(|text| !text.trim().is_empty());
    if let Some(text) = text {
        let from = session_from::parse_bounded(text);
        let verification = verify(vault, &from, binding, &decision.thread, now).await?;
        decision.visitor.session_from = Some(session_from::significant(text).to_owned());
        decision.visitor.session_from_at = Some(now);
        decision.visitor.verification = Some(verification);
        decision.visitor.signature_version = from.signature_version;
        let proof = match (verification, binding.and_then(Binding::signer), from.signature_version) {
            (Verification::Verified, Some(signer), Some(version)) => Some(Proof { signer, version }),
            _ => None,
        };
        update_profile(&mut decision.visitor.profile, &from, proof);
    }
    if decision.visitor.block(now).is_none() {
        greet(decision);
    }
    Ok(text.is_some())
}

/// Verifies the signature of a `session-from` with the mini program's secret, for the visitor who entered with it.
pub(crate) async fn verify(
    vault: &Vault,
    from: &SessionFrom,
    binding: Option<&Binding>,
    Thread { app_id, openid }: &Thread,
    now: Timestamp,
) -> Result<Verification> {
    let sealed = binding.and_then(|binding| binding.session_from_secret.as_ref());
    let secret = match sealed.filter(|_| from.signature.is_some()) {
        Some(sealed) => match vault.open(sealed).await {
            // Health tells it to an administrator; the visitor is received without a verified name.
            Err(StoreError::Sealed) => {
                tracing::error!("the secret for signatures of session-from cannot be opened");
                SecretString::default()
            }
            opened => opened?,
        },
        // An empty secret verifies nothing.
        None => SecretString::default(),
    };
    Ok(from.verify(secret.expose_secret().as_bytes(), &Entrant { app_id, openid }, now.as_second()))
}

/// Greets a visitor who was not greeted within [`GREETING_INTERVAL`].
pub(crate) fn greet(decision: &mut Decision<'_>) {
    let recently = decision.visitor.greeted_at.is_some_and(|at| decision.now.duration_since(at) < GREETING_INTERVAL);
    let Some(text) = decision.reception.greeting.clone().filter(|_| !recently) else {
        return;
    };
    if decision.say(AutomaticMessage::Greeting, &text) {
        decision.visitor.greeted_at = Some(decision.now);
    }
}

/// A valid signature of a partnerid.
#[derive(Clone, Copy)]
struct Proof<'a> {
    /// The signer of the secret that it was made with.
    signer: &'a str,
    version: SignatureVersion,
}

/// Takes over what a `session-from` says. The names and ids that it leaves out stay; the free fields and the customer's fields are
/// those of this `session-from` alone. A partnerid that differs from the verified one and is not verified itself is no longer
/// marked as verified.
fn update_profile(profile: &mut Profile, from: &SessionFrom, proof: Option<Proof<'_>>) {
    let update = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            field.clone_from(value);
        }
    };
    update_proof(profile, from, proof);
    update(&mut profile.nickname, &from.nickname);
    update(&mut profile.avatar, &from.avatar);
    profile.clean();
    update(&mut profile.partnerid, &from.partnerid);
    update(&mut profile.unionid, &from.unionid);
    update(&mut profile.robotid, &from.robotid);
    update(&mut profile.customer_code, &from.platform_action.as_ref().and_then(|action| action.customer_code.clone()));
    profile.params = from.params.as_ref().map(Params::display_fields).unwrap_or_default();
    profile.customer_fields.clone_from(&from.customer_fields);
}

/// A valid signature proves the partnerid under its signer. A partnerid that was proved before stays so without one, and with one
/// of a lower version it keeps the higher: that this visitor is named by it was proved already.
fn update_proof(profile: &mut Profile, from: &SessionFrom, proof: Option<Proof<'_>>) {
    let Some(partnerid) = &from.partnerid else { return };
    let is_same = profile.partnerid.as_ref() == Some(partnerid);
    match proof {
        Some(Proof { signer, version }) => {
            let is_same_person = is_same && profile.partnerid_signer.as_deref() == Some(signer);
            let before = profile.signature_version.filter(|_| is_same_person);
            profile.partnerid_verified = true;
            profile.partnerid_signer = Some(signer.to_owned());
            profile.signature_version = before.max(Some(version));
        }
        None if is_same => {}
        None => {
            profile.partnerid_verified = false;
            profile.partnerid_signer = None;
            profile.signature_version = None;
        }
    }
}
