//! A conversation as the API shows it.

use std::collections::HashMap;

use api::{PageOf, Problem};
use desk::conversation::ClosedBy;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Conversation, Page, Queue, Stage, Visitor};
use utoipa::ToSchema;
use wechat::session_from::SignatureVersion;

use crate::services::Store;

/// A conversation of a visitor with a mini program.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationView {
    /// The conversation's id.
    cid: String,
    /// Stands for the mini program and the visitor.
    uid: String,
    /// The mini program's AppID.
    app_id: String,
    /// The visitor's openid.
    openid: String,
    state: ConversationState,
    stage: ConversationStage,
    /// The agent who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    assignee: Option<ConversationAssignee>,
    /// The group it was assigned through or waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group_id: Option<String>,
    /// The robot that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    robot_id: Option<String>,
    /// Where it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    queue: Option<QueuePlace>,
    /// Whether an agent has replied.
    answered: bool,
    created_at: Timestamp,
    last_message_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closed_at: Option<Timestamp>,
    /// What closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closed_by: Option<ClosedBy>,
    /// What was recorded when it was closed.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(required = false, value_type = Object)]
    summary: Value,
    /// The number of its last event.
    seq: u64,
    quota: Quota,
    /// How many texts wait for the visitor's next message.
    held: usize,
    visitor: VisitorSummary,
}

/// Whether a conversation takes messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConversationState {
    Open,
    Closed,
}

/// The stage of a conversation. `unassigned`: neither a robot nor a queue nor an agent has it; `robot`: a robot answers;
/// `queued`: it waits in a queue; `assigned`: an agent has it; `left_message`: no agent was available and the visitor left
/// a message; `closed`: it has ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConversationStage {
    Unassigned,
    Robot,
    Queued,
    Assigned,
    LeftMessage,
    Closed,
}

/// The agent who has a conversation.
#[derive(Serialize, ToSchema)]
struct ConversationAssignee {
    /// The agent's id.
    agent_id: String,
    /// When it was assigned to the agent.
    since: Timestamp,
    /// When the agent accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    accepted_at: Option<Timestamp>,
}

/// Where a conversation waits.
#[derive(Serialize, ToSchema)]
struct QueuePlace {
    /// `group:<id>`, `agent:<id>` or `left-messages`.
    #[schema(example = "group:g0123456789ab")]
    queue: String,
    /// Since when it waits.
    since: Timestamp,
    /// The level of the routing plan that led here; 0 if there was none.
    #[schema(minimum = 0, maximum = 4)]
    level: u8,
}

/// The replies that WeChat still permits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Quota {
    /// Replies that WeChat permits with certainty.
    replies_left: u32,
    /// Replies that it may permit in addition: some were sent about the time of the visitor's message, and which of them
    /// WeChat counts is not known.
    maybe: u32,
    /// Until when WeChat permits replies; null if the visitor has not written.
    window_ends_at: Option<Timestamp>,
}

/// What the visitor's `session-from` says about them.
#[derive(Serialize, ToSchema)]
struct VisitorSummary {
    nickname: Option<String>,
    /// The address of their picture.
    avatar: Option<String>,
    /// Who they are in the customer's own system.
    partnerid: Option<String>,
    /// Whether the partnerid came with a valid signature; otherwise it is a claim.
    partnerid_verified: bool,
    /// The highest version of the signatures of the verified partnerid; null where it is not verified. With 1, the visitor may
    /// have copied the signature from another visitor.
    #[schema(required = true)]
    signature_version: Option<SignatureVersion>,
}

impl Quota {
    pub(crate) fn of(visitor: &Visitor, now: Timestamp) -> Self {
        let quota = visitor.ledger.quota(now);
        let (replies_left, maybe) = (quota.replies_left, quota.uncertain_replies);
        Self { replies_left, maybe, window_ends_at: quota.window_ends_at }
    }
}

