//! Push credentials, cached for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use function::callback::{Budget, UNKNOWN_APP_IDS_PER_SECOND};
use jiff::{SignedDuration, Timestamp};
use store::{ExposeSecret, PushCredentialReader, SealedPushCredentials, SharedClock, StoreError, Vault};
use wechat::{EncodingAesKey, PushCredentials, Token};

use crate::absent::AbsentAppIds;

/// How long credentials stay in the cache.
const CACHE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// How many refused pushes per second may make this environment read a binding again. The limit keeps forged pushes from
/// causing one read of the table each.
const REREADS_PER_SECOND: u32 = 10;

/// How many bindings a new environment reads during init. It reads others with their first push.
const MAX_PREFETCHED: i32 = 10;

/// The bindings' push credentials, with a cache.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    clock: SharedClock,
    stored: PushCredentialReader,
    vault: Vault,
    cache: Arc<Mutex<Cache>>,
    rereads: Budget,
    unknown: Budget,
}

#[derive(Debug, Default)]
struct Cache {
    by_app_id: HashMap<String, (Timestamp, Arc<PushCredentials>)>,
    absent: AbsentAppIds,
}

/// What is known about the credentials of a mini program.
pub(crate) enum Lookup {
    /// They were in the cache.
    Cached(Arc<PushCredentials>),
    /// They were read from the table.
    Read(Arc<PushCredentials>),
    /// The mini program is not bound, or was not bound some seconds ago.
    Unbound,
    /// Not read, because too many unknown AppIDs were asked for in this second ([`UNKNOWN_APP_IDS_PER_SECOND`]).
    TooManyUnknown,
}

impl Credentials {
    pub(crate) fn new(clock: SharedClock, stored: PushCredentialReader, vault: Vault) -> Self {
        let (rereads, unknown) = (Budget::new(REREADS_PER_SECOND), Budget::new(UNKNOWN_APP_IDS_PER_SECOND));
        Self { clock, stored, vault, cache: Arc::default(), rereads, unknown }
    }

    /// Reads credentials during init, with one request that also opens the connection. Reading them takes a third of the
    /// time of a first push. With the CPU share of a 128 MB function, a push without that third fits into one period of
    /// the CPU quota. Errors are ignored; the first push reads its binding again.
    pub(crate) async fn prefetch(&self) {
        let (_, found) = tokio::join!(self.vault.prime(), self.stored.first_push_credentials(MAX_PREFETCHED));
        for sealed in found.unwrap_or_default() {
            let _ = self.insert(&sealed).await;
        }
    }

    /// The credentials of a mini program. The budget for unknown AppIDs does not bind one that had a binding before.
    pub(crate) async fn get(&self, app_id: &str) -> Result<Lookup, StoreError> {
        let now = self.clock.now();
        if let Some(known) = self.lookup(app_id, now) {
            return Ok(known);
        }
        let found = self.read(app_id).await?;
        if found.is_none() {
            let _ = self.unknown.spend(now);
        }
        Ok(found.map_or(Lookup::Unbound, Lookup::Read))
    }

    /// What can be said without a read.
    fn lookup(&self, app_id: &str, now: Timestamp) -> Option<Lookup> {
        let cache = self.cache();
        match cache.by_app_id.get(app_id) {
            Some((read, credentials)) if now < *read + CACHE_LIFETIME => Some(Lookup::Cached(credentials.clone())),
            Some(_) => None,
            None if cache.absent.contains(app_id, now) => Some(Lookup::Unbound),
            None => self.unknown.is_spent(now).then_some(Lookup::TooManyUnknown),
        }
    }

    /// The credentials in the table. `None` when the mini program is not bound or [`REREADS_PER_SECOND`] is reached.
    pub(crate) async fn reread(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        if self.rereads.spend(self.clock.now()) { self.read(app_id).await } else { Ok(None) }
    }

    async fn read(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        let now = self.clock.now();
        let Some(sealed) = self.stored.push_credentials(app_id).await? else {
            let mut cache = self.cache();
            cache.by_app_id.remove(app_id);
            cache.absent.insert(app_id, now);
            return Ok(None);
        };
        self.insert(&sealed).await.map(Some)
    }

    /// Opens credentials and caches them.
    async fn insert(&self, sealed: &SealedPushCredentials) -> Result<Arc<PushCredentials>, StoreError> {
        let now = self.clock.now();
        let previous = match &sealed.previous_encoding_aes_key {
            Some(previous) => Some(self.vault.open(previous).await?),
            None => None,
        };
        let token = self.vault.open(&sealed.token).await?;
        let current = self.vault.open(&sealed.encoding_aes_key).await?;
        let parsed = (
            Token::parse(token.expose_secret()),
            EncodingAesKey::parse(current.expose_secret()),
            previous.map(|key| EncodingAesKey::parse(key.expose_secret())).transpose(),
        );
        let (Ok(token), Ok(current), Ok(previous)) = parsed else {
            return Err(StoreError::Sealed);
        };
        let credentials = Arc::new(PushCredentials { token, current, previous });
        self.cache().by_app_id.insert(sealed.app_id.clone(), (now, credentials.clone()));
        Ok(credentials)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
