//! Earlier versions wrote an item for each conversation of an agent, an edge. They are read until the tick's check of the agent
//! makes them elements of the set in the duty, also while functions of both versions run side by side.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use store::{CommitOutcome, Conversation, Duty, Stage, Thread};

use crate::support::{APP_ID, Decision, Item, Kit, concurrently, s, staff::assigned};

/// The key of an edge in the agent's partition.
fn edge_key(conversation: &Conversation) -> String {
    format!("conversation#{}", entry(conversation))
}

/// A conversation in the set.
fn entry(conversation: &Conversation) -> String {
    format!("{:013}#{}", conversation.created_at.as_millisecond(), conversation.cid)
}

async fn item(kit: &Kit, pk: &str, sk: &str) -> Item {
    let found = kit.items().await.into_iter().find(|item| s(item, "pk") == pk && s(item, "sk") == sk);
    found.unwrap_or_else(|| panic!("no {pk}, {sk}"))
}

/// The elements of the set in an agent's duty.
async fn set_of(kit: &Kit, agent: &str) -> Vec<String> {
    let duty = item(kit, &format!("agent#{agent}"), "duty").await;
    duty.get("conversations").map(|set| set.as_ss().unwrap().clone()).unwrap_or_default()
}

async fn write_set(kit: &Kit, agent: &str, set: Vec<String>) {
    let mut duty = item(kit, &format!("agent#{agent}"), "duty").await;
    duty.remove("conversations");
    if !set.is_empty() {
        duty.insert("conversations".to_owned(), AttributeValue::Ss(set));
    }
    kit.write(duty).await;
}

/// Rewrites the item of a conversation as an earlier version leaves it.
async fn written_by_an_earlier_version(kit: &Kit, cid: &str) {
    let mut conversation = item(kit, &format!("conversation#{cid}"), "conversation").await;
    let mut data: serde_json::Value = serde_json::from_str(&s(&conversation, "data")).unwrap();
    data.as_object_mut().unwrap().remove("in_duty");
    conversation.insert("data".to_owned(), AttributeValue::S(data.to_string()));
    kit.write(conversation).await;
}

/// Opens a conversation and assigns it as a function of an earlier version does: with an edge, and not in the set.
async fn assigned_by_an_earlier_version(kit: &Kit, openid: &str, agent: &str) -> Conversation {
    let conversation = kit.opened_in(&Thread::new(APP_ID, openid), assigned(agent, kit.now())).await;
    let mut set = set_of(kit, agent).await;
    set.retain(|listed| *listed != entry(&conversation));
    write_set(kit, agent, set).await;
    let edge = [
        ("kind", "assignment"),
        ("pk", &format!("agent#{agent}")),
        ("sk", &edge_key(&conversation)),
        ("cid", &conversation.cid),
    ];
    let edge = edge.map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())));
    kit.write(edge.into()).await;
    written_by_an_earlier_version(kit, &conversation.cid).await;
    kit.advance(SignedDuration::from_secs(1));
    conversation
}

/// Opens a conversation and assigns it as this version does.
async fn assigned_now(kit: &Kit, openid: &str, agent: &str) -> Conversation {
    let conversation = kit.opened_in(&Thread::new(APP_ID, openid), assigned(agent, kit.now())).await;
    kit.advance(SignedDuration::from_secs(1));
    conversation
}

/// Closes a conversation as a function of an earlier version does: it deletes the edge and does not know the set.
async fn closed_by_an_earlier_version(kit: &Kit, conversation: &Conversation, agent: &str) {
    let set = set_of(kit, agent).await;
    written_by_an_earlier_version(kit, &conversation.cid).await;
    kit.written(Decision::on(&kit.table, &conversation.cid).await.closed()).await;
    write_set(kit, agent, set).await;
}

async fn closed(kit: &Kit, conversation: &Conversation) {
    kit.written(Decision::on(&kit.table, &conversation.cid).await.closed()).await;
}

async fn reconcile(kit: &Kit, agent: &str) -> Duty {
    kit.table.due_checks().reconcile_assignments(&kit.duty(agent).await).await.unwrap();
    kit.duty(agent).await
}

fn cids(conversations: &[&Conversation]) -> Vec<String> {
    conversations.iter().map(|conversation| conversation.cid.clone()).collect()
}

