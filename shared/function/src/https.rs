//! The HTTP client of the AWS clients: HTTP/1.1, the version that DynamoDB and Secrets Manager speak, on connections that are
//! kept.
//!
//! The SDK's own client also speaks HTTP/2 and uses proxies, which takes a seventh of `message-ingress`.

use std::{
    fmt, io,
    net::ToSocketAddrs,
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
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::TlsConnector;

/// How long a connection without requests is kept; as long as by the SDK's own client.
const IDLE: Duration = Duration::from_secs(90);

/// The client. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub(crate) struct Https {
    tls: TlsConnector,
    connect_timeout: Option<Duration>,
    idle: Arc<Mutex<Vec<Idle>>>,
    ahead: Arc<Mutex<Vec<Ahead>>>,
}

/// A connection that is opened ahead of its first request.
struct Ahead {
    origin: Origin,
    opening: JoinHandle<Result<SendRequest<SdkBody>, ConnectorError>>,
}

/// Where the name of an endpoint is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    /// In this thread. During init nothing else runs that would wait for it, and to start a thread takes longer than an answer
    /// of a resolver nearby. The time limit of connecting does not end it; the resolver's own limits do (resolv.conf(5)).
    InPlace,
    /// In a thread that may block.
    InThread,
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

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        Some(Self { is_https: uri.scheme() == Some(&Scheme::HTTPS), authority: uri.authority()?.clone() })
    }
}

impl Https {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            tls: TlsConnector::from(Arc::new(config)),
            connect_timeout: None,
            idle: Arc::default(),
            ahead: Arc::default(),
        }
    }

    /// Begins to open the connection of the first request to a URL, for init: what else is done then is done while the endpoint
    /// answers. It goes on whenever the caller waits.
    pub(crate) fn open_ahead(&self, url: &str, limit: Duration) {
        let Some(origin) = url.parse().ok().and_then(|uri| Origin::of(&uri)) else { return };
        let client = Self { connect_timeout: Some(limit), ..self.clone() };
        let to = origin.clone();
        let opening = tokio::spawn(async move { client.connect(&to, Resolution::InPlace).await });
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).push(Ahead { origin, opening });
    }

    fn take_ahead(&self, origin: &Origin) -> Option<JoinHandle<Result<SendRequest<SdkBody>, ConnectorError>>> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let found = ahead.iter().position(|connection| connection.origin == *origin)?;
        Some(ahead.swap_remove(found).opening)
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
        let mut sender = match self.take_ahead(&origin) {
            Some(opening) => opening.await.map_err(|error| ConnectorError::other(error.into(), None))??,
            None => self.connect(&origin, Resolution::InThread).await?,
        };
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
    async fn connect(&self, origin: &Origin, resolution: Resolution) -> Result<SendRequest<SdkBody>, ConnectorError> {
        let opened = self.open(origin, resolution);
        let opened = match self.connect_timeout {
            Some(limit) => {
                tokio::time::timeout(limit, opened).await.map_err(|late| ConnectorError::timeout(late.into()))?
            }
            None => opened.await,
        };
        opened.map_err(|error| ConnectorError::io(error.into()))
    }

    async fn open(&self, origin: &Origin, resolution: Resolution) -> io::Result<SendRequest<SdkBody>> {
        let host = origin.authority.host();
        let port = origin.authority.port_u16().unwrap_or(if origin.is_https { 443 } else { 80 });
        let name = (host.trim_matches(['[', ']']), port);
        let stream = match resolution {
            Resolution::InPlace => TcpStream::connect(name.to_socket_addrs()?.collect::<Vec<_>>().as_slice()).await?,
            Resolution::InThread => TcpStream::connect(name).await?,
        };
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
    let Some(origin) = Origin::of(&uri) else {
        return Err(ConnectorError::user("a request has no host".into()));
    };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    *request.uri_mut() = path.parse::<Uri>().map_err(|error| ConnectorError::user(error.into()))?;
    if !request.headers().contains_key(header::HOST) {
        let host =
            HeaderValue::from_str(origin.authority.as_str()).map_err(|error| ConnectorError::user(error.into()))?;
        request.headers_mut().insert(header::HOST, host);
    }
    Ok((origin, request))
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
