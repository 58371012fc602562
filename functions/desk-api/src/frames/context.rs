//! The context of a frame: a JSON Web Token (RFC 7519) signed with HMAC-SHA-256 (RFC 7518, HS256).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::Sha256;
use store::{Conversation, ExposeSecret, Frame, Profile, SecretString};

/// How long a context is valid.
const LIFE: SignedDuration = SignedDuration::from_secs(300);

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// What a context says.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    iss: &'static str,
    aud: &'a str,
    cid: &'a str,
    uid: String,
    app_id: &'a str,
    openid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partnerid: Option<&'a str>,
    partnerid_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_name: Option<String>,
    iat: i64,
    exp: i64,
}

/// A signed context.
pub(super) struct Signed {
    pub(super) token: String,
    pub(super) expires_at: Timestamp,
}

impl<'a> Claims<'a> {
    /// What a frame learns of a conversation now. `agent`: the id and the name of who looks at it.
    pub(super) fn new(
        frame: &'a Frame,
        conversation: &'a Conversation,
        profile: &'a Profile,
        agent: Option<(String, String)>,
        now: Timestamp,
    ) -> Self {
        let (agent_id, agent_name) = agent.unzip();
        Self {
            iss: "kefu",
            aud: frame.origin(),
            cid: &conversation.cid,
            uid: conversation.thread().uid(),
            app_id: &conversation.app_id,
            openid: &conversation.openid,
            partnerid: profile.partnerid.as_deref(),
            partnerid_verified: profile.partnerid_verified,
            agent_id,
            agent_name,
            iat: now.as_second(),
            exp: (now + LIFE).as_second(),
        }
    }

    /// The token. `None` if the claims do not serialise, which none of them causes.
    pub(super) fn sign(&self, key: &SecretString) -> Option<Signed> {
        let claims = serde_json::to_string(self).ok()?;
        let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encoded(HEADER), encoded(&claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
        mac.update(signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let expires_at = Timestamp::from_second(self.exp).ok()?;
        Some(Signed { token: format!("{signed}.{signature}"), expires_at })
    }
}
