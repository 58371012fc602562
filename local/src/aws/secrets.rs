//! Secrets Manager: the generated secrets of the template, with all their versions. Versions without a label are kept, as
//! Secrets Manager keeps them for at least 24 hours, and up to 100 of them; [`Secrets::forget`] deletes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Service;
use super::answers::{error, respond};
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
    /// Versions without a label.
    #[serde(default)]
    deprecated: Vec<Version>,
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

/// Which version is asked for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Stage(&'a str),
    Id(&'a str),
}

impl Secret {
    /// A version and its labels.
    fn version(&self, wanted: Wanted<'_>) -> Option<(&Version, Vec<&'static str>)> {
        let labelled = [(Some(&self.current), "AWSCURRENT"), (self.previous.as_ref(), "AWSPREVIOUS")];
        let labelled = labelled.into_iter().filter_map(|(version, label)| Some((version?, vec![label])));
        let mut all = labelled.chain(self.deprecated.iter().map(|version| (version, Vec::new())));
        all.find(|(version, labels)| match wanted {
            Wanted::Stage(stage) => labels.contains(&stage),
            Wanted::Id(id) => version.id == id,
        })
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
                deprecated: Vec::new(),
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
        let before = secret.previous.replace(old);
        secret.deprecated.extend(before);
        self.data.write_json(data::SECRETS, &*secrets)
    }

    /// Deletes the versions of a secret that have no label, as Secrets Manager may.
    pub(crate) fn forget(&self, id: &str) -> Result<(), LocalError> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = secrets.get_mut(id).ok_or_else(|| LocalError::Unknown(id.to_owned()))?;
        secret.deprecated.clear();
        self.data.write_json(data::SECRETS, &*secrets)
    }

    /// Answers a request.
    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Response<Full<Bytes>> {
        if operation != "GetSecretValue" {
            let message = format!("{operation} is not supported here");
            return error(Service::SecretsManager, "InvalidRequestException", &message);
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let secret_id = request["SecretId"].as_str().unwrap_or_default();
        let wanted = match (request["VersionId"].as_str(), request["VersionStage"].as_str()) {
            (Some(id), _) => Wanted::Id(id),
            (None, stage) => Wanted::Stage(stage.unwrap_or("AWSCURRENT")),
        };

        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.values().find(|secret| secret.arn == secret_id || name(&secret.arn) == secret_id);
        let version =
            found.and_then(|secret| secret.version(wanted).map(|(version, stages)| (secret, version, stages)));
        match (found, version) {
            (_, Some((secret, version, stages))) => respond(
                Service::SecretsManager,
                StatusCode::OK,
                &json!({
                    "ARN": secret.arn,
                    "Name": name(&secret.arn),
                    "VersionId": version.id,
                    "VersionStages": stages,
                    "SecretString": version.value,
                }),
            ),
            (Some(_), None) => {
                let message = match wanted {
                    Wanted::Stage(stage) => format!("staging label: {stage}"),
                    Wanted::Id(id) => format!("VersionId: {id}"),
                };
                let message = format!("Secrets Manager can't find the specified secret value for {message}");
                error(Service::SecretsManager, "ResourceNotFoundException", &message)
            }
            (None, None) => {
                let message = "Secrets Manager can't find the specified secret.";
                error(Service::SecretsManager, "ResourceNotFoundException", message)
            }
        }
    }
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
