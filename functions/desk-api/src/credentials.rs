//! The credentials of robots: the key of a model's API, or the secret of a webhook.

use api::Problem;
use desk::robot::{Robot, RobotKind};
use serde_json::Value;
use store::{ExposeSecret, Kind, SecretString};
use url::Url;

/// Longest key of a model's API, in bytes.
const API_KEY_MAX: usize = 512;

/// A credential in a request.
#[derive(Debug, Default)]
enum Given {
    /// The field is missing.
    #[default]
    Absent,
    /// `null`: a new one is generated.
    Null,
    Text(SecretString),
    /// The field has another type.
    NotText,
}

/// The credentials in a request. They are not settings: no answer has them again.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    api_key: Given,
    secret: Given,
}

/// What happens to the sealed credential of a robot.
#[derive(Debug, Default)]
pub(crate) struct SecretChange {
    /// The new credential to keep.
    pub(crate) new: Option<SecretString>,
    /// Whether it was generated here, so that the answer has it.
    pub(crate) generated: bool,
    /// Whether the kept credential is deleted.
    pub(crate) drop: bool,
}

impl Credentials {
    /// Removes the credentials from the body of a request.
    pub(crate) fn take(kind: Kind, body: &mut Value) -> Self {
        let fields = body.as_object_mut().filter(|_| kind == Kind::Robot);
        let Some(fields) = fields else {
            return Self::default();
        };
        let mut take = |name: &str| match fields.remove(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            Some(Value::String(text)) => Given::Text(SecretString::from(text)),
            Some(_) => Given::NotText,
        };
        Self { api_key: take("api_key"), secret: take("secret") }
    }

    /// Validates the credentials against the robot's new settings. `old`: the settings before, if a credential is kept.
    pub(crate) fn resolve(self, old: Option<&Robot>, new: &Robot) -> Result<SecretChange, Problem> {
        let unexpected = |field: &str| Problem::invalid_field(field, "is none that this kind of robot has");
        match &new.kind {
            RobotKind::Faq { .. } => match (self.api_key, self.secret) {
                (Given::Absent | Given::Null, Given::Absent | Given::Null) => {
                    Ok(SecretChange { drop: true, ..SecretChange::default() })
                }
                (Given::Absent | Given::Null, _) => Err(unexpected("secret")),
                _ => Err(unexpected("api_key")),
            },
            RobotKind::Chat { base_url, .. } => match self.secret {
                Given::Absent | Given::Null => api_key(self.api_key, old, base_url),
                _ => Err(unexpected("secret")),
            },
            RobotKind::Webhook { .. } => match self.api_key {
                Given::Absent | Given::Null => {
                    let kept = old.is_some_and(|old| matches!(old.kind, RobotKind::Webhook { .. }));
                    secret(self.secret, kept)
                }
                _ => Err(unexpected("api_key")),
            },
        }
    }
}

