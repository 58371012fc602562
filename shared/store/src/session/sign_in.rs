//! Signing in: a code, made by an admin, is exchanged once for a session.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use wechat::Name;

use super::{
    DEVICE_MAX, PREFIX, SESSION_LIFE, SESSIONS_MAX, SIGN_IN_CODE_LIFE, Session, SessionHolder, SessionSource,
    detail_of, id_of,
};
use crate::{
    access::token_hash,
    audit::{AuditAction, AuditSubject, AuditSubjectKind},
    error::{Result, StoreError},
    handles::Sessions,
    item::{Attributes, Build, Read, at, json, s},
    keys,
    table::Table,
    transaction::built,
};

/// A session that has just begun, with its token, which is only here.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Its token.
    pub token: SecretString,
}

/// A code, as it is kept.
struct Code {
    holder: SessionHolder,
    /// When the session that it begins ends at the latest, if its token ends earlier than [`SESSION_LIFE`].
    session_ends_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Code {
    fn write(&self, code: &str) -> Result<Attributes> {
        Ok(Build::new(keys::SIGN_IN, keys::sign_in(&token_hash(code)), keys::SIGN_IN)
            .set("holder", json(&self.holder)?)
            .maybe("session_ends_at", self.session_ends_at.map(at))
            .set("expires_at", at(self.expires_at))
            .set("ttl", keys::ttl(self.expires_at))
            .done())
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::SIGN_IN, item };
        let session_ends_at = read.opt_at("session_ends_at")?;
        Ok(Self { holder: read.json("holder")?, session_ends_at, expires_at: read.at("expires_at")? })
    }
}

pub(crate) fn random() -> Result<[u8; 32]> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| StoreError::Internal("no random bytes"))?;
    Ok(random)
}

impl Sessions {
    /// Makes a code for this person, and returns it with the end of its validity. A session that it begins ends at
    /// `session_ends_at` at the latest. `None` when the agent or the token has ended.
    pub async fn create_code(
        &self,
        holder: SessionHolder,
        session_ends_at: Option<Timestamp>,
    ) -> Result<Option<(SecretString, Timestamp)>> {
        let code = BASE64_URL_SAFE_NO_PAD.encode(random()?);
        let subject = match (&holder.source, &holder.agent_id) {
            (SessionSource::Token { id, .. }, _) => AuditSubject::new(AuditSubjectKind::AccessToken, id),
            (SessionSource::Agent, Some(agent)) => AuditSubject::new(AuditSubjectKind::Agent, agent),
            _ => AuditSubject::new(AuditSubjectKind::BootstrapToken, "bootstrap"),
        };
        let audit = self.0.audit_of_change(AuditAction::SignInCodeCreated, subject, detail_of(&holder))?;
        let expires_at = self.0.clock.now() + SIGN_IN_CODE_LIFE;
        let mut writes = self.0.source_checks(&holder)?;
        writes.push(self.0.put_new(Code { holder, session_ends_at, expires_at }.write(&code)?)?);
        writes.extend(audit);
        Ok(self.0.transact(writes).await?.is_none().then(|| (code.into(), expires_at)))
    }

    /// Exchanges a code for a session of this device. `None` for a code that does not exist, was used or has expired, and for one
    /// whose agent or token has ended. Of two at once, one gets the session.
    pub async fn sign_in(&self, code: &str, device: &str) -> Result<Option<SignedIn>> {
        let (key, now) = (keys::sign_in(&token_hash(code)), self.0.clock.now());
        let Some(item) = self.0.get(key.clone(), keys::SIGN_IN, true).await? else {
            return Ok(None);
        };
        let code = Code::read(&item)?;
        if code.expires_at <= now {
            return Ok(None);
        }
        let signed_in = begin(&code, device, now)?;
        let session = &signed_in.session;
        let redeem = Delete::builder().table_name(&self.0.name).key("pk", s(key)).key("sk", s(keys::SIGN_IN));
        let redeem = built(redeem.condition_expression("attribute_exists(pk)").build())?;
        let put = built(Put::builder().table_name(&self.0.name).set_item(Some(session.write()?)).build())?;
        let mut writes =
            vec![TransactWriteItem::builder().delete(redeem).build(), TransactWriteItem::builder().put(put).build()];
        writes.extend(self.0.source_checks(&session.holder)?);
        for ended in superfluous(self.0.all_sessions(session.holder.owner()).await?, now) {
            writes.push(self.0.session_delete(&ended)?);
        }
        let acting = self.0.acting(Arc::new(session.actor()));
        writes.extend(acting.audit_of_change(AuditAction::SessionCreated, session.subject(), session.detail())?);
        Ok(self.0.transact(writes).await?.is_none().then_some(signed_in))
    }
}