#[tokio::test]
async fn conversations_of_both_versions_are_listed_oldest_first() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let one = assigned_now(&kit, "o1", "a1").await;
    let two = assigned_by_an_earlier_version(&kit, "o2", "a1").await;
    let three = assigned_now(&kit, "o3", "a1").await;
    let four = assigned_by_an_earlier_version(&kit, "o4", "a1").await;
    let all = cids(&[&one, &two, &three, &four]);
    assert_eq!((kit.assigned_to("a1").await, kit.load("a1").await), (all.clone(), 4));
    let before = kit.wire.calls("Query");
    let first = kit.table.staff().assigned_page("a1", None, 3).await.unwrap();
    assert_eq!(kit.wire.calls("Query"), before + 1, "one query finds both");
    // A cursor of an earlier version is the same text.
    assert_eq!(first.cursor, Some(crate::cursors::encode(entry(&three).as_bytes())));
    let rest = kit.table.staff().assigned_page("a1", first.cursor.as_deref(), 3).await.unwrap();
    assert_eq!(([first.items, rest.items].concat(), rest.cursor), (all, None));
}

#[tokio::test]
async fn conversation_of_an_earlier_version_leaves_its_agent_with_its_edge() {
    for to in [Stage::Unassigned, assigned("a2", jiff::Timestamp::UNIX_EPOCH)] {
        let kit = Kit::start().await;
        kit.online("a1", 5).await;
        kit.online("a2", 5).await;
        let one = assigned_by_an_earlier_version(&kit, "o1", "a1").await;
        let two = assigned_by_an_earlier_version(&kit, "o2", "a1").await;
        // A change by this version that leaves the conversation with its agent.
        kit.written(Decision::on(&kit.table, &one.cid).await.event("conversation.noted")).await;
        kit.written(Decision::on(&kit.table, &one.cid).await.to(to.clone())).await;
        assert_eq!((kit.assigned_to("a1").await, kit.load("a1").await), (cids(&[&two]), 1));
        assert_eq!(kit.items_of("assignment").await.len(), 1);
        let moved = to != Stage::Unassigned;
        assert_eq!(kit.assigned_to("a2").await.len(), usize::from(moved));
        closed(&kit, &one).await;
        assert_eq!((kit.assigned_to("a2").await.len(), kit.load("a2").await), (0, 0));
    }
}

#[tokio::test]
async fn conversation_that_an_earlier_version_has_rewritten_leaves_the_set() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let one = assigned_now(&kit, "o1", "a1").await;
    written_by_an_earlier_version(&kit, &one.cid).await;
    closed(&kit, &one).await;
    assert_eq!((set_of(&kit, "a1").await.len(), kit.load("a1").await), (0, 0));
}

#[tokio::test]
async fn check_of_an_agent_makes_edges_elements_of_the_set() {
    let kit = Kit::start().await;
    kit.online("a1", 100).await;
    // More than one transaction takes.
    let mut all = Vec::new();
    for number in 0..55 {
        all.push(assigned_by_an_earlier_version(&kit, &format!("o{number}"), "a1").await);
    }
    all.push(assigned_now(&kit, "o-now", "a1").await);
    let duty = reconcile(&kit, "a1").await;
    let cids = cids(&all.iter().collect::<Vec<_>>());
    assert_eq!((duty.load, &duty.conversations), (56, &cids));
    assert_eq!(kit.items_of("assignment").await, []);
    for conversation in &all {
        closed(&kit, conversation).await;
    }
    assert_eq!((kit.load("a1").await, set_of(&kit, "a1").await.len()), (0, 0));
}

#[tokio::test]
async fn check_of_an_agent_without_earlier_assignments_makes_no_request() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    for number in 0..3 {
        let duty = kit.duty("a1").await;
        let calls = || ["Query", "BatchGetItem", "UpdateItem", "TransactWriteItems"].map(|name| kit.wire.calls(name));
        let before = calls();
        kit.table.due_checks().reconcile_assignments(&duty).await.unwrap();
        assert_eq!(calls(), before);
        assigned_now(&kit, &format!("o{number}"), "a1").await;
    }
}

#[tokio::test]
async fn check_of_an_agent_removes_what_an_earlier_version_has_ended() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let one = assigned_now(&kit, "o1", "a1").await;
    let two = assigned_now(&kit, "o2", "a1").await;
    closed_by_an_earlier_version(&kit, &one, "a1").await;
    assert_eq!((kit.load("a1").await, kit.assigned_to("a1").await.len()), (1, 2));
    let duty = reconcile(&kit, "a1").await;
    assert_eq!((duty.load, duty.conversations), (1, cids(&[&two])));

    // What is left over and an edge hide each other until one of them is gone.
    let three = assigned_by_an_earlier_version(&kit, "o3", "a1").await;
    closed_by_an_earlier_version(&kit, &two, "a1").await;
    assert_eq!(reconcile(&kit, "a1").await.load, 1);
    assert_eq!(kit.assigned_to("a1").await, cids(&[&two, &three]));
    closed(&kit, &three).await;
    let duty = reconcile(&kit, "a1").await;
    assert_eq!((duty.load, duty.conversations), (0, Vec::new()));
    assert!(kit.table.settings_writer().end_duty("a1").await.unwrap());
}

