//! The clock of the whole bundle is moved by the phone's controls.

use local::OWN_KEY;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TABLE, World};

const APP: &str = "wx0000000000007101";
const HOUR: i64 = 3600;

impl World {
    /// Moves the bundle's clock to this far ahead of the test's.
    async fn move_to(&self, offset_seconds: i64) -> Answer {
        self.sim_call(Method::PUT, "/sim/clock", &json!({ "offset_seconds": offset_seconds })).await
    }
}

/// A world with one agent who has one conversation.
async fn assigned(world: &World) -> (crate::support::Binding, String) {
    let binding = world.bind(APP).await;
    let agent = world.agent("小林", 5).await;
    let group = world.group(&[&agent]).await;
    world.set_reception(&binding, json!({ "mode": "agents_only", "group_id": group })).await;
    world.heartbeat(&[&agent]).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(agent.as_str()));
    (binding, agent)
}

#[tokio::test]
async fn windows_of_the_bundle_and_of_wechat_end_when_the_clock_is_moved_by_48_hours() {
    let world = World::start().await;
    let (binding, _) = assigned(&world).await;
    let visitor = world.visitor(&binding, "o-1");
    // The agent's word keeps the conversation for another 48 hours.
    world.move_to(47 * HOUR).await.expect(200);
    visitor.agent_replies("来得及").await.expect(201);
    let moved = world.move_to(49 * HOUR).await.expect(200).body;
    assert_eq!(moved["offset_seconds"], 49 * HOUR);
    let now = jiff::SignedDuration::from_hours(49) + (world.now() - jiff::Timestamp::UNIX_EPOCH).try_into().unwrap();
    let now = (jiff::Timestamp::UNIX_EPOCH + now).to_string();
    assert_eq!(moved["now"], json!(now));
    assert_eq!(world.get("/api/me").await.expect(200).body["now"], json!(now));
    assert_eq!(visitor.replies_left_at_wechat().await, 0);
    assert_eq!(world.conversation(&visitor.cid().await).await["quota"]["window_ends_at"], Value::Null);
    let answer = visitor.agent_replies("还在吗").await.expect(202);
    assert_eq!(
        (&answer.body["state"], &answer.body["failure"]["code"]),
        (&json!("held"), &json!("quota.window_closed"))
    );
    visitor.writes("在").await;
    assert_eq!(visitor.received_texts().await, ["来得及", "还在吗"], "a new window is open by the moved clock");
}

#[tokio::test]
async fn agent_and_session_that_were_there_are_there_after_a_move() {
    let world = World::start().await;
    let (binding, agent) = assigned(&world).await;
    let (session, _) = world.agent_session(&agent).await;
    world.call(Some(&session), Method::GET, "/api/me", None).await.expect(200);
    world.heartbeat(&[&agent]).await;
    let moved = world.move_to(47 * HOUR).await.expect(200).body;
    assert!(moved["fired"].as_u64().unwrap() >= 2, "{moved}");
    world.settle().await;
    assert_eq!(world.visitor(&binding, "o-1").agent().await.as_deref(), Some(agent.as_str()));
    let me = world.call(Some(&session), Method::GET, "/api/me", None).await.expect(200).body;
    assert_eq!((&me["duty"]["status"], &me["duty"]["present"]), (&json!("online"), &json!(true)));
}

#[tokio::test]
async fn tick_that_a_move_makes_due_takes_conversations_of_an_absent_agent() {
    let world = World::start().await;
    let (binding, agent) = assigned(&world).await;
    world.advance(100);
    let moved = world.move_to(60).await.expect(200).body;
    assert!(moved["fired"].as_u64().unwrap() >= 1, "{moved}");
    world.settle().await;
    let visitor = world.visitor(&binding, "o-1");
    assert_eq!(visitor.agent().await.as_deref(), Some(agent.as_str()), "the grace period is three minutes");
    world.move_to(HOUR).await.expect(200);
    world.settle().await;
    assert_eq!(visitor.agent().await, None);
}

#[tokio::test]
async fn moving_back_undoes_nothing() {
    let world = World::start().await;
    let (binding, _) = assigned(&world).await;
    let visitor = world.visitor(&binding, "o-1");
    world.move_to(47 * HOUR).await.expect(200);
    visitor.agent_replies("来得及").await.expect(201);
    world.move_to(49 * HOUR).await.expect(200);
    let held = visitor.agent_replies("还在吗").await.expect(202).text("id");
    world.move_to(49 * HOUR + 73 * HOUR).await.expect(200);
    world.settle().await;
    let state = async || {
        let messages = visitor.messages().await;
        messages.iter().find(|message| message["id"] == json!(held)).unwrap()["state"].clone()
    };
    assert_eq!(state().await, "failed", "it was held for three days");
    let back = world.move_to(0).await.expect(200).body;
    assert_eq!((&back["offset_seconds"], &back["now"], &back["fired"]), (&json!(0), &json!(world.now()), &json!(0)));
    assert_eq!(state().await, "failed");
    assert_eq!(world.sim_get("/sim/clock").await.expect(200).body, json!({ "offset_seconds": 0, "now": world.now() }));
    visitor.writes("又是现在").await;
    assert_eq!(visitor.inbound().await.len(), 2);
}

#[tokio::test]
async fn items_that_have_expired_by_the_moved_clock_are_deleted() {
    let world = World::start().await;
    let expires = (world.now().as_second() + HOUR).to_string();
    let ttl = world.bundle.template().tables.values().next().unwrap().ttl.clone().unwrap();
    let mut item = json!({ "pk": { "S": "a" }, "sk": { "S": "a" } });
    item[&ttl] = json!({ "N": expires });
    world.put_item(&item).await;
    let key = json!({ "TableName": TABLE, "Key": { "pk": { "S": "a" }, "sk": { "S": "a" } } });
    for (offset, is_there) in [(HOUR - 1, true), (HOUR + 1, false)] {
        world.move_to(offset).await.expect(200);
        let found = world.dynamodb(OWN_KEY, "GetItem", &key).await.expect(200).body;
        assert_eq!(found.get("Item").is_some(), is_there, "{offset}");
    }
}

#[tokio::test]
async fn offset_outside_of_ninety_days_is_refused() {
    let world = World::start().await;
    for body in [
        json!({ "offset_seconds": -1 }),
        json!({ "offset_seconds": 90 * 24 * HOUR + 1 }),
        json!({}),
        json!({ "offset_seconds": 1, "x": 1 }),
    ] {
        assert_eq!(
            world.sim_call(Method::PUT, "/sim/clock", &body).await.expect(422).body["code"],
            "invalid",
            "{body}"
        );
    }
    assert_eq!(world.sim_get("/sim/clock").await.body["offset_seconds"], 0);
}
