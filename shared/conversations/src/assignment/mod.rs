//! Changes of who has a conversation: assigned to an agent, queued, given to a robot, left as a message, closed.

mod pick_agent;
mod unanswered;

use std::sync::Arc;

use desk::{
    conversation::ClosedBy,
    routing::{AGENT_QUEUE_MAX, Facts, Outcome, RoutingDecision, Target, TargetState, TrailEntry},
    staff::{Strategy, TURN_RACES},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{
    Assign, Assigned, Conversation, Queue, QueueLimit, Result, RobotStage, ShareLength, Stage, Waiting, place,
};

use crate::{
    automatic_message::AutomaticMessage,
    decision::Decision,
    events::{AssignmentOrigin, ConversationEvent, Route, RoutingCause},
    handles::Handles,
    in_flight::InFlight,
    routing::{RoutingContext, queue_of},
};

/// The highest position in a queue that a visitor is told; beyond it the text says `99+`.
const POSITION_MAX: u32 = 99;

/// After this many lost races the transaction no longer checks that the agent has exactly the load that was read, only
/// that they have room: a slightly uneven load is better than a visitor who stays unassigned.
const LOAD_CHECKED_RACES: u32 = 4;

/// The same where the agents are assigned in turn.
fn load_checked_races(group: Option<&str>, context: &RoutingContext<'_>) -> u32 {
    let strategy = group.and_then(|id| match context.facts.get(&Target::Group(id.to_owned())) {
        Some(Facts::Group { group, .. }) => Some(group.strategy),
        _ => None,
    });
    if strategy == Some(Strategy::RoundRobin) { TURN_RACES } else { LOAD_CHECKED_RACES }
}

/// How long a visitor waits for one agent, in seconds. An agent has no setting for it and may be away for hours.
const AGENT_WAIT_SECONDS: u32 = 600;

/// Why a visitor is asked to leave a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaveMessageReason {
    /// No agent is there.
    Unstaffed,
    /// The queue is full.
    QueueFull,
    /// The visitor waited as long as the group allows.
    WaitedTooLong,
}

/// The invitation to leave a message.
#[derive(Debug, Clone)]
pub(crate) struct LeaveMessage {
    /// The level of the plan that led here; 0 without one.
    pub(crate) level: u8,
    /// Chooses the text.
    pub(crate) reason: LeaveMessageReason,
    /// What made the conversation change hands.
    pub(crate) cause: RoutingCause,
    /// The levels that were tried, where any were.
    pub(crate) trail: Option<Vec<TrailEntry>>,
}

/// Applies routing decisions. Clones share the count of assignments in flight.
#[derive(Debug, Clone)]
pub(crate) struct Assigner {
    store: Arc<Handles>,
    in_flight: InFlight,
}

impl Assigner {
    pub(crate) fn new(store: Arc<Handles>) -> Self {
        Self { store, in_flight: InFlight::default() }
    }

