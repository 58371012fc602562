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
use store::Vault;

use super::wire::{answer, operation};

/// The secret from which the vaults of a test derive their keys.
#[derive(Clone)]
pub(crate) struct Secret {
    client: Client,
    name: String,
}

impl Secret {
    /// Creates a secret with this value.
    pub(crate) async fn create(config: Builder, name: &str, text: &str) -> Self {
        let client = Client::from_conf(config.build());
        client.create_secret().name(name).secret_string(text).send().await.unwrap();
        Self { client, name: name.to_owned() }
    }

    /// Rotates the secret: the current version becomes the previous one.
    pub(crate) async fn rotate(&self, text: &str) {
        self.client.put_secret_value().secret_id(&self.name).secret_string(text).send().await.unwrap();
    }

    /// A vault without a loaded secret, as in a function that has just started.
    pub(crate) fn vault(&self) -> Vault {
        Vault::new(self.client.clone(), &self.name)
    }

    /// A vault whose secret does not exist.
    pub(crate) fn vault_of_nothing(&self) -> Vault {
        Vault::new(self.client.clone(), "no-such-secret")
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
    current: String,
    previous: Option<String>,
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
                secrets.push(Kept { name: text("Name"), current: text("SecretString"), previous: None });
                Some(String::new())
            }
            ("PutSecretValue", Some(secret)) => {
                secret.previous = Some(std::mem::replace(&mut secret.current, text("SecretString")));
                Some(String::new())
            }
            ("GetSecretValue", Some(secret)) if text("VersionStage") == "AWSCURRENT" => Some(secret.current.clone()),
            ("GetSecretValue", Some(secret)) if text("VersionStage") == "AWSPREVIOUS" => secret.previous.clone(),
            _ => None,
        };
        let answer = match version {
            Some(text) => answer(200, json!({ "SecretString": text }).to_string()),
            None => answer(400, json!({ "__type": "ResourceNotFoundException", "Message": "not found" }).to_string()),
        };
        HttpConnectorFuture::new(async {
            // As on a network, other tasks run before the response arrives.
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }
}
