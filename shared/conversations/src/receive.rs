//! A visitor's message, or their entering.

use channel::{RetryPolicy, update_ledger};
use desk::{
    handover,
    reception::{Handler, Incoming, NextStep, ReceptionInput, decide},
    routing::{self, Outcome},
    settings::Reception,
};
use serde_json::{Value, json};
use store::{Binding, Committed, Conversation, InboundRef, Queue, Result, RobotStage, Stage, StoreError, Turn};
use wechat::session_from::SessionFrom;

use crate::{
    Conversations, DECISIONS,
    assignment::{Leaving, Way},
    decision::{Decision, Speaker},
    plan::{Known, Planned, choosing, kept_plan, reception},
    session_start::greet,
    turn::no_agent,
};

/// What is known when a decision begins.
struct Ground<'a> {
    binding: Option<&'a Binding>,
    planned: Planned,
}

impl Conversations {
    /// Decides what happens next after something has come in, writes it, and sends what is said. It may be repeated:
    /// the transaction asks that the message is still unprocessed.
    pub async fn receive(&self, message: &InboundRef) -> Result<()> {
        let mut lost_races = 0;
        for _ in 0..DECISIONS {
            let (mut decision, queue, freed) = Box::pin(self.decide(message, lost_races)).await?;
            match decision.commit(&self.table).await? {
                Committed::Now(_) => {
                    for id in decision.sends() {
                        self.channel.deliver(&message.thread, id, RetryPolicy::Retry).await?;
                    }
                    return self.after(queue, freed).await;
                }
                Committed::Before => return self.finish(message).await,
                Committed::Agent => lost_races += 1,
                Committed::Changed | Committed::Once => {}
            }
        }
        Err(StoreError::Conflict)
    }

    /// What follows a change: those who wait, and those who can take them now.
    pub(crate) async fn after(&self, queue: Option<Queue>, freed: Option<String>) -> Result<()> {
        if let Some(queue) = queue {
            self.drain(&[queue]).await?;
        }
        if let Some(agent) = freed {
            self.drain_for(&agent).await?;
        }
        Ok(())
    }

    /// The message was processed before, by a function that may have been stopped before it sent what it said.
    async fn finish(&self, message: &InboundRef) -> Result<()> {
        for id in self.table.pending_since(&message.thread, &message.id).await? {
            self.channel.deliver(&message.thread, &id, RetryPolicy::Retry).await?;
        }
        Ok(())
    }

