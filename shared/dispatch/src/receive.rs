//! A visitor's message, or their entering.

use channel::{Patience, reckon};
use desk::{
    handover,
    reception::{Arrival, Decision, Holder, Situation, decide},
    routing::{self, Outcome},
    settings::Reception,
};
use serde_json::{Value, json};
use store::{Binding, Committed, Conversation, InboundRef, Queue, Result, RobotStage, Stage, StoreError, Turn};
use wechat::session_from::SessionFrom;

use crate::{
    DECISIONS, Dispatch,
    enter::greet,
    hand::{Leaving, Way},
    plan::{Known, Planned, choosing, kept_plan, reception},
    scene::{Scene, Speaker},
    turn::no_agent,
};

/// What is known when a decision begins.
struct Ground<'a> {
    binding: Option<&'a Binding>,
    planned: Planned,
}

impl Dispatch {
    /// Decides what happens next after something has come in, writes it, and sends what is said. It may be repeated:
    /// the transaction asks that the message is still unprocessed.
    pub async fn receive(&self, message: &InboundRef) -> Result<()> {
        let mut overtaken = 0;
        for _ in 0..DECISIONS {
            let (mut scene, queue, freed) = Box::pin(self.decide(message, overtaken)).await?;
            match scene.commit(&self.table).await? {
                Committed::Now(_) => {
                    for id in scene.sends() {
                        self.channel.carry_out(&message.thread, id, Patience::Later).await?;
                    }
                    return self.after(queue, freed).await;
                }
                Committed::Before => return self.finish(message).await,
                Committed::Agent => overtaken += 1,
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
            self.channel.carry_out(&message.thread, &id, Patience::Later).await?;
        }
        Ok(())
    }

    async fn decide<'a>(
        &self,
        message: &'a InboundRef,
        overtaken: u32,
    ) -> Result<(Scene<'a>, Option<Queue>, Option<String>)> {
        let now = self.table.clock().now();
        let thread = &message.thread;
        let (visitor, binding) = tokio::try_join!(self.table.visitor(thread), self.table.binding(&thread.app_id))?;
        let reception = reception(binding.as_ref());
        let open = match &visitor.open_cid {
            Some(cid) => self.table.conversation(cid).await?.filter(Conversation::is_open),
            None => None,
        };
        let scene = Scene::new(thread.clone(), reception, visitor, open, now);
        let mut scene = scene.about(message).overtaken(overtaken);
        scene.visitor.first_seen_at.get_or_insert(now);
        scene.visitor.last_seen_at = Some(now);
        if thread.openid.is_empty() || message.kind == "event" {
            self.entered(&mut scene, message, binding.as_ref()).await?;
            // An event belongs to no conversation.
            scene.after = None;
            scene.before = None;
            return Ok((scene, None, None));
        }
        reckon(&mut scene.visitor, now, |ledger| ledger.on_message(message.created_at, now));
        self.release(&mut scene).await?;
        let (queue, freed) = self.converse(&mut scene, message, binding.as_ref()).await?;
        Ok((scene, queue, freed))
    }

