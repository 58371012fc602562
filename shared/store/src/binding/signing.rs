//! The secret that `session-from` is signed with, and the signer that it stands for.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

use super::Binding;
use crate::error::{Result, StoreError};

/// A secret that `session-from` is signed with.
#[derive(Debug, Clone)]
pub struct SigningSecret {
    /// The secret. Its text as it stands is the key.
    pub secret: SecretString,
    /// The id of the signer: of what vouches for a `partnerid`. Random and made with the secret, not derived from it. Bindings
    /// with the same secret have the same signer.
    pub signer: String,
}

impl SigningSecret {
    /// A new secret of 32 random bytes in base64url, and a new signer.
    pub fn fresh() -> Result<Self> {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?);
        Ok(Self { secret: secret.into(), signer: format!("s{}", hex::encode(random::<16>()?)) })
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Internal("no random bytes"))?;
    Ok(bytes)
}

impl Binding {
    /// The signer of its secret for `session-from`; `None` without a secret. A secret that an earlier version stored has no
    /// signer of its own: the AppID is its signer.
    pub fn signer(&self) -> Option<&str> {
        self.session_from_secret.as_ref()?;
        Some(self.stored_signer.as_deref().unwrap_or(&self.app_id))
    }
}
