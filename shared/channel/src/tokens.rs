//! Access tokens: stored in the table, cached in the function, renewed under a lease.
//!
//! `stable_token` returns the same token to every caller (获取稳定版接口调用凭据), so two renewals at once do no harm to a
//! developer binding. The lease saves calls there, and it is needed for platform bindings, whose renewals conflict.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use store::{
    AccessTokens, Binding, BindingReader, CredentialProblem, ExposeSecret, Lease, SecretString, SharedClock,
    StoreError, StoredToken, Table, Vault,
};
use wechat::{Action, Api, ApiError};

use crate::error::{TokenError, wechat_failure};

/// The remaining lifetime from which on a token is no longer handed out.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// The remaining lifetime from which on the schedule renews a token. WeChat issues a new stable token in the last five
/// minutes of the old one (获取稳定版接口调用凭据); an earlier call returns the old one.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(300);

/// The range of the delay of scheduled renewals, in seconds. It keeps bindings that were created together from being
/// renewed together.
const JITTER: u64 = 120;

/// How often, and at what interval, a caller reads the table while another function renews the token: 6 s in all.
const WAIT_ATTEMPTS: u32 = 60;
const WAIT_INTERVAL: Duration = Duration::from_millis(100);

/// An access token with its version. `Debug` leaves the token out.
#[derive(Clone)]
pub struct CachedToken {
    value: Arc<SecretString>,
    /// The number of the renewal that brought it, for [`Tokens::renew_refused`].
    pub version: u64,
    /// When WeChat ends it.
    pub expires_at: Timestamp,
}

impl CachedToken {
    /// The token's text.
    pub fn value(&self) -> &str {
        self.value.expose_secret()
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CachedToken(version {}, until {})", self.version, self.expires_at)
    }
}

/// The access tokens of all bindings. Cheap to clone; clones share the cache.
#[derive(Debug, Clone)]
pub struct Tokens {
    clock: SharedClock,
    bindings: BindingReader,
    stored: AccessTokens,
    vault: Vault,
    api: Api,
    cache: Arc<Mutex<HashMap<String, CachedToken>>>,
    /// A lock per binding: one task of this function reads or renews the token while the others wait.
    locks: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Tokens {
    pub(crate) fn new(table: &Table, vault: Vault, api: Api) -> Self {
        let (clock, bindings, stored) = (table.clock().clone(), table.bindings(), table.access_tokens());
        Self { clock, bindings, stored, vault, api, cache: Arc::default(), locks: Arc::default() }
    }

    /// A valid token of the binding, from the cache or the table, or else renewed by this call.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn get(&self, app_id: &str) -> Result<CachedToken, TokenError> {
        if let Some(token) = self.cached(app_id, 0) {
            return Ok(token);
        }
        let lock = self.lock(app_id);
        let _guard = lock.lock().await;
        match self.cached(app_id, 0) {
            Some(token) => Ok(token),
            None => self.load_or_renew(app_id, 0).await,
        }
    }

