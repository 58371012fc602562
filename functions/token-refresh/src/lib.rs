//! Renews access tokens before anyone waits for one. Runs each minute and renews what falls due.

use channel::{Channel, TokenError};
use function::{Env, Failure, StartError};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::{SharedClock, TokenSchedule};

/// Renewals at once. WeChat allows 10 000 calls a minute for each account; this bounds what we open ourselves.
const AT_ONCE: usize = 8;

/// Tokens that one run renews at most.
const PER_RUN: i32 = 500;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    schedule: TokenSchedule,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, _, channel) = env.settings().channel(clock).await?;
        Ok(Self { schedule: table.token_schedule(), channel })
    }
}

/// What became of one token.
enum Outcome {
    Renewed,
    NotNow,
    Failed,
}

/// Renews what falls due. One binding's failure is noted with the binding and does not hold up the others.
pub async fn handle(deps: &Deps, _event: Value) -> Result<Value, Failure> {
    let due = deps.schedule.due_tokens(PER_RUN).await?;
    let outcomes = stream::iter(due).map(|app_id| renew(deps, app_id)).buffer_unordered(AT_ONCE);
    let outcomes: Vec<Outcome> = outcomes.collect().await;
    let renewed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Renewed)).count();
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed)).count();
    if !outcomes.is_empty() {
        tracing::info!(renewed, failed, "access tokens renewed");
    }
    Ok(json!({ "renewed": renewed, "failed": failed }))
}

async fn renew(deps: &Deps, app_id: String) -> Outcome {
    match deps.channel.tokens().renew_due(&app_id).await {
        Ok(true) => Outcome::Renewed,
        Ok(false) => Outcome::NotNow,
        Err(TokenError::NotBound) => match deps.schedule.unschedule_token(&app_id).await {
            Ok(()) => Outcome::NotNow,
            Err(_) => Outcome::Failed,
        },
        Err(error) => {
            tracing::warn!(app_id, %error, "an access token was not renewed");
            Outcome::Failed
        }
    }
}
