//! `/api/bindings`: bind, list, read, change, unbind, health.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{fields, problem};
use crate::support::{ADMIN, Answer, World};

const APP: &str = "wx0000000000000b01";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PLANTED_TOKEN: &str = "plantedToken4711";
const PLANTED_KEY: &str = "plantedKey0123456789abcdefghijklmnopqrstuvX";

fn asked(app_id: &str) -> Value {
    json!({ "name": "测试小程序", "app_id": app_id, "app_secret": SECRET })
}

fn of(app_id: &str) -> String {
    format!("/api/bindings/{app_id}")
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Nothing of a binding or a token is in the table.
async fn nothing_is_kept(world: &World) {
    assert_eq!(world.items("binding").await, Vec::<Value>::new());
    assert_eq!(world.items("token").await, Vec::<Value>::new());
    assert_eq!(world.list("/api/bindings").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_mini_program_is_bound_with_a_token_and_a_key_made_for_it() {
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
async fn a_token_and_a_key_that_are_given_are_taken() {
    let world = World::start().await;
    let mut body = asked(APP);
    body["token"] = json!(PLANTED_TOKEN);
    body["encoding_aes_key"] = json!(PLANTED_KEY);
    let bound = world.post("/api/bindings", &body).await.expect(201);
    assert_eq!((bound.text("token"), bound.text("encoding_aes_key")), (PLANTED_TOKEN.into(), PLANTED_KEY.into()));
}

#[tokio::test]
async fn push_credentials_are_shown_in_the_answer_to_creating_and_nowhere_else() {
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
async fn credentials_that_wechat_refuses_are_not_kept_and_the_reason_is_given_in_words() {
    let world = World::start().await;
    let registered = json!({ "app_id": APP, "app_secret": SECRET });
    world.sim_post("/sim/mini-programs", &registered).await.expect(200);
    let lever = format!("/sim/mini-programs/{APP}");

    let mut wrong = asked(APP);
    wrong["app_secret"] = json!("wrong0123456789abcdef0123456789a");
    let refused = world.post("/api/bindings", &wrong).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40125)));
    assert!(refused.text("detail").contains("AppSecret"), "{}", refused.raw);

    world.sim_call(Method::PATCH, &lever, &json!({ "whitelist": ["203.0.113.9"] })).await.expect(200);
    let refused = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&refused), (422, "wechat.ip_not_whitelisted", Some(40164)));
    assert!(refused.text("detail").contains("whitelist"), "{}", refused.raw);

    world.sim_call(Method::PATCH, &lever, &json!({ "whitelist": null, "frozen": true })).await.expect(200);
    let refused = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40243)));
    assert!(refused.text("detail").contains("frozen"), "{}", refused.raw);

    world.sim_settings(&json!({ "strict": true })).await;
    let refused = world.post("/api/bindings", &asked("wx0000000000000b09")).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40013)));
    assert!(refused.text("detail").contains("AppID"), "{}", refused.raw);

    nothing_is_kept(&world).await;
    world.sim_call(Method::PATCH, &lever, &json!({ "frozen": false })).await.expect(200);
    world.post("/api/bindings", &asked(APP)).await.expect(201);
}

#[tokio::test]
async fn nothing_is_kept_when_wechat_gives_no_answer_that_can_be_used() {
    let world = World::start().await;
    for (mut fault, code, errcode) in [
        (json!({ "errcode": -1 }), "wechat.busy", Some(-1)),
        (json!({ "html": true }), "wechat.answer_unreadable", None),
        (json!({ "html": true, "status": 200 }), "wechat.answer_unreadable", None),
        (json!({ "body": "{\"expires_in\":7200}" }), "wechat.answer_unreadable", None),
        (json!({ "break_off": "before" }), "wechat.broken_off", None),
        (json!({ "break_off": "after" }), "wechat.broken_off", None),
        (json!({ "wait_ms": 5500 }), "wechat.timed_out", None),
    ] {
        fault["path"] = json!("/cgi-bin/stable_token");
        world.sim_fault(&fault).await;
        let answer = world.post("/api/bindings", &asked(APP)).await;
        assert_eq!(problem(&answer), (502, code, errcode), "{fault}");
        nothing_is_kept(&world).await;
    }
    world.post("/api/bindings", &asked(APP)).await.expect(201);
}

