//! The part of the Lambda Runtime API that a function calls (AWS Lambda developer guide, "Using the Lambda runtime API").

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::error::{BenchError, at};

const PREFIX: &str = "/2018-06-01/runtime/";
/// The function's timeout, which determines the deadline of each event.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The Runtime API of one function process.
pub(crate) struct RuntimeApi {
    /// The address it listens on.
    pub(crate) address: SocketAddr,
    events: UnboundedSender<Bytes>,
    polled: UnboundedReceiver<Instant>,
    answers: UnboundedReceiver<Answer>,
    // Dropping the set closes the listener and every connection.
    _server: JoinSet<()>,
}

/// An answer of the function.
pub(crate) struct Answer {
    /// When the event was delivered.
    pub(crate) delivered: Instant,
    /// When the last byte of the answer arrived.
    pub(crate) answered: Instant,
    /// The resource it was posted to: `response`, `error`, or `init/error`.
    pub(crate) resource: String,
    /// The body.
    pub(crate) body: Bytes,
}

struct Shared {
    events: tokio::sync::Mutex<UnboundedReceiver<Bytes>>,
    delivered: Mutex<Option<Instant>>,
    polled: UnboundedSender<Instant>,
    answers: UnboundedSender<Answer>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    pub(crate) async fn start() -> Result<Self, BenchError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(at("runtime API"))?;
        let address = listener.local_addr().map_err(at("runtime API"))?;
        let (events, queue) = unbounded_channel();
        let (poll_sender, polled) = unbounded_channel();
        let (answer_sender, answers) = unbounded_channel();
        let shared = Arc::new(Shared {
            events: tokio::sync::Mutex::new(queue),
            delivered: Mutex::default(),
            polled: poll_sender,
            answers: answer_sender,
        });
        let mut server = JoinSet::new();
        server.spawn(accept(listener, shared));
        Ok(Self { address, events, polled, answers, _server: server })
    }

    /// Queues an event for the function's next poll.
    pub(crate) fn deliver(&self, event: Bytes) {
        // The receiver lives as long as the server, which `self` owns.
        let _ = self.events.send(event);
    }

    /// The time of the next poll; `None` when the server has ended.
    pub(crate) async fn polled(&mut self) -> Option<Instant> {
        self.polled.recv().await
    }

    /// The next answer; `None` when the server has ended.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Nagle's algorithm together with delayed acknowledgements would add 40 ms to an answer.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.respond(request).await }
    });
    // An error is expected: the function is killed while the connection is open.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let resource = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        if request.method() == Method::GET && resource == "invocation/next" {
            let _ = self.polled.send(Instant::now());
            return Ok(self.next().await);
        }
        let body = request.into_body().collect().await?.to_bytes();
        let answered = Instant::now();
        let delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(answered);
        let resource = match resource.split('/').collect::<Vec<_>>()[..] {
            ["invocation", _, kind] => kind.to_owned(),
            _ => resource,
        };
        let _ = self.answers.send(Answer { delivered, answered, resource, body });
        let mut response = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}")));
        *response.status_mut() = StatusCode::ACCEPTED;
        Ok(response)
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let event = match self.events.lock().await.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        };
        let deadline = (SystemTime::now() + TIMEOUT).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut response = Response::new(Full::new(event));
        let headers = response.headers_mut();
        let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        for (name, value) in [
            ("lambda-runtime-aws-request-id", id),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
            ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        ] {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        let deadline = u64::try_from(deadline.as_millis()).unwrap_or_default();
        headers.insert("lambda-runtime-deadline-ms", deadline.into());
        *self.delivered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        response
    }
}