    async fn converse(
        &self,
        scene: &mut Scene<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<(Option<Queue>, Option<String>)> {
        let now = scene.now;
        let text = message.content.get("content").and_then(Value::as_str).filter(|_| message.kind == "text");
        let holder = scene.before.as_ref().map(|open| holder(&open.stage));
        let undecided = matches!(holder, None | Some(Holder::Nobody | Holder::Robot | Holder::LeftMessage));
        let from = choosing(&scene.reception, &scene.visitor, now).filter(|_| undecided);
        let left = scene.before.as_ref().filter(|_| holder == Some(Holder::LeftMessage));
        let planned = match left.and_then(kept_plan).filter(|plan| !plan.levels.is_empty()) {
            // Whom they wanted when they left their message.
            Some(plan) => Planned { plan, ..Planned::none(&scene.reception) },
            None if undecided => self.plan(&scene.reception, &scene.visitor, from.as_ref()).await?,
            None => Planned::none(&scene.reception),
        };
        let decision = decide(&Situation {
            arrival: text.map_or(Arrival::Other, Arrival::Text),
            holder,
            mode: scene.reception.mode,
            has_robot: planned.robot_id.is_some(),
            has_target: !planned.plan.levels.is_empty(),
            keywords: &scene.reception.handover.keywords,
        });
        if let Some(after) = &mut scene.after {
            after.join(message, now);
        } else if decision == Decision::Note {
            return Ok((None, None));
        } else {
            let opened = Conversation::new(&scene.thread, message, Stage::Unassigned, now);
            scene.visitor.open_cid = Some(opened.cid.clone());
            scene.after = Some(opened);
            let verification = from.as_ref().and(scene.visitor.verification.as_deref());
            scene.event("conversation.created", warnings(from.as_ref(), verification, &planned));
            greet(scene);
        }
        let known = Ground { binding, planned };
        self.carry(scene, message, decision, &known).await
    }

    async fn carry(
        &self,
        scene: &mut Scene<'_>,
        message: &InboundRef,
        decision: Decision,
        known: &Ground<'_>,
    ) -> Result<(Option<Queue>, Option<String>)> {
        match decision {
            Decision::Note | Decision::Open | Decision::Join => joined(scene, known.binding),
            Decision::Robot => {
                take_over(scene, known.planned.robot_id.as_deref());
                robot_turn(scene, message);
            }
            Decision::Stay => {
                take_over(scene, known.planned.robot_id.as_deref());
                no_agent(scene);
            }
            Decision::LeaveMessage => {
                let because = json!({ "handover": handover::Reason::Keyword });
                Self::leave_message(scene, 0, Leaving::NobodyThere, &because, &Value::Null);
            }
            Decision::Return { immediate } => return Ok((self.back(scene, immediate, known).await?, None)),
            Decision::End => {
                let freed = scene.before.as_ref().and_then(Conversation::assignee).map(ToOwned::to_owned);
                Self::end(scene, "visitor", None);
                return Ok((None, freed));
            }
            Decision::Route { immediate, handover } => {
                let queue = self.to_staff(scene, message, immediate, handover, &known.planned).await?;
                return Ok((queue, None));
            }
        }
        Ok((None, None))
    }

    async fn to_staff(
        &self,
        scene: &mut Scene<'_>,
        message: &InboundRef,
        immediate: bool,
        handover: Option<handover::Reason>,
        planned: &Planned,
    ) -> Result<Option<Queue>> {
        let mut known = Known::new();
        let routed = self.route(&planned.plan, mode(immediate), scene.now, &mut known).await?;
        let robot = planned.robot_id.as_deref();
        if let Some(reason) = handover.filter(|_| takes(&routed.outcome)) {
            scene.event("conversation.handoff", json!({ "reason": reason }));
        }
        let because = json!({ "handover": handover });
        let way = Way { plan: &planned.plan, known: &known, robot_id: robot, since: scene.now, tell: true, because };
        if handover.is_some() && matches!(routed.outcome, Outcome::Robot { .. }) && robot.is_some() {
            // The robot has it already or from now on; it does not answer the wish for a person.
            if !matches!(scene.before.as_ref().map(|before| &before.stage), Some(Stage::Robot(_))) {
                self.hand(scene, &routed, &way).await?;
            }
            no_agent(scene);
            return Ok(None);
        }
        let queue = self.hand(scene, &routed, &way).await?;
        if let Some(Stage::Robot(_)) = scene.after.as_ref().map(|after| &after.stage) {
            robot_turn(scene, message);
        }
        Ok(queue)
    }

    /// Whoever has left a message writes again: somebody may be there by now.
    async fn back(&self, scene: &mut Scene<'_>, immediate: bool, ground: &Ground<'_>) -> Result<Option<Queue>> {
        let plan = &ground.planned.plan;
        let mut known = Known::new();
        let routed = self.route(plan, mode(immediate), scene.now, &mut known).await?;
        if !takes(&routed.outcome) {
            joined(scene, ground.binding);
            return Ok(None);
        }
        let because = json!({ "left_message": true });
        let way = Way { plan, known: &known, robot_id: None, since: scene.now, tell: true, because };
        self.hand(scene, &routed, &way).await
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

fn holder(stage: &Stage) -> Holder {
    match stage {
        Stage::Unassigned | Stage::Closed { .. } => Holder::Nobody,
        Stage::Robot(_) => Holder::Robot,
        Stage::Queued(_) => Holder::Queue,
        Stage::Assigned(_) => Holder::Agent,
        Stage::LeftMessage(_) => Holder::LeftMessage,
    }
}

/// What was odd about `session-from`, for the admin who looks at the conversation's history.
fn warnings(from: Option<&SessionFrom>, verification: Option<&str>, planned: &Planned) -> Value {
    let odd: Vec<Value> =
        from.map(|from| from.warnings.iter().map(|warning| json!(warning)).collect()).unwrap_or_default();
    json!({ "session_from_warnings": odd, "verification": verification, "routing_warnings": planned.warnings })
}

/// The conversation stays where it is.
fn joined(scene: &mut Scene<'_>, binding: Option<&Binding>) {
    let answered = scene.before.as_ref().is_some_and(|before| before.answered_at.is_some());
    match scene.after.as_mut().map(|after| &mut after.stage) {
        Some(Stage::Unassigned) if !answered => {
            let text = binding.and_then(|binding| binding.auto_reply.clone()).unwrap_or_default();
            scene.say("reply", &text, Speaker::AutoReply);
        }
        Some(Stage::LeftMessage(waiting)) if !waiting.told => {
            waiting.told = true;
            let text = scene.reception.prompts.message_left.clone();
            scene.say("left", &text, Speaker::Prompt);
        }
        _ => {}
    }
}

/// The robot has the conversation from now on, if it has not got it already.
fn take_over(scene: &mut Scene<'_>, robot_id: Option<&str>) {
    let Some(after) = &mut scene.after else {
        return;
    };
    if !matches!(after.stage, Stage::Robot(_)) {
        let robot_id = robot_id.unwrap_or_default().to_owned();
        after.stage = Stage::Robot(Box::new(RobotStage { robot_id: robot_id.clone(), ..RobotStage::default() }));
        scene.event("conversation.robot", json!({ "robot_id": robot_id }));
    }
}

/// The message is part of what the robot has to answer.
fn robot_turn(scene: &mut Scene<'_>, message: &InboundRef) {
    let now = scene.now;
    if let Some(Stage::Robot(robot)) = scene.after.as_mut().map(|after| &mut after.stage) {
        match &mut robot.turn {
            Some(turn) => turn.join(&message.id),
            None => robot.turn = Some(Turn::new(&message.id, now)),
        }
    }
}
