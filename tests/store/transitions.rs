//! What follows from a conversation's stage is written with it: the agent's load and conversations, the place in a queue.

use desk::{conversation::ClosedBy, staff::AgentStatus};
use jiff::{SignedDuration, Timestamp};
use store::{CommitOutcome, Queue, Stage, Thread, Waiting};

use crate::support::{
    APP_ID, Decision, Item, Kit, s,
    staff::{assigned, group, place_in, queued, robot},
    visitor,
};

/// The names of the stages, distinguished by their derived items.
const STAGES: [&str; 9] = [
    "unassigned",
    "robot",
    "queue 1",
    "queue 1, further back",
    "queue 2",
    "agent 1",
    "agent 2",
    "left message",
    "closed",
];

/// The stage of this name for a conversation with its own agents and queues.
fn stage(name: &str, own: &str, cid: &str, since: Timestamp) -> Stage {
    let waits = |queue: Queue, since| place_in(&queue, cid, since);
    match name {
        "unassigned" => Stage::Unassigned,
        "robot" => robot(),
        "queue 1" => Stage::Queued(waits(group(&format!("g1-{own}")), since)),
        "queue 1, further back" => {
            Stage::Queued(waits(group(&format!("g1-{own}")), since + SignedDuration::from_mins(1)))
        }
        "queue 2" => Stage::Queued(waits(Queue::Agent(format!("a2-{own}")), since)),
        "agent 1" => assigned(&format!("a1-{own}"), since),
        "agent 2" => assigned(&format!("a2-{own}"), since),
        "left message" => Stage::LeftMessage(waits(Queue::LeftMessages, since)),
        _ => Stage::Closed { by: ClosedBy::Idle },
    }
}

/// The expected items of the table besides the conversation.
fn follows(name: &str, own: &str, cid: &str, since: Timestamp) -> Vec<String> {
    let at = since.as_millisecond();
    let later = at + 60_000;
    let listed = [format!("{at:013}#{cid}")];
    let duty = |agent: &str, listed: &[String]| format!("agent#{agent}-{own} duty load {} {listed:?}", listed.len());
    let mut items = match name {
        "agent 1" => vec![duty("a1", &listed), duty("a2", &[])],
        "agent 2" => vec![duty("a1", &[]), duty("a2", &listed)],
        _ => vec![duty("a1", &[]), duty("a2", &[])],
    };
    match name {
        "queue 1" => items.push(format!("queue#group:g1-{own} {at:013}#{cid} of {cid}")),
        "queue 1, further back" => items.push(format!("queue#group:g1-{own} {later:013}#{cid} of {cid}")),
        "queue 2" => items.push(format!("queue#agent:a2-{own} {at:013}#{cid} of {cid}")),
        "left message" => items.push(format!("queue#left-messages {at:013}#{cid} of {cid}")),
        _ => {}
    }
    items.sort();
    items
}

