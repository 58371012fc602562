//! The vault: seals credentials under a key derived from the one Secrets Manager secret of the stack.
//!
//! AES-256-GCM; the key is HKDF-SHA-256 of the secret's text; the additional data is the place of the value
//! (partition key, sort key and attribute), so that a sealed value copied into another item does not open.
//! A sealed value is `1 (format) | 8 bytes key id | 12 bytes nonce | ciphertext and tag`. The key id says
//! which version of the secret sealed it, so rotation needs no re-sealing: `AWSCURRENT` seals and opens,
//! `AWSPREVIOUS` still opens (Secrets Manager User Guide, "Rotate secrets").

use std::{fmt, sync::Arc};

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, Key, KeyInit, Payload},
};
use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueError};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::RwLock;
use zeroize::Zeroizing;

use crate::error::{Result, StoreError};

const FORMAT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const HEAD: usize = 1 + KEY_ID + NONCE;

/// A sealed credential: opaque bytes and the place that they are bound to.
#[derive(Clone)]
pub struct Sealed {
    pub(crate) blob: Vec<u8>,
    pub(crate) place: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Opens and seals credentials. Cheap to clone; clones share the loaded keys.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    client: Client,
    secret: String,
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    current: Option<Arc<VaultKey>>,
    previous: Option<Arc<VaultKey>>,
}

impl Keys {
    fn find(&self, id: &[u8]) -> Option<Arc<VaultKey>> {
        [&self.current, &self.previous].into_iter().flatten().find(|key| key.id == id).cloned()
    }
}

struct VaultKey {
    id: [u8; KEY_ID],
    cipher: Aes256Gcm,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.0.secret)
    }
}

impl Vault {
    /// A vault over the secret with this ARN or name. Nothing is fetched until it is needed; see [`Vault::prime`].
    pub fn new(client: Client, secret: impl Into<String>) -> Self {
        Self(Arc::new(Inner { client, secret: secret.into(), keys: RwLock::default() }))
    }

    /// Fetches the current secret now, so that the first event need not wait for it.
    pub async fn prime(&self) -> Result<()> {
        self.current().await.map(drop)
    }

    /// Seals a credential for one place. Two calls never give the same bytes.
    pub(crate) async fn seal(&self, secret: &SecretString, place: &str) -> Result<Vec<u8>> {
        let key = self.current().await?;
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::Internal("no random bytes"))?;
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let text = key.cipher.encrypt(&Nonce::from(nonce), payload);
        let text = text.map_err(|_| StoreError::Internal("a value is too long to seal"))?;
        let mut blob = Vec::with_capacity(HEAD + text.len());
        blob.push(FORMAT);
        blob.extend_from_slice(&key.id);
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&text);
        Ok(blob)
    }

    /// Opens a credential.
    ///
    /// [`StoreError::Sealed`] when neither version of the secret sealed it, or it was changed or moved.
    pub async fn open(&self, sealed: &Sealed) -> Result<SecretString> {
        let blob = &sealed.blob;
        if blob.len() < HEAD || blob[0] != FORMAT {
            return Err(StoreError::Sealed);
        }
        let key = self.key(&blob[1..=KEY_ID]).await?;
        let nonce: [u8; NONCE] = blob[1 + KEY_ID..HEAD].try_into().map_err(|_| StoreError::Sealed)?;
        let payload = Payload { msg: &blob[HEAD..], aad: sealed.place.as_bytes() };
        let text = Zeroizing::new(key.cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| StoreError::Sealed)?);
        std::str::from_utf8(&text).map(SecretString::from).map_err(|_| StoreError::Sealed)
    }

    async fn current(&self) -> Result<Arc<VaultKey>> {
        if let Some(key) = &self.0.keys.read().await.current {
            return Ok(key.clone());
        }
        let mut keys = self.0.keys.write().await;
        if let Some(key) = &keys.current {
            return Ok(key.clone());
        }
        let key = self.fetch("AWSCURRENT").await?.ok_or(StoreError::Sealed)?;
        keys.current = Some(key.clone());
        Ok(key)
    }

    /// The key with this id. The secret may have been rotated since it was loaded, so both versions are fetched again for an
    /// unknown id.
    async fn key(&self, id: &[u8]) -> Result<Arc<VaultKey>> {
        let current = self.current().await?;
        if let Some(key) = self.0.keys.read().await.find(id) {
            return Ok(key);
        }
        let mut keys = self.0.keys.write().await;
        // The previous holder of the lock may have fetched it.
        if let Some(key) = keys.find(id) {
            return Ok(key);
        }
        keys.current = self.fetch("AWSCURRENT").await?.or(Some(current));
        keys.previous = self.fetch("AWSPREVIOUS").await?;
        keys.find(id).ok_or(StoreError::Sealed)
    }

    async fn fetch(&self, stage: &str) -> Result<Option<Arc<VaultKey>>> {
        let answer = self.0.client.get_secret_value().secret_id(&self.0.secret).version_stage(stage).send().await;
        match answer {
            Ok(found) => {
                let text = Zeroizing::new(found.secret_string.unwrap_or_default());
                Ok(Some(Arc::new(VaultKey::derive(&text)?)))
            }
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::from_sdk("Secrets Manager", &error)),
        }
    }
}

impl VaultKey {
    fn derive(secret: &str) -> Result<Self> {
        if secret.len() < 32 {
            return Err(StoreError::Sealed);
        }
        let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
        let mut key = Zeroizing::new([0_u8; 32]);
        let mut id = [0_u8; KEY_ID];
        hkdf.expand(b"kefu vault 1 key", key.as_mut()).map_err(|_| StoreError::Sealed)?;
        hkdf.expand(b"kefu vault 1 id", &mut id).map_err(|_| StoreError::Sealed)?;
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        Ok(Self { id, cipher })
    }
}