    async fn decide<'a>(
        &self,
        message: &'a InboundRef,
        lost_races: u32,
    ) -> Result<(Decision<'a>, Option<Queue>, Option<String>)> {
        let now = self.table.clock().now();
        let thread = &message.thread;
        let (visitor, binding) = tokio::try_join!(self.table.visitor(thread), self.table.binding(&thread.app_id))?;
        let reception = reception(binding.as_ref());
        let open = match &visitor.open_cid {
            Some(cid) => self.table.conversation(cid).await?.filter(Conversation::is_open),
            None => None,
        };
        let decision = Decision::new(thread.clone(), reception, visitor, open, now);
        let mut decision = decision.about(message).lost_races(lost_races);
        decision.visitor.first_seen_at.get_or_insert(now);
        decision.visitor.last_seen_at = Some(now);
        if thread.openid.is_empty() || message.kind == "event" {
            self.entered(&mut decision, message, binding.as_ref()).await?;
            // An event belongs to no conversation.
            decision.after = None;
            decision.before = None;
            return Ok((decision, None, None));
        }
        update_ledger(&mut decision.visitor, now, |ledger| ledger.record_message(message.created_at, now));
        self.release(&mut decision).await?;
        let (queue, freed) = self.converse(&mut decision, message, binding.as_ref()).await?;
        Ok((decision, queue, freed))
    }

    async fn converse(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<(Option<Queue>, Option<String>)> {
        let now = decision.now;
        let text = message.content.get("content").and_then(Value::as_str).filter(|_| message.kind == "text");
        let handler = decision.before.as_ref().map(|open| handler(&open.stage));
        let undecided = matches!(handler, None | Some(Handler::Unassigned | Handler::Robot | Handler::LeftMessage));
        let from = choosing(&decision.reception, &decision.visitor, now).filter(|_| undecided);
        let left = decision.before.as_ref().filter(|_| handler == Some(Handler::LeftMessage));
        let planned = match left.and_then(kept_plan).filter(|plan| !plan.levels.is_empty()) {
            // Whom they wanted when they left their message.
            Some(plan) => Planned { plan, ..Planned::none(&decision.reception) },
            None if undecided => self.plan(&decision.reception, &decision.visitor, from.as_ref()).await?,
            None => Planned::none(&decision.reception),
        };
        let step = decide(&ReceptionInput {
            incoming: text.map_or(Incoming::Other, Incoming::Text),
            handler,
            mode: decision.reception.mode,
            has_robot: planned.robot_id.is_some(),
            has_target: !planned.plan.levels.is_empty(),
            keywords: &decision.reception.handover.keywords,
        });
        if let Some(after) = &mut decision.after {
            after.join(message, now);
        } else if step == NextStep::RecordOnly {
            return Ok((None, None));
        } else {
            let opened = Conversation::new(&decision.thread, message, Stage::Unassigned, now);
            decision.visitor.open_cid = Some(opened.cid.clone());
            decision.after = Some(opened);
            let verification = from.as_ref().and(decision.visitor.verification.as_deref());
            decision.event("conversation.created", warnings(from.as_ref(), verification, &planned));
            greet(decision);
        }
        let known = Ground { binding, planned };
        self.carry(decision, message, step, &known).await
    }

    async fn carry(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        step: NextStep,
        known: &Ground<'_>,
    ) -> Result<(Option<Queue>, Option<String>)> {
        match step {
            NextStep::RecordOnly | NextStep::OpenUnassigned | NextStep::Append => joined(decision, known.binding),
            NextStep::AskRobot => {
                take_over(decision, known.planned.robot_id.as_deref());
                robot_turn(decision, message);
            }
            NextStep::KeepWithRobot => {
                take_over(decision, known.planned.robot_id.as_deref());
                no_agent(decision);
            }
            NextStep::LeaveMessage => {
                let because = json!({ "handover": handover::Reason::Keyword });
                Self::leave_message(decision, 0, Leaving::NobodyThere, &because, &Value::Null);
            }
            NextStep::RouteAgain { immediate } => return Ok((self.back(decision, immediate, known).await?, None)),
            NextStep::Close => {
                let freed = decision.before.as_ref().and_then(Conversation::assignee).map(ToOwned::to_owned);
                Self::end(decision, "visitor", None);
                return Ok((None, freed));
            }
            NextStep::Route { immediate, handover } => {
                let queue = self.to_staff(decision, message, immediate, handover, &known.planned).await?;
                return Ok((queue, None));
            }
        }
        Ok((None, None))
    }

    async fn to_staff(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        immediate: bool,
        handover: Option<handover::Reason>,
        planned: &Planned,
    ) -> Result<Option<Queue>> {
        let mut known = Known::new();
        let routed = self.route(&planned.plan, mode(immediate), decision.now, &mut known).await?;
        let robot = planned.robot_id.as_deref();
        if let Some(reason) = handover.filter(|_| takes(&routed.outcome)) {
            decision.event("conversation.handoff", json!({ "reason": reason }));
        }
        let because = json!({ "handover": handover });
        let way = Way { plan: &planned.plan, known: &known, robot_id: robot, since: decision.now, tell: true, because };
        if handover.is_some() && matches!(routed.outcome, Outcome::Robot { .. }) && robot.is_some() {
            // The robot has it already or from now on; it does not answer the wish for a person.
            if !matches!(decision.before.as_ref().map(|before| &before.stage), Some(Stage::Robot(_))) {
                self.hand(decision, &routed, &way).await?;
            }
            no_agent(decision);
            return Ok(None);
        }
        let queue = self.hand(decision, &routed, &way).await?;
        if let Some(Stage::Robot(_)) = decision.after.as_ref().map(|after| &after.stage) {
            robot_turn(decision, message);
        }
        Ok(queue)
    }

    /// Whoever has left a message writes again: somebody may be there by now.
    async fn back(&self, decision: &mut Decision<'_>, immediate: bool, ground: &Ground<'_>) -> Result<Option<Queue>> {
        let plan = &ground.planned.plan;
        let mut known = Known::new();
        let routed = self.route(plan, mode(immediate), decision.now, &mut known).await?;
        if !takes(&routed.outcome) {
            joined(decision, ground.binding);
            return Ok(None);
        }
        let because = json!({ "left_message": true });
        let way = Way { plan, known: &known, robot_id: None, since: decision.now, tell: true, because };
        self.hand(decision, &routed, &way).await
    }
}