#[tokio::test]
async fn a_mini_program_is_bound_once() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.whole_table().await;
    world.forget_calls().await;
    let again = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&again), (409, "binding.exists", None));
    assert_eq!(world.token_calls().await, 0);
    assert_eq!(world.whole_table().await, before);

    let body = asked("wx0000000000000b02");
    let both = futures_util::future::join_all((0..6).map(|_| world.post("/api/bindings", &body))).await;
    let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    // The one who was told the credentials holds those that are kept.
    let told = both.iter().find(|answer| answer.status == 201).unwrap();
    let console = json!({
        "app_id": told.body["app_id"], "callback_url": told.body["callback_url"], "token": told.body["token"],
        "encoding_aes_key": told.body["encoding_aes_key"],
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
}

#[tokio::test]
async fn the_credentials_of_a_new_binding_are_given_even_if_the_databases_answer_was_lost() {
    let world = World::start().await;
    let faults = world.bundle.table_faults();
    faults.add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation("PutItem"));
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201);
    assert_eq!(faults.left(), 0);
    let console = json!({
        "app_id": APP, "callback_url": bound.body["callback_url"], "token": bound.body["token"],
        "encoding_aes_key": bound.body["encoding_aes_key"],
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    // A token of the API, too, is shown this once.
    faults.add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation("PutItem"));
    let agent = world.access_token("agent").await;
    world.call(Some(&agent), Method::GET, "/api/conversations", None).await.expect(200);
    assert_eq!(world.items("access").await.len(), 1);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_at_once() {
    let world = World::start().await;
    let all = json!({
        "name": " ", "app_id": "wx12345", "app_secret": "with blank", "token": "a-b", "encoding_aes_key": "short",
        "auto_reply": "长".repeat(683),
    });
    let answer = world.post("/api/bindings", &all).await;
    assert_eq!(problem(&answer), (422, "invalid", None));
    assert_eq!(fields(&answer), ["app_id", "name", "app_secret", "token", "encoding_aes_key", "auto_reply"]);

    for (field, wrong) in [
        ("app_id", json!("")),
        ("app_id", json!("WX0000000000000b01")),
        ("app_id", json!("wx0000000000000b0")),
        ("app_id", json!("wx0000000000000b011")),
        ("app_id", json!("wx0000000000000g01")),
        ("name", json!("名".repeat(61))),
        ("name", json!("a\nb")),
        ("app_secret", json!("")),
        ("app_secret", json!("x".repeat(129))),
        ("token", json!("ab")),
        ("token", json!("x".repeat(33))),
        ("encoding_aes_key", json!("x".repeat(42))),
        ("encoding_aes_key", json!("x".repeat(44))),
        ("encoding_aes_key", json!(format!("{}=", "x".repeat(42)))),
        ("auto_reply", json!("x".repeat(2049))),
    ] {
        let mut body = asked(APP);
        body[field] = wrong;
        let answer = world.post("/api/bindings", &body).await.expect(422);
        assert_eq!(fields(&answer), [field], "{}", answer.raw);
    }
    assert_eq!(world.token_calls().await, 0, "WeChat is not asked about what cannot be right");
    nothing_is_kept(&world).await;
}

async fn raw(world: &World, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = world.request(Some(ADMIN), method, path, None).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let raw = answer.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&raw).unwrap_or_default(), raw }
}

