//! DynamoDB and Secrets Manager on loopback.
//!
//! One listener speaks both protocols. It knows the calling function by the access key of the request's signature
//! (the bundle gives each function its logical id as the key), asks the function's IAM statements as AWS would, counts the
//! call, lets a test make it fail, and passes what is left to the real thing: dynoxide, or the secrets kept here.

mod calls;
mod demands;
mod faults;
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

pub use calls::{CallCounts, Calls};
pub use faults::{Fault, TableFault, TableFaults};
pub(crate) use secrets::Secrets;

use crate::iam::{self, Statement};
use crate::template::{TableDefinition, Template};

/// The access key of the bundle itself and of tests, which may do everything.
pub const OWN_KEY: &str = "local";

/// The largest request that DynamoDB takes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What one request is answered from.
pub(crate) struct Aws {
    principals: HashMap<String, Vec<Statement>>,
    tables: Vec<TableDefinition>,
    secrets: Secrets,
    dynoxide: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    faults: TableFaults,
    calls: Calls,
    /// Counts the writes; the streams wait for it to change.
    writes: watch::Sender<u64>,
}

/// The connection is broken off instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was broken off on purpose")]
struct BrokenOff;

/// The two services as the caller sees them: how each names its errors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    DynamoDb,
    SecretsManager,
}

impl Aws {
    /// Endpoints for what the template deploys, in front of a dynoxide that listens at `dynoxide`.
    pub(crate) fn new(template: &Template, secrets: Secrets, dynoxide: SocketAddr) -> Self {
        let functions = template.functions.values();
        Self {
            principals: functions.map(|function| (function.id.clone(), function.statements.clone())).collect(),
            tables: template.tables.values().cloned().collect(),
            secrets,
            dynoxide,
            client: Client::builder(TokioExecutor::new()).build_http(),
            faults: TableFaults::default(),
            calls: Calls::default(),
            writes: watch::Sender::new(0),
        }
    }

    pub(crate) fn faults(&self) -> &TableFaults {
        &self.faults
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn writes(&self) -> watch::Receiver<u64> {
        self.writes.subscribe()
    }

    /// Answers requests until it is dropped, and every connection with it.
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
                // An error here is a connection that a test broke off, or a client that went away.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BrokenOff> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Err(BrokenOff);
        };
        let body = body.to_bytes();

        let target = text(&parts.headers, "x-amz-target");
        let Some((service, operation)) = target.and_then(operation) else {
            return Ok(refusal(Service::DynamoDb, "UnknownOperationException", ""));
        };
        let Some(caller) = caller(&parts.headers) else {
            return Ok(refusal(
                service,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            ));
        };
        if let Err(refused) = self.authorize(service, caller, operation, &body) {
            return Ok(refused);
        }
        self.calls.count(caller, operation);
        let fault = self.faults.next(caller, operation);
        match fault {
            Some(Fault::Throttle) => return Ok(throttled(service)),
            Some(Fault::InternalError) => return Ok(broken(service)),
            Some(Fault::CloseBefore) => return Err(BrokenOff),
            Some(Fault::CloseAfter) | None => {}
        }
        let answer = match service {
            Service::SecretsManager => Ok(self.secrets.answer(operation, &body)),
            Service::DynamoDb => self.forward(operation, &parts.headers, body).await,
        };
        if fault.is_some() { Err(BrokenOff) } else { answer }
    }

    /// Whether the caller's statements permit everything that the request asks for.
    fn authorize(
        &self,
        service: Service,
        caller: &str,
        operation: &str,
        body: &[u8],
    ) -> Result<(), Response<Full<Bytes>>> {
        if caller == OWN_KEY {
            return Ok(());
        }
        let Some(statements) = self.principals.get(caller) else {
            let message = "The security token included in the request is invalid.";
            return Err(refusal(service, "UnrecognizedClientException", message));
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let demands = match service {
            Service::DynamoDb => demands::dynamodb(operation, &body, &self.tables),
            Service::SecretsManager => demands::secrets_manager(operation, &body),
        };
        match demands.iter().find(|demand| !iam::permits(statements, demand)) {
            None => Ok(()),
            Some(refused) => {
                let message = format!(
                    "User: {} is not authorized to perform: {action} on resource: {} because no identity-based policy \
                     allows the {action} action",
                    demands::principal(caller),
                    refused.resource,
                    action = refused.action,
                );
                tracing::warn!(function = caller, "{message}");
                Err(refusal(service, "AccessDeniedException", &message))
            }
        }
    }

    async fn forward(
        &self,
        operation: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, BrokenOff> {
        let mut request = Request::post(format!("http://{}/", self.dynoxide));
        if let Some(to) = request.headers_mut() {
            to.clone_from(headers);
            to.remove(header::HOST);
            to.remove(header::CONTENT_LENGTH);
        }
        let request = request.body(Full::new(body)).map_err(|_| BrokenOff)?;
        let answer = self.client.request(request).await.map_err(|_| BrokenOff)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
        if parts.status.is_success() && demands::writes(operation) {
            self.writes.send_modify(|count| *count += 1);
        }
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

/// `DynamoDB_20120810.PutItem`, `secretsmanager.GetSecretValue`.
fn operation(target: &str) -> Option<(Service, &str)> {
    let (prefix, operation) = target.split_once('.')?;
    match prefix {
        "secretsmanager" => Some((Service::SecretsManager, operation)),
        _ if prefix.starts_with("DynamoDB") => Some((Service::DynamoDb, operation)),
        _ => None,
    }
}

/// The access key in a version 4 signature. The signature itself is not checked: whoever reaches this port is us.
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
        Service::DynamoDb => refusal(
            service,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
        ),
        Service::SecretsManager => refusal(service, "ThrottlingException", "Rate exceeded"),
    }
}

fn broken(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::DynamoDb => refusal(service, "InternalServerError", "Internal server error"),
        Service::SecretsManager => refusal(service, "InternalServiceError", "Internal service error"),
    }
}

/// An error as the service words it.
fn refusal(service: Service, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let namespace = match (service, kind) {
        (Service::SecretsManager, _) => "",
        (_, "ProvisionedThroughputExceededException" | "InternalServerError") => "com.amazonaws.dynamodb.v20120810#",
        (Service::DynamoDb, _) => "com.amazon.coral.service#",
    };
    let status = if kind.starts_with("Internal") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    // AWS itself writes `Message` for what the service's front answers and `message` for what its model names.
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
