//! A conversation as the API shows it.

use std::collections::HashMap;

use desk::conversation::ClosedBy;
use function::http::Problem;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Conversation, Page, Queue, Stage, Table, Visitor};

#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    cid: &'a str,
    uid: String,
    app_id: &'a str,
    openid: &'a str,
    state: &'static str,
    stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Assignee<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robot_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Waiting<'a>>,
    answered: bool,
    created_at: Timestamp,
    last_message_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<ClosedBy>,
    #[serde(skip_serializing_if = "Value::is_null")]
    summary: &'a Value,
    seq: u64,
    quota: Quota,
    held: usize,
    visitor: Who,
}

#[derive(Serialize)]
struct Assignee<'a> {
    agent_id: &'a str,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    queue: &'a str,
    since: Timestamp,
    level: u8,
}

/// What WeChat still grants: replies surely, replies perhaps, and until when.
#[derive(Serialize)]
pub(crate) struct Quota {
    replies_left: u32,
    maybe: u32,
    window_ends_at: Option<Timestamp>,
}

/// Who the visitor says they are.
#[derive(Serialize)]
struct Who {
    nickname: Option<String>,
    avatar: Option<String>,
    partnerid: Option<String>,
    partnerid_verified: bool,
}

impl Quota {
    pub(crate) fn of(visitor: &Visitor, now: Timestamp) -> Self {
        let quota = visitor.ledger.quota(now);
        let (replies_left, maybe) = (quota.replies_left, quota.uncertain_replies);
        Self { replies_left, maybe, window_ends_at: quota.window_ends_at }
    }
}

impl<'a> Shown<'a> {
    fn new(conversation: &'a Conversation, visitor: &Visitor, now: Timestamp) -> Self {
        let stage = &conversation.stage;
        let waiting = conversation.waiting();
        Self {
            cid: &conversation.cid,
            uid: conversation.thread().uid(),
            app_id: &conversation.app_id,
            openid: &conversation.openid,
            state: if conversation.is_open() { "open" } else { "closed" },
            stage: name(stage),
            assignee: match stage {
                Stage::Assigned(assigned) => {
                    let (agent_id, since) = (assigned.agent_id.as_str(), assigned.since);
                    Some(Assignee { agent_id, since, accepted_at: assigned.accepted_at })
                }
                _ => None,
            },
            group_id: match (stage, waiting.and_then(|waiting| Queue::named(&waiting.queue))) {
                (Stage::Assigned(assigned), _) => assigned.group_id.clone(),
                (_, Some(Queue::Group(id))) => Some(id),
                _ => None,
            },
            robot_id: match stage {
                Stage::Robot(robot) => Some(&robot.robot_id),
                _ => None,
            },
            queue: waiting.map(|waiting| Waiting { queue: &waiting.queue, since: waiting.since, level: waiting.level }),
            answered: conversation.answered_at.is_some(),
            created_at: conversation.created_at,
            last_message_at: conversation.last_message_at,
            closed_at: conversation.closed_at,
            closed_by: match stage {
                Stage::Closed { by } => Some(*by),
                _ => None,
            },
            summary: &conversation.summary,
            seq: conversation.seq,
            quota: Quota::of(visitor, now),
            held: visitor.held.len(),
            visitor: Who {
                nickname: visitor.profile.nickname.clone(),
                avatar: visitor.profile.avatar.clone(),
                partnerid: visitor.profile.partnerid.clone(),
                partnerid_verified: visitor.profile.partnerid_verified,
            },
        }
    }
}

fn name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Unassigned => "unassigned",
        Stage::Robot(_) => "robot",
        Stage::Queued(_) => "queued",
        Stage::Assigned(_) => "assigned",
        Stage::LeftMessage(_) => "left_message",
        Stage::Closed { .. } => "closed",
    }
}

/// One conversation.
pub(crate) async fn one<'a>(table: &Table, conversation: &'a Conversation) -> Result<Shown<'a>, Problem> {
    let visitor = table.visitor(&conversation.thread()).await?;
    Ok(Shown::new(conversation, &visitor, table.clock().now()))
}

/// A page of them: however many, their visitors are read at once.
pub(crate) async fn page<'a>(table: &Table, page: &'a Page<Conversation>) -> Result<Page<Shown<'a>>, Problem> {
    let mut threads: Vec<_> = page.items.iter().map(Conversation::thread).collect();
    // A visitor may have several conversations, and a batch must name each item once.
    threads.sort_by(|one, other| (&one.app_id, &one.openid).cmp(&(&other.app_id, &other.openid)));
    threads.dedup();
    let visitors: HashMap<_, _> = table.visitors(&threads).await?.into_iter().collect();
    let (unseen, now) = (Visitor::default(), table.clock().now());
    let show = |conversation: &'a Conversation| {
        Shown::new(conversation, visitors.get(&conversation.thread()).unwrap_or(&unseen), now)
    };
    Ok(Page { items: page.items.iter().map(show).collect(), cursor: page.cursor.clone() })
}
