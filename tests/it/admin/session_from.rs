//! The `session-from` builder writes only what routing understands.

use serde_json::{Value, json};

use crate::open_conversation::{fields, problem};
use crate::service_desk::APP;
use crate::support::{Answer, World};

async fn built(world: &World, levels: &Value) -> Answer {
    world.post("/api/session-from/build", &json!({ "transfer_action": levels })).await
}

#[tokio::test]
async fn build_refuses_an_invalid_level_and_names_its_field() {
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
        ("deci_id", json!(null)),
        ("deci_id", json!("")),
        ("deci_id", json!("  ")),
        ("colour", json!("blue")),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        let answer = built(&world, &json!([right, wrong])).await;
        assert_eq!(problem(&answer).0, 422, "{wrong}: {}", answer.raw);
        assert_eq!(fields(&answer), [format!("transfer_action[1].{field}")], "{wrong}: {}", answer.raw);
    }
    let mut without = right.clone();
    without.as_object_mut().unwrap().remove("deci_id");
    let answer = built(&world, &json!([without])).await;
    assert_eq!((problem(&answer).0, fields(&answer)), (422, vec!["transfer_action[0].deci_id"]), "{}", answer.raw);
    for (field, action) in [
        ("customer_code", json!({ "customer_code": " ", "flow_group_id": "g" })),
        ("flow_group_id", json!({ "customer_code": "shop-7", "flow_group_id": "　" })),
    ] {
        let answer = world.post("/api/session-from/build", &json!({ "platform_action": action })).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![format!("platform_action.{field}").as_str()]));
    }
    let empty = built(&world, &json!([{}])).await;
    assert_eq!((problem(&empty).0, fields(&empty)), (422, vec!["transfer_action[0]"]));
}

#[tokio::test]
async fn build_accepts_numbers_and_strings_alike() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let vip = world.agent("大客户经理", 5).await;
    world.create("groups", &json!({ "name": "大客户", "members": [vip], "aliases": ["77"] })).await;
    let texts = json!([{ "action_type": "to_group", "deci_id": "77", "option_id": "3", "spill_id": "4" }]);
    let numbers = json!([{ "action_type": "to_group", "deci_id": 77, "option_id": 3, "spill_id": 4 }]);
    let text = built(&world, &texts).await.expect(200).text("text");
    assert_eq!(built(&world, &numbers).await.expect(200).text("text"), text);
    let asked = json!({ "app_id": APP, "session_from": text, "text": "在吗" });
    let simulation = world.post("/api/routing/simulate", &asked).await.expect(200).body;
    assert_eq!(
        (&simulation["warnings"], &simulation["outcome"]["assign"]["agents"]),
        (&json!([]), &json!([vip])),
        "{simulation}"
    );
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&text).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(vip.as_str()));
}
