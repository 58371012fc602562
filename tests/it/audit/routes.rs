//! Every route that changes something writes one entry, or is in the list of those that need none.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::entries;
use crate::support::{ADMIN, Binding, World};

const APP: &str = "wx00000000000000f1";
const OTHER: &str = "wx00000000000000f2";
/// What no entry may contain.
const SECRETS: [&str; 3] = ["sk-of-the-model", "0123456789abcdef0123456789abcdef", "newToken42"];

/// Routes that change something and have no entry.
const EXEMPT: [(&str, &str); 12] = [
    ("POST /api/conversations/{cid}/messages", "the message names its author"),
    ("POST /api/conversations/{cid}/cards", "the message names its author"),
    ("DELETE /api/conversations/{cid}/messages/{id}", "the message has the state `cancelled`"),
    ("POST /api/conversations/{cid}/typing", "changes nothing that is kept"),
    ("POST /api/conversations/{cid}/claim", "an event names the agent"),
    ("POST /api/conversations/{cid}/accept", "an event names the agent"),
    ("POST /api/conversations/{cid}/read", "an agent's day"),
    ("PUT /api/agents/{id}/status", "an agent's day"),
    ("POST /api/agents/{id}/heartbeat", "an agent's day"),
    ("POST /api/robots/{id}/try", "changes nothing"),
    ("POST /api/routing/simulate", "changes nothing"),
    ("POST /api/session-from/build", "changes nothing"),
];
const ALSO_EXEMPT: [(&str, &str); 10] = [
    ("POST /api/conversations/{cid}/uploads", "the message that it is sent with names its author"),
    ("POST /api/conversations/{cid}/frame-context", "changes nothing"),
    ("POST /api/quick-replies", "the reply names who changed it last"),
    ("PATCH /api/quick-replies/{id}", "the reply names who changed it last"),
    ("DELETE /api/quick-replies/{id}", "no agent can send a text that is deleted"),
    ("POST /api/bindings/{app_id}/visitors/{openid}/notes", "the note names its author"),
    ("DELETE /api/bindings/{app_id}/visitors/{openid}/notes/{id}", "an agent's day"),
    ("POST /api/realtime/ticket", "a ticket lasts 30 seconds"),
    ("POST /api/session-from/parse", "changes nothing"),
    ("DELETE /api/bindings/{app_id}/visitors/{openid}", "has two entries; see the tests of erasures"),
];

/// Calls routes one after the other and checks the entry of each.
struct Walk<'a> {
    world: &'a World,
    walked: BTreeSet<String>,
}

