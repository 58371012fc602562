//! Requests that a page of another site makes the developer's browser send to the servers of the bundle, and those of other users
//! of the machine.

use local::OWN_KEY;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{ADMIN, StubServer, TABLE, World};

const APP: &str = "wx00000000000000a1";

/// The content type of an AWS SDK.
const AWS_JSON: &str = "application/x-amz-json-1.0";

/// A request that would write itself an admin token into the table, with this access key and content type.
fn write_token(world: &World, access_key: &str, content_type: &str) -> RequestBuilder {
    let item = json!({ "pk": { "S": "access#planted" }, "sk": { "S": "access" }, "kind": { "S": "access" } });
    let signature = format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/20260302/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = world.client().post(world.bundle.aws_url()).header("x-amz-target", "DynamoDB_20120810.PutItem");
    let request = request.header("authorization", signature).header("content-type", content_type);
    request.body(json!({ "TableName": TABLE, "Item": item }).to_string())
}

/// The headers of requests that are refused: of a `fetch` and a form of another site, of a page on another port, of a page in a
/// sandbox, and of a page whose host name leads to 127.0.0.1.
fn of_foreign_pages(url: &str) -> Vec<Vec<(&'static str, String)>> {
    let port = url.rsplit(':').next().unwrap();
    let header = |name, value: &str| (name, value.to_owned());
    vec![
        vec![header("origin", "https://evil.example"), header("sec-fetch-site", "cross-site")],
        vec![header("origin", "https://evil.example")],
        vec![header("sec-fetch-site", "cross-site"), header("sec-fetch-mode", "no-cors")],
        vec![header("origin", "http://localhost:1"), header("sec-fetch-site", "same-site")],
        vec![header("origin", "null")],
        vec![header("host", &format!("rebound.example:{port}")), header("sec-fetch-site", "same-origin")],
    ]
}

#[tokio::test]
async fn request_of_another_sites_page_is_refused_by_every_server() {
    let world = World::start().await;
    let (api, wechat, aws) =
        (world.bundle.api_url(), world.bundle.wechat_url().to_owned(), world.bundle.aws_url().to_owned());
    let mini_program = json!({ "app_id": APP, "app_secret": "0123456789abcdef0123456789abcdef" });
    for (url, expected) in [(api.clone(), 403), (wechat.clone(), 403), (aws.clone(), 400)] {
        for headers in of_foreign_pages(&url) {
            let mut request = if url == aws {
                write_token(&world, &world.bundle.access_key(OWN_KEY), AWS_JSON)
            } else if url == wechat {
                world.client().post(format!("{url}/sim/mini-programs")).json(&mini_program)
            } else {
                let token = json!({ "role": "admin", "name": "planted" });
                world.client().post(format!("{url}/api/access-tokens")).bearer_auth(ADMIN).json(&token)
            };
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{url} {headers:?}");
            assert_eq!(answer.headers().get("access-control-allow-origin"), None, "{url} {headers:?}");
        }
        // A browser asks before it sends JSON or an access key.
        let preflight = world.client().request(Method::OPTIONS, &url).header("origin", "https://evil.example");
        let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(preflight.headers().get("access-control-allow-origin"), None, "{url}");
        assert!(!preflight.status().is_success(), "{url}");
    }
    assert_eq!(world.items("access").await, Vec::<Value>::new());
    assert_eq!(world.sim_get("/sim/mini-programs").await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn own_page_and_followed_link_are_let_through() {
    let world = World::start().await;
    let wechat = world.bundle.wechat_url();
    for headers in [
        vec![("origin", wechat), ("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
    ] {
        let mut request = world.client().get(wechat);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200, "{headers:?}");
    }
}

#[tokio::test]
async fn table_needs_the_access_key_of_this_start() {
    let (world, other) = (World::start().await, World::start().await);
    let own = world.bundle.access_key(OWN_KEY);
    let of_another_start = other.bundle.access_key(OWN_KEY);
    for key in [OWN_KEY, "", "AKIAIOSFODNN7EXAMPLE", &of_another_start, &own[..own.len() - 1], &own.to_lowercase()] {
        let answer = write_token(&world, key, AWS_JSON).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(status == 400 && text.contains("UnrecognizedClientException"), "{key}: {status} {text}");
    }
    // A page can send this content type without being asked first.
    let plain = write_token(&world, &own, "text/plain").send().await.unwrap();
    assert_eq!(plain.status(), 400);
    assert_eq!(world.items("access").await, Vec::<Value>::new());
    assert_eq!(write_token(&world, &own, AWS_JSON).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn change_in_the_console_that_is_not_json_is_refused() {
    let world = World::start().await;
    let body = json!({ "app_id": APP, "app_secret": "0123456789abcdef0123456789abcdef" }).to_string();
    let url = format!("{}/sim/mini-programs", world.bundle.wechat_url());
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let answer = world.client().post(&url).header("content-type", kind).body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 415, "{kind}");
    }
    let answer = world.client().put(url.replace("mini-programs", "settings")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 415);
    let answer = world.client().post(&url).header("content-type", "application/json; charset=utf-8").body(body);
    assert_eq!(answer.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn console_calls_only_the_bundle() {
    let world = World::start().await;
    let elsewhere = StubServer::start().await;
    let port = world.bundle.api_url().rsplit(':').next().unwrap().to_owned();
    let secret = "0123456789abcdef0123456789abcdef";
    for url in [
        format!("{}/callback", elsewhere.url),
        format!("https://127.0.0.1:{port}/callback/{APP}"),
        format!("http://127.0.0.2:{port}/callback/{APP}"),
        format!("http://127.0.0.1:{port}@{}/callback", elsewhere.url.trim_start_matches("http://")),
        world.bundle.wechat_url().to_owned(),
        world.bundle.aws_url().to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        for check in [true, false] {
            let body = json!({
                "app_id": APP, "app_secret": secret, "callback_url": url, "token": "pamtest", "check": check,
                "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            });
            let answer = world.sim_post("/sim/mini-programs", &body).await;
            assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")), "{url}: {}", answer.raw);
        }
    }
    assert_eq!(elsewhere.requests().len(), 0);
}
