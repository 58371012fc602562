//! The endpoint of DynamoDB, Secrets Manager, SQS, S3 and `@connections`, on one loopback port.
//!
//! It identifies the calling function by the access key of the signature, which has the function's logical id and a random text of
//! this start. It refuses requests of browser pages. It checks the IAM statements of the function, counts the request, applies an
//! injected fault or a conflict with another request, and passes the request to dynoxide or to the secrets or queues of the
//! bundle.

mod access_keys;
mod answers;
mod authorization;
mod connections;
mod database;
mod faults;
mod in_flight;
mod objects;
mod permissions;
mod queues;
mod request_counter;
mod secrets;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dynoxide::Database;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use access_keys::AccessKeys;
pub use faults::{Fault, TableFault, TableFaults};
use in_flight::{Conflict, InFlight};
use objects::ObjectRequest;
pub(crate) use objects::Objects;
use request_counter::RequestCounter;
pub use request_counter::RequestCounts;
pub(crate) use secrets::Secrets;

use crate::iam::{self, Statement};
use crate::queues::Queues;
use crate::template::{TableDefinition, Template};
use crate::trusted_hosts::TrustedHosts;
use crate::websocket::OpenConnections;
use connections::ConnectionRequest;

/// The name of the caller that has all permissions: the bundle and tests.
pub const OWN_KEY: &str = "local";

/// The size limit of a DynamoDB request, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The endpoint.
pub(crate) struct Aws {
    principals: HashMap<String, Vec<Statement>>,
    tables: Vec<TableDefinition>,
    secrets: Secrets,
    queues: Queues,
    objects: Objects,
    connections: OpenConnections,
    /// The id of the WebSocket API and its stage.
    web_socket_api: (String, String),
    database: Database,
    access_keys: AccessKeys,
    trusted_hosts: TrustedHosts,
    in_flight: InFlight,
    faults: TableFaults,
    requests: RequestCounter,
    /// How often the idle connections were closed.
    freezes: AtomicU64,
    /// Requests that met a connection closed by `close_idle_connections`.
    requests_on_closed: AtomicU64,
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
    Sqs,
}

impl Aws {
    /// An endpoint at an address for the tables of the template, which are in the database, and for its secrets and queues.
    pub(crate) fn new(
        template: &Template,
        secrets: Secrets,
        queues: Queues,
        database: Database,
        address: SocketAddr,
    ) -> Self {
        let functions = template.functions.values();
        Self {
            principals: functions.map(|function| (function.id.clone(), function.statements.clone())).collect(),
            tables: template.tables.values().cloned().collect(),
            secrets,
            queues,
            objects: Objects::default(),
            connections: OpenConnections::default(),
            web_socket_api: (String::new(), String::new()),
            database,
            access_keys: AccessKeys::generate(),
            trusted_hosts: TrustedHosts::of(address, &[]),
            in_flight: InFlight::default(),
            faults: TableFaults::default(),
            requests: RequestCounter::default(),
            freezes: AtomicU64::new(0),
            requests_on_closed: AtomicU64::default(),
            writes: watch::Sender::new(0),
        }
    }

    /// The access keys of the callers.
    pub(crate) fn access_keys(&self) -> &AccessKeys {
        &self.access_keys
    }

    pub(crate) fn faults(&self) -> &TableFaults {
        &self.faults
    }

    pub(crate) fn requests(&self) -> &RequestCounter {
        &self.requests
    }