    /// A token of a later version than `refused`, which WeChat refused. Concurrent calls renew it once.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn renew_refused(&self, app_id: &str, refused: u64) -> Result<CachedToken, TokenError> {
        let lock = self.lock(app_id);
        let _guard = lock.lock().await;
        match self.cached(app_id, refused) {
            Some(token) => Ok(token),
            None => self.load_or_renew(app_id, refused).await,
        }
    }

    /// Renews the token for the schedule. `false` when it is not due or another function is renewing it.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn renew_due(&self, app_id: &str) -> Result<bool, TokenError> {
        let now = self.now();
        let Some(stored) = self.stored.token(app_id).await? else {
            return Ok(false);
        };
        let fresh = stored.value.is_some() && now + RENEW_BEFORE < stored.expires_at;
        if fresh || stored.retry_at.is_some_and(|at| now < at) {
            return Ok(false);
        }
        let Some(lease) = self.stored.lease_token(app_id, stored.version).await? else {
            return Ok(false);
        };
        let renewed = self.renew(&lease).await;
        if let Err(error) = &renewed
            && stored.expires_at <= now
            && !matches!(error, TokenError::NotBound)
        {
            // For the metric (`function::METRICS`).
            tracing::error!(TokensExpired = 1, %error, "an expired access token was not renewed");
        }
        renewed.map(|token| token.is_some())
    }

    /// Requests a token with credentials that are not stored yet, to verify them.
    pub async fn verify_credentials(
        &self,
        app_id: &str,
        secret: &SecretString,
    ) -> Result<wechat::client::AccessToken, ApiError> {
        self.api.stable_token(app_id, secret).await
    }

    /// Stores the token that [`verify_credentials`](Self::verify_credentials) returned, so that the first reply does not
    /// have to request one. Resets the pause and the lease that belong to the credentials before: a renewal in flight
    /// with those must not make callers wait.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn store_verified(&self, app_id: &str, token: &wechat::client::AccessToken) -> Result<(), TokenError> {
        self.stored.reset_token(app_id).await?;
        let version = self.stored.token(app_id).await?.map_or(0, |stored| stored.version);
        if let Some(lease) = self.stored.lease_token(app_id, version).await? {
            self.store_renewed(&lease, token).await?;
        }
        Ok(())
    }

    /// Reads a token newer than `refused` from the table, renews it, or waits for another function's renewal.
    async fn load_or_renew(&self, app_id: &str, refused: u64) -> Result<CachedToken, TokenError> {
        for _ in 0..WAIT_ATTEMPTS {
            let now = self.now();
            let stored = self.stored.token(app_id).await?;
            let version = stored.as_ref().map_or(0, |stored| stored.version);
            let usable = |until: Timestamp| version > refused && now < until;
            let value = match stored.as_ref().filter(|stored| usable(stored.expires_at)) {
                Some(stored) => self.open(stored).await?,
                None => None,
            };
            if let Some(stored) = &stored {
                if let Some(value) = value.clone().filter(|_| usable(stored.expires_at - EXPIRY_MARGIN)) {
                    return Ok(self.cache(app_id, value, version, stored.expires_at));
                }
                if stored.retry_at.is_some_and(|at| now < at) {
                    return Err(self.refused_credentials(app_id).await);
                }
            }
            if let Some(lease) = self.stored.lease_token(app_id, version).await? {
                if let Some(token) = self.renew(&lease).await? {
                    return Ok(token);
                }
            } else if let (Some(stored), Some(value)) = (&stored, value) {
                // Another function is renewing it. The old token stays valid until then.
                return Ok(self.cache(app_id, value, version, stored.expires_at));
            }
            tokio::time::sleep(WAIT_INTERVAL).await;
        }
        Err(TokenError::Busy)
    }

    /// The stored token. One that cannot be opened counts as none, because it can be renewed.
    async fn open(&self, stored: &StoredToken) -> Result<Option<SecretString>, StoreError> {
        let Some(sealed) = &stored.value else { return Ok(None) };
        match self.vault.open(sealed).await {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Sealed) => {
                tracing::warn!("an access token cannot be opened and is renewed");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Renews the token under the lease. `None` when the lease was lost in the meantime.
    async fn renew(&self, lease: &Lease) -> Result<Option<CachedToken>, TokenError> {
        let app_id = &lease.app_id;
        let Some(binding) = self.bindings.binding(app_id).await? else {
            // Without the token item, a new binding of the same appid does not wait for this lease.
            self.stored.unschedule_token(app_id).await?;
            return Err(TokenError::NotBound);
        };
        let secret = self.vault.open(&binding.app_secret).await?;
        match self.api.stable_token(app_id, &secret).await {
            Ok(token) => {
                if binding.problem.is_some() {
                    self.stored.set_credential_problem(app_id, None).await?;
                }
                self.store_renewed(lease, &token).await
            }
            Err(error) => Err(self.record_failure(lease, &binding, error).await?),
        }
    }

    /// Stores a token under the lease. `None` when the lease was lost in the meantime.
    async fn store_renewed(
        &self,
        lease: &Lease,
        token: &wechat::client::AccessToken,
    ) -> Result<Option<CachedToken>, TokenError> {
        let now = self.now();
        let lifetime = SignedDuration::try_from(token.expires_in).unwrap_or(RENEW_BEFORE);
        let expires_at = now + lifetime.min(SignedDuration::from_hours(24));
        let jitter = i64::try_from(jitter(&lease.app_id, lease.version)).unwrap_or(0);
        let renew_at = expires_at - RENEW_BEFORE + SignedDuration::from_secs(jitter);
        let value = token.value.clone();
        let renew_at = renew_at.max(now + EXPIRY_MARGIN);
        match self.stored.renew_token(&self.vault, lease, &value, expires_at, renew_at).await {
            Ok(version) => Ok(Some(self.cache(&lease.app_id, value, version, expires_at))),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Records a failed renewal. Refused credentials mark the binding with the reason and pause renewals for 1 minute,
    /// doubled each time up to 1 hour. Any other error pauses them for 15 s, doubled each time up to 16 minutes, and
    /// leaves the binding as it is.
    async fn record_failure(
        &self,
        lease: &Lease,
        binding: &Binding,
        error: ApiError,
    ) -> Result<TokenError, TokenError> {
        let now = self.now();
        let failures = lease.failures.min(6);
        if !matches!(error.action(), Action::FixCredentials | Action::AllowAddress) {
            let again = now + SignedDuration::from_secs(15 << failures);
            self.stored.token_failed(lease, again, false).await?;
            tracing::warn!(%error, "access token was not renewed");
            return Ok(TokenError::NoToken(error));
        }
        let failure = wechat_failure(&error);
        let since = binding.problem.as_ref().map_or(now, |problem| problem.since);
        let problem = CredentialProblem {
            code: failure.code,
            errcode: failure.errcode.unwrap_or_default(),
            reason: failure.detail,
            since,
        };
        let again = now + SignedDuration::from_mins(1 << failures).min(SignedDuration::from_mins(60));
        self.stored.set_credential_problem(&lease.app_id, Some(&problem)).await?;
        self.stored.token_failed(lease, again, true).await?;
        tracing::warn!(code = problem.code, errcode = problem.errcode, "credentials refused");
        Ok(TokenError::Refused(problem))
    }

    async fn refused_credentials(&self, app_id: &str) -> TokenError {
        match self.bindings.binding(app_id).await {
            Ok(Some(Binding { problem: Some(problem), .. })) => TokenError::Refused(problem),
            Ok(Some(_)) => TokenError::Busy,
            Ok(None) => TokenError::NotBound,
            Err(error) => error.into(),
        }
    }

    fn cache(&self, app_id: &str, value: SecretString, version: u64, expires_at: Timestamp) -> CachedToken {
        let token = CachedToken { value: Arc::new(value), version, expires_at };
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(app_id.to_owned(), token.clone());
        token
    }

    fn cached(&self, app_id: &str, refused: u64) -> Option<CachedToken> {
        let now = self.now();
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(app_id).filter(|token| token.version > refused && now + EXPIRY_MARGIN < token.expires_at).cloned()
    }

    fn lock(&self, app_id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(app_id.to_owned()).or_default().clone()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn jitter(app_id: &str, version: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (app_id, version).hash(&mut hasher);
    hasher.finish() % JITTER
}