    /// Puts the decision's conversation where the routing says. Returns the queue that it joins, which has to be drained
    /// once the decision is written, because an agent may have become free meanwhile.
    pub(crate) async fn apply(
        &self,
        decision: &mut Decision<'_>,
        routed: &RoutingDecision,
        context: &RoutingContext<'_>,
    ) -> Result<Option<Queue>> {
        if let Some(after) = &mut decision.after {
            after.plan = Some(context.plan.clone());
        }
        // An earlier assignment of the same decision would wait for itself.
        decision.in_flight = None;
        match &routed.outcome {
            Outcome::Assign { agents, group, level } => {
                let Some(agent) = self.pick_agent(decision, agents, group.as_deref(), context) else {
                    decision.leave_message(not_taken(routed, *level, context));
                    return Ok(None);
                };
                let check_load = decision.lost_races < load_checked_races(group.as_deref(), context);
                decision.assign = Assign::Auto { at_most: check_load.then_some(agent.load) };
                decision.in_flight = Some(self.in_flight.begin(&agent.id).in_turn().await);
                let (trail, because) = (routed.trail.clone(), context.cause.clone());
                let origin = AssignmentOrigin::Routed { level: *level, trail, because };
                self.assign(decision, &agent.id, group.clone(), context.tell_visitor, origin).await?;
                Ok(None)
            }
            Outcome::Queue { target, level } => {
                let queue = queue_of(target);
                self.enqueue(decision, target, *level, context, routed.trail.clone()).await?;
                Ok(Some(queue))
            }
            Outcome::Robot { level } => {
                match context.robot_id {
                    Some(robot) if decision.after.is_some() => {
                        let route = Route { trail: routed.trail.clone(), because: context.cause.clone() };
                        decision.start_robot(robot, Some(route));
                    }
                    _ => decision.leave_message(not_taken(routed, *level, context)),
                }
                Ok(None)
            }
            Outcome::LeaveMessage { level } => {
                decision.leave_message(not_taken(routed, *level, context));
                Ok(None)
            }
        }
    }

    /// Assigns the decision's conversation to an agent.
    pub(crate) async fn assign(
        &self,
        decision: &mut Decision<'_>,
        agent: &str,
        group_id: Option<String>,
        tell_visitor: bool,
        origin: AssignmentOrigin,
    ) -> Result<()> {
        let (now, agent_id) = (decision.now, agent.to_owned());
        decision.visitor.last_agent = Some((agent_id.clone(), now));
        if let Some(after) = &mut decision.after {
            let (agent_id, group_id) = (agent_id.clone(), group_id.clone());
            after.stage = Stage::Assigned(Assigned { agent_id, group_id, since: now, accepted_at: None });
            after.active_at = now;
        }
        decision.event(ConversationEvent::Assigned { agent_id, group_id, origin });
        let prompt = decision.reception.prompts.connected.clone();
        if tell_visitor && !prompt.is_empty() {
            let text = if prompt.contains("{agent}") {
                let duty = self.store.staff.duty(agent).await?;
                prompt.replace("{agent}", &duty.map(|duty| duty.name).unwrap_or_default())
            } else {
                prompt
            };
            decision.say(AutomaticMessage::Connected, &text);
        }
        Ok(())
    }

    async fn enqueue(
        &self,
        decision: &mut Decision<'_>,
        target: &Target,
        level: u8,
        context: &RoutingContext<'_>,
        trail: Vec<TrailEntry>,
    ) -> Result<()> {
        let Some(after) = &mut decision.after else {
            return Ok(());
        };
        let queue = queue_of(target);
        let (max_wait, entries, places_for_one) = match context.facts.get(target) {
            Some(Facts::Group { group, .. }) => (group.max_wait_seconds, group.max_queue, Some(group.places_for_one())),
            Some(Facts::Agent { .. } | Facts::Missing) | None => (Some(AGENT_WAIT_SECONDS), AGENT_QUEUE_MAX, None),
        };
        let length = self.store.queues.length(&queue).await?;
        let own = length.share_of(&decision.thread.app_id);
        let share = places_for_one.zip(own).map(|(entries, own)| ShareLength { entries, ..own });
        decision.queue_limit = Some(QueueLimit { entries, departed: length.departed, share });
        let place = place(&after.cid, context.since, decision.reception.priority);
        let until = max_wait.map(|seconds| {
            let wait = SignedDuration::from_secs(i64::from(seconds));
            decision.now.checked_add(wait).unwrap_or(Timestamp::MAX)
        });
        // A new conversation without priority comes after all others.
        let is_last = context.since == decision.now && decision.reception.priority == 0;
        let ahead = if is_last {
            length.entries.min(POSITION_MAX)
        } else {
            self.store.queues.count_waiting(&queue, Some(&place), POSITION_MAX).await?
        };
        let (name, since) = (queue.name(), context.since);
        let queue = name.clone();
        // One that waits in this queue already keeps its entry, and with it the agent who transferred it there.
        let before = decision.before.as_ref().and_then(Conversation::waiting).filter(|before| before.queue == queue);
        let handed_on_by = before.and_then(|before| before.handed_on_by.clone());
        after.stage = Stage::Queued(Waiting { queue, place, since, level, until, told: true, handed_on_by });
        after.active_at = decision.now;
        let because = context.cause.clone();
        decision.event(ConversationEvent::Queued { queue: name, ahead, level, trail, because });
        if context.tell_visitor {
            let shown =
                |number: u32| if ahead >= POSITION_MAX { format!("{POSITION_MAX}+") } else { number.to_string() };
            let text = decision.reception.prompts.queued.replace("{ahead}", &shown(ahead));
            let text = text.replace("{position}", &shown(ahead + 1));
            decision.say(AutomaticMessage::Queued, &text);
        }
        Ok(())
    }
}

