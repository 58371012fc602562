//! `/api`: REST for admins, agents and integrators.
//!
//! - [`route`](routes): which resource a path names and which methods it has.
//! - one module for each resource: bindings, visitors, conversations, messages, access tokens.
//! - `openapi.json` describes it all at `/api/openapi.json`; a test holds the two against each other.

mod access_tokens;
mod bindings;
mod conversations;
mod health;
mod messages;
mod page;
pub mod routes;
mod visitors;

use channel::Channel;
use function::{
    Env, StartError,
    http::{self, Caller, Problem},
};
use lambda_http::{
    Body, Request, Response,
    http::{HeaderValue, StatusCode, header},
};
use routes::{Operation, Routed};
use store::{SharedClock, Table, Vault};

/// The description of the API.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Deps {
    table: Table,
    vault: Vault,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let api = settings.text("WECHAT_API_URL");
        let (table, vault) = settings.stores(clock).await?;
        let channel = Channel::new(table.clone(), vault.clone(), &api);
        let channel = channel.map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        Ok(Self { table, vault, channel })
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match routes::route(request.method(), &path) {
        Routed::Operation(operation) => {
            operate(deps, &request, operation).await.unwrap_or_else(|problem| problem.response())
        }
        Routed::OtherMethods(allowed) => {
            let detail = format!("This resource takes {allowed}.");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
            let mut response = problem.response();
            if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            response
        }
        Routed::Nothing => Problem::not_found("resource").response(),
    }
}

async fn operate(deps: &Deps, request: &Request, operation: Operation<'_>) -> Result<Response<Body>, Problem> {
    let caller = Caller::of(request)?;
    if operation.is_for_admins() {
        caller.must_be_admin()?;
    }
    match operation {
        Operation::Describe => {
            let mut response = http::text(StatusCode::OK, OPENAPI);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
        Operation::ListBindings => bindings::list(deps, request).await,
        Operation::Bind => bindings::create(deps, request).await,
        Operation::ReadBinding(app_id) => bindings::read(deps, request, app_id).await,
        Operation::ChangeBinding(app_id) => bindings::change(deps, request, app_id).await,
        Operation::Unbind(app_id) => bindings::delete(deps, app_id).await,
        Operation::BindingHealth(app_id) => health::read(deps, app_id).await,
        Operation::VisitorMessages(app_id, openid) => visitors::messages(deps, request, app_id, openid).await,
        Operation::ListConversations => conversations::list(deps, request).await,
        Operation::ReadConversation(cid) => conversations::read(deps, cid).await,
        Operation::CloseConversation(cid) => conversations::close(deps, cid).await,
        Operation::Type(cid) => conversations::typing(deps, request, cid).await,
        Operation::ListMessages(cid) => messages::list(deps, request, cid).await,
        Operation::Say(cid) => messages::create(deps, request, &caller, cid).await,
        Operation::ListAccessTokens => access_tokens::list(deps, request).await,
        Operation::CreateAccessToken => access_tokens::create(deps, request).await,
        Operation::DeleteAccessToken(id) => access_tokens::delete(deps, id).await,
    }
}
