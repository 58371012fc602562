//! Secrets Manager: the generated secrets of the template, with their current and previous versions.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Service, error_answer, respond};
use crate::LocalError;
use crate::data::{self, DataDir};
use crate::random;
use crate::template::{SecretDefinition, Template};

/// The secrets of a bundle.
pub(crate) struct Secrets {
    secrets: Mutex<BTreeMap<String, Secret>>,
    data: DataDir,
}

/// A secret. It has no `Debug`, so that its value does not get into a log.
#[derive(Serialize, Deserialize, Clone)]
struct Secret {
    arn: String,
    length: usize,
    current: Version,
    previous: Option<Version>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Version {
    id: String,
    value: String,
}

impl Version {
    fn generate(length: usize) -> Self {
        Self { id: random::letters_and_digits(32), value: random::letters_and_digits(length) }
    }
}

impl Secrets {
    /// Reads the saved secrets and generates the missing ones.
    pub(crate) fn open(template: &Template, data: DataDir) -> Result<Self, LocalError> {
        let mut secrets: BTreeMap<String, Secret> = data.read_json(data::SECRETS)?.unwrap_or_default();
        for (id, SecretDefinition { arn, length }) in &template.secrets {
            secrets.entry(id.clone()).or_insert_with(|| Secret {
                arn: arn.clone(),
                length: *length,
                current: Version::generate(*length),
                previous: None,
            });
        }
        data.write_json(data::SECRETS, &secrets)?;
        Ok(Self { secrets: Mutex::new(secrets), data })
    }

    /// Rotates a secret: a new current version is generated, and the old one becomes the previous version.
    pub(crate) fn rotate(&self, id: &str) -> Result<(), LocalError> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = secrets.get_mut(id).ok_or_else(|| LocalError::Unknown(id.to_owned()))?;
        let old = std::mem::replace(&mut secret.current, Version::generate(secret.length));
        secret.previous = Some(old);
        self.data.write_json(data::SECRETS, &*secrets)
    }

    /// Answers a request.
    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Response<Full<Bytes>> {
        if operation != "GetSecretValue" {
            let message = format!("{operation} is not supported here");
            return error_answer(Service::SecretsManager, "InvalidRequestException", &message);
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let secret_id = request["SecretId"].as_str().unwrap_or_default();
        let stage = request["VersionStage"].as_str().unwrap_or("AWSCURRENT");

        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.values().find(|secret| secret.arn == secret_id || name(&secret.arn) == secret_id);
        let version = found.and_then(|secret| match stage {
            "AWSCURRENT" => Some((secret, &secret.current)),
            "AWSPREVIOUS" => secret.previous.as_ref().map(|version| (secret, version)),
            _ => None,
        });
        match (found, version) {
            (_, Some((secret, version))) => respond(
                Service::SecretsManager,
                StatusCode::OK,
                &json!({
                    "ARN": secret.arn,
                    "Name": name(&secret.arn),
                    "VersionId": version.id,
                    "VersionStages": [stage],
                    "SecretString": version.value,
                }),
            ),
            (Some(_), None) => {
                let message =
                    format!("Secrets Manager can't find the specified secret value for staging label: {stage}");
                error_answer(Service::SecretsManager, "ResourceNotFoundException", &message)
            }
            (None, None) => {
                let message = "Secrets Manager can't find the specified secret.";
                error_answer(Service::SecretsManager, "ResourceNotFoundException", message)
            }
        }
    }
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
