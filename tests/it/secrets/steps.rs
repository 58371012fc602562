//! The steps of the test: every failure that could put a secret or a text into a log or an answer.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ADMIN_TOKEN, AES_KEY, APP, APP_SECRET, Answers, NEXT_AES_KEY, PUSH_TOKEN, WORDS, WRONG_SECRET, access_token,
};
use crate::open_conversation::text;
use crate::support::{Answer, Binding, SDK_ATTEMPTS, Visitor, World, push};

const BINDINGS: &str = "/api/bindings";

/// The request body that creates the binding.
pub(super) fn new_binding() -> Value {
    json!({
        "name": "测试", "app_id": APP, "app_secret": APP_SECRET, "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
        "auto_reply": format!("自动 {WORDS}"),
    })
}

async fn post_raw(world: &World, path: &str, body: String) -> Answer {
    world.request(Some(ADMIN_TOKEN), Method::POST, path, None).body(body).send().await
}

/// Refused bindings, with secrets in wrong fields and a WeChat that echoes them.
pub(super) async fn refused_bindings(world: &World, answers: &mut Answers) {
    let create = new_binding();
    let with = |field: &str, value: Value| {
        let mut body = create.clone();
        body[field] = value;
        body
    };
    for body in [
        with("app_secret", json!(WRONG_SECRET)),
        with("app_secret", json!([APP_SECRET])),
        with("app_secret", json!({ "value": APP_SECRET })),
        with("app_secret", json!(9_876_543_210_987_u64)),
        with("name", json!([APP_SECRET, PUSH_TOKEN])),
        with("app_id", json!(APP_SECRET)),
        with("token", json!(format!("{PUSH_TOKEN} "))),
        with("token", json!(format!("{PUSH_TOKEN}, expected \"{PUSH_TOKEN}\""))),
        with("encoding_aes_key", json!(format!("{AES_KEY}="))),
        with("nonsense", json!(APP_SECRET)),
        json!(APP_SECRET),
        json!([APP_SECRET]),
    ] {
        let refused = answers.call(world, Method::POST, BINDINGS, Some(&body)).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.raw);
    }
    for body in
        [create.to_string() + APP_SECRET, format!("{{\"app_secret\":\"{APP_SECRET}"), format!("\"{APP_SECRET}\" x")]
    {
        let refused = post_raw(world, BINDINGS, body).await;
        assert!(matches!(answers.keep("POST broken".to_owned(), refused).status, 400 | 422));
    }
    for fault in [
        json!({ "errcode": 40125, "errmsg": format!("invalid appsecret {APP_SECRET}, rid: 1") }),
        json!({ "errcode": 777, "errmsg": format!("who is {APP_SECRET}") }),
        json!({ "body": format!("<html>{APP_SECRET}</html>") }),
        json!({ "body": format!("{{\"access_token\":[\"{APP_SECRET}\"]}}") }),
        json!({ "break_off": "after" }),
    ] {
        let mut fault = fault;
        fault["path"] = json!("/cgi-bin/stable_token");
        world.sim_fault(&fault).await;
        answers.call(world, Method::POST, BINDINGS, Some(&create)).await;
    }
}

