//! The caller, as the authorizer function identified them.

use std::{collections::BTreeSet, ops::Deref};

use axum::{extract::FromRequestParts, http::request::Parts};
use desk::policy::{AppIds, Grant, Role, Scope, TokenHolder};
use lambda_http::{RequestExt, request::RequestContext};
use store::{Author, Conversation};

use crate::{Code, Problem};

/// The caller of an operation, read from the context that the authorizer attached to the request (API Gateway, "Control
/// access to HTTP APIs with AWS Lambda authorizers"). The function `access` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub TokenHolder);

impl Caller {
    /// The caller as the author of a message in a conversation. An agent writes only into their own conversation, so the
    /// agent who has it is the one that the caller works as.
    pub fn author(&self, conversation: &Conversation) -> Author {
        let assignee = || conversation.assignee().filter(|_| self.role() == Role::Agent).map(ToOwned::to_owned);
        let agent_id = self.agent_id.clone().or_else(assignee);
        Author { role: self.role().into(), name: self.name.clone(), agent_id }
    }
}

impl Deref for Caller {
    type Target = TokenHolder;

    fn deref(&self) -> &TokenHolder {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let context = parts.request_context_ref();
        let fields = context.and_then(RequestContext::authorizer).map(|authorizer| &authorizer.fields);
        let text = |name: &str| fields.and_then(|fields| fields.get(name)).and_then(|value| value.as_str());
        let Some(grant) = grant(text) else {
            let detail = "Send a token: Authorization: Bearer <token>.";
            return Err(Problem::new(401, Code::Unauthorized, detail));
        };
        let known = |name: &str| text(name).filter(|value| !value.is_empty()).map(ToOwned::to_owned);
        let token_id = text("token_id").unwrap_or_default().to_owned();
        Ok(Self(TokenHolder {
            grant,
            token_id,
            name: known("name"),
            agent_id: known("agent_id"),
            session_id: known("session_id"),
        }))
    }
}

/// What the token grants; `None` without a role that this version knows.
fn grant<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Grant> {
    let words = |name: &str| -> Option<BTreeSet<String>> {
        text(name).map(|words| words.split_whitespace().map(ToOwned::to_owned).collect())
    };
    Some(match Role::named(text("role")?)? {
        Role::Admin => Grant::Admin,
        Role::Agent => Grant::Agent,
        Role::Supervisor => Grant::Supervisor { group_ids: words("group_ids").unwrap_or_default() },
        Role::Integrator => {
            let scopes = words("scopes").unwrap_or_default();
            let scopes = scopes.iter().filter_map(|scope| Scope::named(scope)).collect();
            Grant::Integrator { scopes, app_ids: AppIds::from(words("app_ids")) }
        }
    })
}
