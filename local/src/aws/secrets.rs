//! Secrets Manager: the secrets that the template generates, with their current and previous versions.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Service, refusal, respond};
use crate::LocalError;
use crate::data::{self, DataDir};
use crate::random;
use crate::template::{SecretDefinition, Template};

/// The secrets of one bundle.
pub(crate) struct Secrets {
    secrets: Mutex<BTreeMap<String, Secret>>,
    data: DataDir,
}

/// One secret. It has no `Debug`: its values belong in no log.
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
    /// The kept secrets, and new ones for what the template has beyond them.
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

    /// Gives a secret a new current version; the present one becomes the previous, as a rotation does.
    pub(crate) fn rotate(&self, id: &str) -> Result<(), LocalError> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = secrets.get_mut(id).ok_or_else(|| LocalError::Unknown(id.to_owned()))?;
        let old = std::mem::replace(&mut secret.current, Version::generate(secret.length));
        secret.previous = Some(old);
        self.data.write_json(data::SECRETS, &*secrets)
    }

    /// Answers one request.
    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Response<Full<Bytes>> {
        if operation != "GetSecretValue" {
            let message = format!("{operation} has no local counterpart");
            return refusal(Service::SecretsManager, "InvalidRequestException", &message);
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let wanted = request["SecretId"].as_str().unwrap_or_default();
        let stage = request["VersionStage"].as_str().unwrap_or("AWSCURRENT");

        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.values().find(|secret| secret.arn == wanted || name(&secret.arn) == wanted);
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
                refusal(Service::SecretsManager, "ResourceNotFoundException", &message)
            }
            (None, None) => {
                let message = "Secrets Manager can't find the specified secret.";
                refusal(Service::SecretsManager, "ResourceNotFoundException", message)
            }
        }
    }
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