#[tokio::test]
async fn a_body_that_is_not_what_is_asked_for_is_refused() {
    let world = World::start().await;
    for malformed in ["", "{", "name=x", "{\"name\":\"x\",}", "\u{feff}{}", "{\"name\":\"\\ud800\"}"] {
        let answer = raw(&world, Method::POST, "/api/bindings", malformed).await;
        assert_eq!(problem(&answer).0, 400, "{malformed}: {}", answer.raw);
        assert_eq!(problem(&answer).1, "malformed", "{malformed}");
    }
    assert_eq!(problem(&raw(&world, Method::POST, "/api/bindings", b"{\"name\":\"\xff\"}".to_vec()).await).0, 400);
    let twice = format!("{} {{}}", asked(APP));
    assert_eq!(problem(&raw(&world, Method::POST, "/api/bindings", twice).await).1, "malformed");
    for other in ["null", "\"text\"", "5", "{\"name\":5}"] {
        assert_eq!(raw(&world, Method::POST, "/api/bindings", other).await.status, 422, "{other}");
    }

    let mut unknown = asked(APP);
    unknown["appsecret"] = json!("planted");
    let answer = world.post("/api/bindings", &unknown).await;
    assert_eq!(problem(&answer), (422, "invalid", None));
    assert_eq!(fields(&answer), ["appsecret"]);
    assert!(!answer.raw.contains("planted"), "{}", answer.raw);

    for planted in [json!(["planted4711"]), json!({ "planted4711": 1 }), json!(47_114_711), json!(true)] {
        let mut wrong_type = asked(APP);
        wrong_type["token"] = planted.clone();
        let answer = world.post("/api/bindings", &wrong_type).await.expect(422);
        assert_eq!(fields(&answer), ["token"], "{planted}");
        assert!(!answer.raw.contains("4711"), "{}", answer.raw);
    }
    nothing_is_kept(&world).await;
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_and_one_of_64_kib_is_read() {
    let world = World::start().await;
    let body = |length: usize| {
        let mut text = asked(APP).to_string();
        text.push_str(&" ".repeat(length - text.len()));
        text
    };
    let answer = raw(&world, Method::POST, "/api/bindings", body(64 * 1024 + 1)).await;
    assert_eq!(problem(&answer), (413, "too_large", None));
    nothing_is_kept(&world).await;
    raw(&world, Method::POST, "/api/bindings", body(64 * 1024)).await.expect(201);
}

#[tokio::test]
async fn the_callback_url_is_on_the_host_that_was_asked() {
    let world = World::start().await;
    let on = |method: Method, path: &str, body: Option<Value>| {
        let request = world.request(Some(ADMIN), method, path, body.as_ref()).header("host", "kefu.example.com");
        async { serde_json::from_str::<Value>(&request.send().await.unwrap().text().await.unwrap()).unwrap() }
    };
    let expected = format!("http://kefu.example.com/callback/{APP}");
    assert_eq!(on(Method::POST, "/api/bindings", Some(asked(APP))).await["callback_url"], expected.as_str());
    assert_eq!(on(Method::GET, &of(APP), None).await["callback_url"], expected.as_str());
    assert_eq!(on(Method::GET, "/api/bindings", None).await["items"][0]["callback_url"], expected.as_str());
    let own = world.get(&of(APP)).await.expect(200).text("callback_url");
    assert_eq!(own, format!("{}/callback/{APP}", world.bundle.api_url()));

    // API Gateway itself says which scheme it was reached by: always https.
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

#[tokio::test]
async fn a_binding_changes_in_the_fields_that_are_named() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.get(&of(APP)).await.expect(200).body;
    world.advance(60);
    let changed = world.patch(&of(APP), &json!({ "name": " 新名字 ", "auto_reply": "您好 👋" })).await.expect(200).body;
    assert_eq!((&changed["name"], &changed["auto_reply"]), (&json!("新名字"), &json!("您好 👋")));
    assert_eq!((&changed["status"], &changed["created_at"]), (&before["status"], &before["created_at"]));
    assert_eq!(changed["updated_at"], "2026-03-02T08:01:00Z");
    assert_eq!(world.get(&of(APP)).await.expect(200).body, changed);

    let named = world.patch(&of(APP), &json!({ "name": "只改名字" })).await.expect(200).body;
    assert_eq!(named["auto_reply"], "您好 👋", "what is not named stays");
    let removed = world.patch(&of(APP), &json!({ "auto_reply": null })).await.expect(200).body;
    assert_eq!((&removed["auto_reply"], &removed["name"]), (&Value::Null, &json!("只改名字")));
    world.patch(&of(APP), &json!({ "auto_reply": "再来" })).await.expect(200);
    let emptied = world.patch(&of(APP), &json!({ "auto_reply": "" })).await.expect(200).body;
    assert_eq!(emptied["auto_reply"], Value::Null);

    let all = json!({ "name": "", "app_secret": "a b", "token": "?", "encoding_aes_key": "?", "auto_reply": "长".repeat(683) });
    let answer = world.patch(&of(APP), &all).await.expect(422);
    assert_eq!(fields(&answer), ["name", "app_secret", "token", "encoding_aes_key", "auto_reply"]);
    let answer = world.patch(&of(APP), &json!({ "app_id": "wx0000000000000b02" })).await.expect(422);
    assert_eq!(fields(&answer), ["app_id"], "an AppID is what a binding is; it does not change");
    assert_eq!(problem(&world.patch(&of("wx0000000000000bff"), &json!({ "name": "x" })).await).0, 404);
}

#[tokio::test]
async fn a_new_app_secret_is_checked_before_it_is_kept() {
    let world = World::start().await;
    world.bind(APP).await;
    let before = world.whole_table().await;
    world.advance(5);
    let both = json!({ "name": "新名字", "app_secret": "another0123456789abcdef012345678" });
    let refused = world.patch(&of(APP), &both).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40125)));
    assert_eq!(world.whole_table().await, before, "a change is made whole or not at all");
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "errcode": -1 })).await;
    assert_eq!(problem(&world.patch(&of(APP), &both).await), (502, "wechat.busy", Some(-1)));
    assert_eq!(world.whole_table().await, before);

    // 重置 in WeChat's console, then here.
    let reset = json!({ "app_secret": both["app_secret"] });
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &reset).await.expect(200);
    assert_eq!(world.patch(&of(APP), &both).await.expect(200).body["name"], "新名字");
}

