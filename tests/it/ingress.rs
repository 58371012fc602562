//! Pushes are stored unchanged and answered with `success`.

use serde_json::{Value, json};

use crate::support::push::{Push, sign, text_document};
use crate::support::{Answer, Binding, World};

const APP: &str = "wx00000000000000a1";

/// The answer that acknowledges a push.
#[track_caller]
fn is_success(answer: &Answer) {
    assert_eq!((answer.status, answer.raw.as_str()), (200, "success"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

/// The messages without the fields that differ between runs.
fn contents(messages: &[Value]) -> Vec<(String, Value)> {
    let content = |message: &Value| {
        let kind = message["type"].as_str().unwrap().to_owned();
        (kind.clone(), message[kind].clone())
    };
    messages.iter().map(content).collect()
}

#[tokio::test]
async fn every_message_type_is_stored_from_xml_and_json() {
    for format in ["xml", "json"] {
        let world = World::start().await;
        let binding = world.bind_with(json!({ "app_id": APP, "format": format })).await;
        let visitor = world.visitor(&binding, "oVISITOR-kinds");
        visitor.enter("sobot|小王||{\"page\":\"item\"}|partnerid=7").await;
        world.advance(1);
        visitor.text("你好，客服😀 <b>&\"quote\"</b> ]]> 𠮷").await;
        world.advance(1);
        visitor.pushes("image", json!({ "pic_url": "https://pic.example/1.png" })).await;
        world.advance(1);
        visitor
            .pushes(
                "card",
                json!({ "title": "咖啡豆", "page_path": "pages/item?id=7", "thumb_url": "https://pic.example/2.png" }),
            )
            .await;
        world.advance(1);
        visitor
            .pushes("raw", json!({ "fields": { "MsgType": "voice", "MediaId": "v-1", "Format": "amr", "MsgId": 77 } }))
            .await;
        world.advance(1);
        visitor
            .pushes(
                "raw",
                json!({ "fields": { "MsgType": "event", "Event": "debug_demo", "debug_str": "hello world" } }),
            )
            .await;

        let messages = visitor.messages().await;
        let kept = contents(&messages);
        let kinds: Vec<&str> = kept.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["event", "text", "image", "miniprogrampage", "raw", "event"], "{format}");
        assert_eq!(kept[0].1["event"], "user_enter_tempsession");
        assert_eq!(kept[0].1["session_from"], "sobot|小王||{\"page\":\"item\"}|partnerid=7");
        assert_eq!(kept[1].1, json!({ "content": "你好，客服😀 <b>&\"quote\"</b> ]]> 𠮷" }));
        assert_eq!(kept[2].1["pic_url"], "https://pic.example/1.png");
        assert!(!kept[2].1["media_id"].as_str().unwrap().is_empty());
        assert_eq!(kept[3].1["title"], "咖啡豆");
        assert_eq!(kept[3].1["appid"], APP);
        assert_eq!(kept[3].1["pagepath"], "pages/item?id=7");
        assert_eq!(kept[3].1["thumb_url"], "https://pic.example/2.png");
        // Unknown types are stored whole for a later version.
        assert_eq!(kept[4].1["msg_type"], "voice");
        for part in ["v-1", "amr", "77", "oVISITOR-kinds"] {
            assert!(kept[4].1["raw"].as_str().unwrap().contains(part), "{}", kept[4].1);
        }
        assert_eq!(kept[5].1["event"], "debug_demo");
        assert!(kept[5].1["raw"].as_str().unwrap().contains("hello world"));
        for message in &messages {
            assert_eq!((message["direction"].as_str(), message["state"].as_str()), (Some("in"), Some("received")));
        }
        assert_eq!(world.calls("MessageIngress", "PutItem"), 6, "one write each");
    }
}

#[tokio::test]
async fn special_characters_of_a_text_are_preserved() {
    for format in ["xml", "json"] {
        let world = World::start().await;
        let binding = world.bind_with(json!({ "app_id": APP, "format": format })).await;
        let visitor = world.visitor(&binding, "oVISITOR-texts");
        let long = "汉".repeat(2_000);
        let texts = [
            "",
            " ",
            "  vorn und hinten  ",
            "👩‍👩‍👧‍👦🏳️‍🌈",
            "\u{200f}עברית",
            "a\nb\tc",
            "null",
            "0",
            "&amp;&lt;",
            long.as_str(),
        ];
        for text in texts {
            visitor.text(text).await;
            world.advance(1);
        }
        let kept: Vec<Value> = visitor.messages().await;
        let kept: Vec<&str> = kept.iter().map(|message| message["text"]["content"].as_str().unwrap()).collect();
        assert_eq!(kept, texts, "{format}");
    }
}

#[tokio::test]
async fn message_ids_above_2_pow_53_are_distinguished() {
    for format in ["xml", "json"] {
        let world = World::start().await;
        let binding = world.bind_with(json!({ "app_id": APP, "format": format })).await;
        let visitor = world.visitor(&binding, "oVISITOR-ids");
        // 2^53 and 2^53 + 1 are equal as doubles, as are the two below 2^64.
        let ids = [9_007_199_254_740_992_u64, 9_007_199_254_740_993, 18_446_744_073_709_551_614, u64::MAX];
        for id in ids {
            visitor.pushes("text", json!({ "content": id.to_string(), "msg_id": id })).await;
        }
        let kept = visitor.messages().await;
        let kept: Vec<&str> = kept.iter().map(|message| message["text"]["content"].as_str().unwrap()).collect();
        assert_eq!(kept, ids.map(|id| id.to_string()), "{format}");
        for (message, id) in visitor.messages().await.iter().zip(ids) {
            assert!(message["id"].as_str().unwrap().ends_with(&format!("{id:020}")), "{message}");
        }
    }
}

#[tokio::test]
async fn compatible_mode_uses_the_encrypted_part() {
    for format in ["xml", "json"] {
        let world = World::start().await;
        let binding = world.bind_with(json!({ "app_id": APP, "format": format, "mode": "compatible" })).await;
        let visitor = world.visitor(&binding, "oVISITOR-compatible");
        visitor.text("兼容").await;
        assert_eq!(visitor.messages().await[0]["text"]["content"], "兼容", "{format}");
    }
    // The plain part is not signed and is ignored.
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let push = Push::new(&binding, &text_document("oREAL", 1_772_438_400, 1, "real"));
    let body = String::from_utf8(push.body.clone()).unwrap();
    let forged = "<FromUserName>oFORGED</FromUserName><Content>forged</Content></xml>";
    is_success(&world.deliver(&push.with_body(body.replace("</xml>", forged))).await);
    let visitor = world.visitor(&binding, "oREAL");
    assert_eq!(visitor.messages().await[0]["text"]["content"], "real");
    assert_eq!(world.items("inbound").await.len(), 1);
}

#[tokio::test]
async fn xml_fields_are_read_in_any_order_with_or_without_cdata() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oVISITOR-order");
    let documents = [
        "<xml><MsgId>1</MsgId><Content>a &amp; b</Content><MsgType>text</MsgType><CreateTime>1772438401</CreateTime>\
         <FromUserName>oVISITOR-order</FromUserName><ToUserName>gh_1</ToUserName></xml>",
        "<xml>\n  <Unknown><![CDATA[x]]></Unknown>\n  <CreateTime> 1772438402 </CreateTime>\n  <MsgType> <![CDATA[text]]> </MsgType>\n\
         <Content><![CDATA[b]]></Content>\n<FromUserName><![CDATA[oVISITOR-order]]></FromUserName><MsgId>2</MsgId>\n</xml>\n",
        r#" {"MsgId": "3", "Content": "c\u5ba2", "MsgType": "text", "CreateTime": "1772438403", "FromUserName": "oVISITOR-order", "More": {"a": [1]}} "#,
    ];
    for document in documents {
        is_success(&world.deliver(&Push::new(&binding, document)).await);
    }
    let kept = visitor.messages().await;
    let kept: Vec<&str> = kept.iter().map(|message| message["text"]["content"].as_str().unwrap()).collect();
    assert_eq!(kept, ["a & b", "b", "c客"]);
}

#[tokio::test]
async fn thread_is_ordered_by_wechat_create_time() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oVISITOR-late");
    for (seconds, id) in [(30, 5_u64), (10, 90), (20, 7), (10, 100), (20, 6)] {
        let document = text_document("oVISITOR-late", 1_772_438_400 + seconds, id, &format!("{seconds}/{id}"));
        is_success(&world.deliver(&Push::new(&binding, &document)).await);
    }
    let kept = visitor.messages().await;
    let kept: Vec<&str> = kept.iter().map(|message| message["text"]["content"].as_str().unwrap()).collect();
    assert_eq!(kept, ["10/90", "10/100", "20/6", "20/7", "30/5"]);
    assert_eq!(visitor.messages().await[0]["created_at"], "2026-03-02T08:00:10Z");
}

