//! What is particular to robots: their credentials, and a try.

use desk::{
    faq::{self, Index, Match, Question, Thresholds},
    robot::{Robot, RobotKind},
};
use function::http::{self, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ExposeSecret, Kind, SecretString};
use url::Url;

use crate::{Deps, settings::Settings};

/// Longest key of a model's API, in bytes.
const API_KEY_MAX: usize = 512;
/// Longest text to try, in bytes: what a robot takes of a turn.
const TEXT_MAX: usize = ::robots::MAX_TURN;
/// How many of the questions found are shown, beside those that the answer names.
const NEAREST: usize = 5;

/// A credential in a request.
#[derive(Debug)]
enum Given {
    Nothing,
    /// `null`: another one instead.
    Null,
    Text(SecretString),
    NoText,
}

/// The credentials in a request. They are no settings: nobody reads them again.
#[derive(Debug)]
pub(crate) struct Credentials {
    api_key: Given,
    secret: Given,
}

/// What becomes of a robot's credential.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    /// The one to be kept from now on.
    pub(crate) new: Option<SecretString>,
    /// Whether it was made here, and is shown in the answer.
    pub(crate) made: bool,
    /// Whether the one that is kept goes.
    pub(crate) drop: bool,
}

impl Credentials {
    /// Takes them out of a request's body.
    pub(crate) fn take(kind: Kind, body: &mut Value) -> Self {
        let fields = body.as_object_mut().filter(|_| kind == Kind::Robot);
        let Some(fields) = fields else {
            return Self { api_key: Given::Nothing, secret: Given::Nothing };
        };
        let mut take = |name: &str| match fields.remove(name) {
            None => Given::Nothing,
            Some(Value::Null) => Given::Null,
            Some(Value::String(text)) => Given::Text(SecretString::from(text)),
            Some(_) => Given::NoText,
        };
        Self { api_key: take("api_key"), secret: take("secret") }
    }

    /// Settles what becomes of them with the robot's new settings. `old`: the settings before, if a credential is kept.
    pub(crate) fn settle(self, old: Option<&Robot>, new: &Robot) -> Result<Sealing, Problem> {
        let needless =
            |field: &str| Problem::invalid(vec![FieldError::new(field, "is none that this kind of robot has")]);
        match &new.kind {
            RobotKind::Faq { .. } => match (self.api_key, self.secret) {
                (Given::Nothing | Given::Null, Given::Nothing | Given::Null) => {
                    Ok(Sealing { drop: true, ..Sealing::default() })
                }
                (Given::Nothing | Given::Null, _) => Err(needless("secret")),
                _ => Err(needless("api_key")),
            },
            RobotKind::Chat { base_url, .. } => match self.secret {
                Given::Nothing | Given::Null => api_key(self.api_key, old, base_url),
                _ => Err(needless("secret")),
            },
            RobotKind::Webhook { .. } => match self.api_key {
                Given::Nothing | Given::Null => {
                    let kept = old.is_some_and(|old| matches!(old.kind, RobotKind::Webhook { .. }));
                    secret(self.secret, kept)
                }
                _ => Err(needless("api_key")),
            },
        }
    }
}

fn api_key(given: Given, old: Option<&Robot>, base_url: &str) -> Result<Sealing, Problem> {
    let wrong = |detail: &str| Err(Problem::invalid(vec![FieldError::new("api_key", detail)]));
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
                return Ok(Sealing { new: Some(key), ..Sealing::default() });
            }
            wrong("must have 1 to 512 characters of ASCII without blanks")
        }
        Given::NoText => wrong("must be a text"),
        Given::Null => wrong("is needed; give another one to replace it"),
        Given::Nothing => match before {
            None => wrong("is needed; if the API asks for none, give any text"),
            Some(before) if origin(before) != origin(base_url) => wrong(
                "must be given again where base_url leads to another host: the key that is kept is not sent there",
            ),
            Some(_) => Ok(Sealing::default()),
        },
    }
}

