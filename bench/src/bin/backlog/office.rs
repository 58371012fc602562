//! What an outage has left behind: agents who are online, and messages that no function has processed.

use std::{sync::Arc, time::Duration};

use bench::{Error, Result};
use desk::{
    settings::Reception,
    staff::{AgentStatus, Group},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Clock, NewBinding, NewInbound, Record, SecretString, SharedClock, Table, Thread, Vault};

use crate::{
    aws::{Cloud, TABLE},
    clock::VirtualClock,
};

/// Agents of one group. Each group has a mini program of its own.
const MEMBERS: u32 = 20;
/// More conversations than an agent gets here.
const CAPACITY: u32 = 100;
/// The time over which the messages came, and the agents went online.
const OUTAGE: Duration = Duration::from_mins(5);
/// The steps of the outage, so that what falls due is spread over minutes.
const STEPS: u32 = 30;

/// Puts the agents online and stores the messages, each of a visitor of its own. The clock then stands where the last message
/// is overdue.
pub(crate) async fn leave_behind(
    cloud: &Arc<Cloud>,
    clock: &Arc<VirtualClock>,
    agents: u32,
    messages: u32,
) -> Result<()> {
    let shared: SharedClock = clock.clone();
    let (table, vault) = cloud.instant(shared);
    let groups = agents.div_ceil(MEMBERS).max(1);
    for group in 0..groups {
        let members = (group * MEMBERS..agents.min((group + 1) * MEMBERS)).map(agent).collect();
        open_group(&table, &vault, group, members).await?;
    }
    for step in 0..STEPS {
        for number in (step..agents).step_by(STEPS as usize) {
            table.settings_writer().set_capacity(&agent(number), "客服", CAPACITY).await?;
            table.duty_writer().set_status(&agent(number), AgentStatus::Online, None).await?;
        }
        for number in (step..messages).step_by(STEPS as usize) {
            table.inbox().receive(&message(number, groups, clock.now())).await?;
        }
        tokio::time::advance(OUTAGE / STEPS).await;
    }
    for number in 0..agents {
        table.duty_writer().heartbeat(&agent(number)).await?;
    }
    tokio::time::advance(Duration::from_mins(1)).await;
    Ok(())
}

/// A group of agents, and a mini program whose messages go to it.
async fn open_group(table: &Table, vault: &Vault, group: u32, members: Vec<String>) -> Result<()> {
    let settings: Group = serde_json::from_value(json!({ "name": "技能组", "members": members }))?;
    let id = format!("g{group:012x}");
    let record = Record { id: id.clone(), ..table.settings_writer().new_record(settings, Vec::new()) };
    table.settings_writer().create_record(&record, None).await?;
    let secret = || SecretString::from("planted");
    let mut reception = json!({ "mode": "agents_only", "group_id": id });
    // Without automatic messages: what is measured is the work on the table.
    for prompt in ["connected", "queued", "leave_message", "queue_full", "waited_too_long"] {
        reception["prompts"][prompt] = json!("");
    }
    let binding = NewBinding {
        app_id: app(group),
        name: app(group),
        app_secret: secret(),
        token: secret(),
        encoding_aes_key: secret(),
        auto_reply: None,
        reception: Some(serde_json::from_value::<Reception>(reception)?),
    };
    table.binding_writer().create_binding(vault, binding).await?;
    Ok(())
}

/// The number of messages that are not processed, and of agents whose check is overdue.
pub(crate) fn left(cloud: &Cloud, now: Timestamp) -> Result<(u64, u64)> {
    let (mut messages, mut agents, mut from) = (0, 0, Value::Null);
    loop {
        let mut scan = json!({ "TableName": TABLE, "IndexName": "due" });
        if !from.is_null() {
            scan["ExclusiveStartKey"] = from;
        }
        let page = cloud.dynoxide.scan(serde_json::from_value(scan)?);
        let page = serde_json::to_value(page.map_err(|error| Error::Other(error.to_string()))?)?;
        for item in page["Items"].as_array().into_iter().flatten() {
            let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            let is_due = text("due_sk") <= format!("{:013}", now.as_millisecond()).as_str();
            messages += u64::from(text("pk").starts_with("thread#"));
            agents += u64::from(is_due && text("pk").starts_with("agent#"));
        }
        from = page["LastEvaluatedKey"].clone();
        if from.is_null() {
            return Ok((messages, agents));
        }
    }
}

fn agent(number: u32) -> String {
    format!("a{number:012x}")
}

fn app(group: u32) -> String {
    format!("wx{group:016x}")
}

fn message(number: u32, groups: u32, now: Timestamp) -> NewInbound {
    NewInbound {
        thread: Thread::new(app(number % groups), format!("oVisitor{number:012}")),
        create_time: now.as_second(),
        identity: format!("m{number:020}"),
        kind: "text".to_owned(),
        content: json!({ "content": "你好" }),
    }
}
