//! `/api`: REST for admins, agents and integrators.
//!
//! - [`route`](routes): which resource a path names and which methods it has.
//! - one module for each resource: bindings, visitors, conversations (and how they change hands), messages, agents on
//!   duty, robots' questions, access tokens.
//! - `records`: groups, agents, merchants, robots and calendars, alike for all; `settings` reads and checks them,
//!   `effects` is what a change brings with it, `uses` what stands in the way of taking one away.
//! - `me`: for which agent a caller stands.
//! - `openapi.json` describes it all at `/api/openapi.json`; a test holds the two against each other.

mod access_tokens;
mod bindings;
mod conversations;
mod duty;
mod effects;
mod handoff;
mod health;
mod me;
mod merge;
mod messages;
mod page;
mod questions;
mod reception;
mod records;
mod robots;
pub mod routes;
mod routing;
mod session_from;
mod settings;
mod uses;
mod view;
mod visitors;

use ::conversations::Conversations;
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
    desk: Conversations,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(clock).await?;
        Ok(Self { desk: Conversations::new(table, vault, channel) })
    }

    fn table(&self) -> &Table {
        self.desk.table()
    }

    fn vault(&self) -> &Vault {
        self.desk.vault()
    }

    fn channel(&self) -> &Channel {
        self.desk.channel()
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match routes::route(request.method(), &path) {
        Routed::Operation(operation) => {
            Box::pin(operate(deps, &request, operation)).await.unwrap_or_else(|problem| problem.response())
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
    use Operation as Op;
    let caller = Caller::of(request)?;
    if operation.is_for_admins() {
        caller.must_be_admin()?;
    }
    match operation {
        Op::Describe => {
            let mut response = http::text(StatusCode::OK, OPENAPI);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
        Op::Me => me::read(deps, &caller).await,
        Op::ListBindings => bindings::list(deps, request).await,
        Op::Bind => bindings::create(deps, request).await,
        Op::ReadBinding(app_id) => bindings::read(deps, request, app_id).await,
        Op::ChangeBinding(app_id) => bindings::change(deps, request, app_id).await,
        Op::Unbind(app_id) => bindings::delete(deps, app_id).await,
        Op::BindingHealth(app_id) => health::read(deps, app_id).await,
        Op::MakeSessionFromSecret(app_id) => session_from::make_secret(deps, app_id).await,
        Op::ReadVisitor(app_id, openid) => visitors::read(deps, &caller, app_id, openid).await,
        Op::VisitorMessages(app_id, openid) => visitors::messages(deps, request, app_id, openid).await,
        Op::ListRecords(kind) => records::list(deps, request, kind).await,
        Op::CreateRecord(kind) => records::create(deps, request, kind).await,
        Op::ReadRecord(kind, id) => records::read(deps, kind, id).await,
        Op::ChangeRecord(kind, id) => records::change(deps, request, kind, id).await,
        Op::DeleteRecord(kind, id) => records::delete(deps, kind, id).await,
        Op::SetStatus(id) => duty::set_status(deps, request, &caller, id).await,
        Op::Heartbeat(id) => duty::heartbeat(deps, &caller, id).await,
        Op::ListQuestions(robot) => questions::list(deps, request, robot).await,
        Op::CreateQuestion(robot) => questions::create(deps, request, robot).await,
        Op::ReplaceQuestions(robot) => questions::replace(deps, request, robot).await,
        Op::ReadQuestion(robot, id) => questions::read(deps, robot, id).await,
        Op::ChangeQuestion(robot, id) => questions::change(deps, request, robot, id).await,
        Op::DeleteQuestion(robot, id) => questions::delete(deps, robot, id).await,
        Op::TryRobot(robot) => robots::try_text(deps, request, robot).await,
        Op::ListConversations => conversations::list(deps, request, &caller).await,
        Op::ReadConversation(cid) => conversations::read(deps, cid).await,
        Op::Claim(cid) => handoff::claim(deps, request, &caller, cid).await,
        Op::Accept(cid) => handoff::accept(deps, &caller, cid).await,
        Op::Transfer(cid) => handoff::transfer(deps, request, &caller, cid).await,
        Op::CloseConversation(cid) => handoff::close(deps, request, &caller, cid).await,
        Op::Type(cid) => conversations::typing(deps, request, cid).await,
        Op::ListEvents(cid) => conversations::events(deps, request, cid).await,
        Op::ListMessages(cid) => messages::list(deps, request, cid).await,
        Op::Say(cid) => messages::create(deps, request, &caller, cid).await,
        Op::TakeBack(cid, id) => messages::take_back(deps, cid, id).await,
        Op::Simulate => routing::simulate(deps, request).await,
        Op::BuildSessionFrom => session_from::build(request),
        Op::ParseSessionFrom => session_from::parse(request),
        Op::ListAccessTokens => access_tokens::list(deps, request).await,
        Op::CreateAccessToken => access_tokens::create(deps, request).await,
        Op::DeleteAccessToken(id) => access_tokens::delete(deps, id).await,
    }
}
