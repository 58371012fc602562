//! A robot's turn: claims it, asks the robot, and applies the answer.
//!
//! What a visitor writes in quick succession is one turn. A message puts the conversation into the queue of robot turns
//! for a second, and the first function that gets it from there claims the turn with all messages up to then. Messages that
//! come during the answer join the turn, which is read again before the answer is sent: the answer is dropped, and the
//! longer turn goes into the queue. After [`DROP_WITHIN`] the visitor gets the answer anyway, and the rest becomes the next
//! turn.

mod ask;
mod circuit;
mod knowledge;
mod outcome;
mod trial;

use std::sync::Arc;

use channel::Channel;
use desk::{
    handover::same_question,
    limits::{self, HOUR},
    robot::RobotKind,
    settings::Mode,
    turn::RobotAnswer,
};
use jiff::SignedDuration;
use robots::{Client, Usage};
use store::{Attempt, Attempted, Conversation, Result, RobotStage, SENDING_LEASE, Slot, Stage, Turn, Vault, Visitor};
use tracing::Span;
use wechat::client::Typing;

pub(crate) use self::knowledge::RobotCache;
pub use self::{ask::AskFailure, trial::RobotTrial};
use self::{
    ask::{RobotQuestion, RobotReply},
    knowledge::RobotKnowledge,
};
use crate::{
    assignment::Assigner,
    cycle::{DecisionCycle, FollowUp},
    handles::Handles,
    message_text::message_text,
    routing::Router,
};

/// How long a turn is left to the function that answers it. Longer than the longest deadline of a robot and the calls
/// around it.
const ANSWER_LEASE: SignedDuration = SignedDuration::from_secs(50);

/// The time that a turn takes at most: the answer, and the send that follows.
pub const TURN_TIME: SignedDuration = SignedDuration::from_secs(ANSWER_LEASE.as_secs() + SENDING_LEASE.as_secs());

/// How long after a turn's first message an answer is dropped in favour of one to the longer turn.
const DROP_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// How much of a question is kept to recognise a repetition, in bytes.
const QUESTION_MAX: usize = 2048;

/// The failure code of a robot that was deleted.
const ROBOT_DELETED: &str = "robot.gone";

/// The failure code of a turn of a visitor who has had as many in this hour as the settings allow.
const TURN_LIMIT: &str = "robot.turn_limit";

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOutcome {
    /// It is answered, or the visitor is handed over.
    Done,
    /// There is nothing to answer, or another function answers it.
    Nothing,
    /// The visitor wrote more meanwhile; the longer turn is answered instead.
    Dropped,
    /// The mini program has as many turns as it may at the same time. Nothing was done; try again in a moment.
    Postponed,
}

/// Whether a turn may ask its robot now.
enum Admission {
    /// It may, in this slot of its mini program, if it needs one.
    Now(Option<Slot>),
    /// All slots are taken.
    Later,
}

/// A turn, and what it tells of the robot's server.
#[derive(Debug)]
pub struct TurnReport {
    /// The result.
    pub outcome: TurnOutcome,
    /// The robot whose server was asked.
    pub asked: Option<AskedRobot>,
}

/// A robot whose server was asked.
#[derive(Debug)]
pub struct AskedRobot {
    /// The robot.
    pub robot_id: String,
    /// Why it could not be asked; `None` if it answered.
    pub failure: Option<AskFailure>,
}

/// Answers the turns of robots.
#[derive(Debug, Clone)]
pub(crate) struct RobotTurns {
    store: Arc<Handles>,
    vault: Vault,
    channel: Channel,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
    cache: RobotCache,
}

/// A turn that this function answers.
struct ClaimedTurn {
    /// The conversation and the visitor, as the claim has written and read them.
    conversation: Conversation,
    visitor: Visitor,
    stage: RobotStage,
    turn: Turn,
    /// Whether the visitor may be offered an agent.
    has_agents: bool,
    /// How the turn stands to the limit of the visitor's turns.
    of_limit: limits::Usage,
    /// Whether the mini program has used up its budget for language models.
    is_used_up: bool,
}

/// A turn and the robot's reply to it.
struct Answered<'a> {
    turn: &'a Turn,
    text: &'a str,
    knowledge: Option<&'a RobotKnowledge>,
    reply: RobotReply,
}

impl RobotTurns {
    pub(crate) fn new(
        vault: &Vault,
        channel: &Channel,
        cycle: &DecisionCycle,
        router: &Router,
        assigner: &Assigner,
        cache: &RobotCache,
    ) -> Self {
        let (vault, channel, cycle) = (vault.clone(), channel.clone(), cycle.clone());
        let (router, assigner, cache) = (router.clone(), assigner.clone(), cache.clone());
        let store = router.store().clone();
        Self { store, vault, channel, cycle, router, assigner, cache }
    }