fn secret(given: Given, kept: bool) -> Result<Sealing, Problem> {
    let wrong = |detail: &str| Err(Problem::invalid(vec![FieldError::new("secret", detail)]));
    match given {
        Given::Text(secret) if ::robots::is_secret(secret.expose_secret()) => {
            Ok(Sealing { new: Some(secret), ..Sealing::default() })
        }
        Given::Text(_) => wrong("must be whsec_ and 24 to 64 bytes in Base64 (Standard Webhooks)"),
        Given::NoText => wrong("must be a text"),
        Given::Nothing if kept => Ok(Sealing::default()),
        Given::Nothing | Given::Null => {
            let made = ::robots::generate_secret().map_err(|_| Problem::internal())?;
            Ok(Sealing { new: Some(made), made: true, drop: false })
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    text: String,
}

#[derive(Serialize)]
struct Tried<'a> {
    answer: &'static str,
    /// The one that is meant, or those that would be offered.
    questions: Vec<Candidate<'a>>,
    /// What comes next to the text, whatever the thresholds.
    nearest: Vec<Candidate<'a>>,
}

#[derive(Serialize)]
struct Candidate<'a> {
    id: &'a str,
    title: &'a str,
    score: f32,
}

/// Which questions a text finds.
pub(crate) async fn try_text(deps: &Deps, request: &Request, id: &str) -> Result<Response<Body>, Problem> {
    let asked: Try = http::body(request)?;
    if asked.text.trim().is_empty() || asked.text.len() > TEXT_MAX {
        return Err(Problem::invalid(vec![FieldError::new("text", "must have 1 to 4096 bytes")]));
    }
    let robot = find(deps, id).await?;
    let thresholds = match &robot.kind {
        RobotKind::Faq { thresholds } => *thresholds,
        RobotKind::Chat { .. } | RobotKind::Webhook { .. } => Thresholds::default(),
    };
    let questions: Vec<Question> = deps.table().knowledge(id).await?;
    Ok(http::json(StatusCode::OK, &tried(&questions, &asked.text, &thresholds)))
}

fn tried<'a>(questions: &'a [Question], text: &str, thresholds: &Thresholds) -> Tried<'a> {
    let index = Index::new(questions);
    let (answer, chosen) = match faq::find(&index, text, thresholds) {
        Match::Direct(question) => ("direct", vec![question]),
        Match::Choice(questions) => ("choice", questions),
        Match::Unknown => ("unknown", Vec::new()),
    };
    let hits = index.search(text, questions.len());
    let score = |at: usize| hits.iter().find(|hit| hit.question == at).map_or(0.0, |hit| hit.score);
    let candidate = |at: usize| Candidate { id: &questions[at].id, title: &questions[at].title, score: score(at) };
    let nearest = hits.iter().take(NEAREST).map(|hit| candidate(hit.question)).collect();
    Tried { answer, questions: chosen.into_iter().map(candidate).collect(), nearest }
}