#[tokio::test]
async fn load_that_differs_from_the_conversations_is_corrected() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let one = assigned_now(&kit, "o1", "a1").await;
    for load in [0, 3] {
        let mut duty = item(&kit, "agent#a1", "duty").await;
        duty.insert("load".to_owned(), AttributeValue::N(load.to_string()));
        kit.write(duty).await;
        let duty = reconcile(&kit, "a1").await;
        assert_eq!((duty.load, duty.conversations), (1, cids(&[&one])), "from {load}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_decisions_and_checks_leave_a_complete_set() {
    let kit = Kit::start().await;
    for round in 0..10 {
        let agent = format!("a{round}");
        kit.online(&agent, 100).await;
        let mut all = Vec::new();
        for number in 0..6 {
            all.push(assigned_by_an_earlier_version(&kit, &format!("o{round}-{number}"), &agent).await);
        }
        let stale = assigned_now(&kit, &format!("o{round}-stale"), &agent).await;
        closed_by_an_earlier_version(&kit, &stale, &agent).await;
        let waits = kit.opened_in(&Thread::new(APP_ID, format!("o{round}-waits")), Stage::Unassigned).await;
        // All have read before a check begins.
        let decisions = [
            Decision::on(&kit.table, &all[0].cid).await.closed(),
            Decision::on(&kit.table, &all[1].cid).await.to(Stage::Unassigned),
            Decision::on(&kit.table, &waits.cid).await.to(assigned(&agent, kit.now())),
        ];
        concurrently(6, |number| {
            let (table, agent, decision) = (kit.table.clone(), agent.clone(), decisions.get(number).cloned());
            async move {
                if let Some(decision) = decision {
                    assert!(matches!(decision.write(&table).await.unwrap(), CommitOutcome::Written(_)));
                } else {
                    let duty = table.staff().duty(&agent).await.unwrap().unwrap();
                    table.due_checks().reconcile_assignments(&duty).await.unwrap();
                }
            }
        })
        .await;
        let duty = reconcile(&kit, &agent).await;
        let mut expected: Vec<&Conversation> = all[2..].iter().collect();
        expected.push(&waits);
        assert_eq!((duty.load, duty.conversations), (5, cids(&expected)), "round {round}");
        assert_eq!(kit.assigned_to(&agent).await, cids(&expected));
    }
    assert_eq!(kit.items_of("assignment").await, []);
}

/// Reconciles the conversations of an agent and makes a decision before the first request of this operation.
async fn reconcile_meanwhile(kit: &Kit, agent: &str, operation: &str, decision: Decision) {
    let duty = kit.duty(agent).await;
    let held = kit.wire.hold(operation);
    let checks = kit.table.due_checks();
    let reconciled = tokio::spawn(async move { checks.reconcile_assignments(&duty).await });
    held.arrived().await;
    kit.written(decision).await;
    held.release();
    reconciled.await.unwrap().unwrap();
}

#[tokio::test]
async fn conversation_that_is_closed_during_the_check_does_not_come_into_the_set() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let one = assigned_by_an_earlier_version(&kit, "o1", "a1").await;
    let two = assigned_by_an_earlier_version(&kit, "o2", "a1").await;
    let closes = Decision::on(&kit.table, &one.cid).await.closed();
    reconcile_meanwhile(&kit, "a1", "TransactWriteItems", closes).await;
    assert_eq!((kit.assigned_to("a1").await, kit.load("a1").await), (cids(&[&two]), 1));
    assert_eq!(reconcile(&kit, "a1").await.conversations, cids(&[&two]));
}

#[tokio::test]
async fn conversation_that_is_assigned_or_closed_during_the_check_is_not_overwritten() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let stale = assigned_now(&kit, "o1", "a1").await;
    let two = assigned_now(&kit, "o2", "a1").await;
    closed_by_an_earlier_version(&kit, &stale, "a1").await;
    let waits = kit.opened_in(&Thread::new(APP_ID, "o3"), Stage::Unassigned).await;
    let assigns = Decision::on(&kit.table, &waits.cid).await.to(assigned("a1", kit.now()));
    reconcile_meanwhile(&kit, "a1", "UpdateItem", assigns).await;
    assert_eq!((kit.assigned_to("a1").await, kit.load("a1").await), (cids(&[&stale, &two, &waits]), 2));
    let closes = Decision::on(&kit.table, &two.cid).await.closed();
    reconcile_meanwhile(&kit, "a1", "UpdateItem", closes).await;
    assert_eq!((kit.assigned_to("a1").await, kit.load("a1").await), (cids(&[&stale, &waits]), 1));
    let duty = reconcile(&kit, "a1").await;
    assert_eq!((duty.conversations, duty.load), (cids(&[&waits]), 1));
}
