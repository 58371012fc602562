//! The endpoint of DynamoDB and Secrets Manager, on one loopback port.
//!
//! It identifies the calling function by the access key of the signature, which is the function's logical id. It checks the IAM
//! statements of the function, counts the request, applies an injected fault, and forwards the request to dynoxide or to the
//! secrets of the bundle.

mod authorization;
mod faults;
mod permissions;
mod request_counter;
mod secrets;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use faults::{Fault, TableFault, TableFaults};
use request_counter::RequestCounter;
pub use request_counter::RequestCounts;
pub(crate) use secrets::Secrets;

use crate::iam::{self, Statement};
use crate::template::{TableDefinition, Template};

/// The access key of the bundle and of tests. It has all permissions.
pub const OWN_KEY: &str = "local";

/// The size limit of a DynamoDB request, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The endpoint.
pub(crate) struct Aws {
    principals: HashMap<String, Vec<Statement>>,
    tables: Vec<TableDefinition>,
    secrets: Secrets,
    dynoxide: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    faults: TableFaults,
    requests: RequestCounter,
    /// The number of writes. The pollers of the streams wait for changes.
    writes: watch::Sender<u64>,
}

/// Closes the connection instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection closed by an injected fault")]
struct ConnectionClosed;

/// The service of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    DynamoDb,
    SecretsManager,
}

impl Aws {
    /// An endpoint for the tables of the template, which dynoxide serves at the given address, and for its secrets.
    pub(crate) fn new(template: &Template, secrets: Secrets, dynoxide: SocketAddr) -> Self {
        let functions = template.functions.values();
        Self {
            principals: functions.map(|function| (function.id.clone(), function.statements.clone())).collect(),
            tables: template.tables.values().cloned().collect(),
            secrets,
            dynoxide,
            client: Client::builder(TokioExecutor::new()).build_http(),
            faults: TableFaults::default(),
            requests: RequestCounter::default(),
            writes: watch::Sender::new(0),
        }
    }

    pub(crate) fn faults(&self) -> &TableFaults {
        &self.faults
    }

    pub(crate) fn requests(&self) -> &RequestCounter {
        &self.requests
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn writes(&self) -> watch::Receiver<u64> {
        self.writes.subscribe()
    }

    /// Answers requests. Dropping the future closes all connections.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            let aws = Arc::clone(&self);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let aws = Arc::clone(&aws);
                    async move { aws.answer(request).await }
                });
                // An error is a connection that was closed by an injected fault or by the client.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Err(ConnectionClosed);
        };
        let body = body.to_bytes();

        let target = text(&parts.headers, "x-amz-target");
        let Some((service, operation)) = target.and_then(operation) else {
            return Ok(error_answer(Service::DynamoDb, "UnknownOperationException", ""));
        };
        let Some(caller) = caller(&parts.headers) else {
            return Ok(error_answer(
                service,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            ));
        };
        if let Err(refused) = self.authorize(service, caller, operation, &parts.headers, &body) {
            return Ok(refused);
        }
        self.requests.count(caller, operation);
        let fault = self.faults.next(caller, operation);
        match fault {
            Some(Fault::Throttle) => return Ok(throttled(service)),
            Some(Fault::InternalError) => return Ok(internal_error(service)),
            Some(Fault::CloseBefore) => return Err(ConnectionClosed),
            Some(Fault::CloseAfter) | None => {}
        }
        let answer = match service {
            Service::SecretsManager => Ok(self.secrets.answer(operation, &body)),
            Service::DynamoDb => self.forward(operation, &parts.headers, body).await,
        };
        if fault.is_some() { Err(ConnectionClosed) } else { answer }
    }

    /// Checks the IAM statements of the caller; returns the error answer if they do not allow the request.
    fn authorize(
        &self,
        service: Service,
        caller: &str,
        operation: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Response<Full<Bytes>>> {
        if caller == OWN_KEY {
            return Ok(());
        }
        let Some(statements) = self.principals.get(caller) else {
            let message = "The security token included in the request is invalid.";
            return Err(error_answer(service, "UnrecognizedClientException", message));
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let requests = match service {
            Service::DynamoDb => authorization::dynamodb(operation, &body, &self.tables),
            Service::SecretsManager => authorization::secrets_manager(operation, &body),
        };
        let mut refused = None;
        for request in &requests {
            let is_allowed = iam::is_allowed(statements, request);
            permissions::record(caller, headers, request, is_allowed);
            if !is_allowed {
                refused.get_or_insert(request);
            }
        }
        match refused {
            None => Ok(()),
            Some(refused) => {
                let message = format!(
                    "User: {} is not authorized to perform: {action} on resource: {} because no identity-based policy \
                     allows the {action} action",
                    authorization::principal(caller),
                    refused.resource,
                    action = refused.action,
                );
                tracing::warn!(function = caller, "{message}");
                Err(error_answer(service, "AccessDeniedException", &message))
            }
        }
    }

    async fn forward(
        &self,
        operation: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let mut request = Request::post(format!("http://{}/", self.dynoxide));
        if let Some(to) = request.headers_mut() {
            to.clone_from(headers);
            to.remove(header::HOST);
            to.remove(header::CONTENT_LENGTH);
        }
        let request = request.body(Full::new(body)).map_err(|_| ConnectionClosed)?;
        let answer = self.client.request(request).await.map_err(|_| ConnectionClosed)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| ConnectionClosed)?.to_bytes();
        if parts.status.is_success() && authorization::is_write(operation) {
            self.writes.send_modify(|count| *count += 1);
        }
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

/// Parses a target, as `DynamoDB_20120810.PutItem` or `secretsmanager.GetSecretValue`.
fn operation(target: &str) -> Option<(Service, &str)> {
    let (prefix, operation) = target.split_once('.')?;
    match prefix {
        "secretsmanager" => Some((Service::SecretsManager, operation)),
        _ if prefix.starts_with("DynamoDB") => Some((Service::DynamoDb, operation)),
        _ => None,
    }
}

/// The access key in a version 4 signature. The signature is not verified, because the port is on loopback only.
fn caller(headers: &HeaderMap) -> Option<&str> {
    let authorization = text(headers, "authorization")?;
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn throttled(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::DynamoDb => error_answer(
            service,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
        ),
        Service::SecretsManager => error_answer(service, "ThrottlingException", "Rate exceeded"),
    }
}

fn internal_error(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::DynamoDb => error_answer(service, "InternalServerError", "Internal server error"),
        Service::SecretsManager => error_answer(service, "InternalServiceError", "Internal service error"),
    }
}

/// An error answer in the format of the service.
fn error_answer(service: Service, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let namespace = match (service, kind) {
        (Service::SecretsManager, _) => "",
        (_, "ProvisionedThroughputExceededException" | "InternalServerError") => "com.amazonaws.dynamodb.v20120810#",
        (Service::DynamoDb, _) => "com.amazon.coral.service#",
    };
    let status = if kind.starts_with("Internal") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    // AWS uses `Message` in errors of its front end and `message` in those of the service's model.
    let field = if kind == "AccessDeniedException" { "Message" } else { "message" };
    respond(service, status, &json!({ "__type": format!("{namespace}{kind}"), field: message }))
}

fn respond(service: Service, status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let content_type = match service {
        Service::DynamoDb => "application/x-amz-json-1.0",
        Service::SecretsManager => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