/// The robot with this id.
pub(crate) async fn find(deps: &Deps, id: &str) -> Result<Robot, Problem> {
    let found = if Kind::Robot.is_id(id) { deps.table().record::<Value>(Kind::Robot, id).await? } else { None };
    match found.map(|record| Settings::kept(Kind::Robot, &record.settings)) {
        Some(Ok(Settings::Robot(robot))) => Ok(robot),
        Some(Err(problem)) => Err(problem),
        _ => Err(Problem::not_found("robot")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    fn settled(mut body: Value, old: Option<&Robot>, new: &Robot) -> Result<Sealing, String> {
        let settled = Credentials::take(Kind::Robot, &mut body).settle(old, new);
        assert_eq!(body, json!({}), "credentials are no settings");
        settled.map_err(|problem| problem.errors[0].field.clone())
    }

    #[test]
    fn a_key_is_sent_to_no_host_that_it_was_not_given_for() {
        let (here, there) = (chat("https://a.example/v1"), chat("https://b.example/v1"));
        assert_eq!(settled(json!({}), None, &here).unwrap_err(), "api_key");
        let given = settled(json!({ "api_key": "sk-1" }), None, &here).unwrap();
        assert_eq!(given.new.unwrap().expose_secret(), "sk-1");
        assert!(!given.made, "whoever gave it knows it");
        for same in ["https://a.example/v1", "https://a.example:443/v2/"] {
            let kept = settled(json!({}), Some(&here), &chat(same)).unwrap();
            assert!(kept.new.is_none() && !kept.drop, "{same}");
        }
        for other in ["https://b.example/v1", "http://a.example/v1", "https://a.example:8443/v1"] {
            assert_eq!(settled(json!({}), Some(&here), &chat(other)).unwrap_err(), "api_key", "{other}");
        }
        assert!(settled(json!({ "api_key": "sk-2" }), Some(&here), &there).unwrap().new.is_some());
        assert_eq!(settled(json!({ "api_key": null }), Some(&here), &here).unwrap_err(), "api_key");
        assert_eq!(settled(json!({}), Some(&webhook()), &here).unwrap_err(), "api_key", "a webhook's is no key");
    }

    #[test]
    fn a_key_is_one_header_value() {
        let robot = chat("https://a.example/v1");
        for wrong in [json!(""), json!("sk 1"), json!("sk\r\nx: y"), json!("密钥"), json!("k".repeat(513)), json!(1)]
        {
            assert_eq!(settled(json!({ "api_key": wrong }), None, &robot).unwrap_err(), "api_key", "{wrong}");
        }
    }

    #[test]
    fn a_webhooks_secret_is_made_and_told_once() {
        let made = settled(json!({}), None, &webhook()).unwrap();
        assert!(made.made && ::robots::is_secret(made.new.unwrap().expose_secret()));
        assert!(settled(json!({}), Some(&webhook()), &webhook()).unwrap().new.is_none(), "the one that is kept stays");
        assert!(settled(json!({ "secret": null }), Some(&webhook()), &webhook()).unwrap().made);
        assert!(settled(json!({}), Some(&chat("https://a.example/")), &webhook()).unwrap().made, "a key is no secret");
        let own = format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert!(!settled(json!({ "secret": own }), None, &webhook()).unwrap().made);
        assert_eq!(settled(json!({ "secret": "abc" }), None, &webhook()).unwrap_err(), "secret");
    }

    #[test]
    fn a_robot_has_no_credential_of_another_kind() {
        let faq = robot(json!({ "name": "f", "kind": "faq" }));
        assert!(settled(json!({}), Some(&webhook()), &faq).unwrap().drop);
        for (body, robot, field) in [
            (json!({ "api_key": "k" }), &faq, "api_key"),
            (json!({ "secret": "k" }), &faq, "secret"),
            (json!({ "secret": "k", "api_key": "k" }), &chat("https://a.example/"), "secret"),
            (json!({ "api_key": "k" }), &webhook(), "api_key"),
        ] {
            assert_eq!(settled(body, None, robot).unwrap_err(), field);
        }
    }

    #[test]
    fn a_try_tells_what_the_robot_would_say_and_what_came_near() {
        let question = |id: &str, title: &str| {
            let question = json!({ "id": id, "title": title, "answer": "x" });
            serde_json::from_value::<Question>(question).unwrap()
        };
        let known = [question("q1", "怎么申请退款"), question("q2", "怎么修改收货地址"), question("q3", "如何开发票")];
        let direct = tried(&known, "怎么申请退款?", &Thresholds::default());
        assert_eq!((direct.answer, direct.questions[0].id), ("direct", "q1"));
        assert!(direct.questions[0].score > 0.9);
        let strict = Thresholds { direct: 1.0, choice: 1.0, lead: 0.0 };
        let near = tried(&known, "修改地址", &strict);
        assert_eq!((near.answer, near.questions.len(), near.nearest[0].id), ("unknown", 0, "q2"));
    }
}
