//! The caller, as the authorizer function identified them.

use axum::{extract::FromRequestParts, http::request::Parts};
use lambda_http::{RequestExt, request::RequestContext};
use store::Role;

use crate::{Code, Problem};

/// The caller of an operation, read from the context that the authorizer attached to the request (API Gateway, "Control
/// access to HTTP APIs with AWS Lambda authorizers").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The role of the access token.
    pub role: Role,
    /// The id of the access token.
    pub token_id: String,
    /// The caller's name, if the token has one.
    pub name: Option<String>,
    /// The agent that the token stands for, if it names one.
    pub agent_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let context = parts.request_context_ref();
        let fields = context.and_then(RequestContext::authorizer).map(|authorizer| &authorizer.fields);
        let text = |name: &str| fields.and_then(|fields| fields.get(name)).and_then(|value| value.as_str());
        let Some(role @ (Role::Admin | Role::Agent)) = text("role").and_then(Role::named) else {
            let detail = "Send a token: Authorization: Bearer <token>.";
            return Err(Problem::new(401, Code::Unauthorized, detail));
        };
        let known = |name: &str| text(name).filter(|value| !value.is_empty()).map(ToOwned::to_owned);
        let token_id = text("token_id").unwrap_or_default().to_owned();
        Ok(Self { role, token_id, name: known("name"), agent_id: known("agent_id") })
    }
}
