//! A conversation as the API shows it.

use std::collections::{BTreeSet, HashMap, HashSet};

use api::{PageOf, Problem};
use desk::{conversation::ClosedBy, limits::Block};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Conversation, LastMessage, Page, Queue, Stage, StoreError, Thread, Visitor};
use utoipa::ToSchema;
use wechat::session_from::SignatureVersion;

use crate::{
    names::{Named, Names},
    services::Services,
};

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
    /// The name of its binding; absent if it is no longer bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    app_name: Option<String>,
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
    /// The name of that group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group_name: Option<String>,
    /// The robot that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    robot_id: Option<String>,
    /// The name of that robot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    robot_name: Option<String>,
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
    /// Changes with every change of the conversation, of its visitor, or of its messages but for the outcome of a send.
    revision: String,
    /// The last message; absent in conversations before the visitor's last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_message: Option<LastMessage>,
    /// The number of the visitor's messages since the last one that was read or answered, at most 999.
    #[schema(maximum = 999)]
    unread: u32,
    /// Since when the visitor waits for an answer of a person or a robot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting_since: Option<Timestamp>,
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
    /// The agent's name; absent if the agent was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
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

/// What the visitor's `session-from` says about them, and what agents have noted.
#[derive(Serialize, ToSchema)]
struct VisitorSummary {
    /// That they are blocked: their messages are shown, and nothing follows from them.
    blocked: Option<Block>,
    /// The name by which agents know them.
    #[schema(required = true)]
    remark_name: Option<String>,
    /// What agents have tagged them with.
    tags: Vec<String>,
    /// Whether agents have starred them.
    starred: bool,
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
    fn new(conversation: &Conversation, visitor: &Visitor, names: &Names, now: Timestamp) -> Self {
        let stage = &conversation.stage;
        let waiting = conversation.waiting();
        let name = |named: Named| names.get(&named).cloned();
        let group_id = group_id(conversation);
        let preview = Some(&visitor.preview).filter(|preview| preview.cid == conversation.cid);
        let is_open = conversation.is_open();
        Self {
            cid: conversation.cid.clone(),
            uid: conversation.thread().uid(),
            app_name: name(Named::Binding(conversation.app_id.clone())),
            app_id: conversation.app_id.clone(),
            openid: conversation.openid.clone(),
            state: if is_open { ConversationState::Open } else { ConversationState::Closed },
            stage: ConversationStage::of(stage),
            assignee: match stage {
                Stage::Assigned(assigned) => Some(ConversationAssignee {
                    name: name(Named::Agent(assigned.agent_id.clone())),
                    agent_id: assigned.agent_id.clone(),
                    since: assigned.since,
                    accepted_at: assigned.accepted_at,
                }),
                _ => None,
            },
            group_name: group_id.clone().and_then(|id| name(Named::Group(id))),
            group_id,
            robot_name: robot_id(conversation).and_then(|id| name(Named::Robot(id))),
            robot_id: robot_id(conversation),
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
            revision: format!("{}.{}", conversation.version(), visitor.version()),
            last_message: preview.and_then(|preview| preview.last.clone()),
            unread: preview.filter(|_| is_open).map_or(0, |preview| preview.unread),
            waiting_since: preview.filter(|_| is_open).and_then(|preview| preview.waiting_since),
            quota: Quota::of(visitor, now),
            held: visitor.held.len(),
            visitor: VisitorSummary {
                nickname: visitor.profile.nickname.clone(),
                avatar: visitor.profile.avatar.clone(),
                partnerid: visitor.profile.partnerid.clone(),
                partnerid_verified: visitor.profile.partnerid_verified,
                signature_version: visitor.profile.signature_version,
                blocked: visitor.block(now).cloned(),
                remark_name: visitor.marks.remark_name.clone(),
                tags: visitor.marks.tags.clone(),
                starred: visitor.marks.starred,
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

fn group_id(conversation: &Conversation) -> Option<String> {
    match (&conversation.stage, conversation.waiting().and_then(|waiting| Queue::named(&waiting.queue))) {
        (Stage::Assigned(assigned), _) => assigned.group_id.clone(),
        (_, Some(Queue::Group(id))) => Some(id),
        _ => None,
    }
}

fn robot_id(conversation: &Conversation) -> Option<String> {
    match &conversation.stage {
        Stage::Robot(robot) => Some(robot.robot_id.clone()),
        _ => None,
    }
}

/// What a conversation is shown with the name of.
fn named(conversation: &Conversation) -> impl Iterator<Item = Named> {
    let binding = Named::Binding(conversation.app_id.clone());
    let agent = conversation.assignee().map(|agent| Named::Agent(agent.to_owned()));
    let (group, robot) = (group_id(conversation).map(Named::Group), robot_id(conversation).map(Named::Robot));
    [Some(binding), agent, group, robot].into_iter().flatten()
}

/// One conversation.
pub(crate) async fn one(services: &Services, conversation: &Conversation) -> Result<ConversationView, Problem> {
    let visitor = services.store.threads.visitor(&conversation.thread()).await?;
    with_visitor(services, conversation, &visitor).await
}

/// One conversation whose visitor is known.
pub(crate) async fn with_visitor(
    services: &Services,
    conversation: &Conversation,
    visitor: &Visitor,
) -> Result<ConversationView, Problem> {
    let names = services.names.names(&services.store, named(conversation).collect()).await;
    Ok(ConversationView::new(conversation, visitor, &names, services.store.clock.now()))
}

/// The visitors of conversations.
pub(crate) type Visitors = HashMap<Thread, Visitor>;

/// The visitors of these conversations, in one batch.
pub(crate) async fn visitors(services: &Services, conversations: &[Conversation]) -> Result<Visitors, StoreError> {
    // A visitor may have several conversations, and a batch must name each item once.
    let threads: HashSet<_> = conversations.iter().map(Conversation::thread).collect();
    let threads: Vec<_> = threads.into_iter().collect();
    Ok(services.store.threads.visitors(&threads).await?.into_iter().collect())
}

/// A page of conversations. Their visitors are read in one batch.
pub(crate) async fn page(services: &Services, page: Page<Conversation>) -> Result<PageOf<ConversationView>, Problem> {
    page_with(services, page, Visitors::new()).await
}

/// The same where visitors are known; if any is, all are that are stored.
pub(crate) async fn page_with(
    services: &Services,
    page: Page<Conversation>,
    known: Visitors,
) -> Result<PageOf<ConversationView>, Problem> {
    let store = &services.store;
    let wanted: BTreeSet<_> = page.items.iter().flat_map(named).collect();
    let read = async { if known.is_empty() { visitors(services, &page.items).await } else { Ok(known) } };
    let (visitors, names) = tokio::join!(read, services.names.names(store, wanted));
    let visitors = visitors?;
    let (unseen, now) = (Visitor::default(), store.clock.now());
    let view = |conversation: &Conversation| {
        ConversationView::new(conversation, visitors.get(&conversation.thread()).unwrap_or(&unseen), &names, now)
    };
    Ok(PageOf { items: page.items.iter().map(view).collect(), cursor: page.cursor })
}
