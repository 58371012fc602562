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
    turn::{RobotAnswer, TurnDecision, TurnHistory, decide},
};
use jiff::SignedDuration;
use robots::Client;
use serde_json::json;
use store::{Committed, Conversation, Direction, Message, Queue, Result, RobotStage, Stage, StoreError, Turn};
use wechat::client::Typing;

use crate::{
    Conversations, DECISIONS,
    ask::{Asked, Given, said},
    assignment::{Leaving, Way},
    decision::{Decision, Speaker},
    knowledge::Knowing,
    plan::{Known, choosing},
    receive::takes,
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
pub enum TurnOutcome {
    /// It is answered, or handed over.
    Done,
    /// There was nothing to answer (any more), or somebody else is at it.
    Nothing,
    /// The visitor wrote more meanwhile; that turn is answered instead.
    Dropped,
}

impl Conversations {
    /// Answers what a visitor has said to a robot, if nobody else does.
    pub async fn turn(&self, robots: &Client, cid: &str) -> Result<TurnOutcome> {
        let Some(conversation) = self.table.conversation(cid).await? else {
            return Ok(TurnOutcome::Nothing);
        };
        let now = self.table.clock().now();
        let Some((stage, turn)) = waiting_turn(&conversation) else {
            return Ok(TurnOutcome::Nothing);
        };
        if turn.answering_until.is_some_and(|until| until > now) {
            return Ok(TurnOutcome::Nothing);
        }
        let mut decision = self.decision(conversation.clone()).await?;
        let person = decision.reception.mode != Mode::RobotOnly;
        if let Some(turn) = decision.after.as_mut().and_then(turn_mut) {
            turn.answering_until = Some(now + LEASE);
        }
        let Committed::Now(Some(conversation)) = decision.commit(&self.table).await? else {
            // Whoever was faster answers, or has shown a longer turn to the stream.
            return Ok(TurnOutcome::Nothing);
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
            None => Given { answer: RobotAnswer::HandOver, failure: Some(GONE), sources: Vec::new() },
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
    ) -> Result<TurnOutcome> {
        let mut lost_races = 0;
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(TurnOutcome::Nothing);
            };
            let Some((stage, turn)) = waiting_turn(&conversation) else {
                // An agent has taken it meanwhile: the robot is silent.
                return Ok(TurnOutcome::Nothing);
            };
            let now = self.table.clock().now();
            let rest = turn.without(&asked.messages, now);
            if rest.is_some() && now.duration_since(turn.since) < PATIENCE {
                return Ok(TurnOutcome::Dropped);
            }
            let repeats = if same_question(&stage.last_question, text) { stage.repeats + 1 } else { 1 };
            let mut decision = self.decision(conversation).await?.lost_races(lost_races);
            let fallback = knowing.map(|knowing| knowing.robot.settings.fallback.clone()).unwrap_or_default();
            let history = TurnHistory { misses: stage.misses, repeats };
            let came = decide(given.answer.clone(), history, &decision.reception.handover, &fallback);
            if let Some(Stage::Robot(robot)) = decision.after.as_mut().map(|after| &mut after.stage) {
                robot.misses = came.misses;
                robot.repeats = repeats;
                text.clone_into(&mut robot.last_question);
                robot.offered.clone_from(&came.offered);
                robot.turn.clone_from(&rest);
            }
            let ai = knowing.is_some_and(|knowing| knowing.robot.settings.is_ai());
            let queue = self.apply_outcome(&mut decision, &came, &given, ai).await?;
            match decision.commit(&self.table).await? {
                Committed::Now(_) => {
                    self.send_all(&decision).await?;
                    self.after(queue, None).await?;
                    return Ok(TurnOutcome::Done);
                }
                Committed::Agent => lost_races += 1,
                _ => {}
            }
        }
        Err(StoreError::Conflict)
    }

    /// Moves a conversation on that people had or that waited for them: if nobody is there and a robot takes over, it is
    /// the one of the plan, and it answers what none of them has answered. `way` names none.
    pub(crate) async fn move_on(
        &self,
        decision: &mut Decision<'_>,
        routed: &routing::RoutingDecision,
        way: Way<'_>,
    ) -> Result<Option<Queue>> {
        let robot = way.plan.robot_id.clone().or_else(|| decision.reception.robot_id.clone());
        let queue = self.hand(decision, routed, &Way { robot_id: robot.as_deref(), ..way }).await?;
        self.catch_up(decision).await?;
        Ok(queue)
    }

    async fn catch_up(&self, decision: &mut Decision<'_>) -> Result<()> {
        let is_robot = |conversation: &Option<Conversation>| {
            matches!(conversation.as_ref().map(|conversation| &conversation.stage), Some(Stage::Robot(_)))
        };
        if is_robot(&decision.before) || !is_robot(&decision.after) {
            return Ok(());
        }
        no_agent(decision);
        let last = self.table.last_messages(&decision.thread, UNANSWERED).await?;
        let role = |message: &Message| message.author.as_ref().map(|author| author.role.clone());
        let unanswered = last.iter().take_while(|message| match message.direction {
            Direction::In => message.cid == decision.before.as_ref().map(|before| before.cid.clone()),
            Direction::Out => role(message).as_deref() == Some("prompt"),
        });
        let keywords = &decision.reception.handover.keywords;
        let wants_person = |message: &Message| handover::asks_for_person(&said(slice::from_ref(message)), keywords);
        let questions = unanswered.filter(|message| message.direction == Direction::In && !wants_person(message));
        let now = decision.now;
        let mut turn: Option<Turn> = None;
        for message in questions {
            turn.get_or_insert_with(|| Turn::new(&message.id, now)).join(&message.id);
        }
        if let Some(Stage::Robot(robot)) = decision.after.as_mut().map(|after| &mut after.stage) {
            robot.turn = turn;
        }
        Ok(())
    }

    async fn apply_outcome(
        &self,
        decision: &mut Decision<'_>,
        came: &TurnDecision,
        given: &Given,
        ai: bool,
    ) -> Result<Option<Queue>> {
        if let Some(handover) = came.handover {
            let because = json!({ "handover": handover.reason });
            let from = choosing(&decision.reception, &decision.visitor, decision.now);
            let planned = self.plan(&decision.reception, &decision.visitor, from.as_ref()).await?;
            let staffed = decision.reception.mode != Mode::RobotOnly && !planned.plan.levels.is_empty();
            let mut known = Known::new();
            let routed = if staffed {
                Some(self.route(&planned.plan, routing::Mode::Full, decision.now, &mut known).await?)
            } else {
                None
            };
            if let Some(routed) = routed.as_ref().filter(|routed| takes(&routed.outcome)) {
                decision.event("conversation.handoff", json!({ "reason": handover.reason }));
                let way = Way {
                    plan: &planned.plan,
                    known: &known,
                    robot_id: None,
                    since: decision.now,
                    tell: true,
                    because,
                };
                return self.hand(decision, routed, &way).await;
            }
            // Nobody is there, so nobody is promised.
            if handover.requested {
                let goes_on = decision.reception.mode == Mode::RobotOnly
                    || matches!(routed.as_ref().map(|routed| &routed.outcome), Some(routing::Outcome::Robot { .. }));
                if goes_on && given.failure != Some(GONE) {
                    no_agent(decision);
                } else {
                    let trail = json!(routed.map(|routed| routed.trail));
                    Self::leave_message(decision, 0, Leaving::NobodyThere, &because, &trail);
                }
                return Ok(None);
            }
        }
        let answer = match &given.answer {
            RobotAnswer::Text(_) => "direct",
            RobotAnswer::Choice { .. } => "choice",
            RobotAnswer::DontKnow => "unknown",
            RobotAnswer::HandOver | RobotAnswer::ChosePerson => "handover",
            RobotAnswer::Failed => "failed",
        };
        let own = matches!(given.answer, RobotAnswer::Text(_));
        let data =
            json!({ "answer": answer, "sources": given.sources, "failure": given.failure, "misses": came.misses });
        decision.event("robot.answered", data);
        // Only what the model has written is its own; the fallback is the admin's text.
        decision.say("robot", &came.text, Speaker::Robot { ai: ai && own });
        Ok(None)
    }
}

/// The robot goes on, and the visitor is told why.
pub(crate) fn no_agent(decision: &mut Decision<'_>) {
    let text = decision.reception.prompts.no_agent.clone();
    decision.say("no_agent", &text, Speaker::Prompt);
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