#[tokio::test]
async fn warm_function_writes_once_and_reads_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "oVISITOR-warm");
    visitor.text("cold").await;
    world.bundle.reset_request_counts();
    for number in 0..10 {
        visitor.text(&number.to_string()).await;
    }
    let calls = world.bundle.request_counts();
    let ingress: Vec<_> = calls.iter().filter(|((function, _), _)| function == "MessageIngress").collect();
    assert_eq!(ingress.len(), 1, "{ingress:?}");
    assert_eq!(world.calls("MessageIngress", "PutItem"), 10);

    // Bindings are cached for a minute.
    world.advance(61);
    visitor.text("later").await;
    assert_eq!(world.calls("MessageIngress", "GetItem"), 1);
}

#[tokio::test]
async fn no_call_to_wechat_before_the_push_is_acknowledged() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, "您好").await;
    world.sim_call(reqwest::Method::DELETE, "/sim/calls", &Value::Null).await.expect(204);
    world.visitor(&binding, "oVISITOR-fast").text("hi").await;
    let calls = world.sim_get("/sim/calls").await;
    assert_eq!(calls.body["total"], 0, "{}", calls.raw);
}

// ------------------------------------------------------------------------------------------- the check of the callback

#[tokio::test]
async fn valid_callback_check_returns_the_echo_and_verifies_the_binding() {
    let world = World::start().await;
    world.clock.set("2024-04-25T09:15:04Z".parse().unwrap());
    // The example, AppID and key of WeChat's page on message push.
    let bound = json!({
        "name": "a", "app_id": "wxba5fad812f8e6fb9", "app_secret": "s3cret", "token": "AAAAA",
        "encoding_aes_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    });
    let bound = world.post("/api/bindings", &bound).await.expect(201);
    assert_eq!(bound.body["status"], "unverified");
    let query = [
        ("signature", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("echostr", "4375120948345356249"),
        ("timestamp", "1714036504"),
        ("nonce", "1514711492"),
    ];
    let answer = world.check(&bound.text("callback_url"), &query).await.expect(200);
    assert_eq!(answer.raw, "4375120948345356249");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let shown = world.get("/api/bindings/wxba5fad812f8e6fb9").await.expect(200);
    assert_eq!(shown.body["status"], "verified");
    assert_eq!(shown.body["verified_at"], "2024-04-25T09:15:04Z");

    // The page's JSON example, of the next day.
    world.advance(1_714_112_445 - 1_714_036_504);
    let encrypt = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
    let push = Push {
        url: bound.text("callback_url"),
        content_type: "application/json".to_owned(),
        query: [
            ("timestamp", "1714112445"),
            ("nonce", "415670741"),
            ("encrypt_type", "aes"),
            ("msg_signature", "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        body: json!({ "ToUserName": "gh_97417a04a28d", "Encrypt": encrypt }).to_string().into_bytes(),
    };
    is_success(&world.deliver(&push).await);
    let kept = world.list("/api/bindings/wxba5fad812f8e6fb9/visitors/o9AgO5Kd5ggOC-bXrbNODIiE3bGY/messages").await;
    assert_eq!((kept.len(), &kept[0]["event"]["event"]), (1, &json!("debug_demo")));
}

#[tokio::test]
async fn console_submission_verifies_the_binding() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    assert_eq!(world.get(&format!("/api/bindings/{APP}")).await.body["status"], "verified");
    let (echo, timestamp) = ("0aZ9", world.now().as_second().to_string());
    let signature = sign(&[&binding.token, &timestamp, "2"]);
    let query =
        [("signature", signature.as_str()), ("timestamp", timestamp.as_str()), ("nonce", "2"), ("echostr", echo)];
    let answer = world.check(&binding.callback_url, &query).await.expect(200);
    assert_eq!(answer.raw, echo, "byte for byte");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "it is not interpreted as HTML");
}

// ------------------------------------------------------------------------------------------- changes of token and key

const NEW_KEY: &str = "NEWkeyNEWkeyNEWkeyNEWkeyNEWkeyNEWkeyNEWkey0";

async fn change(world: &World, change: Value) {
    world.patch(&format!("/api/bindings/{APP}"), &change).await.expect(200);
}

fn text_push(binding: &Binding, number: u64) -> Push {
    Push::new(binding, &text_document("oVISITOR-keys", 1_772_438_400, number, &number.to_string()))
}

#[tokio::test]
async fn new_key_works_at_once_and_the_previous_one_is_still_accepted() {
    let world = World::start().await;
    let old = world.bind(APP).await;
    is_success(&world.deliver(&text_push(&old, 1)).await);

    let new = Binding { key: NEW_KEY.to_owned(), ..old.clone() };
    let refused = world.deliver(&text_push(&new, 2)).await;
    assert_eq!(refused.status, 403, "not before it is set");
    change(&world, json!({ "encoding_aes_key": NEW_KEY })).await;
    // The function is warm and its cache is valid.
    is_success(&world.deliver(&text_push(&new, 2)).await);
    is_success(&world.deliver(&text_push(&old, 3)).await);
    world.bundle.end_environments().await;
    is_success(&world.deliver(&text_push(&old, 4)).await);
    is_success(&world.deliver(&text_push(&new, 5)).await);
    assert_eq!(world.visitor(&old, "oVISITOR-keys").messages().await.len(), 5);

    // The key before the previous one is refused.
    change(&world, json!({ "encoding_aes_key": "THIRDkeyTHIRDkeyTHIRDkeyTHIRDkeyTHIRDkey000" })).await;
    world.bundle.end_environments().await;
    assert_eq!(world.deliver(&text_push(&old, 6)).await.status, 403);
    is_success(&world.deliver(&text_push(&new, 7)).await);
}

#[tokio::test]
async fn new_token_works_at_once_and_the_old_one_is_refused() {
    let world = World::start().await;
    let old = world.bind(APP).await;
    is_success(&world.deliver(&text_push(&old, 1)).await);
    let new = Binding { token: "NEWtoken2026".to_owned(), ..old.clone() };
    change(&world, json!({ "token": "NEWtoken2026" })).await;
    assert_eq!(
        world.get(&format!("/api/bindings/{APP}")).await.body["status"],
        "unverified",
        "WeChat has to check it again"
    );
    is_success(&world.deliver(&text_push(&new, 2)).await);
    assert_eq!(world.deliver(&text_push(&old, 3)).await.status, 403);
    assert_eq!(world.visitor(&old, "oVISITOR-keys").messages().await.len(), 2);
}

#[tokio::test]
async fn deleted_binding_receives_nothing_after_a_minute() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    is_success(&world.deliver(&text_push(&binding, 1)).await);
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    world.advance(61);
    assert_eq!(world.deliver(&text_push(&binding, 2)).await.status, 403);
    assert_eq!(world.items("inbound").await.len(), 1, "what was said before is kept");
}
