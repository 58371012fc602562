//! Acting in place of another agent, and what an agent takes over with a conversation.

use reqwest::Method;
use serde_json::{Value, json};

use super::visibility::{agent_token, token};
use crate::{
    open_conversation::{problem, text},
    service_desk::{APP, ServiceDesk},
    support::{ADMIN, Answer, World},
};

async fn act(world: &World, token: &str, cid: &str, what: &str, body: Value) -> Answer {
    world.call(Some(token), Method::POST, &format!("/api/conversations/{cid}/{what}"), Some(&body)).await
}

async fn desk(world: &World) -> ServiceDesk {
    world.service_desk(20, json!({ "mode": "agents_only" })).await
}

#[tokio::test]
async fn transfer_and_close_by_a_supervisor_are_recorded_as_the_supervisors() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let (chief, li) = (world.agent("主管", 5).await, world.agent("小李", 5).await);
    let asked = json!({ "role": "supervisor", "name": "主管", "agent_id": chief, "group_ids": [desk.group] });
    let supervisor = token(&world, asked).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, li] })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let (cid, from) = (visitor.cid().await, visitor.agent().await.unwrap());
    let to = if from == li { &desk.agent } else { &li };

    act(&world, &supervisor, &cid, "transfer", json!({ "agent_id": to })).await.expect(200);
    let transferred = world.event(&cid, "conversation.transferred").await["data"].clone();
    assert_eq!(
        (&transferred["by"], &transferred["by_role"], &transferred["from"]),
        (&json!(chief), &json!("supervisor"), &json!(from))
    );
    let closed = act(&world, &supervisor, &cid, "close", json!({})).await.expect(200);
    assert_eq!(closed.body["closed_by"], "supervisor");
    let event = world.event(&cid, "conversation.closed").await["data"].clone();
    assert_eq!(
        (&event["by"], &event["by_agent_id"], &event["agent_id"]),
        (&json!("supervisor"), &json!(chief), &json!(to))
    );
}

#[tokio::test]
async fn supervisor_closes_an_own_conversation_as_an_agent() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let asked = json!({ "role": "supervisor", "name": "主管", "agent_id": desk.agent, "group_ids": [desk.group] });
    let supervisor = token(&world, asked).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let closed = act(&world, &supervisor, &cid, "close", json!({})).await.expect(200);
    assert_eq!(closed.body["closed_by"], "agent");
    assert_eq!(world.event(&cid, "conversation.closed").await["data"]["by_agent_id"], desk.agent.as_str());
}

/// The pending texts of a conversation belong to the agent who has it: they go out in that agent's conversation.
#[tokio::test]
async fn agent_who_has_the_conversation_takes_back_held_texts_of_the_agent_before() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let (li, stranger) = (world.agent("小李", 5).await, world.agent("外人", 5).await);
    world.set_status(&li, "busy").await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, li] })).await;
    let [first, second, stranger] =
        [agent_token(&world, &desk.agent).await, agent_token(&world, &li).await, agent_token(&world, &stranger).await];
    let asked = json!({ "role": "supervisor", "name": "主管", "group_ids": [desk.group] });
    let supervisor = token(&world, asked).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let mut held = Vec::new();
    while held.len() < 5 {
        let said = act(&world, &first, &cid, "messages", text("稍等")).await;
        if said.status == 202 {
            assert_eq!(said.body["author"]["agent_id"], desk.agent.as_str());
            held.push(said.text("id"));
        }
    }
    let take_back = async |token: &str, id: &str| {
        world.call(Some(token), Method::DELETE, &format!("/api/conversations/{cid}/messages/{id}"), None).await
    };
    take_back(&first, &held[0]).await.expect(200);
    assert_eq!(problem(&take_back(&second, &held[1]).await), (409, "conversation.taken", None));
    act(&world, &first, &cid, "transfer", json!({ "agent_id": li })).await.expect(200);

    assert_eq!(problem(&take_back(&first, &held[1]).await), (409, "conversation.taken", None));
    assert_eq!(problem(&take_back(&stranger, &held[1]).await).0, 404);
    take_back(&second, &held[1]).await.expect(200);
    take_back(&supervisor, &held[2]).await.expect(200);
    take_back(ADMIN, &held[3]).await.expect(200);
    visitor.writes("好").await;
    assert_eq!(visitor.last_text().await, "稍等", "the last held text goes out");
    let messages = world.list(&format!("/api/bindings/{APP}/visitors/o-1/messages")).await;
    let states: Vec<&Value> =
        held.iter().map(|id| &messages.iter().find(|message| message["id"] == id.as_str()).unwrap()["state"]).collect();
    assert_eq!(states, ["cancelled", "cancelled", "cancelled", "cancelled", "released"]);
}

#[tokio::test]
async fn agent_with_the_last_admin_token_cannot_be_deleted_or_disabled() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    world.set_status(&agent, "offline").await;
    let own = token(&world, json!({ "role": "admin", "name": "小王", "agent_id": agent })).await;
    let path = format!("/api/agents/{agent}");
    world.delete("/api/access-tokens/bootstrap").await.expect(204);
    let deleted = world.call(Some(&own), Method::DELETE, &path, None).await;
    assert_eq!(problem(&deleted), (409, "access_token.last_admin", None));
    let disabled = world.call(Some(&own), Method::PATCH, &path, Some(&json!({ "disabled": true }))).await;
    assert_eq!(problem(&disabled), (409, "access_token.last_admin", None));
    world.call(Some(&own), Method::GET, &path, None).await.expect(200);
}
