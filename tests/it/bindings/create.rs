//! Creating bindings.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, PLANTED_KEY, PLANTED_TOKEN, SECRET, asked, of};
use crate::open_conversation::problem;
use crate::support::{ADMIN, World};

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[tokio::test]
async fn missing_token_and_key_are_generated() {
    let world = World::start().await;
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201);
    assert_eq!(bound.body["app_id"], APP);
    assert_eq!(bound.body["name"], "测试小程序");
    assert_eq!(bound.body["mode"], "developer");
    assert_eq!(bound.body["status"], "unverified");
    assert_eq!(bound.text("callback_url"), format!("{}/callback/{APP}", world.bundle.api_url()));
    let (token, key) = (bound.text("token"), bound.text("encoding_aes_key"));
    assert!((3..=32).contains(&token.len()) && is_alphanumeric(&token), "{token}");
    assert!(key.len() == 43 && is_alphanumeric(&key), "{key}");

    let other = world.post("/api/bindings", &asked("wx0000000000000b02")).await.expect(201);
    assert_ne!((other.text("token"), other.text("encoding_aes_key")), (token, key));
}

#[tokio::test]
async fn given_token_and_key_are_used() {
    let world = World::start().await;
    let mut body = asked(APP);
    body["token"] = json!(PLANTED_TOKEN);
    body["encoding_aes_key"] = json!(PLANTED_KEY);
    let bound = world.post("/api/bindings", &body).await.expect(201);
    assert_eq!((bound.text("token"), bound.text("encoding_aes_key")), (PLANTED_TOKEN.into(), PLANTED_KEY.into()));
}

#[tokio::test]
async fn push_credentials_appear_in_the_create_answer_only() {
    let world = World::start().await;
    let binding =
        world.bind_with(json!({ "app_id": APP, "token": PLANTED_TOKEN, "encoding_aes_key": PLANTED_KEY })).await;
    let mut again = asked(APP);
    again["token"] = json!(PLANTED_TOKEN);
    let change = json!({ "name": "新", "app_secret": SECRET, "token": PLANTED_TOKEN, "encoding_aes_key": PLANTED_KEY });
    let answers = [
        world.get(&of(APP)).await.expect(200),
        world.get("/api/bindings").await.expect(200),
        world.get(&format!("{}/health", of(APP))).await.expect(200),
        world.post("/api/bindings", &again).await.expect(409),
        world.patch(&of(APP), &change).await.expect(200),
    ];
    for answer in answers {
        for secret in [&binding.token, &binding.key, SECRET] {
            assert!(!answer.raw.contains(secret), "{}", answer.raw);
        }
    }
}

#[tokio::test]
async fn second_binding_of_an_app_id_is_refused() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.all_items().await;
    world.reset_wechat_calls().await;
    let again = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&again), (409, "binding.exists", None));
    assert_eq!(world.token_calls().await, 0);
    assert_eq!(world.all_items().await, before);

    let body = asked("wx0000000000000b02");
    let both = futures_util::future::join_all((0..6).map(|_| world.post("/api/bindings", &body))).await;
    let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    // The returned credentials are the stored ones.
    let answer = both.iter().find(|answer| answer.status == 201).unwrap();
    let console = json!({
        "app_id": answer.body["app_id"], "callback_url": answer.body["callback_url"], "token": answer.body["token"],
        "encoding_aes_key": answer.body["encoding_aes_key"],
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
}

#[tokio::test]
async fn credentials_are_returned_when_the_write_answer_was_lost() {
    let world = World::start().await;
    let faults = world.bundle.table_faults();
    faults.add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation("TransactWriteItems"));
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201);
    assert_eq!(faults.left(), 0);
    let console = json!({
        "app_id": APP, "callback_url": bound.body["callback_url"], "token": bound.body["token"],
        "encoding_aes_key": bound.body["encoding_aes_key"],
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    // An API token is shown once as well.
    faults.add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation("PutItem"));
    let agent = world.access_token("agent").await;
    world.call(Some(&agent), Method::GET, "/api/conversations", None).await.expect(200);
    assert_eq!(world.items("access").await.len(), 1);
}

#[tokio::test]
async fn callback_url_has_the_host_of_the_request() {
    let world = World::options(|options| options.allowed_hosts = vec!["kefu.example.com".to_owned()]).await;
    let on = |method: Method, path: &str, body: Option<Value>| {
        let request = world.request(Some(ADMIN), method, path, body.as_ref()).header("host", "kefu.example.com");
        async { request.send().await.body }
    };
    let expected = format!("http://kefu.example.com/callback/{APP}");
    assert_eq!(on(Method::POST, "/api/bindings", Some(asked(APP))).await["callback_url"], expected.as_str());
    assert_eq!(on(Method::GET, &of(APP), None).await["callback_url"], expected.as_str());
    assert_eq!(on(Method::GET, "/api/bindings", None).await["items"][0]["callback_url"], expected.as_str());
    let own = world.get(&of(APP)).await.expect(200).text("callback_url");
    assert_eq!(own, format!("{}/callback/{APP}", world.bundle.api_url()));

    // API Gateway reports the scheme: always https.
    for (headers, expected) in [
        (json!({ "host": "kefu.example.com", "x-forwarded-proto": "https" }), "https://kefu.example.com/callback/"),
        (json!({ "host": "kefu.example.com" }), "https://kefu.example.com/callback/"),
        (json!({}), "https://abc.execute-api.cn-north-1.amazonaws.com.cn/callback/"),
    ] {
        let event = json!({
            "version": "2.0", "routeKey": "ANY /api/{proxy+}", "rawPath": of(APP), "rawQueryString": "",
            "headers": headers, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "1", "apiId": "abc", "domainName": "abc.execute-api.cn-north-1.amazonaws.com.cn",
                "domainPrefix": "abc", "requestId": "r", "routeKey": "ANY /api/{proxy+}", "stage": "$default",
                "time": "02/Mar/2026:08:00:00 +0000", "timeEpoch": 1_772_438_400_000_i64,
                "http": { "method": "GET", "path": of(APP), "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1", "userAgent": "t" },
                "authorizer": { "lambda": { "role": "admin", "token_id": "admin", "name": "" } },
            },
        });
        let answer = world.bundle.invoke("DeskApi", event).await.unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["callback_url"], format!("{expected}{APP}").as_str(), "{headers}");
    }
}
