//! Neither logs nor answers nor the table tell a secret.

mod robots;

use std::io;
use std::sync::{Arc, Mutex};

use local::{Fault, OWN_KEY, TableFault};
use reqwest::Method;
use serde_json::{Value, json};
use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::desk::text;
use crate::support::{Answer, World, push};

const APP: &str = "wx0000000000005ec1";
const APP_SECRET: &str = "plantedAppSecret0123456789abcdef";
const WRONG_SECRET: &str = "wrongPlantedAppSecret0123456789a";
const PUSH_TOKEN: &str = "plantedPushToken42";
const AES_KEY: &str = "plantedEncodingAesKey0123456789abcdefghijkA";
const NEXT_AES_KEY: &str = "plantedNextEncodingAesKey456789abcdefghijkA";
const ADMIN_TOKEN: &str = "plantedAdminToken0123456789";
/// In everything that anybody says in this test.
const WORDS: &str = "planted-words-植入的话";

/// Our own crates at their most talkative, everybody else's as in a function that runs.
///
/// The AWS SDK writes whole requests at TRACE, and what visitors say is in them; that level is nothing to run at. The
/// HTTP clients are left in because access tokens travel in URLs.
const FILTER: &str = "info,access=trace,callback_verify=trace,card_send=trace,channel=trace,delivery=trace,desk=trace,\
    desk_api=trace,conversations=trace,robot=trace,robots=trace,function=trace,local=trace,message_ingress=trace,reception=trace,store=trace,token_refresh=trace,\
    wechat=trace,reqwest=trace,hyper=debug,hyper_util=trace,rustls=trace";

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What the API has answered.
#[derive(Default)]
struct Answers(Vec<(String, Answer)>);

impl Answers {
    async fn call(&mut self, world: &World, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let answer = world.call(Some(ADMIN_TOKEN), method.clone(), path, body).await;
        self.keep(format!("{method} {path}"), answer)
    }

    fn keep(&mut self, what: String, answer: Answer) -> Answer {
        self.0.push((what, answer.clone()));
        answer
    }
}

async fn post_raw(world: &World, path: &str, body: String) -> Answer {
    let request = world.request(Some(ADMIN_TOKEN), Method::POST, path, None);
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let raw = answer.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&raw).unwrap_or_default(), raw }
}

/// The access token that WeChat gives for the secret: the one that everybody holds.
async fn access_token(world: &World, secret: &str) -> String {
    let body = json!({ "grant_type": "client_credential", "appid": APP, "secret": secret });
    world.sim_post("/cgi-bin/stable_token", &body).await.expect(200).text("access_token")
}