fn mode(immediate: bool) -> routing::Mode {
    if immediate { routing::Mode::ImmediateOnly } else { routing::Mode::Full }
}

/// Whether an agent has the visitor by it or will have.
pub(crate) fn takes(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Assign { .. } | Outcome::Queue { .. })
}

impl Planned {
    /// For a conversation that is where it belongs.
    fn none(reception: &Reception) -> Self {
        let plan = routing::Plan::new(Vec::new(), None, reception.after_hours);
        Self { plan, warnings: Vec::new(), robot_id: None }
    }
}

fn handler(stage: &Stage) -> Handler {
    match stage {
        Stage::Unassigned | Stage::Closed { .. } => Handler::Unassigned,
        Stage::Robot(_) => Handler::Robot,
        Stage::Queued(_) => Handler::Queue,
        Stage::Assigned(_) => Handler::Agent,
        Stage::LeftMessage(_) => Handler::LeftMessage,
    }
}

/// What was odd about `session-from`, for the admin who looks at the conversation's history.
fn warnings(from: Option<&SessionFrom>, verification: Option<&str>, planned: &Planned) -> Value {
    let odd: Vec<Value> =
        from.map(|from| from.warnings.iter().map(|warning| json!(warning)).collect()).unwrap_or_default();
    json!({ "session_from_warnings": odd, "verification": verification, "routing_warnings": planned.warnings })
}

/// The conversation stays where it is.
fn joined(decision: &mut Decision<'_>, binding: Option<&Binding>) {
    let answered = decision.before.as_ref().is_some_and(|before| before.answered_at.is_some());
    match decision.after.as_mut().map(|after| &mut after.stage) {
        Some(Stage::Unassigned) if !answered => {
            let text = binding.and_then(|binding| binding.auto_reply.clone()).unwrap_or_default();
            decision.say("reply", &text, Speaker::AutoReply);
        }
        Some(Stage::LeftMessage(waiting)) if !waiting.told => {
            waiting.told = true;
            let text = decision.reception.prompts.message_left.clone();
            decision.say("left", &text, Speaker::Prompt);
        }
        _ => {}
    }
}

/// The robot has the conversation from now on, if it has not got it already.
fn take_over(decision: &mut Decision<'_>, robot_id: Option<&str>) {
    let Some(after) = &mut decision.after else {
        return;
    };
    if !matches!(after.stage, Stage::Robot(_)) {
        let robot_id = robot_id.unwrap_or_default().to_owned();
        after.stage = Stage::Robot(Box::new(RobotStage { robot_id: robot_id.clone(), ..RobotStage::default() }));
        decision.event("conversation.robot", json!({ "robot_id": robot_id }));
    }
}

/// The message is part of what the robot has to answer.
fn robot_turn(decision: &mut Decision<'_>, message: &InboundRef) {
    let now = decision.now;
    if let Some(Stage::Robot(robot)) = decision.after.as_mut().map(|after| &mut after.stage) {
        match &mut robot.turn {
            Some(turn) => turn.join(&message.id),
            None => robot.turn = Some(Turn::new(&message.id, now)),
        }
    }
}
