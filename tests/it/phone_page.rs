//! What the phone's page sees of the bundle, and the workbench beside it.

use local::Schedules;
use reqwest::Method;
use serde_json::json;

use crate::support::World;

const APP: &str = "wx0000000000007201";

#[tokio::test]
async fn visitor_is_told_that_agents_are_online_only_while_they_are() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let agent = world.agent("小林", 1).await;
    let group = world.group(&[&agent]).await;
    let reception = async || {
        let path = format!("/sim/visitors/o-9/reception?app_id={APP}&session_from=item");
        world.sim_get(&path).await.expect(200).body["reception"].clone()
    };
    world.set_reception(&binding, json!({ "mode": "agents_only", "group_id": group })).await;
    world.heartbeat(&[&agent]).await;
    assert_eq!(reception().await, "online");
    world.visitor(&binding, "o-1").writes("在吗").await;
    assert_eq!(reception().await, "busy");
    world.set_status(&agent, "offline").await;
    assert_eq!(reception().await, "offline");
    assert_eq!(
        world.sim_get("/sim/visitors/o-9/reception?app_id=wx0000000000007299").await.body["reception"],
        json!(null)
    );
}

#[tokio::test]
async fn conversation_of_a_visitor_leads_to_the_workbench() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let of = async |openid: &str| {
        let path = format!("/sim/visitors/{openid}/conversation?app_id={APP}");
        world.sim_get(&path).await.expect(200).body["url"].clone()
    };
    assert_eq!(of("o-1").await, json!(format!("{}/desk/{}", world.bundle.api_url(), chat.cid)));
    assert_eq!(of("o-2").await, json!(null));
}

#[tokio::test]
async fn first_address_opens_the_page_that_may_show_the_workbench_in_a_frame() {
    let world = World::options(|options| {
        options.demo = true;
        options.schedules = Schedules::Manual;
        options.streams = local::Streams::Automatic;
    })
    .await;
    let phone = world.bundle.phone_url().unwrap();
    let address = world.bundle.start_url().await.unwrap();
    assert!(address.starts_with(&format!("{phone}/desk#sign-in=")), "{address}");
    let page = world.client().get(&address).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("frame-src 'self' {};", world.bundle.api_url())), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let console = async |dest: &str| {
        let request = world.client().get(world.bundle.api_url()).header("sec-fetch-site", "same-site");
        let answer = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", dest).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["content-security-policy"].to_str().unwrap().to_owned()
    };
    assert!(console("iframe").await.ends_with(&format!("frame-ancestors {phone}")));
    assert!(console("document").await.contains("frame-ancestors 'none'"), "alone it is as where it is deployed");
}

#[tokio::test]
async fn page_of_the_demo_sets_its_agent_online() {
    let world = World::options(|options| {
        options.demo = true;
        options.streams = local::Streams::Automatic;
    })
    .await;
    let agents = world.list("/api/agents").await;
    world.sim_call(Method::POST, "/sim/demo", &json!({})).await.expect(204);
    let id = agents[0]["id"].as_str().unwrap();
    let session = world.agent_session(id).await.0;
    let me = world.call(Some(&session), Method::GET, "/api/me", None).await.expect(200).body;
    assert_eq!(me["duty"]["status"], "online");
}