#[expect(
    clippy::too_many_lines,
    reason = "one story, told in order, so that everything is planted before it is looked for"
)]
#[tokio::test]
async fn no_log_and_no_answer_tells_a_secret_or_a_word_that_was_said() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let subscriber = Dispatch::new(subscriber);
    // As long as there is one subscriber only, `tracing` takes other tests' threads, which have none, for proof that
    // nobody wants to hear of a line of code that they come by first.
    let _second = Dispatch::new(NoSubscriber::new());
    // For this thread, on which this test's bundle runs.
    let guard = tracing::dispatcher::set_default(&subscriber);

    let world = World::options(|options| options.admin_token = Some(ADMIN_TOKEN.to_owned())).await;
    let mut answers = Answers::default();
    let bindings = "/api/bindings";
    let binding_path = format!("/api/bindings/{APP}");
    let create = json!({
        "name": "测试", "app_id": APP, "app_secret": APP_SECRET, "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
        "auto_reply": format!("自动 {WORDS}"),
    });

    // Refusals on the way in, with the secrets in every wrong place, and a WeChat that repeats them.
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
        let refused = answers.call(&world, Method::POST, bindings, Some(&body)).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.raw);
    }
    for body in
        [create.to_string() + APP_SECRET, format!("{{\"app_secret\":\"{APP_SECRET}"), format!("\"{APP_SECRET}\" x")]
    {
        let refused = post_raw(&world, bindings, body).await;
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
        answers.call(&world, Method::POST, bindings, Some(&create)).await;
    }

    // The one answer that shows the push credentials.
    let bound = world.call(Some(ADMIN_TOKEN), Method::POST, bindings, Some(&create)).await.expect(201);
    assert_eq!((bound.text("token"), bound.text("encoding_aes_key")), (PUSH_TOKEN.to_owned(), AES_KEY.to_owned()));
    assert!(!bound.raw.contains(APP_SECRET) && !bound.raw.contains(ADMIN_TOKEN));
    answers.call(&world, Method::POST, bindings, Some(&create)).await.expect(409);
    let made = json!({ "role": "agent", "name": "小王" });
    let agent =
        world.call(Some(ADMIN_TOKEN), Method::POST, "/api/access-tokens", Some(&made)).await.expect(201).text("token");
    let token = access_token(&world, APP_SECRET).await;
    let console = |key: &str| json!({ "app_id": APP, "callback_url": bound.body["callback_url"], "token": PUSH_TOKEN, "encoding_aes_key": key });
    assert_eq!(world.sim_post("/sim/mini-programs", &console(AES_KEY)).await.expect(200).body["verified"], true);

    // A conversation, with everything that can go wrong in it.
    let here = crate::support::Binding {
        app_id: APP.to_owned(),
        token: PUSH_TOKEN.to_owned(),
        key: AES_KEY.to_owned(),
        callback_url: bound.text("callback_url"),
    };
    let visitor = world.visitor(&here, "o-secret");
    visitor.enter(&format!("sobot|{WORDS}|x")).await;
    visitor.text(WORDS).await;
    world.settle().await;
    let conversation = answers.call(&world, Method::GET, "/api/conversations", None).await.body["items"][0].clone();
    let cid = conversation["cid"].as_str().unwrap();
    let messages = format!("/api/conversations/{cid}/messages");
    let say = text(WORDS);
    answers.call(&world, Method::POST, &messages, Some(&say)).await.expect(201);
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
        world.sim_fault(&fault).await;
        answers.call(&world, Method::POST, &messages, Some(&say)).await;
        assert_eq!(world.sim_get("/sim/faults").await.body["items"], json!([]), "{fault}: it was not met");
        // After some refusals a text would wait for the visitor, and meet no further fault.
        visitor.says(WORDS).await;
    }
    for wrong in [text(""), json!({ "type": WORDS }), json!({ "type": "text", "text": { "content": [WORDS] } })] {
        answers.call(&world, Method::POST, &messages, Some(&wrong)).await.expect(422);
    }
    let card =
        json!({ "msgType": 26, "miniPage": { "title": WORDS, "pagepath": "pages/x", "thumbMediaId": "unknown" } });
    answers.call(&world, Method::POST, &format!("/api/conversations/{cid}/cards"), Some(&card)).await;
    let cover = json!({ "msgType": 26, "miniPage": { "title": WORDS, "pagepath": "pages/x", "thumbUrl": "https://127.0.0.1/x" } });
    answers.call(&world, Method::POST, &format!("/api/conversations/{cid}/cards"), Some(&cover)).await.expect(422);
    answers
        .call(&world, Method::POST, &format!("/api/conversations/{cid}/typing"), Some(&json!({ "typing": true })))
        .await;

    let signing = robots::fail(&world, &mut answers, &here).await;

    // A database out of order, for everybody.
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
            world.bundle.table_faults().add(TableFault::new(fault).function(function).operation(operation).times(3));
            answers.call(&world, Method::POST, &messages, Some(&say)).await;
            visitor.tries("text", json!({ "content": WORDS, "deliveries": 1 })).await;
            let denied = world.call(Some("unknown"), Method::GET, bindings, None).await;
            answers.keep("GET as nobody".to_owned(), denied);
            world.settle().await;
            // It fails, and says why.
            let _ = world.bundle.tick("TokenRefresh").await;
            world.bundle.table_faults().clear();
        }
    }
    world.bundle.kill_next("DeskApi", 3).unwrap();
    answers.call(&world, Method::POST, &messages, Some(&say)).await;

    // Pushes with a wrong signature, a wrong key, no encryption, and a broken document.
    let document = push::text_document("o-secret", 1, 1, WORDS);
    let good = push::Push::new(&here, &document);
    for wrong in [
        good.clone().with("msg_signature", &push::sign(&["x"])),
        good.clone().with_body(document.clone()),
        push::Push::new(&crate::support::Binding { key: NEXT_AES_KEY.to_owned(), ..here.clone() }, &document),
        push::Push::new(&here, &document[..document.len() / 2]),
        push::Push::new(&here, &format!("<!DOCTYPE {WORDS}>{document}")),
    ] {
        let answer = world.deliver(&wrong).await;
        answers.keep("push".to_owned(), answer);
    }

    // Renewals that fail, and a WeChat that repeats what it was asked.
    for fault in [
        json!({ "errcode": -1, "errmsg": format!("busy, {APP_SECRET} rid: {APP_SECRET}") }),
        json!({ "errcode": 777, "errmsg": format!("not for {APP_SECRET}") }),
        json!({ "body": format!("<html>{APP_SECRET}</html>") }),
        json!({ "break_off": "after" }),
    ] {
        let mut fault = fault;
        fault["path"] = json!("/cgi-bin/stable_token");
        world.advance(7200);
        world.sim_fault(&fault).await;
        world.tick("TokenRefresh").await;
        answers.call(&world, Method::POST, &messages, Some(&say)).await;
    }

    // What was held meanwhile goes out, and there are replies left.
    visitor.says(WORDS).await;

    // Credentials that WeChat refuses, found by the schedule and by a reader; a new key; a rotated secret.
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &json!({ "frozen": true })).await.expect(200);
    world.advance(7200);
    world.tick("TokenRefresh").await;
    answers.call(&world, Method::POST, &messages, Some(&say)).await.expect(502);
    answers.call(&world, Method::GET, &format!("{binding_path}/health"), None).await.expect(200);
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &json!({ "frozen": false })).await.expect(200);
    answers.call(&world, Method::PATCH, &binding_path, Some(&json!({ "app_secret": WRONG_SECRET }))).await.expect(422);
    let change = json!({ "app_secret": APP_SECRET, "encoding_aes_key": NEXT_AES_KEY });
    answers.call(&world, Method::PATCH, &binding_path, Some(&change)).await.expect(200);
    world.bundle.rotate_secret("MasterSecret").unwrap();
    world.bundle.end_environments().await;
    visitor.text(WORDS).await;
    world.minutes(3).await;
    let second = access_token(&world, APP_SECRET).await;
    answers.call(&world, Method::POST, &messages, Some(&say)).await.expect(201);
    for path in [
        bindings,
        &binding_path,
        "/api/robots",
        "/api/access-tokens",
        "/api/conversations",
        &messages,
        "/api/openapi.json",
    ] {
        answers.call(&world, Method::GET, path, None).await.expect(200);
    }
    let openids = format!("{binding_path}/visitors/o-secret/messages");
    let heard = answers.call(&world, Method::GET, &openids, None).await.expect(200);
    assert!(heard.raw.contains(WORDS), "the test would find the words where they may be");

    let table = json!(world.whole_table().await).to_string();
    world.bundle.shutdown().await;
    drop(guard);
    let log = log.text();
    for sign in ["mini program bound", "credentials refused", "was not renewed", "invocation failed"] {
        assert!(log.contains(sign), "the log is not what it should be: no {sign:?}\n{log}");
    }
    for crate_name in ["channel::", "desk_api::", "conversations::", "reception", "message_ingress", "hyper"] {
        assert!(log.contains(crate_name), "nothing of {crate_name} is in the log");
    }
    let credentials = [
        APP_SECRET,
        WRONG_SECRET,
        PUSH_TOKEN,
        AES_KEY,
        NEXT_AES_KEY,
        ADMIN_TOKEN,
        &agent,
        &token,
        &second,
        robots::KEY,
        &robots::SECRET[6..],
        &signing,
        "9876543210987",
    ];
    let mut leaks = Vec::new();
    for secret in credentials {
        leaks.extend(log.lines().filter(|line| line.contains(secret)).map(ToOwned::to_owned));
        leaks.extend(answers.0.iter().filter(|(_, answer)| answer.raw.contains(secret)).map(|(what, _)| what.clone()));
        if secret != WRONG_SECRET && table.contains(secret) {
            leaks.push(format!("the table holds {secret}"));
        }
    }
    leaks.extend(log.lines().filter(|line| line.contains(WORDS)).map(ToOwned::to_owned));
    let refusals = answers.0.iter().filter(|(_, answer)| answer.status >= 300);
    leaks.extend(refusals.filter(|(_, answer)| answer.raw.contains(WORDS)).map(|(what, _)| what.clone()));
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn what_is_sealed_is_sealed_under_a_key_that_the_table_does_not_hold() {
    let world = World::start().await;
    world
        .bind_with(json!({ "app_id": APP, "app_secret": APP_SECRET, "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY }))
        .await;
    let token = access_token(&world, APP_SECRET).await;
    let table = json!(world.whole_table().await).to_string();
    for secret in [APP_SECRET, PUSH_TOKEN, AES_KEY, &token] {
        use base64::Engine as _;
        let encoded = base64::prelude::BASE64_STANDARD.encode(secret);
        assert!(!table.contains(secret) && !table.contains(encoded.trim_end_matches('=')), "{secret} is in the table");
    }
    // A sealed value belongs to its place: moved to another binding, it does not open.
    let mut item = world.items("binding").await.remove(0);
    let other = "wx0000000000005ec2";
    world.bind(other).await;
    for field in ["pk", "app_id", "lists_sk"] {
        let moved = item[field]["S"].as_str().unwrap().replace(APP, other);
        item[field]["S"] = json!(moved);
    }
    world.dynamodb(OWN_KEY, "PutItem", &json!({ "TableName": "kefu-Table", "Item": item })).await.expect(200);
    world.bundle.end_environments().await;
    let visitor = crate::support::Binding {
        app_id: other.to_owned(),
        token: PUSH_TOKEN.to_owned(),
        key: AES_KEY.to_owned(),
        callback_url: format!("{}/callback/{other}", world.bundle.api_url()),
    };
    let pushed = world.deliver(&push::Push::new(&visitor, &push::text_document("o-1", 1, 1, "x"))).await;
    assert!(pushed.status >= 400, "{}", pushed.raw);
    assert_eq!(world.items("inbound").await, Vec::<Value>::new());
}
