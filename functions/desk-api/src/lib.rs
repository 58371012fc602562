//! `/api`: REST for admins, agents and integrators.
//!
//! - One module for each resource, with its handlers and, in `routes`, who may call them: `bindings` (with `health` and
//!   `session_from_secret`), `session_from`, `visitors` (with `change_visitor`, `notes`,
//!   `erasure` and `export`), `conversations` (with `counts`), `handoff` (claim,
//!   accept, mark as read, transfer, close), `messages`, `pictures`, `groups`,
//!   `agents` (with `duty`), `merchants`, `robots` (with `questions` and `try_robot`), `calendars`, `quick_replies`, `frames`, `routing`, `access_tokens`, `sign_in`,
//!   `sessions`, `realtime`, `audit`, `me`.
//! - What groups, agents, merchants, robots and calendars have in common: `records` creates, lists, changes and deletes
//!   them; `settings` reads and validates them; `effects` is what a change of settings entails; `usage` finds what still
//!   uses a resource; `lookup` finds one by id.
//! - [`document`]: the OpenAPI description, made of the handlers' attributes. It is checked in as `openapi.json` and
//!   served at `/api/openapi.json`.

mod access_tokens;
mod agents;
mod audit;
mod bindings;
mod calendars;
mod change_visitor;
mod conversation_view;
mod conversations;
mod counts;
mod credentials;
mod description;
mod duty;
mod effects;
mod erasure;
mod export;
mod frames;
mod groups;
mod handoff;
mod health;
mod host;
mod lookup;
mod me;
mod merchants;
mod merge;
mod messages;
mod names;
mod notes;
mod parameters;
mod pictures;
mod questions;
mod quick_replies;
mod realtime;
mod reception;
mod reception_check;
mod records;
mod robots;
mod routing;
mod schema;
mod services;
mod session_from;
mod session_from_secret;
mod sessions;
mod settings;
mod sign_in;
mod text;
mod try_robot;
mod usage;
mod visitors;

use api::{ApiRouter, Route, Routes};
use axum::Router;
pub use description::{OPENAPI, document};
use function::{Aws, CallLimits, Deadline, Env, StartError};
use lambda_http::{Body, Request, Response};
use realtime::Live;
use services::{Deployed, Services};
use store::SharedClock;

/// The started API.
#[derive(Debug, Clone)]
pub struct Deps {
    router: Router,
    clock: SharedClock,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN`, `WECHAT_API_URL`, `ADMIN_TOKEN_SHA256`, `PICTURES_BUCKET`, `REALTIME_URL` and `CONNECTIONS_URL`. The address of
    /// the WebSocket API may be a path on the same host, as in the bundle on one machine.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let bootstrap_hash = settings.sha256("ADMIN_TOKEN_SHA256");
        let realtime_url = settings.text("REALTIME_URL");
        let connections_url = settings.text("CONNECTIONS_URL");
        let (table, vault, channel) = settings.channel(clock.clone()).await?;
        let table = table.with_objects(env.settings().pictures(clock.clone())?);
        let connections = Aws::new(env, CallLimits::OneSecond)?.connections(&connections_url);
        let live = Live::new(table.connected(), connections);
        let mut router = ApiRouter::default();
        mount(&mut router);
        let robots =
            ::robots::Client::new(env.reach()).map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        let deployed = Deployed {
            bootstrap_hash: bootstrap_hash.into(),
            realtime_url: realtime_url.into(),
            is_local: env.is_local(),
            live,
        };
        let services = Services::new(&table, vault, channel, robots, deployed);
        Ok(Self { clock, router: router.with_state(services) })
    }
}

/// Answers a request, at the latest a second before `deadline`.
pub async fn handle(deps: &Deps, request: Request, deadline: Deadline) -> Response<Body> {
    api::serve(&deps.router, request, deadline, &deps.clock).await
}

/// Every operation of this function, with who may call it.
pub fn routes() -> Vec<Route> {
    let mut router = ApiRouter::default();
    mount(&mut router);
    router.routes().to_vec()
}

/// Mounts every operation of this function.
fn mount(routes: &mut impl Routes<Services>) {
    description::routes(routes);
    me::routes(routes);
    bindings::routes(routes);
    session_from::routes(routes);
    session_from_secret::routes(routes);
    visitors::routes(routes);
    change_visitor::routes(routes);
    notes::routes(routes);
    erasure::routes(routes);
    export::routes(routes);
    groups::routes(routes);
    frames::routes(routes);
    agents::routes(routes);
    duty::routes(routes);
    merchants::routes(routes);
    robots::routes(routes);
    questions::routes(routes);
    try_robot::routes(routes);
    calendars::routes(routes);
    conversations::routes(routes);
    counts::routes(routes);
    handoff::routes(routes);
    messages::routes(routes);
    pictures::routes(routes);
    quick_replies::routes(routes);
    routing::routes(routes);
    access_tokens::routes(routes);
    sign_in::routes(routes);
    sessions::routes(routes);
    realtime::routes(routes);
    audit::routes(routes);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `cards` is another function's.
    #[test]
    fn every_route_is_described_and_every_described_operation_is_routed() {
        let description: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.insert((path.clone(), method.to_uppercase()));
            }
        }
        assert!(described.remove(&("/api/conversations/{cid}/cards".to_owned(), "POST".to_owned())));
        let routes = routes();
        let mounted: BTreeSet<_> = routes.iter().map(|route| (route.path.clone(), route.method.to_string())).collect();
        assert_eq!(mounted.len(), routes.len(), "an operation is mounted twice");
        assert_eq!(mounted, described);
    }
}
