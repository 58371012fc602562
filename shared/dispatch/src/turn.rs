//! A robot's turn.
//!
//! What a visitor writes in quick succession is one turn: each message shows the conversation to the stream, the
//! stream hands over what came within a second at once, and whoever answers looks again before anything is said. If
//! more has come, the answer is dropped, and the turn with everything in it is answered instead, unless the visitor
//! has waited long enough: then they get this answer, and the rest is the next turn.

use std::slice;

use desk::{
    handover::{self, same_question},
    routing,
    settings::Mode,
    turn::{Answer, Outcome, SoFar, outcome},
};
use jiff::SignedDuration;
use robots::Client;
use serde_json::json;
use store::{Committed, Conversation, Direction, Message, Queue, Result, RobotStage, Stage, StoreError, Turn};
use wechat::client::Typing;

use crate::{
    DECISIONS, Dispatch,
    ask::{Asked, Given, said},
    hand::{Leaving, Way},
    knowledge::Knowing,
    plan::{Known, choosing},
    receive::takes,
    scene::{Scene, Speaker},
};

/// How long a turn is left to whoever answers it. Longer than the longest deadline of a robot and the calls around it.
const LEASE: SignedDuration = SignedDuration::from_secs(50);

/// A visitor who goes on writing gets an answer to what they wrote this long ago.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// The robot does not exist any more.
const GONE: &str = "robot.gone";

/// Messages among which a robot that takes over looks for what nobody has answered.
const UNANSWERED: i32 = 20;

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It is answered, or handed over.
    Done,
    /// There was nothing to answer (any more), or somebody else is at it.
    Nothing,
    /// The visitor wrote more meanwhile; that turn is answered instead.
    Dropped,
}

impl Dispatch {
    /// Answers what a visitor has said to a robot, if nobody else does.
    pub async fn turn(&self, robots: &Client, cid: &str) -> Result<Turned> {
        let Some(conversation) = self.table.conversation(cid).await? else {
            return Ok(Turned::Nothing);
        };
        let now = self.table.clock().now();
        let Some((stage, turn)) = waiting_turn(&conversation) else {
            return Ok(Turned::Nothing);
        };
        if turn.answering_until.is_some_and(|until| until > now) {
            return Ok(Turned::Nothing);
        }
        let mut scene = self.scene(conversation.clone()).await?;
        let person = scene.reception.mode != Mode::RobotOnly;
        if let Some(turn) = scene.after.as_mut().and_then(turn_mut) {
            turn.answering_until = Some(now + LEASE);
        }
        let Committed::Now(Some(conversation)) = scene.commit(&self.table).await? else {
            // Whoever was faster answers, or has shown a longer turn to the stream.
            return Ok(Turned::Nothing);
        };
        let messages = self.table.messages_of(&conversation.thread(), &turn.messages).await?;
        // That the visitor sees nobody typing has no consequence.
        let _ = self.channel.typing(&conversation.app_id, &conversation.openid, Typing::Start).await;
        let text = said(&messages);
        let knowing = self.knowing(&stage.robot_id).await?;
        let given = match &knowing {
            Some(knowing) => {
                let asked = Asked { conversation: &conversation, stage: &stage, turn: &turn, text: &text, person };
                self.ask(robots, knowing, &asked).await?
            }
            // Nobody is there to say anything: a person takes over, or a message is left.
            None => Given { answer: Answer::HandOver, failure: Some(GONE), sources: Vec::new() },
        };
        Box::pin(self.finish_turn(cid, &turn, &text, knowing.as_deref(), given)).await
    }

