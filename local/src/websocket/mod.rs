//! API Gateway's WebSocket API: a connection and its messages become events for the functions behind the routes, and functions send
//! to connections by `@connections`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html>
//!
//! A connection ends after two hours, and after ten minutes without a message, by the bundle's clock.

mod connection;
mod event;
mod open_connections;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use store::SharedClock;
use tokio::sync::watch;

pub(crate) use open_connections::{OpenConnections, Refusal};

use crate::functions::Functions;
use crate::random;
use crate::template::WebSocketApi;
use connection::OpenSocket;
use event::Events;

/// The most bytes of a message, and of a frame ("Amazon API Gateway quotas", WebSocket API).
pub(crate) const MESSAGE_MAX: usize = 128 * 1024;
const FRAME_MAX: usize = 32 * 1024;

/// The WebSocket API of a bundle.
pub(crate) struct WebSocketGateway {
    api: WebSocketApi,
    functions: Arc<Functions>,
    connections: OpenConnections,
    clock: SharedClock,
    shutdown: watch::Receiver<bool>,
}

impl WebSocketGateway {
    pub(crate) fn new(
        api: WebSocketApi,
        functions: Arc<Functions>,
        connections: OpenConnections,
        clock: SharedClock,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self { api, functions, connections, clock, shutdown }
    }

    /// The route by which clients connect: the stage is the path, as in the address of AWS.
    pub(crate) fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let path = self.api.path();
        Router::new().route(&path, get(connect)).with_state(Arc::new(self))
    }

    /// Invokes the function of a route, if there is one.
    async fn invoke(&self, route: &str, event: Value) -> Option<Result<Value, ()>> {
        let function = self.api.routes.get(route)?;
        Some(self.functions.invoke(&function.function, event).await.map_err(drop))
    }
}

/// Asks the function of `$connect`, and opens the connection if it answers 2xx.
async fn connect(
    State(gateway): State<Arc<WebSocketGateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let id = format!("{}=", random::letters_and_digits(15));
    let events = Events::new(&gateway.api.stage, id, source, &headers, gateway.clock.now());
    let asked = gateway.invoke("$connect", events.connect(&headers, &uri, gateway.clock.now())).await;
    let status = match asked {
        None => 200,
        Some(Ok(answer)) => answer["statusCode"].as_u64().unwrap_or(200),
        Some(Err(())) => 500,
    };
    if !(200..300).contains(&status) {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        return status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    }
    upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(FRAME_MAX)
        .on_upgrade(move |socket| async move { OpenSocket::new(gateway, events).run(socket).await })
}