    /// Answers the turn of a conversation, unless another function does, or `at_once` turns of its mini program are in progress.
    pub(crate) async fn answer(&self, robots: &Client, cid: &str, at_once: u32) -> Result<TurnReport> {
        let Some(conversation) = self.store.conversations.conversation(cid).await? else {
            return Ok(TurnReport { outcome: TurnOutcome::Nothing, asked: None });
        };
        let Admission::Now(slot) = self.admit(&conversation, at_once).await? else {
            return Ok(TurnReport { outcome: TurnOutcome::Postponed, asked: None });
        };
        let usage = Usage::default();
        let answered = self.answer_admitted(robots, conversation, slot.as_ref(), &usage).await;
        if let Some(slot) = slot
            && let Err(error) = self.store.turn_slots.give_back(&slot, usage.total()).await
        {
            tracing::warn!(%error, "a slot for a turn was not given back and ends by its time");
        }
        answered
    }

    /// A slot for a turn that waits for a language model or a webhook. What a robot answers by its questions needs none.
    async fn admit(&self, conversation: &Conversation, at_once: u32) -> Result<Admission> {
        let now = self.store.clock.now();
        let Some((stage, turn)) = waiting_turn(conversation) else { return Ok(Admission::Now(None)) };
        if turn.answering_until.is_some_and(|until| until > now) {
            return Ok(Admission::Now(None));
        }
        let robot = self.store.cache.robot(&stage.robot_id).await?;
        if robot.is_none_or(|robot| matches!(robot.settings.kind, RobotKind::Faq { .. })) {
            return Ok(Admission::Now(None));
        }
        let slots = &self.store.turn_slots;
        let slot = slots.take(&conversation.app_id, &conversation.cid, at_once, now + TURN_TIME).await?;
        Ok(slot.map_or(Admission::Later, |slot| Admission::Now(Some(slot))))
    }

    /// Answers the turn of a conversation that was just read.
    async fn answer_admitted(
        &self,
        robots: &Client,
        conversation: Conversation,
        slot: Option<&Slot>,
        usage: &Usage,
    ) -> Result<TurnReport> {
        let (cid, mut read) = (&conversation.cid.clone(), Some(conversation));
        let claimed = self.cycle.retry_on_conflict(|attempt| self.try_claim(cid, read.take(), slot, attempt)).await?;
        let Some(claimed) = claimed else {
            return Ok(TurnReport { outcome: TurnOutcome::Nothing, asked: None });
        };
        let (text, knowledge, reply) = self.reply(robots, &claimed, usage).await?;
        let ClaimedTurn { conversation, visitor, stage, turn, .. } = claimed;
        let answered = Answered { turn: &turn, text: &text, knowledge: knowledge.as_deref(), reply };
        // The first attempt decides on what the claim has read and written.
        let mut read = Some((conversation, visitor));
        let apply = self.cycle.retry_on_conflict(|attempt| self.try_apply(cid, &answered, read.take(), attempt));
        let outcome = apply.await?;
        let RobotReply { failure, is_asked, .. } = answered.reply;
        let asked = is_asked.then_some(AskedRobot { robot_id: stage.robot_id, failure });
        Ok(TurnReport { outcome, asked })
    }

    /// The robot's reply to a turn, with the turn's text and the robot. A robot is not asked beyond the limit of the visitor's turns.
    async fn reply(
        &self,
        robots: &Client,
        claimed: &ClaimedTurn,
        usage: &Usage,
    ) -> Result<(String, Option<Arc<RobotKnowledge>>, RobotReply)> {
        let ClaimedTurn { conversation, stage, turn, has_agents, of_limit, is_used_up, .. } = claimed;
        if *of_limit != limits::Usage::Within {
            let answer = RobotAnswer::OverLimit { is_told: *of_limit == limits::Usage::FirstBeyond };
            let knowledge = self.cache.get(&self.store, &stage.robot_id).await?;
            return Ok((String::new(), knowledge, RobotReply::failed(answer, AskFailure::of(TURN_LIMIT))));
        }
        let messages = self.store.threads.messages_of(&conversation.thread(), &turn.messages).await?;
        // The typing indicator is optional: its failure has no consequence.
        let _ = self.channel.typing(&conversation.app_id, &conversation.openid, Typing::Start).await;
        let text = message_text(&messages);
        let knowledge = self.cache.get(&self.store, &stage.robot_id).await?;
        let reply = match &knowledge {
            Some(knowledge) => {
                let (has_agents, is_used_up) = (*has_agents, *is_used_up);
                let question = RobotQuestion { conversation, stage, turn, text: &text, has_agents, is_used_up };
                self.ask(robots, knowledge, &question, usage).await?
            }
            // A person takes over, or a message is left.
            None => RobotReply::failed(RobotAnswer::HandOver, AskFailure::of(ROBOT_DELETED)),
        };
        Ok((text, knowledge, reply))
    }