    async fn finish_turn(
        &self,
        cid: &str,
        asked: &Turn,
        text: &str,
        knowing: Option<&Knowing>,
        given: Given,
    ) -> Result<Turned> {
        let mut overtaken = 0;
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(Turned::Nothing);
            };
            let Some((stage, turn)) = waiting_turn(&conversation) else {
                // An agent has taken it meanwhile: the robot is silent.
                return Ok(Turned::Nothing);
            };
            let now = self.table.clock().now();
            let rest = turn.without(&asked.messages, now);
            if rest.is_some() && now.duration_since(turn.since) < PATIENCE {
                return Ok(Turned::Dropped);
            }
            let repeats = if same_question(&stage.last_question, text) { stage.repeats + 1 } else { 1 };
            let mut scene = self.scene(conversation).await?.overtaken(overtaken);
            let fallback = knowing.map(|knowing| knowing.robot.settings.fallback.clone()).unwrap_or_default();
            let so_far = SoFar { misses: stage.misses, repeats };
            let came = outcome(given.answer.clone(), so_far, &scene.reception.handover, &fallback);
            if let Some(Stage::Robot(robot)) = scene.after.as_mut().map(|after| &mut after.stage) {
                robot.misses = came.misses;
                robot.repeats = repeats;
                text.clone_into(&mut robot.last_question);
                robot.offered.clone_from(&came.offered);
                robot.turn.clone_from(&rest);
            }
            let ai = knowing.is_some_and(|knowing| knowing.robot.settings.is_ai());
            let queue = self.apply_outcome(&mut scene, &came, &given, ai).await?;
            match scene.commit(&self.table).await? {
                Committed::Now(_) => {
                    self.send_all(&scene).await?;
                    self.after(queue, None).await?;
                    return Ok(Turned::Done);
                }
                Committed::Agent => overtaken += 1,
                _ => {}
            }
        }
        Err(StoreError::Conflict)
    }

    /// Moves a conversation on that people had or that waited for them: if nobody is there and a robot takes over, it is
    /// the one of the plan, and it answers what none of them has answered. `way` names none.
    pub(crate) async fn move_on(
        &self,
        scene: &mut Scene<'_>,
        routed: &routing::Routed,
        way: Way<'_>,
    ) -> Result<Option<Queue>> {
        let robot = way.plan.robot_id.clone().or_else(|| scene.reception.robot_id.clone());
        let queue = self.hand(scene, routed, &Way { robot_id: robot.as_deref(), ..way }).await?;
        self.catch_up(scene).await?;
        Ok(queue)
    }

    async fn catch_up(&self, scene: &mut Scene<'_>) -> Result<()> {
        let is_robot = |conversation: &Option<Conversation>| {
            matches!(conversation.as_ref().map(|conversation| &conversation.stage), Some(Stage::Robot(_)))
        };
        if is_robot(&scene.before) || !is_robot(&scene.after) {
            return Ok(());
        }
        no_agent(scene);
        let last = self.table.last_messages(&scene.thread, UNANSWERED).await?;
        let role = |message: &Message| message.author.as_ref().map(|author| author.role.clone());
        let unanswered = last.iter().take_while(|message| match message.direction {
            Direction::In => message.cid == scene.before.as_ref().map(|before| before.cid.clone()),
            Direction::Out => role(message).as_deref() == Some("prompt"),
        });
        let keywords = &scene.reception.handover.keywords;
        let wants_person = |message: &Message| handover::asks_for_person(&said(slice::from_ref(message)), keywords);
        let questions = unanswered.filter(|message| message.direction == Direction::In && !wants_person(message));
        let now = scene.now;
        let mut turn: Option<Turn> = None;
        for message in questions {
            turn.get_or_insert_with(|| Turn::new(&message.id, now)).join(&message.id);
        }
        if let Some(Stage::Robot(robot)) = scene.after.as_mut().map(|after| &mut after.stage) {
            robot.turn = turn;
        }
        Ok(())
    }

    async fn apply_outcome(
        &self,
        scene: &mut Scene<'_>,
        came: &Outcome,
        given: &Given,
        ai: bool,
    ) -> Result<Option<Queue>> {
        if let Some(handover) = came.handover {
            let because = json!({ "handover": handover.reason });
            let from = choosing(&scene.reception, &scene.visitor, scene.now);
            let planned = self.plan(&scene.reception, &scene.visitor, from.as_ref()).await?;
            let staffed = scene.reception.mode != Mode::RobotOnly && !planned.plan.levels.is_empty();
            let mut known = Known::new();
            let routed = if staffed {
                Some(self.route(&planned.plan, routing::Mode::Full, scene.now, &mut known).await?)
            } else {
                None
            };
            if let Some(routed) = routed.as_ref().filter(|routed| takes(&routed.outcome)) {
                scene.event("conversation.handoff", json!({ "reason": handover.reason }));
                let way =
                    Way { plan: &planned.plan, known: &known, robot_id: None, since: scene.now, tell: true, because };
                return self.hand(scene, routed, &way).await;
            }
            // Nobody is there, so nobody is promised.
            if handover.asked {
                let goes_on = scene.reception.mode == Mode::RobotOnly
                    || matches!(routed.as_ref().map(|routed| &routed.outcome), Some(routing::Outcome::Robot { .. }));
                if goes_on && given.failure != Some(GONE) {
                    no_agent(scene);
                } else {
                    let trail = json!(routed.map(|routed| routed.trail));
                    Self::leave_message(scene, 0, Leaving::NobodyThere, &because, &trail);
                }
                return Ok(None);
            }
        }
        let answer = match &given.answer {
            Answer::Text(_) => "direct",
            Answer::Choice { .. } => "choice",
            Answer::DontKnow => "unknown",
            Answer::HandOver | Answer::PickedPerson => "handover",
            Answer::Failed => "failed",
        };
        let own = matches!(given.answer, Answer::Text(_));
        let data =
            json!({ "answer": answer, "sources": given.sources, "failure": given.failure, "misses": came.misses });
        scene.event("robot.answered", data);
        // Only what the model has written is its own; the fallback is the admin's text.
        scene.say("robot", &came.text, Speaker::Robot { ai: ai && own });
        Ok(None)
    }
}

/// The robot goes on, and the visitor is told why.
pub(crate) fn no_agent(scene: &mut Scene<'_>) {
    let text = scene.reception.prompts.no_agent.clone();
    scene.say("no_agent", &text, Speaker::Prompt);
}

fn waiting_turn(conversation: &Conversation) -> Option<(RobotStage, Turn)> {
    match &conversation.stage {
        Stage::Robot(robot) => Some(((**robot).clone(), robot.turn.clone()?)),
        _ => None,
    }
}

fn turn_mut(conversation: &mut Conversation) -> Option<&mut Turn> {
    match &mut conversation.stage {
        Stage::Robot(robot) => robot.turn.as_mut(),
        _ => None,
    }
}