    /// The objects of the buckets.
    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Closes the connections that are open now at their next request, which has no effect.
    pub(crate) fn close_idle_connections(&self) {
        self.freezes.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn requests_on_closed_connections(&self) -> u64 {
        self.requests_on_closed.load(Ordering::SeqCst)
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
            let freezes = self.freezes.load(Ordering::SeqCst);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let aws = Arc::clone(&aws);
                    async move {
                        if aws.freezes.load(Ordering::SeqCst) > freezes {
                            aws.requests_on_closed.fetch_add(1, Ordering::SeqCst);
                            return Err(ConnectionClosed);
                        }
                        aws.answer(request).await
                    }
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
        if let Some(request) = ConnectionRequest::of(&parts.method, parts.uri.path()) {
            return self.answer_connections(&parts.method, &parts.headers, &request, &body);
        }
        if let Some(request) = ObjectRequest::of(&parts.method, &parts.headers, parts.uri.path()) {
            return self.answer_objects(&parts.method, &parts.headers, &request, body);
        }

        if self.trusted_hosts.refusal(&parts.method, &parts.headers).is_some() || !is_aws_json(&parts.headers) {
            return Ok(answers::error(
                Service::DynamoDb,
                "AccessDeniedException",
                "refused: not a request of an AWS SDK",
            ));
        }
        let target = text(&parts.headers, "x-amz-target");
        let Some((service, operation)) = target.and_then(operation) else {
            return Ok(answers::error(Service::DynamoDb, "UnknownOperationException", ""));
        };
        let Some(key) = access_key(&parts.headers) else {
            let message = "Request is missing Authentication Token";
            return Ok(answers::error(service, "MissingAuthenticationTokenException", message));
        };
        let Some(caller) = self.access_keys.caller(key) else {
            let message = "The security token included in the request is invalid.";
            return Ok(answers::error(service, "UnrecognizedClientException", message));
        };
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Err(refused) = self.authorize(service, caller, operation, &parts.headers, &request) {
            return Ok(refused);
        }
        self.requests.count(caller, operation);
        let fault = self.faults.next(caller, operation);
        match fault {
            None | Some(Fault::CloseAfter | Fault::Hold | Fault::RefuseFirstEntry) => {}
            Some(Fault::CloseBefore) => return Err(ConnectionClosed),
            Some(refusal) => return Ok(answers::of_fault(refusal, service, operation, &request)),
        }
        let answer = match service {
            Service::SecretsManager => self.secrets.answer(operation, &body),
            Service::Sqs => queues::answer(&self.queues, operation, request, fault == Some(Fault::RefuseFirstEntry)),
            Service::DynamoDb => self.carry_out(operation, &request, &body, fault).await,
        };
        if fault == Some(Fault::CloseAfter) { Err(ConnectionClosed) } else { Ok(answer) }
    }

    /// Checks the IAM statements of the caller; returns the error answer if they do not allow the request.
    fn authorize(
        &self,
        service: Service,
        caller: &str,
        operation: &str,
        headers: &HeaderMap,
        body: &Value,
    ) -> Result<(), Response<Full<Bytes>>> {
        if caller == OWN_KEY {
            return Ok(());
        }
        let Some(statements) = self.principals.get(caller) else {
            let message = "The security token included in the request is invalid.";
            return Err(answers::error(service, "UnrecognizedClientException", message));
        };
        let requests = match service {
            Service::DynamoDb => authorization::dynamodb(operation, body, &self.tables),
            Service::SecretsManager => authorization::secrets_manager(operation, body),
            Service::Sqs => authorization::sqs(operation, body),
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
                Err(answers::error(service, "AccessDeniedException", &message))
            }
        }
    }

    /// Carries out a request to DynamoDB, unless it conflicts with one that is in flight.
    async fn carry_out(
        &self,
        operation: &str,
        request: &Value,
        body: &[u8],
        fault: Option<Fault>,
    ) -> Response<Full<Bytes>> {
        let in_flight = match self.in_flight.enter(operation, request, &self.tables) {
            Ok(in_flight) => in_flight,
            Err(Conflict::Write) => return answers::write_in_conflict(),
            Err(Conflict::Transaction(conflicts)) => return answers::transaction_in_conflict(&conflicts),
        };
        if fault == Some(Fault::Hold) {
            self.faults.hold().await;
        }
        if in_flight.is_transaction() {
            // Requests of other connections can arrive now, also where one thread runs all of them.
            tokio::task::yield_now().await;
        }
        let answer = database::answer(&self.database, operation, body);
        if answer.status().is_success() && authorization::is_write(operation) {
            self.writes.send_modify(|count| *count += 1);
        }
        answer
    }
}

/// Parses a target, as `DynamoDB_20120810.PutItem`, `secretsmanager.GetSecretValue` or `AmazonSQS.SendMessage`.
fn operation(target: &str) -> Option<(Service, &str)> {
    let (prefix, operation) = target.split_once('.')?;
    match prefix {
        "secretsmanager" => Some((Service::SecretsManager, operation)),
        "AmazonSQS" => Some((Service::Sqs, operation)),
        _ if prefix.starts_with("DynamoDB") => Some((Service::DynamoDb, operation)),
        _ => None,
    }
}

/// Whether a request has the content type of an AWS SDK, which a page of another site cannot send without being asked first.
fn is_aws_json(headers: &HeaderMap) -> bool {
    text(headers, "content-type").is_some_and(|kind| kind.starts_with("application/x-amz-json-1."))
}

/// The access key in a version 4 signature. The signature itself is not verified: the key is as secret as it would be.
fn access_key(headers: &HeaderMap) -> Option<&str> {
    let authorization = text(headers, "authorization")?;
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
