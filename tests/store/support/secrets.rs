//! Secrets Manager with one secret, which a test can rotate.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use aws_sdk_secretsmanager::{Client, config::Builder};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use serde_json::{Value, json};
use store::{ManualClock, Vault};

use super::wire::{answer, operation};

/// The secret from which the vaults of a test derive their keys.
#[derive(Clone)]
pub(crate) struct Secret {
    client: Client,
    name: String,
    clock: Arc<ManualClock>,
}

impl Secret {
    /// Creates a secret with this value.
    pub(crate) async fn create(config: Builder, name: &str, text: &str, clock: Arc<ManualClock>) -> Self {
        let client = Client::from_conf(config.build());
        client.create_secret().name(name).secret_string(text).send().await.unwrap();
        Self { client, name: name.to_owned(), clock }
    }

    /// Rotates the secret: the current version becomes the previous one.
    pub(crate) async fn rotate(&self, text: &str) {
        self.client.put_secret_value().secret_id(&self.name).secret_string(text).send().await.unwrap();
    }

    /// A vault without a loaded secret, as in a function that has just started.
    pub(crate) fn vault(&self) -> Vault {
        Vault::new(self.client.clone(), &self.name, self.clock.clone())
    }

    /// A vault whose secret does not exist.
    pub(crate) fn vault_of_nothing(&self) -> Vault {
        Vault::new(self.client.clone(), "no-such-secret", self.clock.clone())
    }
}

/// A simulated Secrets Manager with the three operations above.
pub(crate) fn double() -> SharedHttpClient {
    let double = SharedHttpConnector::new(Double::default());
    http_client_fn(move |_, _| double.clone())
}

#[derive(Default, Clone)]
struct Double(Arc<Mutex<Vec<Kept>>>);

struct Kept {
    name: String,
    /// All versions, the current one last.
    versions: Vec<String>,
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Double")
    }
}

impl HttpConnector for Double {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let mut secrets = self.0.lock().unwrap();
        let found = secrets.iter_mut().find(|secret| secret.name == text("SecretId"));
        let version = match (operation(&request), found) {
            ("CreateSecret", _) => {
                secrets.push(Kept { name: text("Name"), versions: vec![text("SecretString")] });
                Some((0, String::new()))
            }
            ("PutSecretValue", Some(secret)) => {
                secret.versions.push(text("SecretString"));
                Some((0, String::new()))
            }
            ("GetSecretValue", Some(secret)) => {
                let wanted = match text("VersionStage").as_str() {
                    "AWSCURRENT" => secret.versions.len().checked_sub(1),
                    "AWSPREVIOUS" => secret.versions.len().checked_sub(2),
                    _ => text("VersionId").strip_prefix("version-").and_then(|number| number.parse().ok()),
                };
                wanted.and_then(|number| Some((number, secret.versions.get(number)?.clone())))
            }
            _ => None,
        };
        let answer = match version {
            Some((number, text)) => {
                let version = format!("version-{number}");
                answer(200, json!({ "SecretString": text, "VersionId": version }).to_string())
            }
            None => answer(400, json!({ "__type": "ResourceNotFoundException", "Message": "not found" }).to_string()),
        };
        HttpConnectorFuture::new(async {
            // As on a network, other tasks run before the response arrives.
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }
}
