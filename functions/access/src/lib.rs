//! The authorizer of `/api`: identifies the caller.
//!
//! Input: an HTTP API authorizer event, payload 2.0. Output: the simple form, `{isAuthorized, context}` (API Gateway
//! developer guide, "Control access to HTTP APIs with AWS Lambda authorizers"). The context carries to the function
//! behind it: `role`, `token_id`, `name`; `agent_id` if the token names one; a supervisor's `group_ids`; an integrator's
//! `scopes` and, if they hold for named mini programs only, `app_ids`. Lists are separated by spaces. The token of a session
//! has its `session_id` as well.

use std::time::Duration;

use desk::policy::{AppIds, Grant};
use function::{Aws, CallLimits, Env, Failure, StartError};
use serde_json::{Map, Value, json};
use store::{BOOTSTRAP, Session, SessionSource, SharedClock, StoreError, TokenVerifier, is_session_token, token_hash};
use tracing::{Span, field};

/// How long the record of a token's use may take. A request does not wait longer for it, nor does it fail with it.
const RECORD_TIMEOUT: Duration = Duration::from_millis(500);

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    clock: SharedClock,
    tokens: TokenVerifier,
    bootstrap_hash: String,
}

impl Deps {
    /// Reads `TABLE_NAME` and `ADMIN_TOKEN_SHA256`, the SHA-256 of the bootstrap admin token in lower-case hexadecimal.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let table = settings.text("TABLE_NAME");
        let hash = settings.sha256("ADMIN_TOKEN_SHA256");
        let retention = settings.retention();
        settings.done()?;
        let table = Aws::new(env, CallLimits::FiveSeconds)?.table(&table, clock.clone()).with_retention(retention);
        // A failure here does not end the function: the first event tries again.
        let _ = table.prime("access#prime").await;
        Ok(Self { clock, tokens: table.token_verifier(), bootstrap_hash: hash })
    }
}

/// Answers whether the request's bearer token is valid, and who holds it.
#[tracing::instrument(name = "access", skip_all, fields(token_id = field::Empty))]
pub async fn handle(deps: &Deps, event: Value) -> Result<Value, Failure> {
    let context = match bearer(&event) {
        Some(token) => identify(deps, token).await?,
        None => None,
    };
    Ok(match context {
        Some(context) => json!({ "isAuthorized": true, "context": context }),
        None => json!({ "isAuthorized": false }),
    })
}

/// The context of a valid token.
async fn identify(deps: &Deps, token: &str) -> Result<Option<Map<String, Value>>, StoreError> {
    if is_session_token(token) {
        return identify_session(deps, token).await;
    }
    // Comparing hashes of what was sent tells an attacker nothing about the token itself.
    let hash = token_hash(token);
    if hash == deps.bootstrap_hash {
        let retired = deps.tokens.bootstrap_is_retired(&hash).await?;
        return Ok((!retired).then(|| context(&Grant::Admin, BOOTSTRAP, "", None)));
    }
    let now = deps.clock.now();
    let Some(token) = deps.tokens.api_token(&hash).await?.filter(|token| !token.is_expired(now)) else {
        return Ok(None);
    };
    Span::current().record("token_id", &token.id);
    // Tokens created by an earlier version were not revoked when their agent was deleted, so look the agent up.
    if let Some(agent) = &token.agent_id
        && !deps.tokens.agent_is_active(agent).await?
    {
        return Ok(None);
    }
    recorded(deps.tokens.record_token_use(&token, &hash)).await;
    Ok(Some(context(&token.grant, &token.id, &token.name, token.agent_id.as_deref())))
}

