//! The connections of the AWS clients to their endpoints: TLS, which certificates are trusted, and which connections are kept.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use function::{Aws, CallLimits, Env, StartError};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use store::{StoreError, SystemClock, Table};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

/// How many requests a connection of the endpoint answers before it ends.
#[derive(Clone, Copy)]
enum Life {
    Endless,
    OneRequest,
    /// The first connection ends before its first request.
    FirstIsDead,
    /// Each connection ends without an answer to its second request, as one does that died while its environment was frozen.
    UntilThaw,
}

/// An endpoint that answers every request with an empty object.
struct Endpoint {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl Endpoint {
    async fn start(tls: Option<TlsAcceptor>, life: Life) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut server = JoinSet::new();
        let counts = (Arc::clone(&connections), Arc::clone(&requests));
        server.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, counts) = (tls.clone(), counts.clone());
                open.spawn(async move {
                    match tls {
                        None => serve(stream, counts, life).await,
                        // A client that does not trust the certificate ends the handshake.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, counts, life).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url, connections, requests, _server: server }
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }

    fn env(&self, ca: Option<&PathBuf>) -> Env {
        self.variables(ca).collect()
    }

    fn variables(&self, ca: Option<&PathBuf>) -> impl Iterator<Item = (String, String)> + use<> {
        let ca = ca.map(|path| ("AWS_CA_BUNDLE", path.to_string_lossy().into_owned()));
        let variables = [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "a".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "b".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.url.clone()),
        ];
        variables.into_iter().chain(ca).map(|(name, value)| (name.to_owned(), value))
    }

    /// The clients of DynamoDB here and of Secrets Manager there.
    fn aws_with(&self, secrets: &Self, ca: Option<&PathBuf>) -> Aws {
        let other = ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), secrets.url.clone());
        let variables = self.variables(ca).chain([other]).collect();
        Aws::new(&variables, CallLimits::FiveSeconds).unwrap()
    }

    fn table(&self, ca: Option<&PathBuf>) -> Table {
        Aws::new(&self.env(ca), CallLimits::FiveSeconds).unwrap().table("table", Arc::new(SystemClock))
    }
}

async fn serve<S>(stream: S, (connections, requests): (Arc<AtomicUsize>, Arc<AtomicUsize>), life: Life)
where
    TokioIo<S>: Read + Write + Unpin,
{
    let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
    if is_first && matches!(life, Life::FirstIsDead) {
        return;
    }
    let served = AtomicUsize::new(0);
    let service = service_fn(move |request: Request<Incoming>| {
        requests.fetch_add(1, Ordering::SeqCst);
        let is_dead = matches!(life, Life::UntilThaw) && served.fetch_add(1, Ordering::SeqCst) > 0;
        async move {
            assert!(request.headers().contains_key(header::HOST));
            let _ = request.into_body().collect().await;
            if is_dead { Err("dead") } else { Ok(Response::new(Full::new(Bytes::from_static(b"{}")))) }
        }
    });
    let keep_alive = !matches!(life, Life::OneRequest);
    let _ = http1::Builder::new().keep_alive(keep_alive).serve_connection(TokioIo::new(stream), service).await;
}

/// A certificate authority in a file, and a server with a certificate of it for `localhost`.
fn authority(name: &str) -> (PathBuf, TlsAcceptor) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let path = std::env::temp_dir().join(format!("kefu-{name}-{}.pem", std::process::id()));
    std::fs::write(&path, authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (path, TlsAcceptor::from(Arc::new(config)))
}

#[track_caller]
fn is_unavailable(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
}

#[tokio::test]
async fn requests_one_after_the_other_use_one_connection() {
    let (ca, tls) = authority("one");
    let endpoint = Endpoint::start(Some(tls), Life::Endless).await;
    let table = endpoint.table(Some(&ca));
    for _ in 0..3 {
        table.prime("a").await.unwrap();
    }
    assert_eq!(endpoint.counts(), (1, 3));
    std::fs::remove_file(ca).unwrap();
}

