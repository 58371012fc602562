//! Tests of the bundle through its endpoints: API Gateway, DynamoDB and Secrets Manager.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[cfg(unix)]
mod files;

use std::path::PathBuf;
use std::time::Instant;

use local::{Bundle, Fault, OWN_KEY, Options, Streams, TableFault};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

async fn start() -> Bundle {
    local::start(Options::default()).await.unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// Sends a request to the AWS endpoint with the access key of `caller`.
async fn aws(bundle: &Bundle, caller: &str, target: &str, body: &Value) -> Result<(StatusCode, Value), reqwest::Error> {
    let signature =
        "AWS4-HMAC-SHA256 Credential={}/20261122/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let answer = client()
        .post(bundle.aws_url())
        .header("x-amz-target", target)
        .header("x-amz-date", "20261122T150000Z")
        .header("authorization", signature.replace("{}", &bundle.access_key(caller)))
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
        .send()
        .await?;
    let status = answer.status();
    Ok((status, serde_json::from_str(&answer.text().await?).unwrap()))
}

async fn dynamodb(bundle: &Bundle, caller: &str, operation: &str, body: Value) -> (StatusCode, Value) {
    aws(bundle, caller, &format!("DynamoDB_20120810.{operation}"), &body).await.unwrap()
}

fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": "1"}})
}

fn put(pk: &str) -> Value {
    json!({"TableName": "kefu-Table", "Item": key(pk)})
}

fn get(pk: &str) -> Value {
    json!({"TableName": "kefu-Table", "Key": key(pk)})
}

async fn secret(bundle: &Bundle, caller: &str, stage: &str) -> (StatusCode, Value) {
    let arn = &bundle.template().secrets["MasterSecret"].arn;
    let body = json!({"SecretId": arn, "VersionStage": stage});
    aws(bundle, caller, "secretsmanager.GetSecretValue", &body).await.unwrap()
}

/// A new empty folder.
fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("kefu-local-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    directory
}

#[tokio::test]
async fn request_without_an_allowing_statement_is_denied() {
    let bundle = start().await;
    let (status, answer) = dynamodb(&bundle, "MessageIngress", "PutItem", put("binding#a")).await;
    assert_eq!(status, 400);
    assert_eq!(answer["__type"], "com.amazon.coral.service#AccessDeniedException");
    assert_eq!(
        answer["Message"],
        "User: arn:aws:sts::000000000000:assumed-role/kefu-MessageIngressRole/kefu-MessageIngress is not authorized to \
         perform: dynamodb:PutItem on resource: arn:aws:dynamodb:local:000000000000:table/kefu-Table because no \
         identity-based policy allows the dynamodb:PutItem action"
    );
    assert_eq!(dynamodb(&bundle, "MessageIngress", "PutItem", put("thread#a#b")).await.0, 200);
    assert_eq!(dynamodb(&bundle, "MessageIngress", "GetItem", get("thread#a#b")).await.0, 400);
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("thread#a#b")).await.1["Item"], key("thread#a#b"));
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("binding#a")).await.1, json!({}), "nothing was written");

    let member = |kind: &str, field: &str| json!({kind: {"TableName": "kefu-Table", field: key("binding#a")}});
    let transaction = json!({"TransactItems": [member("Put", "Item")]});
    assert_eq!(dynamodb(&bundle, "MessageIngress", "TransactWriteItems", transaction).await.0, 400);

    let query = |index: &str| {
        json!({
            "TableName": "kefu-Table", "IndexName": index, "KeyConditionExpression": "#k = :v",
            "ExpressionAttributeNames": {"#k": format!("{index}_pk")}, "ExpressionAttributeValues": {":v": {"S": "bindings"}},
        })
    };
    assert_eq!(dynamodb(&bundle, "DeskApi", "Query", query("lists")).await.0, 200);
    assert_eq!(dynamodb(&bundle, "MessageIngress", "Query", query("lists")).await.0, 400);

    let (status, answer) = dynamodb(&bundle, "Nobody", "GetItem", get("a")).await;
    assert_eq!(
        (status, &answer["__type"]),
        (StatusCode::BAD_REQUEST, &json!("com.amazon.coral.service#UnrecognizedClientException"))
    );

    let count =
        |operation: &str| bundle.request_counts().get(&("MessageIngress".to_owned(), operation.to_owned())).copied();
    assert_eq!(count("PutItem"), Some(1), "denied requests are not counted");
}

