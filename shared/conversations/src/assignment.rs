//! A conversation changes hands.

use desk::{
    routing::{Facts, Outcome, Plan, RoutingDecision, Target, TargetState},
    staff::{AgentFacts, choose_agent, rank_free_agents},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{Assign, Assigned, Conversation, Queue, Result, RobotStage, Stage, Waiting, place};

use crate::{
    Conversations,
    decision::{Decision, Speaker},
    plan::{Known, queue_of},
};

/// How far ahead places are counted: beyond it a visitor is told of so many.
const COUNTED: u32 = 99;

/// After so many losses a decision asks only that its agent has room: a visitor whose agent has one more than the others
/// is better off than one whom nobody gets to.
const TO_THE_LOAD: u32 = 4;

/// How long a visitor waits for one agent whom they were sent to.
const AGENT_WAIT_SECONDS: u32 = 600;

/// Why a visitor is asked to leave a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Nobody is there.
    NobodyThere,
    /// No more may wait.
    QueueFull,
    /// They have waited for as long as the group lets them.
    WaitedTooLong,
}

/// What goes along with a change of hands.
#[derive(Debug, Clone)]
pub(crate) struct Way<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) known: &'a Known,
    /// The robot that takes over where nobody is there and the policy says so.
    pub(crate) robot_id: Option<&'a str>,
    /// Since when the visitor waits.
    pub(crate) since: Timestamp,
    /// Whether the visitor is told who has them or that they wait. That they may leave a message is told always.
    pub(crate) tell: bool,
    /// More for the event.
    pub(crate) because: Value,
}

impl Conversations {
    /// Puts the decision's conversation where the routing says. The queue that it joins is to be drained once it is
    /// written: somebody may have become free meanwhile.
    pub(crate) async fn hand(
        &self,
        decision: &mut Decision<'_>,
        routed: &RoutingDecision,
        way: &Way<'_>,
    ) -> Result<Option<Queue>> {
        if let Some(after) = &mut decision.after {
            after.plan = serde_json::to_value(way.plan).unwrap_or_default();
        }
        let trail = json!(routed.trail);
        let full = routed.trail.last().is_some_and(|passage| passage.state == TargetState::QueueFull);
        let leaving = if full { Leaving::QueueFull } else { Leaving::NobodyThere };
        match &routed.outcome {
            Outcome::Assign { agents, group, level } => {
                let Some(agent) = self.pick_agent(decision, agents, group.as_deref(), way) else {
                    Self::leave_message(decision, *level, leaving, &way.because, &trail);
                    return Ok(None);
                };
                decision.assign = Assign::Auto { at_most: (decision.lost_races < TO_THE_LOAD).then_some(agent.load) };
                decision.seat = Some(self.in_flight.take(&agent.id));
                let more = json!({ "level": level, "trail": trail, "because": way.because });
                self.assign(decision, &agent.id, group.clone(), way.tell, more).await?;
                Ok(None)
            }
            Outcome::Queue { target, level } => {
                let queue = queue_of(target);
                let max_wait = match way.known.get(target) {
                    Some(Facts::Group { group, .. }) => group.max_wait_seconds,
                    // An agent has no setting for it, and may be away for hours.
                    _ => Some(AGENT_WAIT_SECONDS),
                };
                self.enqueue(decision, &queue, *level, max_wait, way, trail).await?;
                Ok(Some(queue))
            }
            Outcome::Robot { level } => {
                match (way.robot_id, decision.after.as_mut()) {
                    (Some(robot), Some(after)) => {
                        let robot_id = robot.to_owned();
                        after.stage = Stage::Robot(Box::new(RobotStage { robot_id, ..RobotStage::default() }));
                        after.active_at = decision.now;
                        let data = json!({ "robot_id": robot, "trail": trail, "because": way.because });
                        decision.event("conversation.robot", data);
                    }
                    _ => Self::leave_message(decision, *level, leaving, &way.because, &trail),
                }
                Ok(None)
            }
            Outcome::LeaveMessage { level } => {
                Self::leave_message(decision, *level, leaving, &way.because, &trail);
                Ok(None)
            }
        }
    }

    /// Gives the decision's conversation to an agent.
    pub(crate) async fn assign(
        &self,
        decision: &mut Decision<'_>,
        agent: &str,
        group_id: Option<String>,
        tell: bool,
        more: Value,
    ) -> Result<()> {
        let now = decision.now;
        decision.visitor.last_agent = Some((agent.to_owned(), now));
        if let Some(after) = &mut decision.after {
            let agent_id = agent.to_owned();
            after.stage =
                Stage::Assigned(Assigned { agent_id, group_id: group_id.clone(), since: now, accepted_at: None });
            after.active_at = now;
        }
        let mut data = json!({ "agent_id": agent, "group_id": group_id });
        merge(&mut data, more);
        decision.event("conversation.assigned", data);
        let prompt = decision.reception.prompts.connected.clone();
        if tell && !prompt.is_empty() {
            let name = match self.table.duty(agent).await? {
                Some(duty) if prompt.contains("{agent}") => duty.name,
                _ => String::new(),
            };
            decision.say("connected", &prompt.replace("{agent}", &name), Speaker::Prompt);
        }
        Ok(())
    }