#[tokio::test]
async fn requests_at_once_use_a_connection_each_and_keep_them() {
    let endpoint = Endpoint::start(None, Life::Endless).await;
    let table = endpoint.table(None);
    for _ in 0..2 {
        let (first, second) = tokio::join!(table.prime("a"), table.prime("b"));
        first.and(second).unwrap();
    }
    assert_eq!(endpoint.counts(), (2, 4));
}

#[tokio::test]
async fn request_after_the_endpoint_closed_the_connection_opens_another() {
    let endpoint = Endpoint::start(None, Life::OneRequest).await;
    let table = endpoint.table(None);
    for _ in 0..3 {
        table.prime("a").await.unwrap();
    }
    assert_eq!(endpoint.counts(), (3, 3), "no request is sent twice");
}

#[tokio::test]
async fn after_a_kept_connection_failed_no_other_kept_one_is_tried() {
    let endpoint = Endpoint::start(None, Life::UntilThaw).await;
    let table = endpoint.table(None);
    let (first, second) = tokio::join!(table.prime("a"), table.prime("b"));
    first.and(second).unwrap();
    table.prime("c").await.unwrap();
    assert_eq!(endpoint.counts(), (3, 4), "one request on a dead connection, one on a new one");
}

#[tokio::test]
async fn endpoint_with_a_certificate_of_another_authority_gets_no_request() {
    let (ca, _) = authority("trusted");
    let (other, tls) = authority("other");
    let endpoint = Endpoint::start(Some(tls), Life::Endless).await;
    is_unavailable(&endpoint.table(Some(&ca)).prime("a").await);
    // Without the variable, Amazon's roots are trusted.
    is_unavailable(&endpoint.table(None).prime("a").await);
    assert_eq!(endpoint.counts(), (0, 0));
    for path in [ca, other] {
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn connections_opened_ahead_take_the_first_requests() {
    let (ca, tls) = authority("ahead");
    let dynamodb = Endpoint::start(Some(tls.clone()), Life::Endless).await;
    let secrets = Endpoint::start(Some(tls), Life::Endless).await;
    let (aws, clock) = (dynamodb.aws_with(&secrets, Some(&ca)), Arc::new(SystemClock));
    aws.open_connections().await;
    let (table, vault) = (aws.table("table", clock.clone()), aws.vault("secret", clock));
    table.prime("a").await.unwrap();
    assert!(matches!(vault.prime().await, Err(StoreError::Sealed)), "an empty object has no secret");
    assert_eq!((dynamodb.counts(), secrets.counts()), ((1, 1), (1, 1)));
    std::fs::remove_file(ca).unwrap();
}

#[tokio::test]
async fn connection_that_is_dead_when_it_was_opened_ahead_is_replaced() {
    let dynamodb = Endpoint::start(None, Life::FirstIsDead).await;
    let secrets = Endpoint::start(None, Life::Endless).await;
    let aws = dynamodb.aws_with(&secrets, None);
    aws.open_connections().await;
    aws.table("table", Arc::new(SystemClock)).prime("a").await.unwrap();
    assert_eq!(dynamodb.counts(), (2, 1));
}

#[tokio::test]
async fn unreachable_endpoint_is_unavailable() {
    let mut endpoint = Endpoint::start(None, Life::Endless).await;
    "http://localhost:1".clone_into(&mut endpoint.url);
    is_unavailable(&endpoint.table(None).prime("a").await);
}

#[tokio::test]
async fn bundle_without_a_certificate_is_refused_at_the_start() {
    let endpoint = Endpoint::start(None, Life::Endless).await;
    let path = std::env::temp_dir().join(format!("kefu-empty-{}.pem", std::process::id()));
    std::fs::write(&path, "none").unwrap();
    let refused = Aws::new(&endpoint.env(Some(&path)), CallLimits::FiveSeconds).map(drop);
    assert_eq!(refused, Err(StartError::Tls(format!("{}: no certificate", path.display()))));
    std::fs::remove_file(path).unwrap();
}