/// The context of a session that has not ended.
async fn identify_session(deps: &Deps, token: &str) -> Result<Option<Map<String, Value>>, StoreError> {
    let now = deps.clock.now();
    let Some(session) = deps.tokens.session(token).await?.filter(|session| session.is_valid(now)) else {
        return Ok(None);
    };
    Span::current().record("token_id", session.token_id());
    if !source_is_valid(deps, &session).await? {
        return Ok(None);
    }
    recorded(deps.tokens.record_session_use(&session)).await;
    let holder = &session.holder;
    let mut context = context(&holder.grant, session.token_id(), &holder.name, holder.agent_id.as_deref());
    context.insert("session_id".to_owned(), session.id.as_str().into());
    Ok(Some(context))
}

/// Whether what a session was made from has not ended. A token that ends takes its sessions with it, in its transaction.
async fn source_is_valid(deps: &Deps, session: &Session) -> Result<bool, StoreError> {
    if let SessionSource::Bootstrap { hash } = &session.holder.source {
        return Ok(*hash == deps.bootstrap_hash && !deps.tokens.bootstrap_is_retired(hash).await?);
    }
    match &session.holder.agent_id {
        Some(agent) => deps.tokens.agent_is_active(agent).await,
        None => Ok(true),
    }
}

/// Records that a token was used. The request does not fail with it.
async fn recorded(record: impl Future<Output = Result<(), StoreError>>) {
    match tokio::time::timeout(RECORD_TIMEOUT, record).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "use of access token not recorded"),
        Err(_) => tracing::warn!("use of access token not recorded in time"),
    }
}

fn context(grant: &Grant, token_id: &str, name: &str, agent_id: Option<&str>) -> Map<String, Value> {
    let mut context = Map::new();
    let mut set = |field: &str, text: &str| drop(context.insert(field.to_owned(), text.into()));
    set("role", grant.role().as_str());
    set("token_id", token_id);
    set("name", name);
    if let Some(agent_id) = agent_id {
        set("agent_id", agent_id);
    }
    match grant {
        Grant::Admin | Grant::Agent => {}
        Grant::Supervisor { group_ids } => set("group_ids", &joined(group_ids.iter().map(String::as_str))),
        Grant::Integrator { scopes, app_ids } => {
            set("scopes", &joined(scopes.iter().map(|scope| scope.as_str())));
            if let AppIds::Named(named) = app_ids {
                set("app_ids", &joined(named.iter().map(String::as_str)));
            }
        }
    }
    context
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join(" ")
}

fn bearer(event: &Value) -> Option<&str> {
    let header = event.get("headers")?.get("authorization")?.as_str()?;
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= 512).then_some(token)
}

#[cfg(test)]
mod tests {
    use desk::policy::Scope;

    use super::*;

    #[test]
    fn context_carries_the_limits_of_the_role() {
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let supervisor = context(&Grant::Supervisor { group_ids: set(&["g1", "g2"]) }, "t1", "Lin", Some("a1"));
        let expected =
            json!({ "role": "supervisor", "token_id": "t1", "name": "Lin", "agent_id": "a1", "group_ids": "g1 g2" });
        assert_eq!(Value::Object(supervisor), expected);
        let scopes = [Scope::BindingsRead, Scope::Webhooks].into();
        let integrator = context(&Grant::Integrator { scopes, app_ids: AppIds::Named(set(&["wx1"])) }, "t2", "", None);
        let expected = json!({
            "role": "integrator", "token_id": "t2", "name": "", "scopes": "bindings:read webhooks", "app_ids": "wx1",
        });
        assert_eq!(Value::Object(integrator), expected);
        let all = context(&Grant::Integrator { scopes: [].into(), app_ids: AppIds::All }, "t3", "", None);
        assert_eq!(all.get("app_ids"), None);
    }

    #[test]
    fn only_a_bearer_token_is_taken() {
        let of = |header: &str| bearer(&json!({ "headers": { "authorization": header } })).map(ToOwned::to_owned);
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc ").as_deref(), Some("abc"));
        for refused in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(of(refused), None, "{refused:?}");
        }
        assert_eq!(bearer(&json!({})), None);
    }
}