#[tokio::test]
async fn rotated_secret_has_a_current_and_a_previous_version() {
    let bundle = start().await;
    let (status, first) = secret(&bundle, "Reception", "AWSCURRENT").await;
    assert_eq!((status, first["SecretString"].as_str().unwrap().len()), (StatusCode::OK, 64));
    let (status, answer) = secret(&bundle, "Reception", "AWSPREVIOUS").await;
    assert_eq!((status, &answer["__type"]), (StatusCode::BAD_REQUEST, &json!("ResourceNotFoundException")));
    let (status, answer) = secret(&bundle, "Access", "AWSCURRENT").await;
    assert_eq!((status, &answer["__type"]), (StatusCode::BAD_REQUEST, &json!("AccessDeniedException")));

    bundle.rotate_secret("MasterSecret").unwrap();
    let (_, previous) = secret(&bundle, "Reception", "AWSPREVIOUS").await;
    let (_, current) = secret(&bundle, "Reception", "AWSCURRENT").await;
    assert_eq!(previous["SecretString"], first["SecretString"]);
    assert_ne!(current["SecretString"], first["SecretString"]);
}

#[tokio::test]
async fn fault_applies_to_the_matching_request() {
    let bundle = start().await;
    let faults = bundle.table_faults();
    faults.add(TableFault::new(Fault::ThrottleTable).operation("PutItem"));
    let (status, answer) = dynamodb(&bundle, OWN_KEY, "PutItem", put("a")).await;
    assert_eq!(status, 400);
    assert!(answer["__type"].as_str().unwrap().ends_with("#ProvisionedThroughputExceededException"), "{answer}");

    faults.add(TableFault::new(Fault::InternalError));
    assert_eq!(dynamodb(&bundle, OWN_KEY, "PutItem", put("a")).await.0, 500);

    let target = "DynamoDB_20120810.PutItem";
    faults.add(TableFault::new(Fault::CloseBefore));
    aws(&bundle, OWN_KEY, target, &put("a")).await.unwrap_err();
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("a")).await.1, json!({}));

    faults.add(TableFault::new(Fault::CloseAfter));
    aws(&bundle, OWN_KEY, target, &put("a")).await.unwrap_err();
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("a")).await.1["Item"], key("a"));
    assert_eq!(faults.left(), 0);
}

#[tokio::test]
async fn gateway_refuses_requests_as_api_gateway_does() {
    let bundle = start().await;
    let send = async |method: Method, path: &str, token: Option<&str>, body: Vec<u8>| {
        let mut request = client().request(method, format!("{}{path}", bundle.api_url())).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let message = |status: u16, text: &str| (status, format!(r#"{{"message":"{text}"}}"#));
    assert_eq!(send(Method::POST, "/nowhere", None, Vec::new()).await, message(404, "Not Found"));
    assert_eq!(send(Method::DELETE, "/callback/wx1", None, Vec::new()).await, message(404, "Not Found"));
    assert_eq!(send(Method::GET, "/api/bindings", None, Vec::new()).await, message(401, "Unauthorized"));
    assert_eq!(send(Method::GET, "/%61pi%2Fbindings", None, Vec::new()).await, message(401, "Unauthorized"));
    assert_eq!(send(Method::GET, "/api/%FF", None, Vec::new()).await, message(400, "Bad Request"));
    assert_eq!(send(Method::GET, "/api/bindings", Some("wrong"), Vec::new()).await, message(403, "Forbidden"));
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    assert_eq!(send(Method::POST, "/callback/wx1", None, large).await, message(413, "Request Entity Too Large"));

    let (status, body) = send(Method::GET, "/api/bindings", Some(bundle.admin_token()), Vec::new()).await;
    assert_eq!((status, &serde_json::from_str::<Value>(&body).unwrap()["items"]), (200, &json!([])));
    bundle.kill_next("DeskApi", 0).unwrap();
    let answer = send(Method::GET, "/api/bindings", Some(bundle.admin_token()), Vec::new()).await;
    assert_eq!(answer, message(500, "Internal Server Error"));
    assert_eq!(bundle.kills("DeskApi"), Ok(1));
}

#[tokio::test]
async fn data_survives_a_restart() {
    let directory = directory("restart");
    let options = |fresh| Options { data: Some(directory.clone()), fresh, ..Options::default() };
    let bundle = local::start(options(false)).await.unwrap();
    dynamodb(&bundle, OWN_KEY, "PutItem", put("a")).await;
    let (_, before) = secret(&bundle, OWN_KEY, "AWSCURRENT").await;
    let token = bundle.admin_token().to_owned();
    bundle.shutdown().await;

    let bundle = local::start(options(false)).await.unwrap();
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("a")).await.1["Item"], key("a"));
    assert_eq!(secret(&bundle, OWN_KEY, "AWSCURRENT").await.1, before);
    assert_eq!(bundle.admin_token(), token);
    bundle.shutdown().await;

    std::fs::write(directory.join("notes.txt"), "mine").unwrap();
    let bundle = local::start(options(true)).await.unwrap();
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("a")).await.1, json!({}));
    assert_ne!(secret(&bundle, OWN_KEY, "AWSCURRENT").await.1, before);
    assert_ne!(bundle.admin_token(), token);
    assert!(directory.join("notes.txt").exists(), "only our own files are thrown away");
    bundle.shutdown().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn moved_clock_survives_a_restart_and_ends_items_in_a_file() {
    let directory = directory("clock");
    let options = || Options { data: Some(directory.clone()), ..Options::default() };
    let bundle = local::start(options()).await.unwrap();
    let clock = format!("{}/sim/clock", bundle.phone_url().unwrap());
    let ttl = bundle.template().tables.values().next().unwrap().ttl.clone().unwrap();
    let hour = jiff::Timestamp::now().as_second() + 3600;
    let mut item = put("a");
    item["Item"][&ttl] = json!({ "N": hour.to_string() });
    dynamodb(&bundle, OWN_KEY, "PutItem", item).await;
    let moved = client().put(&clock).json(&json!({ "offset_seconds": 7200 })).send().await.unwrap();
    assert_eq!(moved.status(), 200);
    assert_eq!(dynamodb(&bundle, OWN_KEY, "GetItem", get("a")).await.1, json!({}), "it has expired");
    bundle.shutdown().await;

    let bundle = local::start(options()).await.unwrap();
    let clock = format!("{}/sim/clock", bundle.phone_url().unwrap());
    let shown: Value = client().get(&clock).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["offset_seconds"], 7200);
    bundle.shutdown().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// The last message of the demo mini program after an action of a visitor.
