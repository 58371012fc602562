//! Records in use cannot be deleted.

use serde_json::json;

use crate::open_conversation::problem;
use crate::service_desk::{APP, QUESTIONS};
use crate::support::World;

/// Deleting is refused with this code, and the detail names each of these users.
async fn delete_is_refused(world: &World, path: &str, code: &str, users: &[&str]) {
    let answer = world.delete(path).await;
    assert_eq!(problem(&answer), (409, code, None), "{}", answer.raw);
    let detail = answer.text("detail");
    assert!(users.iter().all(|user| detail.contains(user)), "{detail}");
    world.get(path).await.expect(200);
}

#[tokio::test]
async fn calendar_used_by_a_group_cannot_be_deleted() {
    let world = World::start().await;
    let calendar = world.create("calendars", &json!({ "name": "工作日" })).await;
    let path = format!("/api/calendars/{calendar}");
    let sales = world.create("groups", &json!({ "name": "售前", "calendar_id": calendar })).await;
    let support = world.create("groups", &json!({ "name": "售后" })).await;
    world.update("groups", &support, &json!({ "calendar_id": calendar })).await;
    delete_is_refused(&world, &path, "calendar.in_use", &["售前", &sales, "售后", &support]).await;
    world.update("groups", &sales, &json!({ "calendar_id": null })).await;
    delete_is_refused(&world, &path, "calendar.in_use", &["售后", &support]).await;
    world.delete(&format!("/api/groups/{support}")).await.expect(204);
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn group_used_by_a_binding_or_merchant_cannot_be_deleted() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let path = format!("/api/groups/{}", desk.group);
    let merchant = json!({ "name": "咖啡店", "customer_code": "C-1", "group_id": desk.group });
    let merchant = world.create("merchants", &merchant).await;
    delete_is_refused(&world, &path, "group.in_use", &["测试小程序", APP, "咖啡店", &merchant]).await;
    world.set_reception(&desk.binding, json!({ "group_id": null })).await;
    delete_is_refused(&world, &path, "group.in_use", &["咖啡店", &merchant]).await;
    world.delete(&format!("/api/merchants/{merchant}")).await.expect(204);
    world.set_reception(&desk.binding, json!({ "group_id": desk.group })).await;
    delete_is_refused(&world, &path, "group.in_use", &[APP]).await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn robot_used_by_a_binding_cannot_be_deleted_and_keeps_its_questions() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let path = format!("/api/robots/{}", desk.robot);
    delete_is_refused(&world, &path, "robot.in_use", &["测试小程序", APP]).await;
    assert_eq!(world.list(&format!("{path}/questions")).await.len(), QUESTIONS.len());
    world.set_reception(&desk.binding, json!({ "robot_id": null })).await;
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn user_is_found_beyond_the_first_page() {
    let world = World::start().await;
    let calendar = world.create("calendars", &json!({ "name": "工作日" })).await;
    let path = format!("/api/calendars/{calendar}");
    // More than one page of other records before it.
    for number in 0..101 {
        world.create("groups", &json!({ "name": format!("组{number}") })).await;
    }
    let last = world.create("groups", &json!({ "name": "最后", "calendar_id": calendar })).await;
    delete_is_refused(&world, &path, "calendar.in_use", &[&last]).await;
    // The detail stays short.
    let groups = world.list("/api/groups").await;
    for group in groups.iter().take(30) {
        world.update("groups", group["id"].as_str().unwrap(), &json!({ "calendar_id": calendar })).await;
    }
    let first: Vec<&str> = groups.iter().take(10).map(|group| group["id"].as_str().unwrap()).collect();
    delete_is_refused(&world, &path, "calendar.in_use", &first).await;
    let words = world.delete(&path).await.text("detail");
    assert!(words.contains("others") && words.len() < 1000, "{words}");
}

#[tokio::test]
async fn in_use_refusals_are_in_the_description() {
    let world = World::start().await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    for kind in ["calendar", "group", "robot"] {
        let conflict = &described["paths"][format!("/api/{kind}s/{{id}}")]["delete"]["responses"]["409"];
        let words = conflict["description"].as_str().unwrap();
        assert!(words.contains(&format!("`{kind}.in_use`")), "{words}");
        let schema = &conflict["content"]["application/problem+json"]["schema"]["allOf"];
        assert_eq!(schema[0]["$ref"], "#/components/schemas/Problem");
        let codes = schema[1]["properties"]["code"]["enum"].as_array().unwrap();
        assert!(codes.contains(&json!(format!("{kind}.in_use"))), "{codes:?}");
    }
}
