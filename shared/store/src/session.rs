//! Sessions of people who signed in, and the sign-in codes that begin them. Of both, only the SHA-256 is kept.
//!
//! All sessions of an agent are in one partition, and so are those of an access token that names none. The token of a session
//! names this partition, so that the authorizer finds the session by one read, and a list of sessions is one query.

mod ending;
mod sign_in;

use desk::policy::Grant;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::sign_in::SignedIn;
pub(crate) use self::sign_in::random;
use crate::{
    access::token_hash,
    audit::{AuditActor, AuditDetail, AuditSubject, AuditSubjectKind},
    error::{Result, StoreError},
    handles::{Sessions, TokenVerifier},
    item::{Attributes, Build, Read, at, json, s},
    keys,
    table::SERVICE,
};

/// How long a sign-in code is valid.
pub const SIGN_IN_CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How long a session lasts that is in use.
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long after its last use a session ends.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(12);

/// How often the use of a session is recorded at most: an idle session ends up to this much earlier.
pub const SESSION_USE_INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// How many sessions an agent, or a token without an agent, has at most. A further one ends the one that was not used for the
/// longest time. All of them end in one transaction with the agent, of 100 writes at most (see
/// [`AGENT_TOKENS_MAX`](crate::AGENT_TOKENS_MAX)).
pub const SESSIONS_MAX: usize = 7;

/// The longest name of a device, in bytes.
pub const DEVICE_MAX: usize = 200;

/// The beginning of every session token.
const PREFIX: &str = "kefus_";

/// How many hexadecimal digits of its token's hash name a session.
const ID_DIGITS: usize = 32;

/// What a session was made from. The session ends with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SessionSource {
    /// An agent.
    Agent,
    /// A token of the API.
    Token {
        /// Its id.
        id: String,
        /// The hash of its secret when the code was made.
        hash: String,
    },
    /// The bootstrap token.
    Bootstrap {
        /// Its hash.
        hash: String,
    },
}

/// The person that a code or a session stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHolder {
    /// What they may do.
    pub grant: Grant,
    /// Their name, for people.
    pub name: String,
    /// The agent that they work as, if the source names one.
    pub agent_id: Option<String>,
    /// What the session is made from.
    pub source: SessionSource,
}

impl SessionHolder {
    /// Whose session it is: an agent by their id, or a token that names none; `admin` for the bootstrap token.
    pub fn owner(&self) -> &str {
        match (&self.agent_id, &self.source) {
            (Some(agent), _) => agent,
            (None, SessionSource::Token { id, .. }) => id,
            (None, SessionSource::Agent | SessionSource::Bootstrap { .. }) => BOOTSTRAP,
        }
    }
}

/// The id of the bootstrap token as a caller.
pub const BOOTSTRAP: &str = "admin";

/// A session, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its owner and 32 hexadecimal digits, which name it and do not authorize.
    pub id: String,
    /// Who it is.
    pub holder: SessionHolder,
    /// The `User-Agent` of the browser that signed in, at most [`DEVICE_MAX`] bytes without control characters.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used; see [`SESSION_USE_INTERVAL`].
    pub last_used_at: Timestamp,
    /// When it ends at the latest: after [`SESSION_LIFE`], or with the token that it was made from.
    pub expires_at: Timestamp,
    /// The hash of its token.
    hash: String,
}

impl Session {
    /// When it ends without a further use.
    pub fn idle_expires_at(&self) -> Timestamp {
        self.last_used_at.checked_add(SESSION_IDLE).unwrap_or(Timestamp::MAX).min(self.expires_at)
    }

