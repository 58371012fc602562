//! The authorizer of `/api`: who is calling.
//!
//! Input: an HTTP API authorizer event, payload 2.0. Output: the simple form, `{isAuthorized, context}` (API Gateway
//! developer guide, "Control access to HTTP APIs with AWS Lambda authorizers"). The context carries role, token id,
//! name and, if the token stands for one, the agent's id to the function behind it.

use function::{Aws, Env, Failure, StartError};
use serde_json::{Value, json};
use store::{SharedClock, Table, token_hash};

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    table: Table,
    admin_hash: String,
}

impl Deps {
    /// Reads `TABLE_NAME` and `ADMIN_TOKEN_SHA256`, the SHA-256 of the first admin's token in lower-case hexadecimal.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let table = settings.text("TABLE_NAME");
        let hash = settings.parsed("ADMIN_TOKEN_SHA256", sha256_hex);
        settings.done()?;
        let table = Aws::new(env)?.table(&table, clock);
        // A failure is not the function's: the first event tries again.
        let _ = table.prime("access#prime").await;
        Ok(Self { table, admin_hash: hash.unwrap_or_default() })
    }
}

fn sha256_hex(text: &str) -> Result<String, String> {
    let right = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { Ok(text.to_owned()) } else { Err("is not a SHA-256 in lower-case hexadecimal".to_owned()) }
}

/// Says whether the bearer of the request's token may call, and who they are.
pub async fn handle(deps: &Deps, event: Value) -> Result<Value, Failure> {
    let Some(token) = bearer(&event) else {
        return Ok(json!({ "isAuthorized": false }));
    };
    let hash = token_hash(token);
    // Comparing hashes of what was sent tells an attacker nothing about the token itself.
    if hash == deps.admin_hash {
        let context = json!({ "role": "admin", "token_id": "admin", "name": "" });
        return Ok(json!({ "isAuthorized": true, "context": context }));
    }
    Ok(match deps.table.api_token(&hash).await? {
        Some(found) => {
            let mut context = json!({ "role": found.role.as_str(), "token_id": found.id, "name": found.name });
            if let Some(agent_id) = found.agent_id {
                context["agent_id"] = agent_id.into();
            }
            json!({ "isAuthorized": true, "context": context })
        }
        None => json!({ "isAuthorized": false }),
    })
}

fn bearer(event: &Value) -> Option<&str> {
    let header = event.get("headers")?.get("authorization")?.as_str()?;
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= 512).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

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
