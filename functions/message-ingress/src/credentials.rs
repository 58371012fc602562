//! Push credentials, cached for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use store::{ExposeSecret, PushCredentialReader, SealedPushCredentials, SharedClock, StoreError, Vault};
use wechat::{EncodingAesKey, PushCredentials, Token};

/// How long credentials stay in the cache.
const CACHE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// How many refused pushes per window may make this environment read a binding again. The limit keeps forged pushes from
/// causing one read of the table each.
const MAX_REREADS: u32 = 10;
const REREAD_WINDOW: Duration = Duration::from_secs(1);

/// How many bindings a new environment reads during init. It reads others with their first push.
const MAX_PREFETCHED: i32 = 10;

/// The bindings' push credentials, with a cache.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    clock: SharedClock,
    stored: PushCredentialReader,
    vault: Vault,
    cache: Arc<Mutex<Cache>>,
}

#[derive(Debug, Default)]
struct Cache {
    by_app_id: HashMap<String, (Timestamp, Arc<PushCredentials>)>,
    rereads: Option<(Instant, u32)>,
}

impl Credentials {
    pub(crate) fn new(clock: SharedClock, stored: PushCredentialReader, vault: Vault) -> Self {
        Self { clock, stored, vault, cache: Arc::default() }
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

    /// The credentials of a mini program, and whether they were read from the table by this call. `None` when the mini
    /// program is not bound.
    pub(crate) async fn get(&self, app_id: &str) -> Result<(Option<Arc<PushCredentials>>, bool), StoreError> {
        let now = self.clock.now();
        let cached = self
            .cache()
            .by_app_id
            .get(app_id)
            .filter(|(read, _)| now < *read + CACHE_LIFETIME)
            .map(|(_, credentials)| credentials.clone());
        match cached {
            Some(credentials) => Ok((Some(credentials), false)),
            None => Ok((self.read(app_id).await?, true)),
        }
    }

    /// The credentials in the table. `None` when the mini program is not bound or [`MAX_REREADS`] is reached.
    pub(crate) async fn reread(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        if self.may_reread() { self.read(app_id).await } else { Ok(None) }
    }

    async fn read(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        let Some(sealed) = self.stored.push_credentials(app_id).await? else {
            self.cache().by_app_id.remove(app_id);
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

    fn may_reread(&self) -> bool {
        let mut cache = self.cache();
        let (began, count) = cache.rereads.unwrap_or((Instant::now(), 0));
        let (began, count) = if began.elapsed() >= REREAD_WINDOW { (Instant::now(), 0) } else { (began, count) };
        cache.rereads = Some((began, count + 1));
        count < MAX_REREADS
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
