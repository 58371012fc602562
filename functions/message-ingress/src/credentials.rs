//! Push credentials, kept for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use store::{Binding, BindingReader, ExposeSecret, StoreError, Vault};
use wechat::{EncodingAesKey, PushCredentials, Token};

/// How long a warm function believes what it read.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);

/// How often refused pushes may make this environment read a binding anew. Whoever sends rubbish must not be able
/// to turn each piece into a read of the table.
const REREADS: u32 = 10;
const REREAD_WINDOW: Duration = Duration::from_secs(1);

/// How many bindings a new environment reads before its first push. A stack with more reads the others when they are needed.
const PREFETCHED: i32 = 10;

/// The bindings' push credentials, as this environment knows them.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    bindings: BindingReader,
    vault: Vault,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<String, (Timestamp, Arc<PushCredentials>)>,
    rereads: Option<(Instant, u32)>,
}

impl Credentials {
    pub(crate) fn new(bindings: BindingReader, vault: Vault) -> Self {
        Self { bindings, vault, kept: Arc::default() }
    }

    /// Reads bindings while the environment starts. Reading one takes a third of what a first push costs, and at the CPU share of a
    /// 128 MB function that third is the difference between answering at once and waiting for the next period of the quota.
    /// Whatever fails is read again when it is needed.
    pub(crate) async fn prefetch(&self) {
        let (bindings, _) = tokio::join!(self.bindings.bindings(None, PREFETCHED), self.vault.prime());
        for binding in bindings.map(|page| page.items).unwrap_or_default() {
            let _ = self.keep(&binding).await;
        }
    }

    /// The credentials of a mini program; `None` when it is not bound. The flag says that they were read just now.
    pub(crate) async fn of(&self, app_id: &str) -> Result<(Option<Arc<PushCredentials>>, bool), StoreError> {
        let now = self.bindings.clock().now();
        let known = self.kept().of.get(app_id).filter(|(read, _)| now < *read + BELIEVED).map(|(_, it)| it.clone());
        match known {
            Some(known) => Ok((Some(known), false)),
            None => Ok((self.read(app_id).await?, true)),
        }
    }

    /// The credentials as they are in the table now, unless too many refusals have asked for that already.
    pub(crate) async fn reread(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        if self.may_reread() { self.read(app_id).await } else { Ok(None) }
    }

    async fn read(&self, app_id: &str) -> Result<Option<Arc<PushCredentials>>, StoreError> {
        let Some(binding) = self.bindings.binding(app_id).await? else {
            self.kept().of.remove(app_id);
            return Ok(None);
        };
        self.keep(&binding).await.map(Some)
    }

    async fn keep(&self, binding: &Binding) -> Result<Arc<PushCredentials>, StoreError> {
        let now = self.bindings.clock().now();
        let previous = match &binding.previous_encoding_aes_key {
            Some(sealed) => Some(self.vault.open(sealed).await?),
            None => None,
        };
        let token = self.vault.open(&binding.token).await?;
        let current = self.vault.open(&binding.encoding_aes_key).await?;
        let parsed = (
            Token::parse(token.expose_secret()),
            EncodingAesKey::parse(current.expose_secret()),
            previous.map(|key| EncodingAesKey::parse(key.expose_secret())).transpose(),
        );
        let (Ok(token), Ok(current), Ok(previous)) = parsed else {
            return Err(StoreError::Sealed);
        };
        let credentials = Arc::new(PushCredentials { token, current, previous });
        self.kept().of.insert(binding.app_id.clone(), (now, credentials.clone()));
        Ok(credentials)
    }

    fn may_reread(&self) -> bool {
        let mut kept = self.kept();
        let (began, count) = kept.rereads.unwrap_or((Instant::now(), 0));
        let (began, count) = if began.elapsed() >= REREAD_WINDOW { (Instant::now(), 0) } else { (began, count) };
        kept.rereads = Some((began, count + 1));
        count < REREADS
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