    /// Claims the turn of a conversation for [`ANSWER_LEASE`]. `None` when there is none, or another function answers it.
    async fn try_claim(
        &self,
        cid: &str,
        read: Option<Conversation>,
        slot: Option<&Slot>,
        attempt: Attempt,
    ) -> Result<Attempted<Option<ClaimedTurn>>> {
        let Some(conversation) = self.cycle.conversation(cid, read).await? else {
            return Ok(Attempted::Done(None));
        };
        Span::current().record("app_id", &conversation.app_id).record("uid", conversation.thread().uid());
        let now = self.store.clock.now();
        let Some((stage, turn)) = waiting_turn(&conversation) else {
            return Ok(Attempted::Done(None));
        };
        if turn.answering_until.is_some_and(|until| until > now) {
            return Ok(Attempted::Done(None));
        }
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let has_agents = decision.reception.mode != Mode::RobotOnly;
        let of_limit = decision.visitor.robot_turns.next(now, HOUR, decision.reception.robot_turns_per_hour);
        let is_used_up = slot.is_some_and(|slot| slot.is_used_up(&decision.reception.budgets));
        if let Some(turn) = decision.robot_mut().and_then(|robot| robot.turn.as_mut()) {
            turn.answering_until = Some(now + ANSWER_LEASE);
        }
        Ok(match self.cycle.write(&mut decision).await? {
            Attempted::Done(written) => Attempted::Done(written.map(|conversation| {
                let visitor = decision.visitor.clone();
                ClaimedTurn { conversation, visitor, stage, turn, has_agents, of_limit, is_used_up }
            })),
            Attempted::Conflict => Attempted::Conflict,
            Attempted::AgentTaken => Attempted::AgentTaken,
        })
    }

    /// Applies a reply to the conversation as it was read, or as it is now.
    async fn try_apply(
        &self,
        cid: &str,
        answered: &Answered<'_>,
        read: Option<(Conversation, Visitor)>,
        attempt: Attempt,
    ) -> Result<Attempted<TurnOutcome>> {
        let (read, visitor) = read.unzip();
        let Some(conversation) = self.cycle.conversation(cid, read).await? else {
            return Ok(Attempted::Done(TurnOutcome::Nothing));
        };
        let Some((stage, turn)) = waiting_turn(&conversation) else {
            // An agent took the conversation meanwhile: the robot sends nothing.
            return Ok(Attempted::Done(TurnOutcome::Nothing));
        };
        let now = self.store.clock.now();
        let rest = turn.without(&answered.turn.messages, now);
        let mut decision = self.cycle.read_for(conversation, visitor, attempt).await?;
        // An answer that is dropped has cost as much. The write of the visitor fails if they have changed during the answer.
        decision.visitor.robot_turns.count(now, HOUR, decision.reception.robot_turns_per_hour);
        let is_over = matches!(answered.reply.answer, RobotAnswer::OverLimit { .. });
        if rest.is_some() && !is_over && now.duration_since(turn.since) < DROP_WITHIN {
            if let Some(turn) = decision.robot_mut().and_then(|robot| robot.turn.as_mut()) {
                // The write puts the longer turn into the queue.
                turn.answering_until = None;
            }
            return Ok(match self.cycle.complete(&mut decision, FollowUp::NONE).await? {
                Attempted::Done(()) => Attempted::Done(TurnOutcome::Dropped),
                Attempted::Conflict => Attempted::Conflict,
                Attempted::AgentTaken => Attempted::AgentTaken,
            });
        }
        let repeats = if same_question(kept_question(&stage.last_question), kept_question(answered.text)) {
            stage.repeats + 1
        } else {
            1
        };
        let outcome = answered.outcome(stage.misses, repeats, &decision.reception);
        if let Some(robot) = decision.robot_mut() {
            robot.misses = outcome.misses;
            robot.repeats = repeats;
            kept_question(answered.text).clone_into(&mut robot.last_question);
            robot.offered.clone_from(&outcome.offered);
            robot.turn.clone_from(&rest);
        }
        let queue = self.apply_outcome(&mut decision, &outcome, answered).await?;
        Ok(match self.cycle.complete(&mut decision, FollowUp::queue(queue)).await? {
            Attempted::Done(()) => Attempted::Done(TurnOutcome::Done),
            Attempted::Conflict => Attempted::Conflict,
            Attempted::AgentTaken => Attempted::AgentTaken,
        })
    }
}

/// The part of a question that is kept to recognise a repetition.
fn kept_question(text: &str) -> &str {
    &text[..text.floor_char_boundary(QUESTION_MAX)]
}

fn waiting_turn(conversation: &Conversation) -> Option<(RobotStage, Turn)> {
    match &conversation.stage {
        Stage::Robot(robot) => Some(((**robot).clone(), robot.turn.clone()?)),
        _ => None,
    }
}
