//! What the builder writes, the routing follows; what it could not follow is not written.

use serde_json::{Value, json};

use crate::desk::{fields, problem};
use crate::shop::APP;
use crate::support::{Answer, World};

async fn built(world: &World, levels: &Value) -> Answer {
    world.post("/api/session-from/build", &json!({ "transfer_action": levels })).await
}

#[tokio::test]
async fn a_level_that_means_nothing_is_refused_where_it_stands() {
    let world = World::start().await;
    let right = json!({ "action_type": "to_group", "deci_id": "g", "option_id": "3", "spill_id": "7" });
    for (field, value) in [
        ("action_type", json!("to_grp")),
        ("action_type", json!("")),
        ("action_type", json!(null)),
        ("action_type", json!(1)),
        ("option_id", json!("9")),
        ("option_id", json!("0")),
        ("option_id", json!("5")),
        ("option_id", json!("03")),
        ("option_id", json!(5)),
        ("option_id", json!(-1)),
        ("option_id", json!(3.0)),
        ("option_id", json!(true)),
        ("spill_id", json!("8")),
        ("spill_id", json!("any")),
        ("spill_id", json!(0)),
        ("spill_id", json!(8)),
        ("deci_id", json!([])),
        ("colour", json!("blue")),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        let answer = built(&world, &json!([right, wrong])).await;
        assert_eq!(problem(&answer).0, 422, "{wrong}: {}", answer.raw);
        assert_eq!(fields(&answer), [format!("transfer_action[1].{field}")], "{wrong}: {}", answer.raw);
    }
    let empty = built(&world, &json!([{}])).await;
    assert_eq!((problem(&empty).0, fields(&empty)), (422, vec!["transfer_action[0]"]));
}

#[tokio::test]
async fn numbers_and_texts_are_written_alike_and_routed() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let vip = world.agent("大客户经理", 5).await;
    world.make("groups", &json!({ "name": "大客户", "members": [vip], "aliases": ["77"] })).await;
    let texts = json!([{ "action_type": "to_group", "deci_id": "77", "option_id": "3", "spill_id": "4" }]);
    let numbers = json!([{ "action_type": "to_group", "deci_id": 77, "option_id": 3, "spill_id": 4 }]);
    let text = built(&world, &texts).await.expect(200).text("text");
    assert_eq!(built(&world, &numbers).await.expect(200).text("text"), text);
    let asked = json!({ "app_id": APP, "session_from": text, "text": "在吗" });
    let told = world.post("/api/routing/simulate", &asked).await.expect(200).body;
    assert_eq!((&told["warnings"], &told["outcome"]["assign"]["agents"]), (&json!([]), &json!([vip])), "{told}");
    let visitor = shop.visitor(&world, "o-1");
    visitor.comes(&text).await;
    visitor.says("在吗").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(vip.as_str()));
}
