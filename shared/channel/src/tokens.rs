//! Access tokens: kept in the table, cached in the function, renewed under a lease.
//!
//! `stable_token` hands everybody the same token, so two renewals at once would do no harm to a developer's binding;
//! the lease spares WeChat the calls, and platform bindings, whose renewals do conflict, take the same way.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use store::{Binding, CredentialProblem, ExposeSecret, Lease, SecretString, StoreError, Table, Vault};
use wechat::{Action, Api, ApiError};

use crate::error::{TokenError, wechat_failure};

/// A reader renews a token that has less life than this left.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// The schedule renews a token when it has less than this left. WeChat renews a stable token five minutes before
/// its end (获取稳定版接口调用凭据); asking sooner gives the same token again.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(300);

/// Spread of the scheduled renewals, so that bindings made together are not renewed together for ever.
const JITTER: u64 = 120;

/// How long a reader waits for somebody else's renewal, and how often it looks.
const LOOKS: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An access token and which renewal made it.
#[derive(Clone)]
pub struct CachedToken {
    value: Arc<SecretString>,
    /// Which renewal made it; named when WeChat refuses the token.
    pub version: u64,
    /// When WeChat lets it end.
    pub expires_at: Timestamp,
}

impl CachedToken {
    /// The token itself.
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
    table: Table,
    vault: Vault,
    api: Api,
    cache: Arc<Mutex<HashMap<String, CachedToken>>>,
    /// One reader of this function goes to the table and to WeChat for a binding; the others wait for it.
    flights: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Tokens {
    pub(crate) fn new(table: Table, vault: Vault, api: Api) -> Self {
        Self { table, vault, api, cache: Arc::default(), flights: Arc::default() }
    }

    /// A token that WeChat should take, renewed in line if need be.
    pub async fn get(&self, app_id: &str) -> Result<CachedToken, TokenError> {
        if let Some(held) = self.cached(app_id, 0) {
            return Ok(held);
        }
        let flight = self.flight(app_id);
        let _alone = flight.lock().await;
        match self.cached(app_id, 0) {
            Some(held) => Ok(held),
            None => self.load(app_id, 0).await,
        }
    }

    /// A token newer than the one that WeChat refused. However many ask, it is renewed once.
    pub async fn renew_refused(&self, app_id: &str, refused: u64) -> Result<CachedToken, TokenError> {
        let flight = self.flight(app_id);
        let _alone = flight.lock().await;
        match self.cached(app_id, refused) {
            Some(held) => Ok(held),
            None => self.load(app_id, refused).await,
        }
    }

    /// Renews the token if it falls due, for the schedule. `false` when somebody else is at it or it is not due.
    pub async fn renew_due(&self, app_id: &str) -> Result<bool, TokenError> {
        let now = self.now();
        let Some(stored) = self.table.token(app_id).await? else {
            return Ok(false);
        };
        let fresh = stored.value.is_some() && now + RENEW_BEFORE < stored.expires_at;
        if fresh || stored.retry_at.is_some_and(|at| now < at) {
            return Ok(false);
        }
        match self.table.lease_token(app_id, stored.version).await? {
            Some(lease) => self.renew(&lease).await.map(|renewed| renewed.is_some()),
            None => Ok(false),
        }
    }

    /// Asks WeChat for a token with these credentials, before they are kept.
    pub async fn check(&self, app_id: &str, secret: &SecretString) -> Result<wechat::client::AccessToken, ApiError> {
        self.api.stable_token(app_id, secret.expose_secret()).await
    }

    /// Keeps the token that [`check`](Self::check) brought, so that the first reply need not fetch one. What was noted
    /// of the credentials before is void: a renewal that is under way with the old ones must not hold readers back.
    pub async fn adopt(&self, app_id: &str, token: &wechat::client::AccessToken) -> Result<(), TokenError> {
        self.table.reset_token(app_id).await?;
        let version = self.table.token(app_id).await?.map_or(0, |stored| stored.version);
        if let Some(lease) = self.table.lease_token(app_id, version).await? {
            self.keep(&lease, token).await?;
        }
        Ok(())
    }

    async fn load(&self, app_id: &str, refused: u64) -> Result<CachedToken, TokenError> {
        for _ in 0..LOOKS {
            let now = self.now();
            let stored = self.table.token(app_id).await?;
            let version = stored.as_ref().map_or(0, |stored| stored.version);
            let usable = |until: Timestamp| version > refused && now < until;
            if let Some(stored) = &stored {
                if let Some(sealed) = stored.value.as_ref().filter(|_| usable(stored.expires_at - MARGIN)) {
                    return Ok(self.hold(app_id, self.vault.open(sealed).await?, version, stored.expires_at));
                }
                if stored.retry_at.is_some_and(|at| now < at) {
                    return Err(self.refusal(app_id).await);
                }
            }
            if let Some(lease) = self.table.lease_token(app_id, version).await? {
                if let Some(held) = self.renew(&lease).await? {
                    return Ok(held);
                }
            } else if let Some(stored) = &stored
                && let Some(sealed) = stored.value.as_ref().filter(|_| usable(stored.expires_at))
            {
                // Somebody is renewing it, and until they are done the old one still lives.
                return Ok(self.hold(app_id, self.vault.open(sealed).await?, version, stored.expires_at));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(TokenError::Busy)
    }

    /// Renews under the lease. `None` when the lease was lost meanwhile.
    async fn renew(&self, lease: &Lease) -> Result<Option<CachedToken>, TokenError> {
        let app_id = &lease.app_id;
        let Some(binding) = self.table.binding(app_id).await? else {
            // If it is bound again, nobody is to wait for a lease that nobody holds.
            self.table.unschedule_token(app_id).await?;
            return Err(TokenError::NotBound);
        };
        let secret = self.vault.open(&binding.app_secret).await?;
        match self.api.stable_token(app_id, secret.expose_secret()).await {
            Ok(token) => {
                if binding.problem.is_some() {
                    self.table.set_credential_problem(app_id, None).await?;
                }
                self.keep(lease, &token).await
            }
            Err(error) => Err(self.failed(lease, &binding, error).await?),
        }
    }

    async fn keep(
        &self,
        lease: &Lease,
        token: &wechat::client::AccessToken,
    ) -> Result<Option<CachedToken>, TokenError> {
        let now = self.now();
        let life = SignedDuration::try_from(token.expires_in).unwrap_or(RENEW_BEFORE);
        let expires_at = now + life.min(SignedDuration::from_hours(24));
        let jitter = i64::try_from(spread(&lease.app_id, lease.version)).unwrap_or(0);
        let renew_at = expires_at - RENEW_BEFORE + SignedDuration::from_secs(jitter);
        let value = SecretString::from(token.value.expose());
        let renew_at = renew_at.max(now + MARGIN);
        match self.table.renew_token(&self.vault, lease, &value, expires_at, renew_at).await {
            Ok(version) => Ok(Some(self.hold(&lease.app_id, value, version, expires_at))),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes a failed renewal: what WeChat refuses for good puts the binding into a state with the reason in words
    /// and backs off from a minute to an hour; anything else is tried again soon, and the state stays.
    async fn failed(&self, lease: &Lease, binding: &Binding, error: ApiError) -> Result<TokenError, TokenError> {
        let now = self.now();
        let failures = lease.failures.min(6);
        if !matches!(error.action(), Action::FixCredentials | Action::AllowAddress) {
            let again = now + SignedDuration::from_secs(15 << failures);
            self.table.token_failed(lease, again, false).await?;
            tracing::warn!(app_id = lease.app_id, %error, "the access token was not renewed");
            return Ok(TokenError::NoToken(error));
        }
        let told = wechat_failure(&error);
        let since = binding.problem.as_ref().map_or(now, |problem| problem.since);
        let problem = CredentialProblem {
            code: told.code,
            errcode: told.errcode.unwrap_or_default(),
            reason: told.detail,
            since,
        };
        let again = now + SignedDuration::from_mins(1 << failures).min(SignedDuration::from_mins(60));
        self.table.set_credential_problem(&lease.app_id, Some(&problem)).await?;
        self.table.token_failed(lease, again, true).await?;
        tracing::warn!(app_id = lease.app_id, code = problem.code, errcode = problem.errcode, "credentials refused");
        Ok(TokenError::Refused(problem))
    }

    async fn refusal(&self, app_id: &str) -> TokenError {
        match self.table.binding(app_id).await {
            Ok(Some(Binding { problem: Some(problem), .. })) => TokenError::Refused(problem),
            Ok(Some(_)) => TokenError::Busy,
            Ok(None) => TokenError::NotBound,
            Err(error) => error.into(),
        }
    }

    fn hold(&self, app_id: &str, value: SecretString, version: u64, expires_at: Timestamp) -> CachedToken {
        let held = CachedToken { value: Arc::new(value), version, expires_at };
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(app_id.to_owned(), held.clone());
        held
    }

    fn cached(&self, app_id: &str, refused: u64) -> Option<CachedToken> {
        let now = self.now();
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(app_id).filter(|held| held.version > refused && now + MARGIN < held.expires_at).cloned()
    }

    fn flight(&self, app_id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.entry(app_id.to_owned()).or_default().clone()
    }

    fn now(&self) -> Timestamp {
        self.table.clock().now()
    }
}

fn spread(app_id: &str, version: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (app_id, version).hash(&mut hasher);
    hasher.finish() % JITTER
}