#[tokio::test]
async fn after_a_change_of_the_token_wechat_has_to_check_again() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "verified");
    let changed = world.patch(&of(APP), &json!({ "token": "anotherToken" })).await.expect(200);
    assert_eq!((&changed.body["status"], &changed.body["verified_at"]), (&json!("unverified"), &Value::Null));
    let mut console = json!({
        "app_id": APP, "callback_url": binding.callback_url, "token": binding.token, "encoding_aes_key": binding.key,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], false);
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "unverified");
    console["token"] = json!("anotherToken");
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    assert_eq!(world.get(&of(APP)).await.expect(200).body["status"], "verified");
}

#[tokio::test]
async fn a_new_encoding_aes_key_works_beside_the_one_before() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let changed = world.patch(&of(APP), &json!({ "encoding_aes_key": PLANTED_KEY })).await.expect(200);
    assert_eq!(changed.body["status"], "verified", "the signature does not depend on the key");
    let visitor = world.visitor(&binding, "o-key");
    visitor.text("用旧密钥").await;
    let console = json!({
        "app_id": APP, "callback_url": binding.callback_url, "token": binding.token, "encoding_aes_key": PLANTED_KEY,
    });
    assert_eq!(world.sim_post("/sim/mini-programs", &console).await.expect(200).body["verified"], true);
    visitor.text("用新密钥").await;
    let kept: Vec<Value> =
        visitor.inbound().await.into_iter().map(|message| message["text"]["content"].clone()).collect();
    assert_eq!(kept, ["用旧密钥", "用新密钥"]);
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_made_and_the_other_is_told() {
    let world = World::start().await;
    world.bind(APP).await;
    world.forget_calls().await;
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "wait_ms": 2000 })).await;
    let path = of(APP);
    let change = json!({ "name": "慢", "app_secret": SECRET });
    let slow = world.patch(&path, &change);
    let quick = async {
        // The slow one has read the binding and now waits for WeChat.
        while world.token_calls().await == 0 {
            tokio::task::yield_now().await;
        }
        world.patch(&of(APP), &json!({ "name": "快" })).await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    quick.expect(200);
    assert_eq!(problem(&slow), (409, "conflict", None));
    assert_eq!(world.get(&of(APP)).await.expect(200).body["name"], "快");
}

