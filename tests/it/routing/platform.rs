//! A platform's mini program, whose merchants have groups of their own (`platform_action`).

use serde_json::{Value, json};

use super::session_from::{sobot, to_group};
use crate::shop::with;
use crate::support::World;

/// A `platform_action` with this merchant and this group of the main account.
pub(super) fn platform(code: &str, flow: Option<&str>) -> Value {
    match flow {
        Some(flow) => json!({ "customerCode": code, "flowGroupId": flow }),
        None => json!({ "customerCode": code }),
    }
}

#[tokio::test]
async fn a_merchants_visitors_go_to_its_group_and_overflow_to_the_main_account() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let clerk = world.agent("店员", 1).await;
    let store = world.group(&[&clerk]).await;
    let main = world.agent("平台客服", 5).await;
    let main_group = world.make("groups", &json!({ "name": "平台", "members": [main], "aliases": ["flow-1"] })).await;
    let merchant = json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store });
    world.make("merchants", &merchant).await;

    let entering = |code, flow| sobot(&[("platform_action", platform(code, flow))]);
    let visits = async |openid: &str, entering: &str| {
        let visitor = shop.visitor(&world, openid);
        visitor.comes(entering).await;
        visitor.says("在吗").await;
        visitor.with_whom().await
    };
    assert_eq!(visits("o-1", &entering("C-001", Some("flow-1"))).await, with(&clerk));
    // The clerk is busy now.
    assert_eq!(visits("o-2", &entering("C-001", Some("flow-1"))).await, with(&main));
    assert_eq!(visits("o-3", &entering("C-001", Some(&main_group))).await, with(&main));
    assert_eq!(
        visits("o-4", &entering("C-001", None)).await,
        ("queued".to_owned(), None),
        "there is nowhere to overflow to"
    );
    // A merchant nobody knows: the main account's group if it was named, or else the binding's.
    assert_eq!(visits("o-5", &entering("C-999", Some("flow-1"))).await, with(&main));
    assert_eq!(visits("o-6", &entering("C-999", None)).await, with(&shop.agent));

    let profile = world.get(&format!("/api/bindings/{}/visitors/o-1", shop.binding.app_id)).await.expect(200).body;
    assert_eq!(profile["customer_code"], "C-001", "{profile}");
}

#[tokio::test]
async fn transfer_action_wins_over_platform_action() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let (clerk, vip) = (world.agent("店员", 5).await, world.agent("大客户经理", 5).await);
    let (store, vips) = (world.group(&[&clerk]).await, world.group(&[&vip]).await);
    world.make("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store })).await;
    let visitor = shop.visitor(&world, "o-1");
    let both = [("platform_action", platform("C-001", None)), ("transfer_action", json!([to_group(&vips)]))];
    visitor.comes(&sobot(&both)).await;
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&vip));
}