impl ConversationView {
    fn new(conversation: &Conversation, visitor: &Visitor, now: Timestamp) -> Self {
        let stage = &conversation.stage;
        let waiting = conversation.waiting();
        Self {
            cid: conversation.cid.clone(),
            uid: conversation.thread().uid(),
            app_id: conversation.app_id.clone(),
            openid: conversation.openid.clone(),
            state: if conversation.is_open() { ConversationState::Open } else { ConversationState::Closed },
            stage: ConversationStage::of(stage),
            assignee: match stage {
                Stage::Assigned(assigned) => Some(ConversationAssignee {
                    agent_id: assigned.agent_id.clone(),
                    since: assigned.since,
                    accepted_at: assigned.accepted_at,
                }),
                _ => None,
            },
            group_id: match (stage, waiting.and_then(|waiting| Queue::named(&waiting.queue))) {
                (Stage::Assigned(assigned), _) => assigned.group_id.clone(),
                (_, Some(Queue::Group(id))) => Some(id),
                _ => None,
            },
            robot_id: match stage {
                Stage::Robot(robot) => Some(robot.robot_id.clone()),
                _ => None,
            },
            queue: waiting.map(|waiting| QueuePlace {
                queue: waiting.queue.clone(),
                since: waiting.since,
                level: waiting.level,
            }),
            answered: conversation.answered_at.is_some(),
            created_at: conversation.created_at,
            last_message_at: conversation.last_message_at,
            closed_at: conversation.closed_at,
            closed_by: match stage {
                Stage::Closed { by } => Some(*by),
                _ => None,
            },
            summary: conversation.summary.clone(),
            seq: conversation.seq,
            quota: Quota::of(visitor, now),
            held: visitor.held.len(),
            visitor: VisitorSummary {
                nickname: visitor.profile.nickname.clone(),
                avatar: visitor.profile.avatar.clone(),
                partnerid: visitor.profile.partnerid.clone(),
                partnerid_verified: visitor.profile.partnerid_verified,
                signature_version: visitor.profile.signature_version,
            },
        }
    }
}

impl ConversationStage {
    fn of(stage: &Stage) -> Self {
        match stage {
            Stage::Unassigned => Self::Unassigned,
            Stage::Robot(_) => Self::Robot,
            Stage::Queued(_) => Self::Queued,
            Stage::Assigned(_) => Self::Assigned,
            Stage::LeftMessage(_) => Self::LeftMessage,
            Stage::Closed { .. } => Self::Closed,
        }
    }
}

/// One conversation.
pub(crate) async fn one(store: &Store, conversation: &Conversation) -> Result<ConversationView, Problem> {
    let visitor = store.threads.visitor(&conversation.thread()).await?;
    Ok(with_visitor(store, conversation, &visitor))
}

/// One conversation whose visitor is known.
pub(crate) fn with_visitor(store: &Store, conversation: &Conversation, visitor: &Visitor) -> ConversationView {
    ConversationView::new(conversation, visitor, store.clock.now())
}

/// A page of conversations. Their visitors are read in one batch.
pub(crate) async fn page(store: &Store, page: Page<Conversation>) -> Result<PageOf<ConversationView>, Problem> {
    let mut threads: Vec<_> = page.items.iter().map(Conversation::thread).collect();
    // A visitor may have several conversations, and a batch must name each item once.
    threads.sort_by(|one, other| (&one.app_id, &one.openid).cmp(&(&other.app_id, &other.openid)));
    threads.dedup();
    let visitors: HashMap<_, _> = store.threads.visitors(&threads).await?.into_iter().collect();
    let (unseen, now) = (Visitor::default(), store.clock.now());
    let view = |conversation: &Conversation| {
        ConversationView::new(conversation, visitors.get(&conversation.thread()).unwrap_or(&unseen), now)
    };
    Ok(PageOf { items: page.items.iter().map(view).collect(), cursor: page.cursor })
}