#[tokio::test]
async fn a_binding_that_is_deleted_is_gone_with_its_credentials_and_what_was_said_stays() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-stays").await;
    chat.say("您好").await.expect(201);
    let said = chat.messages().await;

    assert_eq!(world.delete(&of(APP)).await.expect(204).raw, "");
    for path in [of(APP), format!("{}/health", of(APP)), format!("{}/visitors/o-stays/messages", of(APP))] {
        assert_eq!(problem(&world.get(&path).await), (404, "not_found", None), "{path}");
    }
    assert_eq!(problem(&world.delete(&of(APP)).await).0, 404);
    nothing_is_kept(&world).await;
    assert_eq!(chat.messages().await, said);

    // Functions that start now know nothing of it.
    world.bundle.recycle().await;
    assert_eq!(chat.visitor.tries("text", json!({ "content": "还在吗" })).await.body["delivered"], false);
    assert_eq!(chat.messages().await, said, "a push for it is refused");
    assert_eq!(problem(&chat.say("在的").await), (409, "binding.gone", None));
    assert_eq!(chat.visitor.phone_texts().await, ["您好"]);

    world.post("/api/bindings", &asked(APP)).await.expect(201);
    chat.say("回来了").await.expect(201);
}

#[tokio::test]
async fn bindings_are_listed_page_by_page() {
    let world = World::start().await;
    let mut ids: Vec<String> = (1..=5).map(|number| format!("wx0000000000000c{number:02}")).collect();
    for id in ids.iter().rev() {
        world.post("/api/bindings", &asked(id)).await.expect(201);
    }
    let mut pages = Vec::new();
    let mut path = "/api/bindings?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        pages.push(items.iter().map(|item| item["app_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/bindings?limit=2&cursor={cursor}");
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    ids.sort();
    assert_eq!(pages.concat(), ids);

    for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1e9", "limit=", "cursor=%21", "cursor=AAAA"] {
        let answer = world.get(&format!("/api/bindings?{wrong}")).await;
        let field = wrong.split('=').next().unwrap();
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{wrong}");
    }
}

#[tokio::test]
async fn health_names_each_cause() {
    let world = World::start().await;
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201);
    let health = async || world.get(&format!("{}/health", of(APP))).await.expect(200).body;
    let check = |health: &Value, name: &str| {
        let checks = health["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };

    let new = health().await;
    assert_eq!((&new["healthy"], &new["status"]), (&json!(false), &json!("unverified")));
    assert_eq!(check(&new, "callback")["ok"], false);
    assert!(check(&new, "callback")["detail"].as_str().unwrap().contains("消息推送"));
    assert_eq!((&check(&new, "credentials")["ok"], &check(&new, "access_token")["ok"]), (&json!(true), &json!(true)));
    assert_eq!(check(&new, "access_token")["expires_at"], "2026-03-02T10:00:00Z");

    let console = json!({
        "app_id": APP, "callback_url": bound.body["callback_url"], "token": bound.body["token"],
        "encoding_aes_key": bound.body["encoding_aes_key"],
    });
    world.sim_post("/sim/mini-programs", &console).await.expect(200);
    let verified = health().await;
    assert_eq!((&verified["healthy"], &verified["status"]), (&json!(true), &json!("verified")));

    world.advance(7200);
    let expired = health().await;
    assert_eq!((&expired["healthy"], &check(&expired, "access_token")["ok"]), (&json!(false), &json!(false)));

    let frozen = json!({ "frozen": true });
    world.sim_call(Method::PATCH, &format!("/sim/mini-programs/{APP}"), &frozen).await.expect(200);
    world.tick("TokenRefresh").await;
    let refused = health().await;
    assert_eq!((&refused["healthy"], &refused["status"]), (&json!(false), &json!("credentials_refused")));
    let credentials = check(&refused, "credentials");
    assert_eq!((&credentials["ok"], &credentials["errcode"]), (&json!(false), &json!(40243)));
    assert_eq!(credentials["code"], "wechat.credentials_refused");
    assert!(credentials["detail"].as_str().unwrap().contains("frozen"), "{credentials}");
}
