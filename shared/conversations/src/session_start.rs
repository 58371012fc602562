//! A visitor enters by the contact button: who they say they are, and the greeting.

use channel::update_ledger;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{Binding, ExposeSecret, InboundRef, Profile, Result, SecretString};
use wechat::session_from::{self, Params, SessionFrom, Verification};

use crate::{
    Conversations,
    decision::{Decision, Speaker},
};

/// A visitor is greeted once in this time.
const GREETED: SignedDuration = SignedDuration::from_hours(12);

impl Conversations {
    /// The visitor has entered by the contact button: who they are, and the greeting.
    pub(crate) async fn entered(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<()> {
        let now = decision.now;
        if message.content.get("event").and_then(Value::as_str) != Some("user_enter_tempsession") {
            return Ok(());
        }
        update_ledger(&mut decision.visitor, now, |ledger| ledger.record_enter(message.created_at, now));
        let text = message.content.get("session_from").and_then(Value::as_str);
        // A page without it says nothing, and unsays nothing either.
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            let from = session_from::parse(text);
            let verification = self.verification(&from, binding, now).await?;
            decision.visitor.session_from = Some(text.to_owned());
            decision.visitor.session_from_at = Some(now);
            decision.visitor.verification = word(verification);
            learn(&mut decision.visitor.profile, &from, verification == Verification::Verified);
        }
        decision.after = None;
        decision.before = None;
        greet(decision);
        Ok(())
    }

    async fn verification(
        &self,
        from: &SessionFrom,
        binding: Option<&Binding>,
        now: Timestamp,
    ) -> Result<Verification> {
        let sealed = binding.and_then(|binding| binding.session_from_secret.as_ref());
        let secret = match sealed.filter(|_| from.signature.is_some()) {
            Some(sealed) => self.vault.open(sealed).await?,
            // Nothing can be proved by it.
            None => SecretString::default(),
        };
        Ok(from.verify(secret.expose_secret().as_bytes(), now.as_second()))
    }
}

fn word(verification: Verification) -> Option<String> {
    serde_json::to_value(verification).ok()?.as_str().map(ToOwned::to_owned)
}

/// Greets a visitor who was not greeted lately.
pub(crate) fn greet(decision: &mut Decision<'_>) {
    let lately = decision.visitor.greeted_at.is_some_and(|at| decision.now.duration_since(at) < GREETED);
    let Some(text) = decision.reception.greeting.clone().filter(|_| !lately) else {
        return;
    };
    if decision.say("greeting", &text, Speaker::Prompt) {
        decision.visitor.greeted_at = Some(decision.now);
    }
}

/// What `session-from` tells of a visitor. What it does not tell stays as it was, but a claim of being somebody else
/// takes the proof away.
fn learn(profile: &mut Profile, from: &SessionFrom, verified: bool) {
    let keep = |known: &mut Option<String>, told: &Option<String>| {
        if told.is_some() {
            known.clone_from(told);
        }
    };
    if from.partnerid.is_some() {
        profile.partnerid_verified = verified || (profile.partnerid_verified && profile.partnerid == from.partnerid);
    }
    keep(&mut profile.nickname, &from.nickname);
    keep(&mut profile.avatar, &from.avatar);
    keep(&mut profile.partnerid, &from.partnerid);
    keep(&mut profile.unionid, &from.unionid);
    keep(&mut profile.robotid, &from.robotid);
    keep(&mut profile.customer_code, &from.platform_action.as_ref().and_then(|action| action.customer_code.clone()));
    profile.params.extend(from.params.as_ref().map(Params::shown).unwrap_or_default());
    profile.customer_fields.extend(from.customer_fields.clone());
}
