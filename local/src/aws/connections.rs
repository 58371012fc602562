//! `@connections`: functions send to the connections of the WebSocket API, close them, and read their state (API Gateway developer
//! guide, "Use @connections commands in your backend service").

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::faults::Fault;
use super::{Aws, ConnectionClosed, OWN_KEY, access_key};
use crate::iam::{self, AuthorizationRequest};
use crate::template::{ACCOUNT, REGION, Template};
use crate::websocket::{OpenConnections, Refusal};

/// The part of the path before the id of a connection.
const MARK: &str = "/@connections/";

/// A request by `@connections`.
pub(super) struct ConnectionRequest {
    /// The operation of API Gateway's management API, such as `PostToConnection`.
    operation: &'static str,
    method: Method,
    id: String,
}

impl ConnectionRequest {
    /// Reads a request; `None` if it is one of another service.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let (_, id) = path.split_once(MARK)?;
        let operation = match *method {
            Method::POST => "PostToConnection",
            Method::DELETE => "DeleteConnection",
            Method::GET => "GetConnection",
            _ => return None,
        };
        let id = percent_decode_str(id).decode_utf8().ok()?.into_owned();
        Some(Self { operation, method: method.clone(), id })
    }

    /// What its permission is checked by.
    fn authorization(&self, api: &str, stage: &str) -> AuthorizationRequest {
        let (method, id) = (&self.method, &self.id);
        AuthorizationRequest {
            action: "execute-api:ManageConnections".to_owned(),
            resource: format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/{method}/@connections/{id}"),
            leading_keys: Vec::new(),
        }
    }

    /// Carries it out.
    fn carry_out(&self, connections: &OpenConnections, body: &[u8]) -> Response<Full<Bytes>> {
        let done = match self.operation {
            "PostToConnection" => {
                connections.post(&self.id, String::from_utf8_lossy(body).into_owned()).map(|()| Value::Null)
            }
            "DeleteConnection" => connections.close(&self.id).map(|()| Value::Null),
            _ => connections.describe(&self.id),
        };
        match done {
            Ok(Value::Null) if self.method == Method::DELETE => respond(StatusCode::NO_CONTENT, None, &Value::Null),
            Ok(body) => respond(StatusCode::OK, None, &body),
            Err(Refusal::Gone) => respond(StatusCode::GONE, Some("GoneException"), &Value::Null),
            Err(Refusal::TooLarge) => {
                respond(StatusCode::PAYLOAD_TOO_LARGE, Some("PayloadTooLargeException"), &Value::Null)
            }
        }
    }
}

impl Aws {
    /// The same endpoint with the connections of the bundle's WebSocket API.
    pub(crate) fn with_connections(self, template: &Template, connections: OpenConnections) -> Self {
        let api = template.web_socket_api.as_ref();
        let web_socket_api = api.map(|api| (api.id.to_lowercase(), api.stage.clone())).unwrap_or_default();
        Self { connections, web_socket_api, ..self }
    }

    /// Answers a request by `@connections`.
    pub(super) fn answer_connections(
        &self,
        method: &Method,
        headers: &HeaderMap,
        request: &ConnectionRequest,
        body: &[u8],
    ) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let refused = |message| Ok(error(StatusCode::FORBIDDEN, "ForbiddenException", message));
        if self.trusted_hosts.refusal(method, headers).is_some() {
            return refused("refused: not a request of an AWS SDK");
        }
        let Some(caller) = access_key(headers).and_then(|key| self.access_keys.caller(key)) else {
            return refused("The security token included in the request is invalid.");
        };
        let (api, stage) = &self.web_socket_api;
        let permission = request.authorization(api, stage);
        let statements = self.principals.get(caller);
        if caller != OWN_KEY && !statements.is_some_and(|statements| iam::is_allowed(statements, &permission)) {
            tracing::warn!(function = caller, resource = permission.resource, "not authorized to manage connections");
            return refused("User is not authorized to perform: execute-api:ManageConnections");
        }
        self.requests.count(caller, request.operation);
        match self.faults.next(caller, request.operation) {
            None => Ok(request.carry_out(&self.connections, body)),
            Some(Fault::CloseBefore | Fault::CloseAfter) => Err(ConnectionClosed),
            Some(Fault::ThrottleTable | Fault::ThrottleRequests) => {
                Ok(error(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Rate exceeded"))
            }
            Some(_) => {
                let kind = "InternalServerErrorException";
                Ok(error(StatusCode::INTERNAL_SERVER_ERROR, kind, "Internal server error"))
            }
        }
    }
}

/// An error answer.
fn error(status: StatusCode, kind: &'static str, message: &str) -> Response<Full<Bytes>> {
    respond(status, Some(kind), &json!({ "message": message }))
}

fn respond(status: StatusCode, error: Option<&'static str>, body: &Value) -> Response<Full<Bytes>> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(error) = error {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    response
}
