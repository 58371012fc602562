//! A visitor enters by the contact button: reads and verifies `session-from`, and greets.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{Binding, ExposeSecret, InboundRef, Profile, Result, SecretString, StoreError, Vault};
use wechat::session_from::{self, Params, SessionFrom, Verification};

use crate::{automatic_message::AutomaticMessage, decision::Decision};

/// A visitor is greeted at most once in this time.
const GREETING_INTERVAL: SignedDuration = SignedDuration::from_hours(12);

/// The most bytes that the free fields of a visitor have in all, and the customer's own fields.
const FIELDS_MAX: usize = 32 * 1024;

/// Processes WeChat's `user_enter_tempsession` event; other events change nothing.
pub(crate) async fn start_session(
    vault: &Vault,
    decision: &mut Decision<'_>,
    message: &InboundRef,
    binding: Option<&Binding>,
) -> Result<()> {
    let now = decision.now;
    if message.content.get("event").and_then(Value::as_str) != Some("user_enter_tempsession") {
        return Ok(());
    }
    decision.visitor.ledger.record_enter(message.created_at, now);
    let text = message.content.get("session_from").and_then(Value::as_str);
    // A page without a session-from leaves what an earlier page said.
    if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
        let from = session_from::parse(text);
        let verification = verify(vault, &from, binding, now).await?;
        decision.visitor.session_from = Some(text.to_owned());
        decision.visitor.session_from_at = Some(now);
        decision.visitor.verification = Some(verification);
        update_profile(&mut decision.visitor.profile, &from, verification == Verification::Verified);
    }
    // The greeting belongs to no conversation.
    decision.after = None;
    decision.before = None;
    greet(decision);
    Ok(())
}

/// Verifies the signature of a `session-from` with the mini program's secret.
async fn verify(vault: &Vault, from: &SessionFrom, binding: Option<&Binding>, now: Timestamp) -> Result<Verification> {
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
    Ok(from.verify(secret.expose_secret().as_bytes(), now.as_second()))
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

/// Takes over the fields that a `session-from` has; the others stay. A partnerid that differs from the verified one and is
/// not verified itself is no longer marked as verified.
fn update_profile(profile: &mut Profile, from: &SessionFrom, verified: bool) {
    let update = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            field.clone_from(value);
        }
    };
    if from.partnerid.is_some() {
        profile.partnerid_verified = verified || (profile.partnerid_verified && profile.partnerid == from.partnerid);
    }
    update(&mut profile.nickname, &from.nickname);
    update(&mut profile.avatar, &from.avatar);
    profile.clean();
    update(&mut profile.partnerid, &from.partnerid);
    update(&mut profile.unionid, &from.unionid);
    update(&mut profile.robotid, &from.robotid);
    update(&mut profile.customer_code, &from.platform_action.as_ref().and_then(|action| action.customer_code.clone()));
    merge(&mut profile.params, from.params.as_ref().map(Params::display_fields).unwrap_or_default());
    merge(&mut profile.customer_fields, from.customer_fields.clone());
}

/// Adds fields. Beyond [`FIELDS_MAX`] bytes in all, fields of earlier times go first: a visitor may enter with other names each time,
/// and an item of DynamoDB has at most 400 KB.
fn merge(fields: &mut BTreeMap<String, String>, new: BTreeMap<String, String>) {
    let size = |fields: &BTreeMap<String, String>| fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    let (old, added): (usize, usize) = (size(fields), size(&new));
    let mut room = FIELDS_MAX.saturating_sub(added);
    if old > room {
        fields.retain(|name, value| {
            let length = name.len() + value.len();
            let stays = !new.contains_key(name) && length <= room;
            room -= if stays { length } else { 0 };
            stays
        });
    }
    fields.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_earlier_sessions_go_first_when_there_are_too_many() {
        let mut fields = BTreeMap::new();
        for number in 0..1000 {
            merge(
                &mut fields,
                BTreeMap::from([(format!("field{number}"), "x".repeat(4000)), ("always".to_owned(), "y".to_owned())]),
            );
            assert!(fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= FIELDS_MAX);
            assert!(fields.contains_key(&format!("field{number}")) && fields.contains_key("always"));
        }
    }

    #[test]
    fn fields_stay_as_long_as_there_is_room() {
        let mut fields = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        merge(&mut fields, BTreeMap::from([("b".to_owned(), "3".to_owned())]));
        assert_eq!(fields, BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "3".to_owned())]));
    }
}
