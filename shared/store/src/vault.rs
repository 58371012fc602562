//! The vault: seals credentials under a key derived from the one Secrets Manager secret of the stack.
//!
//! AES-256-GCM; the key is HKDF-SHA-256 of the secret's text; the additional data is the place of the value
//! (partition key, sort key and attribute), so that a sealed value copied into another item does not open.
//! A sealed value is
//!
//! - `2 | 8 bytes key id | 1 byte length | version id of the secret | 12 bytes nonce | ciphertext and tag`, whose head up to
//!   the nonce is additional data as well, or
//! - of earlier versions of Kefu, `1 | 8 bytes key id | 12 bytes nonce | ciphertext and tag`.
//!
//! Values are sealed under `AWSCURRENT`, which is read again every [`RECHECK`]. A value names the version of the secret that
//! sealed it and opens as long as Secrets Manager has that version: rotations move the labels `AWSCURRENT` and `AWSPREVIOUS`,
//! and a version without a label is still read by its id. Secrets Manager deletes such versions when there are more than 100,
//! but none that is younger than 24 hours (Secrets Manager User Guide, "What's in a secret? Version"). By then the tick has
//! sealed everything again, see `reseal`.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, Key, KeyInit, Payload},
};
use aws_sdk_secretsmanager::Client;
use hkdf::Hkdf;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::{
    clock::SharedClock,
    error::{Result, StoreError},
};

/// How long the current version of the secret is used before it is read again.
pub(crate) const RECHECK: SignedDuration = SignedDuration::from_mins(10);

const FORMAT_1: u8 = 1;
const FORMAT_2: u8 = 2;
const KEY_ID: usize = 8;
const NONCE: usize = 12;

/// How many ids of keys that were not found are remembered.
const MISSING_MAX: usize = 64;

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
    clock: SharedClock,
    keys: RwLock<Keys>,
    /// Held while a version of the secret is read, so that concurrent callers read it once.
    reading: Mutex<()>,
}

#[derive(Default)]
struct Keys {
    current: Option<Arc<VaultKey>>,
    /// When the current version is read again.
    recheck_at: Timestamp,
    known: HashMap<[u8; KEY_ID], Arc<VaultKey>>,
    /// The ids of keys that Secrets Manager did not have, and until when it is not asked again.
    missing: HashMap<[u8; KEY_ID], Timestamp>,
}

struct VaultKey {
    id: [u8; KEY_ID],
    /// The version of the secret that it is derived from.
    version: String,
    cipher: Aes256Gcm,
}

/// How a value is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealState {
    /// Under the current version of the secret.
    Current,
    /// Under an older version, or in the format of earlier versions of Kefu. The tick seals it again.
    Older,
    /// It cannot be opened.
    Unreadable,
}

/// A sealed value, taken apart.
struct Parts<'a> {
    key: [u8; KEY_ID],
    version: Option<&'a str>,
    /// The head that is additional data.
    head: &'a [u8],
    nonce: [u8; NONCE],
    text: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(blob: &'a [u8]) -> Option<Self> {
        let (format, rest) = blob.split_first()?;
        let (key, rest) = rest.split_first_chunk::<KEY_ID>()?;
        let (version, head, rest) = match *format {
            FORMAT_1 => (None, &blob[..0], rest),
            FORMAT_2 => {
                let (length, rest) = rest.split_first()?;
                let (version, rest) = rest.split_at_checked(usize::from(*length))?;
                (Some(std::str::from_utf8(version).ok()?), &blob[..blob.len() - rest.len()], rest)
            }
            _ => return None,
        };
        let (nonce, text) = rest.split_first_chunk::<NONCE>()?;
        Some(Self { key: *key, version, head, nonce: *nonce, text })
    }

    fn is_under(&self, key: &VaultKey) -> bool {
        self.key == key.id && self.version == Some(key.version.as_str())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.0.secret)
    }
}

