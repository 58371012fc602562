//! Logs, answers and the table reveal no secret.

mod robots;
mod rotation;
mod steps;

use local::OWN_KEY;
use reqwest::Method;
use serde_json::{Value, json};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;

use steps::Scenario;

use crate::support::{Answer, Log, World, push};

const APP: &str = "wx0000000000005ec1";
const APP_SECRET: &str = "plantedAppSecret0123456789abcdef";
const WRONG_SECRET: &str = "wrongPlantedAppSecret0123456789a";
const PUSH_TOKEN: &str = "plantedPushToken42";
const AES_KEY: &str = "plantedEncodingAesKey0123456789abcdefghijkA";
const NEXT_AES_KEY: &str = "plantedNextEncodingAesKey456789abcdefghijkA";
const ADMIN_TOKEN: &str = "plantedAdminToken0123456789";
/// Part of every text in this test.
const WORDS: &str = "planted-words-植入的话";

/// Kefu's crates at TRACE, other crates as in production.
///
/// The AWS SDK logs whole requests at TRACE, visitors' texts included, so that level is not used in production. The
/// HTTP clients are left in because access tokens travel in URLs.
const FILTER: &str = "info,access=trace,callback_verify=trace,card_send=trace,channel=trace,delivery=trace,desk=trace,\
    desk_api=trace,conversations=trace,robot=trace,robots=trace,function=trace,local=trace,message_ingress=trace,reception=trace,store=trace,token_refresh=trace,\
    wechat=trace,reqwest=trace,hyper=debug,hyper_util=trace,rustls=trace";

/// The answers of the API.
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

/// The access token that WeChat issues for the secret.
async fn access_token(world: &World, secret: &str) -> String {
    let body = json!({ "grant_type": "client_credential", "appid": APP, "secret": secret });
    world.sim_post("/cgi-bin/stable_token", &body).await.expect(200).text("access_token")
}

/// A subscriber that writes to `log`.
fn subscriber(log: &Log) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish()
}

/// The log lines and the answers that contain a credential or, where it must not be, the visitors' text.
fn leaks(log: &str, answers: &Answers, table: &str, credentials: &[&str]) -> Vec<String> {
    let mut leaks = Vec::new();
    for &secret in credentials {
        leaks.extend(log.lines().filter(|line| line.contains(secret)).map(ToOwned::to_owned));
        leaks.extend(answers.0.iter().filter(|(_, answer)| answer.raw.contains(secret)).map(|(what, _)| what.clone()));
        if secret != WRONG_SECRET && table.contains(secret) {
            leaks.push(format!("the table holds {secret}"));
        }
    }
    leaks.extend(log.lines().filter(|line| line.contains(WORDS)).map(ToOwned::to_owned));
    let refusals = answers.0.iter().filter(|(_, answer)| answer.status >= 300);
    leaks.extend(refusals.filter(|(_, answer)| answer.raw.contains(WORDS)).map(|(what, _)| what.clone()));
    leaks
}

#[tokio::test]
async fn logs_and_answers_contain_no_secret_and_no_message_text() {
    let log = Log::default();
    let logging = Log::start(subscriber(&log));

    let world = World::options(|options| options.admin_token = Some(ADMIN_TOKEN.to_owned())).await;
    let mut answers = Answers::default();
    steps::refused_bindings(&world, &mut answers).await;
    let binding = steps::bind(&world, &mut answers).await;
    let agent = json!({ "role": "agent", "name": "小王" });
    let agent = world.call(Some(ADMIN_TOKEN), Method::POST, "/api/access-tokens", Some(&agent)).await.expect(201);
    let agent = agent.text("token");
    let token = access_token(&world, APP_SECRET).await;

    let mut scenario = Scenario::start(&world, &mut answers, &binding).await;
    scenario.failing_sends(&token).await;
    scenario.refused_messages().await;
    let signing = robots::fail(&world, scenario.answers, &binding).await;
    scenario.failing_table().await;
    scenario.refused_pushes().await;
    scenario.failing_renewals().await;
    scenario.visitor_writes().await;
    let second = scenario.refused_credentials().await;
    scenario.read_everything().await;

    let table = json!(world.all_items().await).to_string();
    world.bundle.shutdown().await;
    drop(logging);
    let log = log.text();
    for sign in ["mini program bound", "credentials refused", "was not renewed", "invocation failed"] {
        assert!(log.contains(sign), "the log lacks {sign:?}\n{log}");
    }
    for crate_name in ["channel::", "desk_api::", "conversations::", "reception", "message_ingress", "hyper"] {
        assert!(log.contains(crate_name), "the log has no entry of {crate_name}");
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
    let leaks = leaks(&log, &answers, &table, &credentials);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn sealed_values_do_not_open_without_the_master_secret() {
    let world = World::start().await;
    world
        .bind_with(json!({ "app_id": APP, "app_secret": APP_SECRET, "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY }))
        .await;
    let token = access_token(&world, APP_SECRET).await;
    let table = json!(world.all_items().await).to_string();
    for secret in [APP_SECRET, PUSH_TOKEN, AES_KEY, &token] {
        use base64::Engine as _;
        let encoded = base64::prelude::BASE64_STANDARD.encode(secret);
        assert!(!table.contains(secret) && !table.contains(encoded.trim_end_matches('=')), "{secret} is in the table");
    }
    // A sealed value moved to another binding does not open.
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
        clock: world.clock.clone(),
    };
    let pushed = world.deliver(&push::Push::new(&visitor, &push::text_document("o-1", 1, 1, "x"))).await;
    assert!(pushed.status >= 400, "{}", pushed.raw);
    assert_eq!(world.items("inbound").await, Vec::<Value>::new());
}