/// Creates the binding, by the only answer with push credentials, and submits its callback.
pub(super) async fn bind(world: &World, answers: &mut Answers) -> Binding {
    let create = new_binding();
    let bound = world.call(Some(ADMIN_TOKEN), Method::POST, BINDINGS, Some(&create)).await.expect(201);
    assert_eq!((bound.text("token"), bound.text("encoding_aes_key")), (PUSH_TOKEN.to_owned(), AES_KEY.to_owned()));
    assert!(!bound.raw.contains(APP_SECRET) && !bound.raw.contains(ADMIN_TOKEN));
    answers.call(world, Method::POST, BINDINGS, Some(&create)).await.expect(409);
    let console = json!({
        "app_id": APP, "callback_url": bound.body["callback_url"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    Binding {
        app_id: APP.to_owned(),
        token: PUSH_TOKEN.to_owned(),
        key: AES_KEY.to_owned(),
        callback_url: bound.text("callback_url"),
        clock: world.clock.clone(),
    }
}

/// A conversation in which everything fails.
pub(super) struct Scenario<'a> {
    pub(super) world: &'a World,
    pub(super) answers: &'a mut Answers,
    pub(super) binding: &'a Binding,
    visitor: Visitor<'a>,
    /// The path of the binding.
    path: String,
    cid: String,
    /// The path of the conversation's messages.
    messages: String,
}

impl<'a> Scenario<'a> {
    /// A visitor writes, and an answer is sent.
    pub(super) async fn start(world: &'a World, answers: &'a mut Answers, binding: &'a Binding) -> Self {
        let visitor = world.visitor(binding, "o-secret");
        visitor.enter(&format!("sobot|{WORDS}|x")).await;
        visitor.text(WORDS).await;
        world.settle().await;
        let listed = answers.call(world, Method::GET, "/api/conversations", None).await;
        let cid = listed.body["items"][0]["cid"].as_str().unwrap().to_owned();
        let messages = format!("/api/conversations/{cid}/messages");
        answers.call(world, Method::POST, &messages, Some(&text(WORDS))).await.expect(201);
        Self { world, answers, binding, visitor, path: format!("{BINDINGS}/{APP}"), cid, messages }
    }

    /// The visitor writes: held texts are released, and replies are left again.
    pub(super) async fn visitor_writes(&self) {
        self.visitor.writes(WORDS).await;
    }

    /// Every fault of a send, echoing the access token and the text.
    pub(super) async fn failing_sends(&mut self, token: &str) {
        let send = "/cgi-bin/message/custom/send";
        for fault in [
            json!({ "errcode": 45015, "errmsg": format!("{token} {WORDS}") }),
            json!({ "errcode": 45047, "errmsg": format!("{WORDS} hint: [{token}]") }),
            json!({ "errcode": 999, "errmsg": format!("{token} {WORDS}") }),
            json!({ "errcode": -1, "errmsg": format!("{token} {WORDS}") }),
            json!({ "body": format!("<html>{token} {WORDS}</html>") }),
            json!({ "break_off": "before" }),
            json!({ "break_off": "after" }),
            json!({ "errcode": 40001, "errmsg": format!("invalid credential {token} {WORDS}"), "times": 2 }),
        ] {
            let mut fault = fault;
            fault["path"] = json!(send);
            self.world.sim_fault(&fault).await;
            self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await;
            assert_eq!(
                self.world.sim_get("/sim/faults").await.body["items"],
                json!([]),
                "{fault}: the fault was not used"
            );
            // After some refusals a text would be held and meet no further fault.
            self.visitor.writes(WORDS).await;
        }
    }

    /// Refused messages, cards and covers.
    pub(super) async fn refused_messages(&mut self) {
        let cid = &self.cid;
        for wrong in [text(""), json!({ "type": WORDS }), json!({ "type": "text", "text": { "content": [WORDS] } })] {
            self.answers.call(self.world, Method::POST, &self.messages, Some(&wrong)).await.expect(422);
        }
        let card =
            json!({ "msgType": 26, "miniPage": { "title": WORDS, "pagepath": "pages/x", "thumbMediaId": "unknown" } });
        self.answers.call(self.world, Method::POST, &format!("/api/conversations/{cid}/cards"), Some(&card)).await;
        let cover = json!({ "msgType": 26, "miniPage": { "title": WORDS, "pagepath": "pages/x", "thumbUrl": "https://127.0.0.1/x" } });
        self.answers
            .call(self.world, Method::POST, &format!("/api/conversations/{cid}/cards"), Some(&cover))
            .await
            .expect(422);
        self.answers
            .call(
                self.world,
                Method::POST,
                &format!("/api/conversations/{cid}/typing"),
                Some(&json!({ "typing": true })),
            )
            .await;
    }

    /// A failing database for every function.
    pub(super) async fn failing_table(&mut self) {
        for (function, operation) in [
            ("DeskApi", "GetItem"),
            ("DeskApi", "PutItem"),
            ("DeskApi", "UpdateItem"),
            ("MessageIngress", "PutItem"),
            ("Reception", "TransactWriteItems"),
            ("Reception", "GetItem"),
            ("TokenRefresh", "Query"),
            ("Access", "GetItem"),
        ] {
            for fault in [Fault::InternalError, Fault::CloseAfter] {
                self.world
                    .bundle
                    .table_faults()
                    .add(TableFault::new(fault).function(function).operation(operation).times(SDK_ATTEMPTS));
                self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await;
                self.visitor.pushes_unchecked("text", json!({ "content": WORDS, "deliveries": 1 })).await;
                let denied = self.world.call(Some("unknown"), Method::GET, BINDINGS, None).await;
                self.answers.keep("GET with an unknown token".to_owned(), denied);
                self.world.settle().await;
                // It fails and logs the reason.
                let _ = self.world.bundle.tick("TokenRefresh").await;
                self.world.bundle.table_faults().clear();
            }
        }
        self.world.bundle.kill_next("DeskApi", 3).unwrap();
        self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await;
    }

    /// Pushes with a wrong signature, a wrong key, no encryption, and a malformed document.
    pub(super) async fn refused_pushes(&mut self) {
        let document = push::text_document("o-secret", 1, 1, WORDS);
        let good = push::Push::new(self.binding, &document);
        for wrong in [
            good.clone().with("msg_signature", &push::sign(&["x"])),
            good.clone().with_body(document.clone()),
            push::Push::new(&Binding { key: NEXT_AES_KEY.to_owned(), ..self.binding.clone() }, &document),
            push::Push::new(self.binding, &document[..document.len() / 2]),
            push::Push::new(self.binding, &format!("<!DOCTYPE {WORDS}>{document}")),
        ] {
            let answer = self.world.deliver(&wrong).await;
            self.answers.keep("push".to_owned(), answer);
        }
    }

    /// Failing renewals and a WeChat that echoes the request.
    pub(super) async fn failing_renewals(&mut self) {
        for fault in [
            json!({ "errcode": -1, "errmsg": format!("busy, {APP_SECRET} rid: {APP_SECRET}") }),
            json!({ "errcode": 777, "errmsg": format!("not for {APP_SECRET}") }),
            json!({ "body": format!("<html>{APP_SECRET}</html>") }),
            json!({ "break_off": "after" }),
        ] {
            let mut fault = fault;
            fault["path"] = json!("/cgi-bin/stable_token");
            self.world.advance(7200);
            self.world.sim_fault(&fault).await;
            self.world.tick("TokenRefresh").await;
            self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await;
        }
    }

    /// Refused credentials found by the schedule and by a reader; a new key; a rotated secret. Returns the new access
    /// token.
    pub(super) async fn refused_credentials(&mut self) -> String {
        self.world
            .sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &json!({ "frozen": true }))
            .await
            .expect(200);
        self.world.advance(7200);
        self.world.tick("TokenRefresh").await;
        self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await.expect(502);
        self.answers.call(self.world, Method::GET, &format!("{}/health", self.path), None).await.expect(200);
        self.world
            .sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &json!({ "frozen": false }))
            .await
            .expect(200);
        self.answers
            .call(self.world, Method::PATCH, &self.path, Some(&json!({ "app_secret": WRONG_SECRET })))
            .await
            .expect(422);
        let change = json!({ "app_secret": APP_SECRET, "encoding_aes_key": NEXT_AES_KEY });
        self.answers.call(self.world, Method::PATCH, &self.path, Some(&change)).await.expect(200);
        self.world.bundle.rotate_secret("MasterSecret").unwrap();
        self.world.bundle.end_environments().await;
        self.visitor.text(WORDS).await;
        self.world.run_minutes(3).await;
        let token = access_token(self.world, APP_SECRET).await;
        self.answers.call(self.world, Method::POST, &self.messages, Some(&text(WORDS))).await.expect(201);
        token
    }

    /// Reads every resource that could contain a secret.
    pub(super) async fn read_everything(&mut self) {
        for path in [
            BINDINGS,
            &self.path,
            "/api/robots",
            "/api/access-tokens",
            "/api/conversations",
            &self.messages,
            "/api/openapi.json",
        ] {
            self.answers.call(self.world, Method::GET, path, None).await.expect(200);
        }
        let openids = format!("{}/visitors/o-secret/messages", self.path);
        let heard = self.answers.call(self.world, Method::GET, &openids, None).await.expect(200);
        assert!(heard.raw.contains(WORDS), "the text is found where it is allowed");
    }
}
