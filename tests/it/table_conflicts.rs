//! Writes that meet a running transaction on the same item, and transactions that DynamoDB cancels: none of them counts as a
//! condition that does not hold.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::support::{ADMIN, SDK_ATTEMPTS, Visitor, World};

const APP: &str = "wx00000000000000a1";

/// A fault of the API's function.
fn fault(fault: Fault, operation: &str, times: u32) -> TableFault {
    TableFault::new(fault).function("DeskApi").operation(operation).times(times)
}

/// A visitor whose conversation no agent has. Returns its id.
async fn unassigned(world: &World, visitor: &Visitor<'_>) -> String {
    visitor.text("在吗").await;
    world.settle().await;
    visitor.cid().await
}

async fn status(world: &World, agent: &str) -> Value {
    world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["status"].clone()
}

#[tokio::test]
async fn heartbeat_during_an_assignment_returns_503_and_keeps_the_status() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cid = unassigned(&world, &world.visitor(&binding, "o-1")).await;
    let agent = world.agent("小王", 3).await;
    world.set_status(&agent, "busy").await;
    let faults = world.bundle.table_faults();
    faults.add(fault(Fault::Hold, "TransactWriteItems", 1));
    let heartbeat = format!("/api/agents/{agent}/heartbeat");
    let during = async {
        faults.held().await;
        let beat = world.post(&heartbeat, &json!({})).await;
        let set = format!("/api/agents/{agent}/status");
        let set = world.call(Some(ADMIN), Method::PUT, &set, Some(&json!({ "status": "away" }))).await;
        faults.release();
        (beat, set)
    };
    let (claimed, (beat, set)) = tokio::join!(world.claim(&cid, &agent), during);
    claimed.expect(200);
    assert_eq!(problem(&beat), (503, "unavailable", None), "not 409 agent.offline");
    assert_eq!(problem(&set), (503, "unavailable", None));
    assert_eq!((status(&world, &agent).await, world.load(&agent).await), (json!("busy"), 1));
    world.post(&heartbeat, &json!({})).await.expect(204);
}

#[tokio::test]
async fn call_of_a_busy_agent_during_an_assignment_does_not_set_them_online() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cid = unassigned(&world, &world.visitor(&binding, "o-1")).await;
    let token = world.access_token("agent").await;
    let set = json!({ "status": "busy" });
    world.call(Some(&token), Method::PUT, "/api/agents/me/status", Some(&set)).await.expect(200);
    let claim = format!("/api/conversations/{cid}/claim");
    world.bundle.table_faults().add(fault(Fault::TransactionConflict, "UpdateItem", SDK_ATTEMPTS));
    let refused = world.call(Some(&token), Method::POST, &claim, Some(&json!({}))).await;
    assert_eq!(problem(&refused), (503, "unavailable", None));
    assert_eq!(world.bundle.table_faults().left(), 0);
    let claimed = world.call(Some(&token), Method::POST, &claim, Some(&json!({}))).await.expect(200);
    assert_eq!(status(&world, claimed.body["assignee"]["agent_id"].as_str().unwrap()).await, "busy");
}

#[tokio::test]
async fn transaction_in_conflict_with_another_is_decided_again() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cid = unassigned(&world, &world.visitor(&binding, "o-1")).await;
    let agent = world.agent("小王", 3).await;
    let faults = world.bundle.table_faults();
    faults.add(fault(Fault::TransactionConflict, "TransactWriteItems", 3));
    world.claim(&cid, &agent).await.expect(200);
    assert_eq!((faults.left(), world.load(&agent).await), (0, 1));
}

#[tokio::test]
async fn throttled_transaction_is_repeated_and_then_refused_with_503() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cid = unassigned(&world, &world.visitor(&binding, "o-1")).await;
    let agent = world.agent("小王", 3).await;
    let faults = world.bundle.table_faults();
    for kind in
        [Fault::ThrottleTransaction, Fault::ThrottleTable, Fault::ThrottleRequests, Fault::TransactionInProgress]
    {
        faults.add(fault(kind, "TransactWriteItems", SDK_ATTEMPTS));
        let refused = world.claim(&cid, &agent).await;
        assert_eq!((problem(&refused), faults.left()), ((503, "unavailable", None), 0), "{kind:?}");
        assert_eq!(world.load(&agent).await, 0, "{kind:?}");
    }
    faults.add(fault(Fault::ThrottleTransaction, "TransactWriteItems", 2));
    world.claim(&cid, &agent).await.expect(200);
    assert_eq!((faults.left(), world.load(&agent).await), (0, 1));
}

#[tokio::test]
async fn settings_in_conflict_with_another_editor_are_written() {
    let world = World::start().await;
    let robot = world.faq_robot(&[]).await;
    let faults = world.bundle.table_faults();
    faults.add(fault(Fault::TransactionConflict, "TransactWriteItems", 2));
    world.add_questions(&robot, &[("q1", "营业时间", "9 点到 18 点")]).await;
    faults.add(fault(Fault::TransactionConflict, "TransactWriteItems", 50));
    let question = json!({ "id": "q2", "title": "地址", "answer": "昆明" });
    let refused = world.post(&format!("/api/robots/{robot}/questions"), &question).await;
    assert_eq!(problem(&refused), (503, "unavailable", None));
    faults.clear();
    world.post(&format!("/api/robots/{robot}/questions"), &question).await.expect(201);
}

#[tokio::test]
async fn request_that_loses_twenty_races_is_carried_out() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let (one, two) = (world.agent("小王", 3).await, world.agent("小李", 3).await);
    let faults = world.bundle.table_faults();
    let races = || faults.add(fault(Fault::TransactionConflict, "TransactWriteItems", 20));
    races();
    chat.send_text("在的").await.expect(201);
    assert_eq!(faults.left(), 0);
    for _ in 0..4 {
        chat.send_text("再说").await.expect(201);
    }
    let held = chat.send_text("还有").await.expect(202).text("id");
    races();
    world.delete(&format!("{}/{held}", chat.messages_path())).await.expect(200);
    assert_eq!(faults.left(), 0);
    chat.visitor.writes("好").await;
    faults.add(fault(Fault::TransactionConflict, "TransactWriteItems", 20).function("CardSend"));
    let card = chat.card_with_cover_at(&format!("{}/phone/cover.png", world.bundle.wechat_url()));
    chat.send_card(&card).await.expect(201);
    assert_eq!(faults.left(), 0);
    races();
    world.claim(&chat.cid, &one).await.expect(200);
    assert_eq!(faults.left(), 0);
    races();
    let transfer = format!("/api/conversations/{}/transfer", chat.cid);
    world.post(&transfer, &json!({ "agent_id": two })).await.expect(200);
    assert_eq!((faults.left(), world.load(&two).await), (0, 1));
}
