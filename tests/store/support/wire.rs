//! The connection between the store and a service, on which a test counts requests and injects faults.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::sync::Semaphore;

/// A fault injected into a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The request fails with this response and has no effect.
    Answer(u16, String),
    /// The request takes effect, but its response is lost.
    LostAnswer,
}

impl Fault {
    /// An error in DynamoDB's format.
    pub(crate) fn error(kind: &str) -> Self {
        let body =
            serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "planned" });
        Self::Answer(400, body.to_string())
    }
}

/// A request that waits until it is released, so that others take effect before it.
#[derive(Clone)]
pub(crate) struct Held {
    arrived: Arc<Semaphore>,
    released: Arc<Semaphore>,
}

impl Held {
    /// Waits for the request.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets the request go on.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }
}

/// The connection that all clients of a test share.
pub(crate) struct Wire {
    holds: Mutex<HashMap<String, Held>>,
    faults: Mutex<HashMap<String, Vec<Fault>>>,
    calls: Mutex<HashMap<String, usize>>,
    /// Held during a request if only one may run at a time.
    turn: Option<Semaphore>,
}

impl Wire {
    pub(crate) fn new(one_at_a_time: bool) -> Arc<Self> {
        let turn = one_at_a_time.then(|| Semaphore::new(1));
        Arc::new(Self { holds: Mutex::default(), faults: Mutex::default(), calls: Mutex::default(), turn })
    }

    /// Injects a fault into the next `times` requests of an operation such as `PutItem`. Each attempt of a call counts.
    pub(crate) fn fail(&self, operation: &str, times: usize, fault: &Fault) {
        let mut faults = self.faults.lock().unwrap();
        faults.entry(operation.to_owned()).or_default().extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// Holds the next request of an operation.
    pub(crate) fn hold(&self, operation: &str) -> Held {
        let held = Held { arrived: Arc::new(Semaphore::new(0)), released: Arc::new(Semaphore::new(0)) };
        self.holds.lock().unwrap().insert(operation.to_owned(), held.clone());
        held
    }

    /// The number of requests of an operation so far.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.calls.lock().unwrap().get(operation).copied().unwrap_or(0)
    }

    /// An HTTP client that passes requests through this connection to `client`.
    pub(crate) fn before(self: &Arc<Self>, client: SharedHttpClient) -> SharedHttpClient {
        let wire = self.clone();
        http_client_fn(move |settings, components| {
            SharedHttpConnector::new(Way { wire: wire.clone(), on: client.http_connector(settings, components) })
        })
    }

    fn enter(&self, operation: &str) -> Option<Fault> {
        *self.calls.lock().unwrap().entry(operation.to_owned()).or_default() += 1;
        self.faults.lock().unwrap().get_mut(operation).and_then(Vec::pop)
    }
}

struct Way {
    wire: Arc<Wire>,
    on: SharedHttpConnector,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}

impl HttpConnector for Way {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, on) = (self.wire.clone(), self.on.clone());
        HttpConnectorFuture::new(async move {
            let hold = wire.holds.lock().unwrap().remove(operation(&request));
            if let Some(held) = hold {
                held.arrived.add_permits(1);
                held.released.acquire().await.unwrap().forget();
            }
            let _turn = match &wire.turn {
                Some(turn) => turn.acquire().await.ok(),
                None => None,
            };
            match wire.enter(operation(&request)) {
                None => on.call(request).await,
                Some(Fault::Answer(status, body)) => Ok(answer(status, body)),
                Some(Fault::LostAnswer) => {
                    on.call(request).await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                }
            }
        })
    }
}

/// The operation of a request of an AWS JSON protocol, without the service's prefix.
pub(crate) fn operation(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

pub(crate) fn answer(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
}
