//! API Gateway's HTTP API: a request becomes an event for the function behind its route, and the function's answer becomes the
//! response.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod answer;
mod authorizer_cache;
mod event;
mod routes;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerSimpleResponse;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use store::SharedClock;
use tokio::net::TcpListener;

use crate::functions::{Functions, InvokeError};
use crate::template::{Authorizer, Route};
use crate::trusted_hosts::{TrustedHosts, refuse_untrusted};
use crate::websocket::WebSocketGateway;
use authorizer_cache::{Authorization, AuthorizerCache};
use event::{GatewayRequest, decode_path};

/// The size limit of a request to an HTTP API, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The API of one bundle.
pub(crate) struct Gateway {
    routes: Vec<Route>,
    functions: Arc<Functions>,
    authorizer_cache: AuthorizerCache,
    clock: SharedClock,
}

impl Gateway {
    /// An API with these routes, which are tried in order.
    pub(crate) fn new(routes: Vec<Route>, functions: Arc<Functions>, clock: SharedClock) -> Self {
        Self { routes, functions, authorizer_cache: AuthorizerCache::default(), clock }
    }

    /// Serves, together with the WebSocket API, until `shutdown` resolves and the open requests are answered.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        trusted_hosts: TrustedHosts,
        web_sockets: Option<WebSocketGateway>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let trusted = axum::middleware::from_fn_with_state(trusted_hosts, refuse_untrusted);
        let web_sockets = web_sockets.map(WebSocketGateway::router).unwrap_or_default();
        let app = web_sockets.fallback(receive).layer(trusted).with_state(Arc::new(self));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).with_graceful_shutdown(shutdown).await
    }

    async fn answer(&self, request: Request, source: SocketAddr) -> Response {
        let (parts, body) = request.into_parts();
        let Some(path) = decode_path(parts.uri.path()) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let Some((route, path_parameters)) = routes::find(&self.routes, &parts.method, &path) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let request = GatewayRequest { parts: &parts, path, path_parameters, route, source, now: self.clock.now() };
        let context = match &route.authorizer {
            None => None,
            Some(authorizer) => match self.authorize(authorizer, &request).await {
                Ok(context) => Some(context),
                Err(refusal) => return refusal,
            },
        };
        let Ok(event) = request.function_event(&body, context) else { return internal_server_error() };
        match self.functions.invoke(&route.function, event).await {
            Ok(value) => answer::response(&value).unwrap_or_else(internal_server_error),
            // AWS documents no status for a throttled invocation; an HTTP API answers it as one that did not come in time.
            Err(InvokeError::TimedOut | InvokeError::Throttled) => {
                message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Err(_) => internal_server_error(),
        }
    }

    /// Returns the context from the authorizer or from its kept answer, or the response that refuses the request.
    async fn authorize(
        &self,
        authorizer: &Authorizer,
        request: &GatewayRequest<'_>,
    ) -> Result<HashMap<String, Value>, Response> {
        let identity = request
            .identity_source(&authorizer.headers)
            .ok_or_else(|| message(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
        let key = (authorizer.name.clone(), identity.clone());
        let authorization = if let Some(kept) = self.authorizer_cache.get(&key, request.now) {
            kept
        } else {
            let asked = self.ask(authorizer, request, identity).await.ok_or_else(internal_server_error)?;
            self.authorizer_cache.put(key, asked.clone(), request.now, authorizer.ttl);
            asked
        };
        authorization.ok_or_else(|| message(StatusCode::FORBIDDEN, "Forbidden"))
    }

    /// Invokes the authorizer. `None` if the invocation fails.
    async fn ask(
        &self,
        authorizer: &Authorizer,
        request: &GatewayRequest<'_>,
        identity: Vec<String>,
    ) -> Option<Authorization> {
        let event = request.authorizer_event(identity).ok()?;
        let answer = self.functions.invoke(&authorizer.function, event).await.ok()?;
        let answer: ApiGatewayV2CustomAuthorizerSimpleResponse<Option<HashMap<String, Value>>> =
            serde_json::from_value(answer).ok()?;
        Some(answer.is_authorized.then(|| answer.context.unwrap_or_default()))
    }
}

async fn receive(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    gateway.answer(request, source).await
}

fn internal_server_error() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// A response of API Gateway itself.
fn message(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(format!(r#"{{"message":"{message}"}}"#)));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
