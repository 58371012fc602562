//! The HTTP client of the AWS clients: HTTP/1.1, the version that DynamoDB and Secrets Manager speak, on connections that are
//! kept.
//!
//! The SDK's own client also speaks HTTP/2 and uses proxies, which takes a seventh of `message-ingress`.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use http::{
    HeaderValue, Request, Response, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long a connection without requests is kept; as long as by the SDK's own client.
const IDLE: Duration = Duration::from_secs(90);

/// The client. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub(crate) struct Https {
    tls: TlsConnector,
    connect_timeout: Option<Duration>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// A connection between two requests. It is ready again when the body of its last response was read.
struct Idle {
    origin: Origin,
    since: Instant,
    sender: SendRequest<SdkBody>,
}

/// A request on a kept connection. If it fails or its time is up, the other connections to the origin are as likely to be dead
/// (an environment that was frozen does not learn that they ended), so that the next attempt opens one.
struct OnKept<'a> {
    client: &'a Https,
    origin: &'a Origin,
    is_answered: bool,
}

impl Drop for OnKept<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            let mut idle = self.client.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|connection| connection.origin != *self.origin);
        }
    }
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    authority: Authority,
}

impl Https {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self { tls: TlsConnector::from(Arc::new(config)), connect_timeout: None, idle: Arc::default() }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (origin, mut request) = addressed(request)?;
        while let Some(mut sender) = self.take_idle(&origin) {
            let mut sending = OnKept { client: self, origin: &origin, is_answered: false };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    sending.is_answered = true;
                    drop(sending);
                    return self.answered(origin, sender, response);
                }
                Err(mut failed) => match failed.take_message() {
                    // The connection ended before it took the request.
                    Some(unsent) => request = unsent,
                    None => return Err(ConnectorError::io(failed.into_error().into())),
                },
            }
        }
        let mut sender = self.connect(&origin).await?;
        match sender.send_request(request).await {
            Ok(response) => self.answered(origin, sender, response),
            Err(error) => Err(ConnectorError::io(error.into())),
        }
    }

    /// The most recently used connection to the origin that is ready for a request.
    fn take_idle(&self, origin: &Origin) -> Option<SendRequest<SdkBody>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| connection.since.elapsed() < IDLE && !connection.sender.is_closed());
        let found = idle.iter().rposition(|connection| connection.origin == *origin && connection.sender.is_ready())?;
        Some(idle.remove(found).sender)
    }

    fn answered(
        &self,
        origin: Origin,
        sender: SendRequest<SdkBody>,
        response: Response<Incoming>,
    ) -> Result<HttpResponse, ConnectorError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { origin, since: Instant::now(), sender });
        let response = response.map(SdkBody::from_body_1_x);
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }

    /// Opens a connection, within the time limit for that.
    async fn connect(&self, origin: &Origin) -> Result<SendRequest<SdkBody>, ConnectorError> {
        let opened = self.open(origin);
        let opened = match self.connect_timeout {
            Some(limit) => {
                tokio::time::timeout(limit, opened).await.map_err(|late| ConnectorError::timeout(late.into()))?
            }
            None => opened.await,
        };
        opened.map_err(|error| ConnectorError::io(error.into()))
    }

    async fn open(&self, origin: &Origin) -> io::Result<SendRequest<SdkBody>> {
        let host = origin.authority.host();
        let port = origin.authority.port_u16().unwrap_or(if origin.is_https { 443 } else { 80 });
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        stream.set_nodelay(true)?;
        if !origin.is_https {
            return handshake(stream).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        handshake(self.tls.connect(name, stream).await?).await
    }
}

async fn handshake<S>(stream: S) -> io::Result<SendRequest<SdkBody>>
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Ends when the sender is dropped or the connection fails, of which the request learns.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// The origin of a request, and the request in the form that is sent to it: with a path and the header `Host`.
fn addressed(mut request: Request<SdkBody>) -> Result<(Origin, Request<SdkBody>), ConnectorError> {
    let uri = request.uri().clone();
    let Some(authority) = uri.authority().cloned() else {
        return Err(ConnectorError::user("a request has no host".into()));
    };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    *request.uri_mut() = path.parse::<Uri>().map_err(|error| ConnectorError::user(error.into()))?;
    if !request.headers().contains_key(header::HOST) {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|error| ConnectorError::user(error.into()))?;
        request.headers_mut().insert(header::HOST, host);
    }
    Ok((Origin { is_https: uri.scheme() == Some(&Scheme::HTTPS), authority }, request))
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.clone();
        HttpConnectorFuture::new(async move { client.send(request).await })
    }
}

impl HttpClient for Https {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { connect_timeout: settings.connect_timeout(), ..self.clone() })
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Https")
    }
}
