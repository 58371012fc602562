//! A visitor enters by the contact button: who they say they are, and the greeting.

use channel::reckon;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{Binding, ExposeSecret, InboundRef, Profile, Result};
use wechat::session_from::{self, Params, SessionFrom, Verification};

use crate::{
    Dispatch,
    scene::{Scene, Speaker},
};

/// A visitor is greeted once in this time.
const GREETED: SignedDuration = SignedDuration::from_hours(12);

impl Dispatch {
    /// The visitor has entered by the contact button: who they are, and the greeting.
    pub(crate) async fn entered(
        &self,
        scene: &mut Scene<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<()> {
        let now = scene.now;
        if message.content.get("event").and_then(Value::as_str) != Some("user_enter_tempsession") {
            return Ok(());
        }
        reckon(&mut scene.visitor, now, |ledger| ledger.on_enter(message.created_at, now));
        if let Some(text) = message.content.get("session_from").and_then(Value::as_str) {
            let from = session_from::parse(text);
            let verified = self.verified(&from, binding, now).await?;
            scene.visitor.session_from = Some(text.to_owned());
            scene.visitor.session_from_at = Some(now);
            scene.person = from.partnerid.clone().filter(|_| verified);
            learn(&mut scene.visitor.profile, &from, verified);
        }
        scene.after = None;
        scene.before = None;
        greet(scene);
        Ok(())
    }

    async fn verified(&self, from: &SessionFrom, binding: Option<&Binding>, now: Timestamp) -> Result<bool> {
        let Some(sealed) = binding.and_then(|binding| binding.session_from_secret.as_ref()) else {
            return Ok(false);
        };
        if from.signature.is_none() {
            return Ok(false);
        }
        let secret = self.vault.open(sealed).await?;
        Ok(from.verify(secret.expose_secret().as_bytes(), now.as_second()) == Verification::Verified)
    }
}

/// Greets a visitor who was not greeted lately.
pub(crate) fn greet(scene: &mut Scene<'_>) {
    let lately = scene.visitor.greeted_at.is_some_and(|at| scene.now.duration_since(at) < GREETED);
    let Some(text) = scene.reception.greeting.clone().filter(|_| !lately) else {
        return;
    };
    if scene.say("greeting", &text, Speaker::Prompt) {
        scene.visitor.greeted_at = Some(scene.now);
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
