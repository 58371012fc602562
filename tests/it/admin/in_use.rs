//! What serves somebody cannot be taken away by the way.

use serde_json::{Value, json};

use crate::desk::problem;
use crate::shop::{APP, QUESTIONS};
use crate::support::World;

/// Deleting is refused with this code, and the words name each of these users.
async fn is_kept(world: &World, path: &str, code: &str, users: &[&str]) {
    let answer = world.delete(path).await;
    assert_eq!(problem(&answer), (409, code, None), "{}", answer.raw);
    let detail = answer.text("detail");
    assert!(users.iter().all(|user| detail.contains(user)), "{detail}");
    world.get(path).await.expect(200);
}

#[tokio::test]
async fn a_calendar_that_a_group_works_by_stays() {
    let world = World::start().await;
    let calendar = world.make("calendars", &json!({ "name": "工作日" })).await;
    let path = format!("/api/calendars/{calendar}");
    let sales = world.make("groups", &json!({ "name": "售前", "calendar_id": calendar })).await;
    let support = world.make("groups", &json!({ "name": "售后" })).await;
    world.change("groups", &support, &json!({ "calendar_id": calendar })).await;
    is_kept(&world, &path, "calendar.in_use", &["售前", &sales, "售后", &support]).await;
    world.change("groups", &sales, &json!({ "calendar_id": null })).await;
    is_kept(&world, &path, "calendar.in_use", &["售后", &support]).await;
    world.delete(&format!("/api/groups/{support}")).await.expect(204);
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn a_group_that_visitors_or_merchants_are_sent_to_stays() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let path = format!("/api/groups/{}", shop.group);
    let merchant = json!({ "name": "咖啡店", "customer_code": "C-1", "group_id": shop.group });
    let merchant = world.make("merchants", &merchant).await;
    is_kept(&world, &path, "group.in_use", &["测试小程序", APP, "咖啡店", &merchant]).await;
    world.receive(&shop.binding, json!({ "group_id": null })).await;
    is_kept(&world, &path, "group.in_use", &["咖啡店", &merchant]).await;
    world.delete(&format!("/api/merchants/{merchant}")).await.expect(204);
    world.receive(&shop.binding, json!({ "group_id": shop.group })).await;
    is_kept(&world, &path, "group.in_use", &[APP]).await;
    world.delete(&format!("/api/bindings/{APP}")).await.expect(204);
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn a_robot_that_answers_for_a_mini_program_stays_and_knows_what_it_knew() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let path = format!("/api/robots/{}", shop.robot);
    is_kept(&world, &path, "robot.in_use", &["测试小程序", APP]).await;
    assert_eq!(world.list(&format!("{path}/questions")).await.len(), QUESTIONS.len());
    world.receive(&shop.binding, json!({ "robot_id": null })).await;
    world.delete(&path).await.expect(204);
}

#[tokio::test]
async fn whoever_uses_it_is_found_however_many_there_are() {
    let world = World::start().await;
    let calendar = world.make("calendars", &json!({ "name": "工作日" })).await;
    let path = format!("/api/calendars/{calendar}");
    // More than a page of others before it.
    for number in 0..101 {
        world.make("groups", &json!({ "name": format!("组{number}") })).await;
    }
    let last = world.make("groups", &json!({ "name": "最后", "calendar_id": calendar })).await;
    is_kept(&world, &path, "calendar.in_use", &[&last]).await;
    // The words stay readable.
    let groups = world.list("/api/groups").await;
    for group in groups.iter().take(30) {
        world.change("groups", group["id"].as_str().unwrap(), &json!({ "calendar_id": calendar })).await;
    }
    let first: Vec<&str> = groups.iter().take(10).map(|group| group["id"].as_str().unwrap()).collect();
    is_kept(&world, &path, "calendar.in_use", &first).await;
    let words = world.delete(&path).await.text("detail");
    assert!(words.contains("others") && words.len() < 1000, "{words}");
}

#[tokio::test]
async fn the_refusals_are_described() {
    let world = World::start().await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    for kind in ["calendar", "group", "robot"] {
        let conflict = &described["paths"][format!("/api/{kind}s/{{id}}")]["delete"]["responses"]["409"];
        let words = conflict["description"].as_str().unwrap();
        assert!(words.contains(&format!("`{kind}.in_use`")), "{words}");
        assert_ne!(conflict["content"]["application/problem+json"]["schema"]["$ref"], Value::Null);
    }
}
