//! API Gateway's HTTP API: every request becomes a payload-2.0 event for the function behind its route, and the
//! function's answer becomes the response.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod answer;
mod event;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use store::SharedClock;
use tokio::net::TcpListener;

use crate::functions::{Functions, InvokeError};
use crate::template::Route;
use event::Incoming;

/// The largest request that API Gateway takes.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The API of one bundle.
pub(crate) struct Gateway {
    routes: Vec<Route>,
    functions: Arc<Functions>,
    clock: SharedClock,
}

impl Gateway {
    /// An API over `routes`, which are tried in their order.
    pub(crate) fn new(routes: Vec<Route>, functions: Arc<Functions>, clock: SharedClock) -> Self {
        Self { routes, functions, clock }
    }

    /// Serves until `shutdown` is done and the requests under way are answered.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let app = Router::new().fallback(receive).with_state(Arc::new(self));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).with_graceful_shutdown(shutdown).await
    }

    async fn answer(&self, request: Request, source: SocketAddr) -> Response {
        let (parts, body) = request.into_parts();
        let Some((route, path_parameters)) = routes::find(&self.routes, &parts.method, parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let mut incoming = Incoming::new(&parts, &body, route, path_parameters, source, self.clock.now());
        if let Some(authorizer) = &route.authorizer {
            let Some(event) = incoming.authorizer_event(&authorizer.headers) else {
                return message(StatusCode::UNAUTHORIZED, "Unauthorized");
            };
            match self.functions.invoke(&authorizer.function, event).await {
                Ok(answer) if answer["isAuthorized"] == Value::Bool(true) => {
                    incoming.authorized(&answer["context"]);
                }
                Ok(_) => return message(StatusCode::FORBIDDEN, "Forbidden"),
                Err(_) => return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            }
        }
        match self.functions.invoke(&route.function, incoming.event()).await {
            Ok(value) => answer::response(&value)
                .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
            Err(InvokeError::TimedOut) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Err(_) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

async fn receive(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    gateway.answer(request, source).await
}

/// An answer of the gateway's own.
fn message(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(format!(r#"{{"message":"{message}"}}"#)));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
