//! Answers match the OpenAPI description.

use serde_json::{Value, json};

use crate::service_desk::APP;
use crate::support::World;

/// The paths of a value that its schema does not describe.
fn undescribed(all: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = all.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return undescribed(all, schema, value, at);
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        let found = variants.iter().map(|variant| undescribed(all, variant, value, at));
        return found.min_by_key(Vec::len).unwrap_or_default();
    }
    match value {
        Value::Object(members) => {
            let known = schema["properties"].as_object();
            let of =
                |name: &str| known.and_then(|known| known.get(name)).or_else(|| schema.get("additionalProperties"));
            let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing =
                missing.filter(|name| !members.contains_key(*name)).map(|name| format!("{at}.{name} missing"));
            let below = members.iter().flat_map(|(name, value)| {
                let at = format!("{at}.{name}");
                match of(name).filter(|schema| schema.is_object()) {
                    Some(schema) => undescribed(all, schema, value, &at),
                    None => vec![at],
                }
            });
            missing.chain(below).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| undescribed(all, &schema["items"], item, &format!("{at}[{index}]")))
            .collect(),
        Value::Null => {
            let may_be_null = schema["type"] == "null"
                || schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
            if may_be_null { Vec::new() } else { vec![format!("{at} is null")] }
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn simulation_answers_match_the_description() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let schema = &described["components"]["schemas"]["Simulated"];
    let simulated = async |outcome: &str| {
        let asked = json!({ "app_id": APP, "session_from": "sobot|||", "text": "转人工" });
        let simulation = world.post("/api/routing/simulate", &asked).await.expect(200).body;
        assert!(simulation["outcome"].get(outcome).is_some(), "{outcome}: {simulation}");
        assert_eq!(undescribed(&described, schema, &simulation, ""), [""; 0], "{simulation}");
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
async fn settings_answers_match_the_description() {
    let world = World::start().await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let group = world.group(&[]).await;
    for (kind, schema, settings) in [
        ("calendars", "Calendar", json!({ "name": "上班", "aliases": ["work"] })),
        ("groups", "Group", json!({ "name": "组" })),
        ("robots", "Robot", json!({ "name": "小助手", "kind": "faq" })),
        ("merchants", "Merchant", json!({ "name": "店", "customer_code": "C-1", "group_id": group })),
    ] {
        let made = world.post(&format!("/api/{kind}"), &settings).await.expect(201).body;
        let schema = &described["components"]["schemas"][schema];
        assert_eq!(undescribed(&described, schema, &made, kind), [""; 0], "{made}");
    }
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