/// The actual items of the table besides the conversations.
fn found(items: &[Item], own: &str, cid: &str) -> Vec<String> {
    let of = |item: &&Item| s(item, "pk").ends_with(&format!("-{own}")) || s(item, "cid") == cid;
    let mut found: Vec<_> = items
        .iter()
        .filter(|item| ["duty", "assignment", "membership", "waiting"].contains(&s(item, "kind").as_str()))
        .filter(of)
        .map(|item| match s(item, "kind").as_str() {
            "duty" => {
                let none = Vec::new();
                let listed = item.get("conversations").map_or(&none, |set| set.as_ss().unwrap());
                format!("{} duty load {} {listed:?}", s(item, "pk"), item["load"].as_n().unwrap())
            }
            _ => format!("{} {} of {}", s(item, "pk"), s(item, "sk"), s(item, "cid")),
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_transition_of_stages_writes_exactly_what_follows() {
    for (number, from) in STAGES.iter().enumerate().filter(|(_, from)| **from != "closed") {
        let kit = Kit::start().await;
        for (place, to) in STAGES.iter().enumerate() {
            let own = format!("{number}{place}");
            let thread = Thread::new(APP_ID, format!("oVisitor{own}"));
            for agent in ["a1", "a2"] {
                kit.online(&format!("{agent}-{own}"), 1).await;
            }
            let since = kit.now();
            let cid = kit.opened(&thread, 0, 1).await.cid;
            for name in [from, to] {
                kit.advance(SignedDuration::from_secs(1));
                let decision = Decision::on(&kit.table, &cid).await.to(stage(name, &own, &cid, since));
                let written = kit.written(decision).await;
                assert_eq!(written.stage, stage(name, &own, &cid, since));
                assert_eq!(
                    found(&kit.items().await, &own, &cid),
                    follows(name, &own, &cid, since),
                    "{name}, on the way from {from} to {to}"
                );
            }
        }
    }
}

#[tokio::test]
async fn conversation_opened_in_any_stage_writes_what_follows() {
    let kit = Kit::start().await;
    for (place, name) in STAGES.iter().enumerate().filter(|(_, name)| **name != "closed") {
        let own = format!("{place}");
        for agent in ["a1", "a2"] {
            kit.online(&format!("{agent}-{own}"), 1).await;
        }
        let thread = Thread::new(APP_ID, format!("oVisitor{own}"));
        let message = kit.receive_text(&thread, 0, 1).await;
        let (cid, since) = (thread.cid(&message.id), kit.now());
        kit.written(Decision::about(&kit.table, &message).await.to(stage(name, &own, &cid, since))).await;
        assert_eq!(found(&kit.items().await, &own, &cid), follows(name, &own, &cid, since), "{name}");
    }
}

#[tokio::test]
async fn change_within_a_stage_moves_no_item() {
    let kit = Kit::start().await;
    let duty = kit.online("a1", 1).await;
    let opened = kit.opened_in(&visitor(), assigned("a1", kit.now())).await;
    kit.advance(SignedDuration::from_mins(1));
    // The assigned agent keeps the conversation when offline or at capacity.
    kit.table.duty_writer().set_status("a1", AgentStatus::Offline, None).await.unwrap();
    let before = kit.duty("a1").await;
    let mut accepted = Decision::on(&kit.table, &opened.cid).await;
    if let Stage::Assigned(assigned) = &mut accepted.after.as_mut().unwrap().stage {
        assigned.accepted_at = Some(kit.now());
    }
    kit.written(accepted).await;
    assert_eq!(kit.duty("a1").await, before);
    assert_eq!((before.load, before.last_assigned_at), (1, Some(duty.since)));
    assert_eq!(kit.assigned_to("a1").await, [opened.cid.as_str()]);

    let waits = kit.opened_in(&Thread::new(APP_ID, "oAnother"), Stage::Unassigned).await;
    let queue = group("g1");
    kit.written(Decision::on(&kit.table, &waits.cid).await.to(queued(&queue, &waits, kit.now()))).await;
    let entries = kit.items_of("waiting").await;
    let told = Waiting { told: true, ..place_in(&queue, &waits.cid, kit.now()) };
    kit.written(Decision::on(&kit.table, &waits.cid).await.to(Stage::Queued(told.clone()))).await;
    // The same place in another waiting stage.
    kit.written(Decision::on(&kit.table, &waits.cid).await.to(Stage::LeftMessage(told))).await;
    assert_eq!(kit.items_of("waiting").await, entries);
}

#[tokio::test]
async fn conversations_of_an_agent_are_sorted_and_limited() {
    let kit = Kit::start().await;
    kit.online("a1", 100).await;
    // Another agent whose id has the same prefix.
    kit.online("a11", 100).await;
    let mut cids = Vec::new();
    for number in 0..12 {
        kit.advance(SignedDuration::from_secs(1));
        cids.push(kit.opened_in(&Thread::new(APP_ID, format!("o{number}")), Stage::Unassigned).await.cid);
    }
    kit.opened_in(&Thread::new(APP_ID, "oOther"), assigned("a11", kit.now())).await;
    // Assigned in reverse order.
    for cid in cids.iter().rev() {
        kit.written(Decision::on(&kit.table, cid).await.to(assigned("a1", kit.now()))).await;
    }
    assert_eq!(kit.assigned_to("a1").await, cids);
    assert_eq!(kit.table.staff().assigned_to("a1", 5).await.unwrap(), cids[..5]);
    for limit in [1, 5, 12, 100] {
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let page = kit.table.staff().assigned_page("a1", cursor.as_deref(), limit).await.unwrap();
            listed.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, cids, "by {limit}");
    }
    assert_eq!((kit.load("a1").await, kit.load("a11").await), (12, 1));
    assert!(kit.assigned_to("unknown").await.is_empty());
}

/// Deletes an item directly, bypassing the store.
async fn delete_item(kit: &Kit, kind: &str) {
    let item = kit.items_of(kind).await.remove(0);
    let delete = kit.client.delete_item().table_name(&kit.name);
    delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
}

#[tokio::test]
async fn contradictory_decision_is_refused() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.online("a2", 2).await;
    let opened = kit.opened(&visitor(), 0, 1).await;
    let to = async |stage| Decision::on(&kit.table, &opened.cid).await.to(stage);

    // The queue entry to delete is missing.
    let queue = group("g1");
    kit.written(to(queued(&queue, &opened, kit.now())).await).await;
    delete_item(&kit, "waiting").await;
    kit.refused(&to(assigned("a1", kit.now())).await, &CommitOutcome::Conflict).await;
    kit.write(waiting_item(&queue, &opened.cid, kit.now())).await;

    // The queue place to write is occupied.
    let further = kit.now() + SignedDuration::from_secs(1);
    kit.write(waiting_item(&group("g2"), &opened.cid, further)).await;
    kit.refused(&to(queued(&group("g2"), &opened, further)).await, &CommitOutcome::Conflict).await;

    // The load to decrement is already 0.
    kit.written(to(assigned("a1", kit.now())).await).await;
    let mut duty = kit.items_of("duty").await.remove(0);
    duty.insert("load".to_owned(), aws_sdk_dynamodb::types::AttributeValue::N("0".to_owned()));
    kit.write(duty).await;
    for stage in [assigned("a2", kit.now()), Stage::Unassigned, Stage::Closed { by: ClosedBy::Agent }] {
        kit.refused(&to(stage).await, &CommitOutcome::Conflict).await;
    }
    assert_eq!((kit.load("a1").await, kit.load("a2").await), (0, 0));
}

fn waiting_item(queue: &Queue, cid: &str, since: Timestamp) -> Item {
    let place = place_in(queue, cid, since).place;
    let text = [("kind", "waiting"), ("pk", &format!("queue#{}", queue.name())), ("sk", &place), ("cid", cid)];
    let value = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    text.map(|(name, text)| (name.to_owned(), value(text))).into()
}
