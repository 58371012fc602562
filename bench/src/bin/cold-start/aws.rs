//! DynamoDB (dynoxide in this process) and Secrets Manager, each behind TLS on loopback.

use std::{collections::BTreeMap, convert::Infallible, fs, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use dynoxide::Database;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use local::template::{TableDefinition, Template};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::error::{BenchError, at};

/// The secret's ARN.
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:kefu-bench-AbCdEf";

/// Both services, until this value is dropped.
pub(crate) struct Aws {
    table: String,
    dynamodb: SocketAddr,
    secrets: SocketAddr,
    ca: String,
    _servers: JoinSet<()>,
}

impl Aws {
    /// Starts both on free ports, with the table of `template.yaml`. Writes the certificate of the certificate authority into the
    /// folder.
    pub(crate) async fn start(folder: &Path) -> Result<Self, BenchError> {
        let database = Database::memory().map_err(|error| BenchError::Dynoxide(error.to_string()))?;
        let table = table_definition()?;
        database
            .create_table(serde_json::from_value(table.create_request)?)
            .map_err(|error| BenchError::Dynoxide(error.to_string()))?;
        let ca = folder.join("ca.pem");
        let (certificate, acceptor) = certificates().map_err(|error| BenchError::Tls(error.to_string()))?;
        fs::write(&ca, certificate).map_err(at("ca.pem"))?;

        let (plain, dynoxide) = listen().await?;
        let (dynamodb_listener, dynamodb) = listen().await?;
        let (secrets_listener, secrets) = listen().await?;
        let mut servers = JoinSet::new();
        servers.spawn(dynoxide::server::serve_on(plain, database));
        servers.spawn(accept(dynamodb_listener, acceptor.clone(), move |stream| forward(stream, dynoxide)));
        servers.spawn(accept(secrets_listener, acceptor, answer_secrets));
        let ca = ca.to_string_lossy().into_owned();
        Ok(Self { table: table.name, dynamodb, secrets, ca, _servers: servers })
    }

    /// The name of the table.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The environment variables with the endpoints, credentials and names that a function needs.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let url = |address: SocketAddr| format!("https://localhost:{}", address.port());
        [
            ("AWS_REGION", "us-east-1".to_owned()),
            // As long as those of Lambda, because they are hashed and sent with every call.
            ("AWS_ACCESS_KEY_ID", "ASIA0000000000000000".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "0".repeat(40)),
            ("AWS_SESSION_TOKEN", "0".repeat(800)),
            ("AWS_ENDPOINT_URL_DYNAMODB", url(self.dynamodb)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url(self.secrets)),
            ("AWS_CA_BUNDLE", self.ca.clone()),
            ("TABLE_NAME", self.table.clone()),
            ("SECRET_ARN", SECRET.to_owned()),
            // Not called in this measurement.
            ("WECHAT_API_URL", "https://api.weixin.qq.com".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// The one table of `template.yaml`.
fn table_definition() -> Result<TableDefinition, BenchError> {
    let parameters = BTreeMap::from([("AdminTokenSha256".to_owned(), "0".repeat(64))]);
    let tables = Template::deployed(&parameters)?.tables;
    tables.into_values().next().ok_or_else(|| BenchError::Usage("template.yaml has no table".to_owned()))
}

async fn listen() -> Result<(TcpListener, SocketAddr), BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(at("loopback"))?;
    let address = listener.local_addr().map_err(at("loopback"))?;
    Ok((listener, address))
}

/// The certificate of a new certificate authority, in PEM, and a TLS server with a certificate of it for `localhost`.
fn certificates() -> Result<(String, TlsAcceptor), Box<dyn std::error::Error>> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "bench");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?.pem();
    let key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok((ca, TlsAcceptor::from(Arc::new(config))))
}

async fn accept<F, S>(listener: TcpListener, acceptor: TlsAcceptor, serve: F)
where
    F: Fn(TlsStream<TcpStream>) -> S + Clone + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            // A client whose handshake fails logs the reason itself.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        });
    }
}

/// Copies the bytes of one connection to dynoxide's HTTP server and back.
async fn forward(mut client: TlsStream<TcpStream>, dynoxide: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(dynoxide).await {
        let _ = server.set_nodelay(true);
        // The connection ends when the function is killed.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

async fn answer_secrets(stream: TlsStream<TcpStream>) {
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(secret)).await;
}

/// Answers `GetSecretValue` for the one secret (AWS Secrets Manager API reference; JSON 1.1).
async fn secret(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    let known = target == Some("secretsmanager.GetSecretValue");
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = if known && body["SecretId"] == SECRET {
        let answer = json!({
            "ARN": SECRET,
            "Name": "kefu-bench",
            "VersionId": "00000000-0000-0000-0000-000000000001",
            "VersionStages": ["AWSCURRENT"],
            "SecretString": "bench".repeat(13),
        });
        (StatusCode::OK, answer)
    } else {
        (StatusCode::BAD_REQUEST, json!({ "__type": "ResourceNotFoundException", "message": "secret not found" }))
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.1"));
    Ok(response)
}