fn api_key(given: Given, old: Option<&Robot>, base_url: &str) -> Result<SecretChange, Problem> {
    let wrong = |detail: &str| Err(Problem::invalid_field("api_key", detail));
    let before = match old.map(|old| &old.kind) {
        Some(RobotKind::Chat { base_url, .. }) => Some(base_url),
        _ => None,
    };
    let origin = |address: &str| Url::parse(address).map(|url| url.origin()).ok();
    match given {
        Given::Text(key) => {
            let text = key.expose_secret();
            let right = (1..=API_KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
            if right {
                return Ok(SecretChange { new: Some(key), ..SecretChange::default() });
            }
            wrong("must have 1 to 512 characters of ASCII without blanks")
        }
        Given::NotText => wrong("must be a text"),
        Given::Null => wrong("is needed; give another one to replace it"),
        Given::Absent => match before {
            None => wrong("is needed; if the API asks for none, give any text"),
            Some(before) if origin(before) != origin(base_url) => wrong(
                "must be given again where base_url leads to another host: the key that is kept is not sent there",
            ),
            Some(_) => Ok(SecretChange::default()),
        },
    }
}

fn secret(given: Given, kept: bool) -> Result<SecretChange, Problem> {
    let wrong = |detail: &str| Err(Problem::invalid_field("secret", detail));
    match given {
        Given::Text(secret) if ::robots::is_secret(secret.expose_secret()) => {
            Ok(SecretChange { new: Some(secret), ..SecretChange::default() })
        }
        Given::Text(_) => wrong("must be whsec_ and 24 to 64 bytes in Base64 (Standard Webhooks)"),
        Given::NotText => wrong("must be a text"),
        Given::Absent if kept => Ok(SecretChange::default()),
        Given::Absent | Given::Null => {
            let generated = ::robots::generate_secret().map_err(|_| Problem::internal())?;
            Ok(SecretChange { new: Some(generated), generated: true, drop: false })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    fn robot(settings: Value) -> Robot {
        match Settings::read(Kind::Robot, settings) {
            Ok(Settings::Robot(robot)) => robot,
            other => panic!("{other:?}"),
        }
    }

    fn chat(base_url: &str) -> Robot {
        robot(json!({ "name": "c", "kind": "chat", "base_url": base_url, "model": "m" }))
    }

    fn webhook() -> Robot {
        robot(json!({ "name": "w", "kind": "webhook", "url": "https://w.example/" }))
    }

    fn resolved(mut body: Value, old: Option<&Robot>, new: &Robot) -> Result<SecretChange, String> {
        let resolved = Credentials::take(Kind::Robot, &mut body).resolve(old, new);
        assert_eq!(body, json!({}), "credentials are no settings");
        resolved.map_err(|problem| problem.errors[0].field.clone())
    }

    #[test]
    fn api_key_must_be_given_again_for_another_origin() {
        let (here, there) = (chat("https://a.example/v1"), chat("https://b.example/v1"));
        assert_eq!(resolved(json!({}), None, &here).unwrap_err(), "api_key");
        let given = resolved(json!({ "api_key": "sk-1" }), None, &here).unwrap();
        assert_eq!(given.new.unwrap().expose_secret(), "sk-1");
        assert!(!given.generated, "the caller knows the key");
        for same in ["https://a.example/v1", "https://a.example:443/v2/"] {
            let kept = resolved(json!({}), Some(&here), &chat(same)).unwrap();
            assert!(kept.new.is_none() && !kept.drop, "{same}");
        }
        for other in ["https://b.example/v1", "http://a.example/v1", "https://a.example:8443/v1"] {
            assert_eq!(resolved(json!({}), Some(&here), &chat(other)).unwrap_err(), "api_key", "{other}");
        }
        assert!(resolved(json!({ "api_key": "sk-2" }), Some(&here), &there).unwrap().new.is_some());
        assert_eq!(resolved(json!({ "api_key": null }), Some(&here), &here).unwrap_err(), "api_key");
        assert_eq!(resolved(json!({}), Some(&webhook()), &here).unwrap_err(), "api_key", "a webhook's is no key");
    }

    #[test]
    fn api_key_that_is_no_header_value_is_refused() {
        let robot = chat("https://a.example/v1");
        for wrong in [json!(""), json!("sk 1"), json!("sk\r\nx: y"), json!("密钥"), json!("k".repeat(513)), json!(1)]
        {
            assert_eq!(resolved(json!({ "api_key": wrong }), None, &robot).unwrap_err(), "api_key", "{wrong}");
        }
    }

    #[test]
    fn missing_webhook_secret_is_generated() {
        let generated = resolved(json!({}), None, &webhook()).unwrap();
        assert!(generated.generated && ::robots::is_secret(generated.new.unwrap().expose_secret()));
        assert!(resolved(json!({}), Some(&webhook()), &webhook()).unwrap().new.is_none(), "the one that is kept stays");
        assert!(resolved(json!({ "secret": null }), Some(&webhook()), &webhook()).unwrap().generated);
        assert!(
            resolved(json!({}), Some(&chat("https://a.example/")), &webhook()).unwrap().generated,
            "a key is no secret"
        );
        let own = format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert!(!resolved(json!({ "secret": own }), None, &webhook()).unwrap().generated);
        assert_eq!(resolved(json!({ "secret": "abc" }), None, &webhook()).unwrap_err(), "secret");
    }

    #[test]
    fn credential_of_another_kind_of_robot_is_refused() {
        let faq = robot(json!({ "name": "f", "kind": "faq" }));
        assert!(resolved(json!({}), Some(&webhook()), &faq).unwrap().drop);
        for (body, robot, field) in [
            (json!({ "api_key": "k" }), &faq, "api_key"),
            (json!({ "secret": "k" }), &faq, "secret"),
            (json!({ "secret": "k", "api_key": "k" }), &chat("https://a.example/"), "secret"),
            (json!({ "api_key": "k" }), &webhook(), "api_key"),
        ] {
            assert_eq!(resolved(body, None, robot).unwrap_err(), field);
        }
    }
}
