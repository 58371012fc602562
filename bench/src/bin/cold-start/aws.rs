//! DynamoDB and Secrets Manager, each behind TLS on loopback.

use std::{collections::BTreeMap, convert::Infallible, fs, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use dynoxide::Database;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use local::template::Template;
use serde_json::{Value, json};
use store::SystemClock;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::server::TlsStream;

use crate::{
    dynamodb::{Answer, Canned, Endpoint, emulate},
    error::{BenchError, at},
    tls,
};

/// The secret's ARN.
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:kefu-bench-AbCdEf";

/// Both services, until this value is dropped.
pub(crate) struct Aws {
    table: String,
    emulator: SocketAddr,
    canned: SocketAddr,
    secrets: SocketAddr,
    ca: String,
    answers: Arc<Canned>,
    _servers: JoinSet<()>,
}

impl Aws {
    /// Starts both on free ports, with the table of `local`. Writes the certificate of the certificate authority into the folder.
    pub(crate) async fn start(folder: &Path) -> Result<Self, BenchError> {
        let template = Template::deployed(&BTreeMap::from([("AdminTokenSha256".to_owned(), "0".repeat(64))]))?;
        let table = template.tables.values().next().map(|table| table.name.clone());
        let table = table.ok_or_else(|| BenchError::Usage("template.yaml has no table".to_owned()))?;
        let database = local::memory_database(&template, &(Arc::new(SystemClock) as _))?;
        let ca = folder.join("ca.pem");
        let (certificate, acceptor) = tls::certificates()?;
        fs::write(&ca, certificate).map_err(at("ca.pem"))?;

        let answers = Arc::new(Canned::default());
        let (emulator_listener, emulator) = tls::listen().await?;
        let (canned_listener, canned) = tls::listen().await?;
        let (secrets_listener, secrets) = tls::listen().await?;
        let mut servers = JoinSet::new();
        let emulated = database.clone();
        servers.spawn(tls::accept(emulator_listener, acceptor.clone(), move |stream| {
            let database = emulated.clone();
            serve(stream, move |operation: &str, body| emulate(&database, operation, &body))
        }));
        let prepared = Arc::clone(&answers);
        servers.spawn(tls::accept(canned_listener, acceptor.clone(), move |stream| {
            let (prepared, database): (_, Database) = (Arc::clone(&prepared), database.clone());
            serve(stream, move |operation: &str, body| prepared.answer(&database, operation, body))
        }));
        servers.spawn(tls::accept(secrets_listener, acceptor, |stream| {
            serve(stream, |operation: &str, body: Bytes| secret(operation, &body))
        }));
        let ca = ca.to_string_lossy().into_owned();
        Ok(Self { table, emulator, canned, secrets, ca, answers, _servers: servers })
    }

    /// The name of the table.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The prepared answers, which count the items that were put.
    pub(crate) fn canned(&self) -> &Canned {
        &self.answers
    }

    /// The environment variables with the endpoints, credentials and names that a function needs.
    pub(crate) fn variables(&self, endpoint: Endpoint) -> Vec<(String, String)> {
        let url = |address: SocketAddr| format!("https://localhost:{}", address.port());
        let dynamodb = match endpoint {
            Endpoint::Emulator => self.emulator,
            Endpoint::Canned => self.canned,
        };
        [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            // As long as those of Lambda, because they are hashed and sent with every call.
            ("AWS_ACCESS_KEY_ID", "ASIA0000000000000000".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "0".repeat(40)),
            ("AWS_SESSION_TOKEN", "0".repeat(800)),
            ("AWS_ENDPOINT_URL_DYNAMODB", url(dynamodb)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url(self.secrets)),
            ("AWS_CA_BUNDLE", self.ca.clone()),
            // The same for Node.
            ("NODE_EXTRA_CA_CERTS", self.ca.clone()),
            ("TABLE_NAME", self.table.clone()),
            ("SECRET_ARN", SECRET.to_owned()),
            ("ADMIN_TOKEN_SHA256", "0".repeat(64)),
            ("MESSAGE_RETENTION_DAYS", "400".to_owned()),
            ("CONVERSATION_RETENTION_DAYS", "400".to_owned()),
            ("VISITOR_RETENTION_DAYS", "400".to_owned()),
            ("AUDIT_RETENTION_DAYS", "400".to_owned()),
            // Not called in this measurement.
            ("WECHAT_API_URL", "https://api.weixin.qq.com".to_owned()),
            ("PICTURES_BUCKET", "kefu-pictures".to_owned()),
            ("REALTIME_URL", "wss://a.execute-api.us-east-1.amazonaws.com/realtime".to_owned()),
            ("CONNECTIONS_URL", "https://a.execute-api.us-east-1.amazonaws.com/realtime".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Answers the requests of one connection, until the function is killed.
async fn serve<F>(stream: TlsStream<TcpStream>, answer: F)
where
    F: Fn(&str, Bytes) -> Answer + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
            let target = target.unwrap_or_default().to_owned();
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let (status, body) = answer(target.rsplit('.').next().unwrap_or_default(), body);
            let mut response = Response::new(Full::new(body));
            *response.status_mut() = status;
            let version = if target.starts_with("DynamoDB") {
                "application/x-amz-json-1.0"
            } else {
                "application/x-amz-json-1.1"
            };
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(version));
            Ok::<_, Infallible>(response)
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Answers `GetSecretValue` for the one secret (AWS Secrets Manager API reference; JSON 1.1).
fn secret(operation: &str, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if operation == "GetSecretValue" && body["SecretId"] == SECRET {
        let answer = json!({
            "ARN": SECRET,
            "Name": "kefu-bench",
            "VersionId": "00000000-0000-0000-0000-000000000001",
            "VersionStages": ["AWSCURRENT"],
            "SecretString": "bench".repeat(13),
        });
        (StatusCode::OK, answer.to_string().into())
    } else {
        let answer = json!({ "__type": "ResourceNotFoundException", "message": "secret not found" });
        (StatusCode::BAD_REQUEST, answer.to_string().into())
    }
}