    /// Which of the agents gets the decision's conversation, and what they will have when those are with them that are on
    /// their way.
    fn pick_agent(
        &self,
        decision: &Decision<'_>,
        agents: &[String],
        group: Option<&str>,
        way: &Way<'_>,
    ) -> Option<AgentFacts> {
        let target = match group {
            Some(group) => Target::Group(group.to_owned()),
            None => Target::Agent(agents.first()?.clone()),
        };
        let seen = |agent: &AgentFacts| {
            let mut agent = agent.clone();
            agent.add_load(self.in_flight.taken(&agent.id), decision.now);
            agent
        };
        let (group, members) = match way.known.get(&target)? {
            Facts::Group { group, members, .. } => (group, members),
            Facts::Agent { agent, .. } => return Some(seen(agent)),
            Facts::Missing => return None,
        };
        let members: Vec<AgentFacts> = members.iter().map(seen).collect();
        let find = |id: &String| members.iter().find(|agent| agent.id == *id);
        if let Some(last) = way.plan.sticky.as_ref().filter(|last| agents.first() == Some(&last.agent)) {
            // Nobody else is as good for this visitor.
            return find(&last.agent).cloned();
        }
        let mut order = rank_free_agents(group.strategy, &members, None);
        if order.is_empty() {
            // The last places may go to those who are on their way, or not: the transaction knows.
            order = agents.to_vec();
        }
        let free: Vec<&AgentFacts> = order.iter().filter_map(find).collect();
        choose_agent(group.strategy, &free, decision.lost_races, &decision.thread.uid()).cloned()
    }

    async fn enqueue(
        &self,
        decision: &mut Decision<'_>,
        queue: &Queue,
        level: u8,
        max_wait: Option<u32>,
        way: &Way<'_>,
        trail: Value,
    ) -> Result<()> {
        let Some(after) = &mut decision.after else {
            return Ok(());
        };
        let place = place(&after.cid, way.since, decision.reception.priority);
        let until = max_wait.map(|seconds| {
            let wait = SignedDuration::from_secs(i64::from(seconds));
            decision.now.checked_add(wait).unwrap_or(Timestamp::MAX)
        });
        let ((), ahead) =
            tokio::try_join!(self.table.expect_waiting(queue), self.table.count_waiting(queue, Some(&place), COUNTED))?;
        let name = queue.name();
        let queue = name.clone();
        after.stage =
            Stage::Queued(Waiting { queue, place, since: way.since, level, until, told: true, handed_on_by: None });
        after.active_at = decision.now;
        let data = json!({ "queue": name, "ahead": ahead, "level": level, "trail": trail, "because": way.because });
        decision.event("conversation.queued", data);
        if way.tell {
            let told = |number: u32| if ahead >= COUNTED { format!("{COUNTED}+") } else { number.to_string() };
            let text = decision.reception.prompts.queued.replace("{ahead}", &told(ahead));
            let text = text.replace("{position}", &told(ahead + 1));
            decision.say("queued", &text, Speaker::Prompt);
        }
        Ok(())
    }

    /// Lets the visitor leave a message.
    pub(crate) fn leave_message(decision: &mut Decision<'_>, level: u8, why: Leaving, because: &Value, trail: &Value) {
        let now = decision.now;
        if let Some(after) = &mut decision.after {
            let queue = Queue::LeftMessages.name();
            let place = place(&after.cid, now, 0);
            let (until, told, handed_on_by) = (None, false, None);
            after.stage = Stage::LeftMessage(Waiting { queue, place, since: now, level, until, told, handed_on_by });
            after.active_at = now;
        }
        decision.event("leave_message.created", json!({ "level": level, "trail": trail, "because": because }));
        let prompts = &decision.reception.prompts;
        let text = match why {
            Leaving::NobodyThere => &prompts.leave_message,
            Leaving::QueueFull => &prompts.queue_full,
            Leaving::WaitedTooLong => &prompts.waited_too_long,
        };
        let text = text.clone();
        decision.say("leave", &text, Speaker::Prompt);
    }

    /// Ends the decision's conversation.
    pub(crate) fn end(decision: &mut Decision<'_>, by: &str, summary: Option<&Value>) {
        let now = decision.now;
        let agent_id = decision.after.as_ref().and_then(Conversation::assignee).map(ToOwned::to_owned);
        if let Some(after) = &mut decision.after {
            after.stage = Stage::Closed { by: by.to_owned() };
            after.closed_at = Some(now);
            if let Some(summary) = summary {
                after.summary = summary.clone();
            }
        }
        decision.open_cid(None);
        decision.event("conversation.closed", json!({ "by": by, "agent_id": agent_id, "summary": summary }));
    }
}

/// Adds the fields of one object to another.
pub(crate) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