async fn demo_reply(bundle: &Bundle, openid: &str, act: &str, mut body: Value) -> String {
    let visitor = format!("{}/sim/visitors/{openid}", bundle.phone_url().unwrap());
    body["app_id"] = json!("wxde30000000000001");
    let answer = client().post(format!("{visitor}/{act}")).json(&body).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["delivered"], true);
    bundle.drain_streams().await.unwrap();
    let shown = client().get(format!("{visitor}/messages?app_id=wxde30000000000001")).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    shown["items"].as_array().unwrap().last().unwrap()["text"]["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn demo_robot_answers_its_questions_and_sends_the_automatic_reply_otherwise() {
    let directory = directory("demo");
    let options =
        || Options { demo: true, streams: Streams::Manual, data: Some(directory.clone()), ..Options::default() };
    local::start(options()).await.unwrap().shutdown().await;

    // The second start finds the existing records.
    let bundle = local::start(options()).await.unwrap();
    let robots = client().get(format!("{}/api/robots", bundle.api_url())).bearer_auth(bundle.admin_token());
    let robots: Value = robots.send().await.unwrap().json().await.unwrap();
    assert_eq!(robots["items"].as_array().unwrap().len(), 1, "{robots}");

    let text = |text: &str| json!({ "content": text });
    assert!(demo_reply(&bundle, "oENTERS", "enter", json!({})).await.contains("您可以问我"));
    for (number, (question, answer)) in [
        ("几天能到？", "48 小时内发货"),
        ("你们家包邮吗", "满 99 元包邮"),
        ("我不想要了，可以退货吗？", "7 天内"),
        ("能开发票吗", "申请发票"),
        ("开封了怎么保存", "30 天内用完"),
        ("我的快递到哪了", "查看物流"),
        ("在吗", "已收到您的消息。"),
        ("桌面", "已收到您的消息。"),
        ("你好，这件还有货吗？😀", "已收到您的消息。"),
        ("转人工", "没有客服在线"),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = demo_reply(&bundle, &format!("oDEMO-{number}"), "text", text(question)).await;
        assert!(reply.contains(answer), "{question}: {reply}");
    }
    // The card of the demo's page.
    let card = json!({ "title": "云南小粒咖啡豆 250 克", "page_path": "pages/item/item?id=7" });
    let reply = demo_reply(&bundle, "oDEMO-card", "card", card).await;
    assert!(reply.contains("已收到您的消息。"), "{reply}");
    bundle.shutdown().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn error_for_an_occupied_port_names_it() {
    let occupied = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = occupied.local_addr().unwrap().port();
    let error = local::start(Options { port, ..Options::default() }).await.unwrap_err().to_string();
    assert!(error.contains(&format!("port {port}")) && error.contains("--port"), "{error}");
}

#[tokio::test]
async fn bundles_share_no_data() {
    let begun = Instant::now();
    let bundles = futures_util::future::join_all((0..20).map(|_| start())).await;
    println!("20 bundles in {:?}", begun.elapsed());
    dynamodb(&bundles[0], OWN_KEY, "PutItem", put("a")).await;
    assert_eq!(dynamodb(&bundles[1], OWN_KEY, "GetItem", get("a")).await.1, json!({}));
    assert_ne!(bundles[0].admin_token(), bundles[1].admin_token());
    assert_ne!(secret(&bundles[0], OWN_KEY, "AWSCURRENT").await.1, secret(&bundles[1], OWN_KEY, "AWSCURRENT").await.1);
}
