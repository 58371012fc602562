//! What a page hears of what people note about a visitor.

use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, agent, page::Page, shop};
use crate::support::World;

const OPENID: &str = "o-1";

/// The types of the hints about a conversation that a page has heard, once all that follows from the change is done.
async fn heard(world: &World, page: &mut Page, cid: &str) -> Vec<String> {
    world.settle().await;
    page.heard_of(cid).await
}

async fn visitor_call(world: &World, token: &str, method: Method, path: &str, body: Option<&Value>) -> Value {
    let path = format!("/api/bindings/{APP}/visitors/{OPENID}{path}");
    let answer = world.call(Some(token), method, &path, body).await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    answer.body
}

#[tokio::test]
async fn marks_notes_and_blocks_of_a_colleague_are_told_to_who_may_see_them_and_never_what_they_say() {
    let world = World::start().await;
    let ((me, my_token), (stranger, strangers_token)) = (agent(&world, "小林").await, agent(&world, "别人").await);
    world.set_status(&stranger, "busy").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let admin = world.token_session("bootstrap").await.0;
    let visitor = world.visitor(&binding, OPENID);
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let (mut mine, mut strangers) = (world.page(&my_token).await, world.page(&strangers_token).await);
    let conversation = vec!["conversation".to_owned()];

    let marks = json!({ "tags": ["secret-tag"], "starred": true, "remark_name": "secret-name" });
    visitor_call(&world, &admin, Method::PATCH, "", Some(&marks)).await;
    assert_eq!(heard(&world, &mut mine, &cid).await, conversation, "marked");
    visitor_call(&world, &admin, Method::PATCH, "", Some(&marks)).await;
    assert_eq!(heard(&world, &mut mine, &cid).await, Vec::<String>::new(), "marked as before");

    let note = visitor_call(&world, &admin, Method::POST, "/notes", Some(&json!({ "text": "secret-note" }))).await;
    world.settle().await;
    let hints = mine.heard().await;
    assert_eq!(hints, [json!({ "v": 1, "type": "conversation", "cid": cid })], "noted");
    let path = format!("/notes/{}", note["id"].as_str().unwrap());
    visitor_call(&world, &admin, Method::DELETE, &path, None).await;
    assert_eq!(heard(&world, &mut mine, &cid).await, conversation, "a note is deleted");

    let blocked = json!({ "blocked": { "reason": "secret-reason" } });
    visitor_call(&world, &admin, Method::PATCH, "", Some(&blocked)).await;
    assert_eq!(heard(&world, &mut mine, &cid).await, conversation, "blocked");
    visitor_call(&world, &admin, Method::PATCH, "", Some(&json!({ "blocked": null }))).await;
    assert_eq!(heard(&world, &mut mine, &cid).await, conversation, "unblocked");

    // A message writes the visitor as well, and says nothing of marks.
    visitor.writes("还在吗").await;
    assert_eq!(heard(&world, &mut mine, &cid).await, ["conversation", "message"]);
    assert_eq!(strangers.heard_of(&cid).await, Vec::<String>::new());
}

#[tokio::test]
async fn marks_of_a_visitor_whose_conversation_is_closed_are_told_to_the_agent_who_had_it() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let admin = world.token_session("bootstrap").await.0;
    let visitor = world.visitor(&binding, OPENID);
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    world.call(Some(&token), Method::POST, &format!("/api/conversations/{cid}/close"), None).await.expect(200);
    world.settle().await;
    let mut page = world.page(&token).await;
    visitor_call(&world, &admin, Method::PATCH, "", Some(&json!({ "starred": true }))).await;
    assert_eq!(heard(&world, &mut page, &cid).await, ["conversation"]);
}
