//! Agents read the profile of a visitor.

use reqwest::Method;
use serde_json::json;

use crate::open_conversation::problem;
use crate::service_desk::APP;
use crate::support::World;

#[tokio::test]
async fn agent_reads_the_visitors_profile() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor
        .enters(
            "sobot|小李||{\"page\":\"item\"}|unionid=u-1|partnerid=member-7|platform_action={\"customerCode\":\"C-1\"}\
             |customer_fields={\"level\":\"金卡\"}",
        )
        .await;
    visitor.writes("在吗").await;
    let agent = world.access_token("agent").await;
    let path = format!("/api/bindings/{APP}/visitors/o-1");
    let seen = world.call(Some(&agent), Method::GET, &path, None).await.expect(200).body;
    assert_eq!(seen, world.get(&path).await.expect(200).body);
    assert_eq!((&seen["params"], &seen["customer_fields"]), (&json!({ "page": "item" }), &json!({ "level": "金卡" })));
    assert_eq!((&seen["unionid"], &seen["customer_code"]), (&json!("u-1"), &json!("C-1")));

    for method in [Method::PUT, Method::POST] {
        let answer = world.call(Some(&agent), method.clone(), &path, Some(&json!({ "nickname": "x" }))).await;
        assert_eq!(problem(&answer).0, 405, "{method}");
    }
    let block = json!({ "blocked": { "reason": "x" } });
    assert_eq!(problem(&world.call(Some(&agent), Method::PATCH, &path, Some(&block)).await).0, 403);
    assert_eq!(problem(&world.call(Some(&agent), Method::DELETE, &path, None).await).0, 403);
    let messages = world.call(Some(&agent), Method::GET, &format!("{path}/messages"), None).await;
    assert_eq!(problem(&messages).0, 403);
    let binding = world.call(Some(&agent), Method::GET, &format!("/api/bindings/{APP}"), None).await;
    assert_eq!(problem(&binding).0, 403);
}

#[tokio::test]
async fn agent_does_not_see_the_session_from_signature() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "o-1");
    let sig = "gSLu8gH17bmc05fXy-p8LuKmVcTj433dTxa9sSzL-n8";
    visitor.enters(&format!("sobot|小李|||partnerid=member-7|ts=1767225600|sig={sig}")).await;
    visitor.writes("在吗").await;
    let path = format!("/api/bindings/{APP}/visitors/o-1");
    assert!(world.get(&path).await.expect(200).raw.contains(sig));
    let agent = world.access_token("agent").await;
    let seen = world.call(Some(&agent), Method::GET, &path, None).await.expect(200);
    assert!(!seen.raw.contains(sig), "{}", seen.raw);
    assert_eq!(seen.body["session_from"]["parsed"]["partnerid"], "member-7");
}
