//! `platform_action`: a platform's mini program whose merchants have their own groups.

use serde_json::{Value, json};

use super::session_from::{sobot, to_group};
use crate::service_desk::assigned_to;
use crate::support::World;

/// A `platform_action` with this merchant and this group of the main account.
pub(super) fn platform_action(code: &str, flow: Option<&str>) -> Value {
    match flow {
        Some(flow) => json!({ "customerCode": code, "flowGroupId": flow }),
        None => json!({ "customerCode": code }),
    }
}

#[tokio::test]
async fn platform_action_routes_to_the_merchant_and_overflows_to_the_main_account() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let clerk = world.agent("店员", 1).await;
    let store = world.group(&[&clerk]).await;
    let main = world.agent("平台客服", 5).await;
    let main_group = world.create("groups", &json!({ "name": "平台", "members": [main], "aliases": ["flow-1"] })).await;
    let merchant = json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store });
    world.create("merchants", &merchant).await;

    let entering = |code, flow| sobot(&[("platform_action", platform_action(code, flow))]);
    let visits = async |openid: &str, entering: &str| {
        let visitor = desk.visitor(&world, openid);
        visitor.enters(entering).await;
        visitor.writes("在吗").await;
        visitor.stage_and_agent().await
    };
    assert_eq!(visits("o-1", &entering("C-001", Some("flow-1"))).await, assigned_to(&clerk));
    // The clerk is at capacity now.
    assert_eq!(visits("o-2", &entering("C-001", Some("flow-1"))).await, assigned_to(&main));
    assert_eq!(visits("o-3", &entering("C-001", Some(&main_group))).await, assigned_to(&main));
    assert_eq!(visits("o-4", &entering("C-001", None)).await, ("queued".to_owned(), None), "no group to overflow to");
    // An unknown merchant: the main account's group if it is named, otherwise the binding's.
    assert_eq!(visits("o-5", &entering("C-999", Some("flow-1"))).await, assigned_to(&main));
    assert_eq!(visits("o-6", &entering("C-999", None)).await, assigned_to(&desk.agent));

    let profile = world.get(&format!("/api/bindings/{}/visitors/o-1", desk.binding.app_id)).await.expect(200).body;
    assert_eq!(profile["customer_code"], "C-001", "{profile}");
}

#[tokio::test]
async fn transfer_action_takes_precedence_over_platform_action() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (clerk, vip) = (world.agent("店员", 5).await, world.agent("大客户经理", 5).await);
    let (store, vips) = (world.group(&[&clerk]).await, world.group(&[&vip]).await);
    world.create("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store })).await;
    let visitor = desk.visitor(&world, "o-1");
    let both = [("platform_action", platform_action("C-001", None)), ("transfer_action", json!([to_group(&vips)]))];
    visitor.enters(&sobot(&both)).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&vip));
}