impl Walk<'_> {
    /// Calls a route, which must succeed and write one entry with this action about a subject of this kind.
    async fn step(&mut self, route: &str, ids: &[&str], body: Option<Value>, expected: (&str, &str)) -> Value {
        let (method, template) = route.split_once(' ').unwrap();
        let mut path = template.to_owned();
        for id in ids {
            let (before, rest) = path.split_once('{').unwrap();
            path = format!("{before}{id}{}", rest.split_once('}').unwrap().1);
        }
        let before = entries(self.world).await;
        let method: Method = method.parse().unwrap();
        let answer = self.world.call(Some(ADMIN), method, &path, body.as_ref()).await;
        assert!(answer.status < 300, "{route}: {}", answer.raw);
        let mut new = entries(self.world).await;
        new.retain(|entry| !before.contains(entry));
        assert_eq!(new.len(), 1, "{route}: {new:?}");
        let entry = new.remove(0);
        assert_eq!(
            (entry["action"].as_str().unwrap(), entry["subject"]["kind"].as_str().unwrap()),
            expected,
            "{route}"
        );
        assert_eq!(entry["actor"]["token_id"], "admin", "{entry}");
        let subject = entry["subject"]["id"].as_str().unwrap();
        // The frames are replaced together.
        let all = (route == "PUT /api/frames").then_some("all");
        let names = ids.last().copied().or(answer.body["id"].as_str()).or(answer.body["app_id"].as_str()).or(all);
        if !matches!(expected.1, "bootstrap_token" | "session" | "visitor") {
            assert_eq!(Some(subject), names, "{route}: {entry}");
        }
        for secret in SECRETS {
            assert!(!entry.to_string().contains(secret), "{entry}");
        }
        self.walked.insert(route.to_owned());
        answer.body
    }

    async fn record(&mut self, kind: &str, new: Value, change: Value, changed: &[&str]) {
        let (list, one) = (format!("/api/{kind}s"), format!("/api/{kind}s/{{id}}"));
        let created = (format!("{kind}.created"), format!("{kind}.changed"), format!("{kind}.deleted"));
        let made = self.step(&format!("POST {list}"), &[], Some(new), (&created.0, kind)).await;
        let id = made["id"].as_str().unwrap();
        self.step(&format!("PATCH {one}"), &[id], Some(change), (&created.1, kind)).await;
        let entry = entries(self.world).await.pop().unwrap();
        assert_eq!(entry["detail"]["fields"], json!(changed), "{entry}");
        self.step(&format!("DELETE {one}"), &[id], None, (&created.2, kind)).await;
    }

    async fn records(&mut self) {
        let group = self.world.group(&[]).await;
        self.record("group", json!({ "name": "售前" }), json!({ "name": "售后" }), &["name"]).await;
        self.record("agent", json!({ "name": "小林" }), json!({ "capacity": 3 }), &["capacity"]).await;
        let merchant = json!({ "name": "店", "customer_code": "c1", "group_id": group });
        self.record("merchant", merchant, json!({ "name": "新店", "aliases": ["c2"] }), &["aliases", "name"]).await;
        let robot = json!({
            "name": "模型", "kind": "chat", "base_url": "https://model.example/v1", "model": "m", "api_key": SECRETS[0],
        });
        self.record("robot", robot, json!({ "api_key": format!("{}-2", SECRETS[0]) }), &["secret"]).await;
        self.record("calendar", json!({ "name": "上班" }), json!({ "name": "下班" }), &["name"]).await;
    }

    async fn questions(&mut self) {
        let robot = self.world.faq_robot(&[]).await;
        let question = |answer: &str| json!({ "id": "q1", "title": "营业时间", "answer": answer });
        let all = "/api/robots/{id}/questions";
        let one = "/api/robots/{id}/questions/{question_id}";
        let path = all.replace("{id}", &robot);
        for (method, path, ids, body, action) in [
            ("POST", format!("/api/robots/{robot}/questions"), vec![], Some(question("九点")), "question.created"),
            (
                "PATCH",
                format!("{path}/{{question_id}}"),
                vec!["q1"],
                Some(json!({ "answer": "十点" })),
                "question.changed",
            ),
            ("DELETE", format!("{path}/{{question_id}}"), vec!["q1"], None, "question.deleted"),
        ] {
            self.step(&format!("{method} {path}"), &ids, body, (action, "question")).await;
            self.walked.insert(format!("{method} {}", if ids.is_empty() { all } else { one }));
        }
        let questions = json!({ "questions": [question("八点")] });
        self.step(&format!("PUT {all}"), &[&robot], Some(questions), ("questions.replaced", "robot")).await;
        // Questions of a robot that is deleted have no entries of their own.
        self.step("DELETE /api/robots/{id}", &[&robot], None, ("robot.deleted", "robot")).await;
    }

    async fn bindings(&mut self) {
        let new = json!({ "name": "店", "app_id": OTHER, "app_secret": SECRETS[1] });
        self.step("POST /api/bindings", &[], Some(new), ("binding.created", "binding")).await;
        let change = json!({ "token": SECRETS[2], "reception": { "mode": "robot_only" } });
        let route = "PATCH /api/bindings/{app_id}";
        self.step(route, &[OTHER], Some(change), ("binding.changed", "binding")).await;
        let entry = entries(self.world).await.pop().unwrap();
        assert_eq!((&entry["app_id"], &entry["detail"]), (&json!(OTHER), &json!({ "fields": ["reception", "token"] })));
        let route = "POST /api/bindings/{app_id}/session-from-secret";
        self.step(route, &[OTHER], None, ("binding.changed", "binding")).await;
        self.step("DELETE /api/bindings/{app_id}", &[OTHER], None, ("binding.deleted", "binding")).await;
    }

    async fn conversations(&mut self, binding: &Binding) {
        let agents = [self.world.agent("小林", 5).await, self.world.agent("小王", 5).await];
        for (openid, verb, body) in [
            ("o-1", "transfer", json!({ "agent_id": agents[1], "reason": "他的老客户" })),
            ("o-2", "close", json!({ "summary": { "topic": "退款" } })),
        ] {
            let chat = self.world.open_conversation(binding, openid).await;
            self.world.claim(&chat.cid, &agents[0]).await.expect(200);
            let (route, done) = (
                format!("POST /api/conversations/{{cid}}/{verb}"),
                if verb == "close" { "closed" } else { "transferred" },
            );
            let action = format!("conversation.{done}");
            self.step(&route, &[&chat.cid], Some(body), (&action, "conversation")).await;
            let entry = entries(self.world).await.pop().unwrap();
            assert_eq!((&entry["app_id"], &entry["detail"]["agent_id"]), (&json!(APP), &json!(agents[0])));
            assert!(!entry.to_string().contains("老客户") && !entry.to_string().contains("退款"), "{entry}");
        }
    }

    async fn frames(&mut self) {
        let frames = json!({ "items": [{ "name": "订单", "url": "https://shop.example/" }] });
        let stored = self.step("PUT /api/frames", &[], Some(frames), ("frames.changed", "frame")).await;
        let frame = stored["items"][0]["id"].as_str().unwrap();
        let entry = entries(self.world).await.pop().unwrap();
        assert_eq!(entry["detail"], json!({ "fields": [frame] }), "the frames that have changed");
        self.step("POST /api/frames/{id}/key", &[frame], None, ("frame_key.rotated", "frame")).await;
    }

    async fn visitors(&mut self, binding: &Binding) {
        self.world.visitor(binding, "o-blocked").writes("在吗").await;
        let route = "PATCH /api/bindings/{app_id}/visitors/{openid}";
        for (blocked, action) in [(json!({ "reason": "老赖" }), "visitor.blocked"), (Value::Null, "visitor.unblocked")]
        {
            let body = json!({ "blocked": blocked });
            self.step(route, &[APP, "o-blocked"], Some(body), (action, "visitor")).await;
            let entry = entries(self.world).await.pop().unwrap();
            assert_eq!(entry["app_id"], APP);
            assert!(!entry.to_string().contains("老赖") && !entry.to_string().contains("o-blocked"), "{entry}");
        }
    }

    async fn tokens(&mut self) {
        let new = json!({ "role": "admin", "name": "小王" });
        let token =
            self.step("POST /api/access-tokens", &[], Some(new), ("access_token.created", "access_token")).await;
        let id = token["id"].as_str().unwrap();
        let route = "POST /api/access-tokens/{id}/rotate";
        self.step(route, &[id], None, ("access_token.rotated", "access_token")).await;
        let route = "DELETE /api/access-tokens/{id}";
        self.step(route, &[id], None, ("access_token.revoked", "access_token")).await;
        let (route, created) = ("POST /api/access-tokens/{id}/sign-in-code", "sign_in_code.created");
        let code = self.step(route, &["bootstrap"], None, (created, "bootstrap_token")).await["code"].clone();
        self.step("POST /api/sign-in", &[], Some(json!({ "code": code })), ("session.created", "session")).await;
        self.step("DELETE /api/sessions", &[], None, ("session.revoked", "session")).await;
        let agent = self.world.create("agents", &json!({ "name": "小林" })).await;
        let code = self.step("POST /api/agents/{id}/sign-in-code", &[&agent], None, (created, "agent")).await;
        let session = self.world.post("/api/sign-in", &json!({ "code": code["code"] })).await.expect(200).body;
        let id = session["session"]["id"].as_str().unwrap();
        self.step("DELETE /api/sessions/{id}", &[id], None, ("session.revoked", "session")).await;
        self.world.access_token("admin").await;
        let route = "DELETE /api/access-tokens/bootstrap";
        self.step(route, &[], None, ("bootstrap_token.retired", "bootstrap_token")).await;
    }
}

#[tokio::test]
async fn every_changing_route_writes_one_entry() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let mut walk = Walk { world: &world, walked: BTreeSet::new() };
    walk.records().await;
    walk.questions().await;
    walk.bindings().await;
    walk.conversations(&binding).await;
    walk.frames().await;
    walk.visitors(&binding).await;
    walk.tokens().await;

    let routes = desk_api::routes().into_iter().chain(card_send::routes());
    let changing: BTreeSet<String> =
        routes.filter(|route| route.method != Method::GET).map(|route| route.to_string()).collect();
    let exempt: BTreeSet<String> = EXEMPT.iter().chain(&ALSO_EXEMPT).map(|(route, _)| (*route).to_owned()).collect();
    let missing: Vec<_> =
        changing.iter().filter(|route| !walk.walked.contains(*route) && !exempt.contains(*route)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "neither tested here nor exempt");
    let gone: Vec<_> = exempt.difference(&changing).collect();
    assert_eq!(gone, Vec::<&String>::new(), "exempt and not mounted");
}
