//! The credentials of robots and of `session-from`.

use reqwest::Method;
use serde_json::json;

use super::{ADMIN_TOKEN, Answers, WORDS};
use crate::support::{Binding, StubServer, World};

/// The key of a model's API.
pub(super) const KEY: &str = "sk-plantedRobotKey0123456789";
/// The signing secret of webhook requests.
pub(super) const SECRET: &str = "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC1vZi0zMi1ieXRlcw==";
/// An invalid signature.
const SIGNATURE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Robots that fail in every way, with credentials in wrong fields. Returns the secret of `session-from`
/// signatures, which one answer contains.
pub(super) async fn fail(world: &World, answers: &mut Answers, here: &Binding) -> String {
    let elsewhere = StubServer::start().await;
    let binding_path = format!("/api/bindings/{}", here.app_id);
    let mut chat = json!({ "name": "大模型", "kind": "chat", "base_url": elsewhere.url, "model": "m", "api_key": KEY });
    let mut hook = json!({ "name": "自研", "kind": "webhook", "url": elsewhere.url, "secret": SECRET });
    for robot in [&mut chat, &mut hook] {
        robot["deadline_seconds"] = json!(1); // for the attempts of a request
    }
    let quoting = json!({ "error": { "message": format!("{KEY}, {SECRET}: {WORDS}") } }).to_string();
    for (robot, field, value) in [
        (&chat, "api_key", json!([KEY])),
        (&chat, "api_key", json!(format!("{KEY} "))),
        (&chat, "secret", json!(SECRET)),
        (&chat, "nonsense", json!(KEY)),
        (&hook, "secret", json!(&SECRET[6..])),
        (&hook, "secret", json!({ "value": SECRET })),
        (&hook, "api_key", json!(KEY)),
        (&hook, "kind", json!(SECRET)),
    ] {
        let mut wrong = robot.clone();
        wrong[field] = value;
        answers.call(world, Method::POST, "/api/robots", Some(&wrong)).await.expect(422);
    }
    let visitor = world.visitor(here, "o-robot");
    for robot in [&chat, &hook] {
        let id = answers.call(world, Method::POST, "/api/robots", Some(robot)).await.expect(201).text("id");
        let (question, path) = (json!({ "title": WORDS, "answer": WORDS }), format!("/api/robots/{id}/questions"));
        world.call(Some(ADMIN_TOKEN), Method::POST, &path, Some(&question)).await.expect(201);
        let reception = json!({ "reception": { "mode": "robot_only", "robot_id": id } });
        answers.call(world, Method::PATCH, &binding_path, Some(&reception)).await.expect(200);
        world.forget_settings();
        for (status, body) in [(500, WORDS), (200, WORDS), (401, "no"), (402, &*quoting), (200, "{\"text\":7}")] {
            elsewhere.respond(status, body);
            visitor.writes(WORDS).await;
        }
        answers.call(world, Method::GET, &format!("/api/robots/{id}"), None).await.expect(200);
        visitor.writes("结束会话").await;
    }
    let asked = elsewhere.requests();
    assert!(asked.len() >= 10, "the robots were asked");
    assert!(asked.iter().any(|asked| asked.header("authorization").contains(KEY)));
    answers.call(world, Method::PATCH, &binding_path, Some(&json!({ "reception": null }))).await.expect(200);

    let path = format!("{binding_path}/session-from-secret");
    let signing = world.call(Some(ADMIN_TOKEN), Method::POST, &path, None).await.expect(201).text("secret");
    world.forget_settings();
    visitor.enters(&format!("sobot||||partnerid=member-7|ts={}|sig={SIGNATURE}", world.now().as_second())).await;
    answers.call(world, Method::GET, &format!("{binding_path}/visitors/o-robot"), None).await.expect(200);
    signing
}