impl Decision<'_> {
    /// Gives the conversation to a robot.
    pub(crate) fn start_robot(&mut self, robot: &str, route: Option<Route>) {
        let (now, robot_id) = (self.now, robot.to_owned());
        let Some(after) = &mut self.after else {
            return;
        };
        after.active_at = now;
        after.stage = Stage::Robot(Box::new(RobotStage { robot_id: robot_id.clone(), ..RobotStage::default() }));
        let (trail, because) = route.map(|route| (route.trail, route.because)).unzip();
        self.event(ConversationEvent::RobotStarted { robot_id, trail, because });
    }

    /// Asks the visitor to leave a message.
    pub(crate) fn leave_message(&mut self, message: LeaveMessage) {
        let LeaveMessage { level, reason, cause, trail } = message;
        let now = self.now;
        if let Some(after) = &mut self.after {
            let queue = Queue::LeftMessages.name();
            let place = place(&after.cid, now, 0);
            let (until, told, handed_on_by) = (None, false, None);
            after.stage = Stage::LeftMessage(Waiting { queue, place, since: now, level, until, told, handed_on_by });
            after.active_at = now;
        }
        self.event(ConversationEvent::LeaveMessageCreated { level, trail, because: cause });
        let prompts = &self.reception.prompts;
        let text = match reason {
            LeaveMessageReason::Unstaffed => &prompts.leave_message,
            LeaveMessageReason::QueueFull => &prompts.queue_full,
            LeaveMessageReason::WaitedTooLong => &prompts.waited_too_long,
        };
        let text = text.clone();
        self.say(AutomaticMessage::LeaveMessage, &text);
    }

    /// Closes the conversation.
    pub(crate) fn close(&mut self, by: ClosedBy, by_agent_id: Option<&str>, summary: Option<&Value>) {
        let now = self.now;
        let agent_id = self.after.as_ref().and_then(Conversation::assignee).map(ToOwned::to_owned);
        if let Some(after) = &mut self.after {
            after.stage = Stage::Closed { by };
            after.closed_at = Some(now);
            if let Some(summary) = summary {
                after.summary = summary.clone();
            }
        }
        self.visitor.open_cid = None;
        let by_agent_id = by_agent_id.map(ToOwned::to_owned);
        self.event(ConversationEvent::Closed { by, by_agent_id, agent_id, summary: summary.cloned() });
    }
}

/// Leaving a message because the routing found no agent and no queue.
fn not_taken(routed: &RoutingDecision, level: u8, context: &RoutingContext<'_>) -> LeaveMessage {
    let is_full = |entry: &TrailEntry| matches!(entry.state, TargetState::QueueFull | TargetState::QueueShare);
    let full = routed.trail.last().is_some_and(is_full);
    let reason = if full { LeaveMessageReason::QueueFull } else { LeaveMessageReason::Unstaffed };
    LeaveMessage { level, reason, cause: context.cause.clone(), trail: Some(routed.trail.clone()) }
}
