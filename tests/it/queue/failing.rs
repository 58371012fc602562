//! The minute tick of reception, where some of its work fails.

use local::{Fault, TableFault};
use serde_json::{Value, json};
use store::DuePartition;

use crate::service_desk::ServiceDesk;
use crate::support::{SDK_ATTEMPTS, World};

/// A desk whose idle conversations are closed after five minutes.
async fn desk(world: &World) -> ServiceDesk {
    let reception = json!({ "mode": "agents_only", "idle": { "close_after_minutes": 5, "warn_after_minutes": null } });
    world.service_desk(5, reception).await
}

/// Until the conversation that was just opened is due.
async fn five_minutes(world: &World, desk: &ServiceDesk) {
    world.advance(150);
    world.heartbeat(&[&desk.agent]).await;
    world.advance(150);
    world.heartbeat(&[&desk.agent]).await;
}

/// A desk with a conversation that is due because it is idle. Returns the conversation's id.
async fn idle_conversation(world: &World) -> (ServiceDesk, String) {
    let desk = desk(world).await;
    let visitor = desk.visitor(world, "oGOOD");
    visitor.writes("在吗").await;
    visitor.agent_replies("在的").await.expect(201);
    let cid = visitor.cid().await;
    five_minutes(world, &desk).await;
    (desk, cid)
}

/// Puts `count` copies of a conversation into the table that are due earlier and whose visitor cannot be read.
async fn break_copies(world: &World, openid: &str, count: u32) {
    let mut visitor = world.items("visitor").await.remove(0);
    let pk = visitor["pk"]["S"].as_str().unwrap().replace(openid, "oBROKEN");
    visitor["pk"] = json!({ "S": pk });
    visitor["data"] = json!({ "S": "{" });
    world.put_item(&visitor).await;
    let conversation = world.items("conversation").await.remove(0);
    let text = |name: &str| conversation[name]["S"].as_str().unwrap().to_owned();
    for number in 0..count {
        let cid = format!("cBROKEN{number}");
        let mut copy = conversation.clone();
        for name in ["pk", "cid", "data"] {
            let value = text(name).replace(&text("cid"), &cid).replace(openid, "oBROKEN");
            copy[name] = json!({ "S": value });
        }
        copy["due_sk"] = json!({ "S": "0000000000001" });
        world.put_item(&copy).await;
    }
}

#[tokio::test]
async fn a_hundred_failing_conversations_do_not_delay_the_others_of_their_shard() {
    let world = World::start().await;
    let desk = desk(&world).await;
    let visitor = desk.visitor(&world, "oGOOD");
    visitor.writes("在吗").await;
    visitor.agent_replies("在的").await.expect(201);
    let cid = visitor.cid().await;
    break_copies(&world, "oGOOD", 100).await;
    five_minutes(&world, &desk).await;
    let tick = async || world.bundle.invoke("Reception", json!({ "tick": "minute" })).await.unwrap();
    assert_eq!(tick().await["handed_on"], 1, "more than the tick works on itself");
    world.settle().await;
    let closed = world.conversation(&cid).await;
    assert_eq!((&closed["state"], &closed["closed_by"]), (&json!("closed"), &json!("idle")));
    let report = tick().await;
    assert_eq!((&report["looked_at"], &report["handed_on"]), (&json!(0), &json!(0)), "the failing ones are postponed");
}

#[tokio::test]
async fn a_partition_that_cannot_be_read_fails_the_tick_after_the_rest_is_done() {
    let world = World::start().await;
    let (_desk, cid) = idle_conversation(&world).await;
    // The partition of the earlier versions' agents is read last but one; the retries of the SDK come after all others.
    let partitions = u32::try_from(DuePartition::all().count()).unwrap();
    let query = |skip, times| {
        TableFault::new(Fault::InternalError).function("Reception").operation("Query").skip(skip).times(times)
    };
    world.bundle.table_faults().add(query(partitions - 1, SDK_ATTEMPTS));
    assert!(world.bundle.tick("Reception").await.is_err());
    world.bundle.table_faults().clear();
    assert_eq!(world.conversation(&cid).await["state"], Value::from("closed"));
}

#[tokio::test]
async fn conversation_whose_every_attempt_conflicts_counts_as_failed_and_is_processed_later() {
    let world = World::start().await;
    let (desk, cid) = idle_conversation(&world).await;
    let conflict = TableFault::new(Fault::TransactionConflict).function("Reception").operation("TransactWriteItems");
    world.bundle.table_faults().add(conflict.times(100));
    let tick = json!({ "tick": "minute" });
    let report = world.bundle.invoke("Reception", tick.clone()).await.unwrap();
    assert_eq!((&report["looked_at"], &report["failed"]), (&json!(1), &json!(1)));
    assert_eq!(world.conversation(&cid).await["state"], "open");

    world.bundle.table_faults().clear();
    world.advance(120);
    world.heartbeat(&[&desk.agent]).await;
    let report = world.bundle.invoke("Reception", tick).await.unwrap();
    assert_eq!((&report["looked_at"], &report["failed"]), (&json!(1), &json!(0)));
    assert_eq!(world.conversation(&cid).await["state"], "closed");
}