    /// Whether it has not ended by then.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.idle_expires_at()
    }

    /// The id of the token by which the session acts, as the API names its callers.
    pub fn token_id(&self) -> &str {
        match &self.holder.source {
            SessionSource::Agent => &self.id,
            SessionSource::Token { id, .. } => id,
            SessionSource::Bootstrap { .. } => BOOTSTRAP,
        }
    }

    /// Who acts by it, for the audit log.
    fn actor(&self) -> AuditActor {
        let SessionHolder { grant, name, agent_id, .. } = &self.holder;
        AuditActor {
            token_id: self.token_id().to_owned(),
            name: Some(name.clone()).filter(|name| !name.is_empty()),
            role: grant.role(),
            agent_id: agent_id.clone(),
        }
    }

    fn subject(&self) -> AuditSubject {
        AuditSubject::new(AuditSubjectKind::Session, &self.id)
    }

    fn detail(&self) -> AuditDetail {
        detail_of(&self.holder)
    }

    /// Its keys.
    pub(crate) fn key(&self) -> (String, String) {
        (keys::sessions(self.holder.owner()), self.hash.clone())
    }

    fn write(&self) -> Result<Attributes> {
        let (pk, sk) = self.key();
        Ok(Build::new(keys::SESSION, pk, sk)
            .set("id", s(&self.id))
            .set("holder", json(&self.holder)?)
            .set("device", s(&self.device))
            .set("created_at", at(self.created_at))
            .set("last_used_at", at(self.last_used_at))
            .set("expires_at", at(self.expires_at))
            .set("ttl", keys::ttl(self.expires_at))
            .done())
    }

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::SESSION, item };
        Ok(Self {
            id: read.owned("id")?,
            holder: read.json("holder")?,
            device: read.owned("device")?,
            created_at: read.at("created_at")?,
            last_used_at: read.at("last_used_at")?,
            expires_at: read.at("expires_at")?,
            hash: read.owned("sk")?,
        })
    }
}

fn detail_of(holder: &SessionHolder) -> AuditDetail {
    AuditDetail { role: Some(holder.grant.role()), agent_id: holder.agent_id.clone(), ..AuditDetail::default() }
}

fn id_of(owner: &str, hash: &str) -> String {
    format!("{owner}-{}", &hash[..ID_DIGITS])
}

/// The owner in the token of a session; `None` for any other token.
fn owner_in(token: &str) -> Option<&str> {
    let (owner, _) = token.strip_prefix(PREFIX)?.rsplit_once('_')?;
    is_owner(owner).then_some(owner)
}

/// Whether a text from outside can be an owner, which becomes part of a key.
fn is_owner(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a token is, by its form, that of a session.
pub fn is_session_token(token: &str) -> bool {
    token.starts_with(PREFIX)
}

impl TokenVerifier {
    /// The session with this token, whether or not it has ended by time.
    pub async fn session(&self, token: &str) -> Result<Option<Session>> {
        let Some(owner) = owner_in(token) else {
            return Ok(None);
        };
        let item = self.0.get(keys::sessions(owner), &token_hash(token), true).await?;
        item.as_ref().map(Session::read).transpose()
    }

    /// Records that a session was used, once in [`SESSION_USE_INTERVAL`].
    pub async fn record_session_use(&self, session: &Session) -> Result<()> {
        let now = self.0.clock.now();
        let before = now - SESSION_USE_INTERVAL;
        if session.last_used_at > before {
            return Ok(());
        }
        let (pk, sk) = session.key();
        let update = self.0.client.update_item().table_name(&self.0.name).key("pk", s(pk)).key("sk", s(sk));
        let update = update
            .update_expression("SET last_used_at = :now")
            // A session that was ended meanwhile must not come back.
            .condition_expression("attribute_exists(pk) AND last_used_at <= :before")
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":before", at(before));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Sessions {
    /// The sessions of an owner that have not ended, the oldest first. See [`SessionHolder::owner`].
    pub async fn sessions_of(&self, owner: &str) -> Result<Vec<Session>> {
        if !is_owner(owner) {
            return Ok(Vec::new());
        }
        let now = self.0.clock.now();
        let mut sessions = self.0.all_sessions(owner).await?;
        sessions.retain(|session| session.is_valid(now));
        sessions.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(sessions)
    }

    /// The session with this id, if it has not ended.
    pub async fn session(&self, id: &str) -> Result<Option<Session>> {
        let Some((owner, _)) = id.rsplit_once('-') else {
            return Ok(None);
        };
        Ok(self.sessions_of(owner).await?.into_iter().find(|session| session.id == id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_of_another_form_names_no_owner() {
        assert_eq!(owner_in("kefus_a0123456789ab_00ff"), Some("a0123456789ab"));
        let long = format!("kefus_{}_00", "a".repeat(65));
        for token in ["", "kefu_00ff", "kefus_", "kefus_00ff", "kefus__00", "kefus_a#b_00", "kefus_客_00", &long] {
            assert_eq!(owner_in(token), None, "{token}");
        }
    }
}