impl Vault {
    /// A vault over the secret with this ARN or name. Nothing is fetched until it is needed; see [`Vault::prime`].
    pub fn new(client: Client, secret: impl Into<String>, clock: SharedClock) -> Self {
        let (keys, reading) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Inner { client, secret: secret.into(), clock, keys, reading }))
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
        let mut blob = vec![FORMAT_2];
        blob.extend_from_slice(&key.id);
        // Secrets Manager's version ids have at most 64 characters (API reference, `GetSecretValue`).
        blob.push(u8::try_from(key.version.len()).map_err(|_| StoreError::Internal("a version id is too long"))?);
        blob.extend_from_slice(key.version.as_bytes());
        let aad = [&blob, place.as_bytes()].concat();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let text = key.cipher.encrypt(&Nonce::from(nonce), payload);
        let text = text.map_err(|_| StoreError::Internal("a value is too long to seal"))?;
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&text);
        Ok(blob)
    }

    /// Opens a credential.
    ///
    /// [`StoreError::Sealed`] when Secrets Manager no longer has the version of the secret that sealed it, or it was changed or
    /// moved.
    pub async fn open(&self, sealed: &Sealed) -> Result<SecretString> {
        let parts = Parts::of(&sealed.blob).ok_or(StoreError::Sealed)?;
        let key = self.key(&parts).await?;
        let aad = [parts.head, sealed.place.as_bytes()].concat();
        let payload = Payload { msg: parts.text, aad: &aad };
        let text = key.cipher.decrypt(&Nonce::from(parts.nonce), payload).map_err(|_| StoreError::Sealed)?;
        let text = Zeroizing::new(text);
        std::str::from_utf8(&text).map(SecretString::from).map_err(|_| StoreError::Sealed)
    }

    /// How a credential is sealed.
    pub async fn state(&self, sealed: &Sealed) -> Result<SealState> {
        match self.open(sealed).await {
            Ok(_) if self.is_current(sealed).await? => Ok(SealState::Current),
            Ok(_) => Ok(SealState::Older),
            Err(StoreError::Sealed) => Ok(SealState::Unreadable),
            Err(error) => Err(error),
        }
    }

    /// The value sealed under the current version of the secret; `None` when it is already.
    pub(crate) async fn reseal(&self, sealed: &Sealed) -> Result<Option<Vec<u8>>> {
        if self.is_current(sealed).await? {
            return Ok(None);
        }
        let secret = self.open(sealed).await?;
        self.seal(&secret, &sealed.place).await.map(Some)
    }

    /// Names the key that values are sealed under now.
    pub(crate) async fn current_id(&self) -> Result<String> {
        Ok(hex::encode(self.current().await?.id))
    }

    async fn is_current(&self, sealed: &Sealed) -> Result<bool> {
        let key = self.current().await?;
        Ok(Parts::of(&sealed.blob).is_some_and(|parts| parts.is_under(&key)))
    }

    fn keys<T>(&self, read: impl FnOnce(&Keys) -> T) -> T {
        read(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_keys(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.0.keys.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The key of the current version, read again when it is older than [`RECHECK`].
    async fn current(&self) -> Result<Arc<VaultKey>> {
        let loaded = || self.keys(|keys| keys.current.clone().map(|key| (key, self.0.clock.now() < keys.recheck_at)));
        if let Some((key, true)) = loaded() {
            return Ok(key);
        }
        let _reading = self.0.reading.lock().await;
        let known = match loaded() {
            Some((key, true)) => return Ok(key),
            known => known,
        };
        match (self.read_current().await, known) {
            (Ok(key), _) => Ok(key),
            // What is sealed under it opens in any case, and is sealed again later.
            (Err(error), Some((key, _))) => {
                tracing::warn!(%error, "the current version of the secret was not read again");
                Ok(key)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Reads the current version. The caller holds the lock.
    async fn read_current(&self) -> Result<Arc<VaultKey>> {
        let key = self.fetch(Version::Stage("AWSCURRENT")).await?.ok_or(StoreError::Sealed)?;
        self.change_keys(|keys| {
            keys.recheck_at = self.0.clock.now() + RECHECK;
            keys.current = Some(Arc::clone(&key));
        });
        Ok(key)
    }

    /// The key that sealed a value. An unknown one may be of a rotation since the current version was read, or of an older
    /// version, which the value names.
    async fn key(&self, parts: &Parts<'_>) -> Result<Arc<VaultKey>> {
        let known = || self.keys(|keys| keys.known.get(&parts.key).cloned());
        if let Some(key) = known() {
            return Ok(key);
        }
        let _reading = self.0.reading.lock().await;
        // The previous holder of the lock may have read it.
        if let Some(key) = known() {
            return Ok(key);
        }
        if self.keys(|keys| keys.missing.get(&parts.key).is_some_and(|until| self.0.clock.now() < *until)) {
            return Err(StoreError::Sealed);
        }
        self.read_current().await?;
        let older = match parts.version {
            _ if known().is_some() => None,
            Some(version) if !version.is_empty() => Some(Version::Id(version)),
            _ => Some(Version::Stage("AWSPREVIOUS")),
        };
        if let Some(version) = older {
            self.fetch(version).await?;
        }
        known().ok_or_else(|| {
            self.change_keys(|keys| {
                if keys.missing.len() >= MISSING_MAX {
                    keys.missing.clear();
                }
                keys.missing.insert(parts.key, self.0.clock.now() + RECHECK);
            });
            StoreError::Sealed
        })
    }

    /// Reads a version of the secret, and keeps its key. `None` when there is no such version.
    async fn fetch(&self, version: Version<'_>) -> Result<Option<Arc<VaultKey>>> {
        let request = self.0.client.get_secret_value().secret_id(&self.0.secret);
        let answer = match version {
            Version::Stage(stage) => request.version_stage(stage).send().await,
            Version::Id(id) => request.version_id(id).send().await,
        };
        match answer {
            Ok(found) => {
                let text = Zeroizing::new(found.secret_string.unwrap_or_default());
                let key = Arc::new(VaultKey::derive(&text, found.version_id.unwrap_or_default())?);
                self.change_keys(|keys| drop(keys.known.insert(key.id, Arc::clone(&key))));
                Ok(Some(key))
            }
            // An id that was changed is refused as invalid.
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    error.is_resource_not_found_exception()
                        || matches!(version, Version::Id(_))
                            && (error.is_invalid_parameter_exception() || error.is_invalid_request_exception())
                }) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::from_sdk("Secrets Manager", &error)),
        }
    }
}

/// A version of the secret.
#[derive(Clone, Copy)]
enum Version<'a> {
    Stage(&'a str),
    Id(&'a str),
}

impl VaultKey {
    fn derive(secret: &str, version: String) -> Result<Self> {
        if secret.len() < 32 {
            return Err(StoreError::Sealed);
        }
        let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
        let mut key = Zeroizing::new([0_u8; 32]);
        let mut id = [0_u8; KEY_ID];
        hkdf.expand(b"kefu vault 1 key", key.as_mut()).map_err(|_| StoreError::Sealed)?;
        hkdf.expand(b"kefu vault 1 id", &mut id).map_err(|_| StoreError::Sealed)?;
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        Ok(Self { id, version, cipher })
    }
}
