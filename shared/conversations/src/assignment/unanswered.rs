//! A conversation that agents had, or that waited for them, moves on. If it moves to a robot, the robot answers what no
//! agent has answered.

use std::slice;

use desk::{conversation::AuthorRole, handover, routing::RoutingDecision};
use store::{Conversation, Direction, Message, Queue, Result, Stage, Turn};

use super::Assigner;
use crate::{decision::Decision, message_text::message_text, routing::RoutingContext};

/// How many of the thread's last messages are searched for unanswered ones.
const MESSAGES_SEARCHED: i32 = 20;

impl Assigner {
    /// Like [`Assigner::apply`], for a conversation that leaves its agent or queue. The robot is the plan's or the mini
    /// program's; the context names none.
    pub(crate) async fn reroute(
        &self,
        decision: &mut Decision<'_>,
        routed: &RoutingDecision,
        context: RoutingContext<'_>,
    ) -> Result<Option<Queue>> {
        let robot = context.plan.robot_id.clone().or_else(|| decision.reception.robot_id.clone());
        let queue = self.apply(decision, routed, &RoutingContext { robot_id: robot.as_deref(), ..context }).await?;
        let is_robot = |conversation: &Option<Conversation>| {
            matches!(conversation.as_ref().map(|conversation| &conversation.stage), Some(Stage::Robot(_)))
        };
        if is_robot(&decision.after) && !is_robot(&decision.before) {
            decision.say_no_agent();
            self.start_turn_with_unanswered(decision).await?;
        }
        Ok(queue)
    }

    /// Makes the visitor's messages since the last answer the robot's turn, without those that ask for a person.
    async fn start_turn_with_unanswered(&self, decision: &mut Decision<'_>) -> Result<()> {
        let last = self.store.threads.last_messages(&decision.thread, MESSAGES_SEARCHED).await?;
        let cid = decision.before.as_ref().map(|before| before.cid.clone());
        let unanswered = last.iter().take_while(|message| match message.direction {
            Direction::In => message.cid == cid,
            Direction::Out => message.author.as_ref().is_some_and(|author| author.role == AuthorRole::Prompt),
        });
        let keywords = &decision.reception.handover.keywords;
        let wants_person =
            |message: &Message| handover::asks_for_person(&message_text(slice::from_ref(message)), keywords);
        let questions = unanswered.filter(|message| {
            message.direction == Direction::In && message.ignored.is_none() && !wants_person(message)
        });
        let now = decision.now;
        let mut turn: Option<Turn> = None;
        for message in questions {
            turn.get_or_insert_with(|| Turn::new(&message.id, now)).join(&message.id, now);
        }
        if let Some(robot) = decision.robot_mut() {
            robot.turn = turn;
        }
        Ok(())
    }
}
