//! The OpenAPI description. `support/openapi.rs` validates every answer against it.

use serde_json::{Value, json};

use crate::service_desk::APP;
use crate::support::World;

#[tokio::test]
async fn every_outcome_of_a_simulation_is_described() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let schema = &described["components"]["schemas"]["Simulated"];
    let simulated = async |outcome: &str| {
        let asked = json!({ "app_id": APP, "session_from": "sobot|||", "text": "转人工" });
        let simulation = world.post("/api/routing/simulate", &asked).await.expect(200).body;
        assert!(simulation["outcome"].get(outcome).is_some(), "{outcome}: {simulation}");
    };
    simulated("assign").await;
    world.set_status(&desk.agent, "busy").await;
    simulated("queue").await;
    world.set_status(&desk.agent, "offline").await;
    simulated("leave_message").await;
    world.update("groups", &desk.group, &json!({ "after_hours": "robot" })).await;
    simulated("robot").await;

    let outcome = schema["properties"]["outcome"]["oneOf"].as_array().unwrap();
    assert_eq!(outcome.len(), 2, "{outcome:?}");
    assert!(outcome.contains(&json!({ "type": "null" })), "the conversation may stay unassigned");
    assert!(outcome.iter().any(|variant| variant["$ref"] == "#/components/schemas/Outcome"), "{outcome:?}");
    let outcomes = &described["components"]["schemas"]["Outcome"]["oneOf"];
    assert_eq!(outcomes.as_array().unwrap().len(), 4, "{outcomes}");
}

#[tokio::test]
async fn description_has_no_empty_required_list() {
    fn empty(value: &Value) -> usize {
        let here = usize::from(value.get("required") == Some(&json!([])));
        let below: usize = match value {
            Value::Object(members) => members.values().map(empty).sum(),
            Value::Array(items) => items.iter().map(empty).sum(),
            _ => 0,
        };
        here + below
    }
    let world = World::start().await;
    assert_eq!(empty(&world.get("/api/openapi.json").await.expect(200).body), 0);
}

#[tokio::test]
async fn description_explains_the_session_from_signature() {
    let world = World::start().await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let words = &described["paths"]["/api/bindings/{app_id}/session-from-secret"]["post"]["description"];
    let words = words.as_str().unwrap();
    for part in ["HMAC-SHA-256", "base64url without padding", "kefu.session-from.v1\\n", "24 hours", "5 minutes"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}