/// The session that a code begins.
fn begin(code: &Code, device: &str, now: Timestamp) -> Result<SignedIn> {
    let holder = code.holder.clone();
    let token = SecretString::from(format!("{PREFIX}{}_{}", holder.owner(), hex::encode(random()?)));
    let hash = token_hash(token.expose_secret());
    let device = Name::cleaned(device, DEVICE_MAX).map(String::from).unwrap_or_default();
    let end = now + SESSION_LIFE;
    let session = Session {
        id: id_of(holder.owner(), &hash),
        holder,
        device,
        created_at: now,
        last_used_at: now,
        expires_at: code.session_ends_at.map_or(end, |other| other.min(end)),
        hash,
    };
    Ok(SignedIn { session, token })
}

/// The sessions to end when a new one begins: those that have ended by time, and those that were not used for the longest time.
fn superfluous(mut sessions: Vec<Session>, now: Timestamp) -> Vec<Session> {
    sessions.sort_by_key(|session| std::cmp::Reverse((session.is_valid(now), session.last_used_at)));
    let kept = sessions.iter().take(SESSIONS_MAX - 1).filter(|session| session.is_valid(now)).count();
    sessions.split_off(kept)
}

impl Table {
    /// The conditions that what a session is made from has not ended.
    fn source_checks(&self, holder: &SessionHolder) -> Result<Vec<TransactWriteItem>> {
        let mut checks = Vec::new();
        match &holder.source {
            SessionSource::Token { hash, .. } => {
                checks.push(self.condition_check(keys::access(hash), keys::ACCESS, "attribute_exists(pk)")?);
            }
            SessionSource::Bootstrap { hash } => {
                checks.push(self.condition_check(keys::access(hash), keys::RETIRED, "attribute_not_exists(pk)")?);
            }
            SessionSource::Agent => {}
        }
        if let Some(agent) = &holder.agent_id {
            checks.push(self.agent_check(agent)?);
        }
        Ok(checks)
    }
}

#[cfg(test)]
mod tests {
    use desk::policy::Grant;
    use jiff::SignedDuration;

    use super::*;

    fn session(number: i64, used_hours_ago: i64) -> Session {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        let holder = SessionHolder {
            grant: Grant::Agent,
            name: "Lin".to_owned(),
            agent_id: Some("a1".to_owned()),
            source: SessionSource::Agent,
        };
        let used = now - SignedDuration::from_hours(used_hours_ago);
        Session {
            id: number.to_string(),
            holder,
            device: String::new(),
            created_at: used,
            last_used_at: used,
            expires_at: used + SESSION_LIFE,
            hash: String::new(),
        }
    }

    #[test]
    fn new_session_ends_expired_ones_and_the_least_recently_used_beyond_the_limit() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        let ended = |sessions: Vec<Session>| -> Vec<String> {
            let mut ids: Vec<_> = superfluous(sessions, now).into_iter().map(|session| session.id).collect();
            ids.sort();
            ids
        };
        assert_eq!(ended(vec![session(1, 1), session(2, 12), session(3, 2)]), ["2"]);
        assert_eq!(ended((1..=6).map(|number| session(number, number)).collect()), Vec::<String>::new());
        assert_eq!(ended((1..=8).map(|number| session(number, number)).collect()), ["7", "8"]);
    }
}
