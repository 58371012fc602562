//! Renews access tokens before they expire, so that no send waits for a renewal, and seals credentials again after a rotation of
//! the stack's secret. A schedule invokes it each minute.

use std::sync::Arc;

use channel::{TokenError, Tokens};
use function::{Deadline, Env, Failure, StartError, trigger::Tick};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::{LEASE, ResealReport, Resealing, SharedClock, TokenSchedule, Vault};

/// Concurrent renewals. WeChat allows 10 000 calls a minute per account (获取稳定版接口调用凭据); this bounds our connections.
const CONCURRENCY: usize = 8;

/// The number of tokens that one invocation renews at most.
const MAX_TOKENS: i32 = 500;

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    schedule: TokenSchedule,
    tokens: Tokens,
    resealing: Resealing,
    vault: Vault,
    clock: SharedClock,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(Arc::clone(&clock)).await?;
        let (schedule, tokens) = (table.token_schedule(), channel.tokens().clone());
        Ok(Self { schedule, tokens, resealing: table.resealing(), vault, clock })
    }
}

/// The result of one renewal.
enum Outcome {
    Renewed,
    NotDue,
    Failed,
    /// Left to the next tick.
    NoTime,
}

/// Renews the tokens that are due, then goes on with sealing again. A failure is recorded with its binding and does not stop the
/// others.
pub async fn handle(deps: &Deps, _tick: Tick, deadline: Deadline) -> Result<Value, Failure> {
    let due = deps.schedule.due_tokens(MAX_TOKENS).await?;
    let outcomes = stream::iter(due).map(|app_id| renew(deps, app_id, deadline)).buffer_unordered(CONCURRENCY);
    let outcomes: Vec<Outcome> = outcomes.collect().await;
    let renewed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Renewed)).count();
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed)).count();
    if !outcomes.is_empty() {
        tracing::info!(renewed, failed, "access tokens renewed");
    }
    // It can stop at any item; the next tick goes on.
    let sealed = if deadline.allows(LEASE, deps.clock.now()) {
        deps.resealing.reseal(&deps.vault).await?
    } else {
        ResealReport::default()
    };
    if sealed != ResealReport::default() {
        let ResealReport { resealed, unreadable, failed } = sealed;
        tracing::info!(resealed, unreadable, failed, "credentials sealed again");
    }
    Ok(json!({ "renewed": renewed, "failed": failed, "sealed_again": sealed }))
}

#[tracing::instrument(skip_all, fields(app_id = app_id))]
async fn renew(deps: &Deps, app_id: String, deadline: Deadline) -> Outcome {
    if !deadline.allows(LEASE, deps.clock.now()) {
        return Outcome::NoTime;
    }
    match deps.tokens.renew_due(&app_id).await {
        Ok(true) => Outcome::Renewed,
        // The token of a deleted binding is off the schedule now.
        Ok(false) | Err(TokenError::NotBound) => Outcome::NotDue,
        Err(error) => {
            tracing::warn!(%error, "access token was not renewed");
            Outcome::Failed
        }
    }
}
