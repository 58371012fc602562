//! Who had the last word in a conversation: a visitor who waits for an answer is neither warned nor closed as idle.

use desk::conversation::AuthorRole;
use jiff::Timestamp;
use store::{Conversation, Direction, Message, MessageState, Stage};

/// How many of the last messages are searched: the held texts of one visitor, and the set texts after them.
pub(crate) const MESSAGES_SEARCHED: i32 = 30;

/// The last word of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastWord {
    /// The visitor's, who wrote at this time.
    Visitors(Timestamp),
    /// An agent's, an administrator's, another system's or a robot's, written at this time.
    Ours(Timestamp),
}

/// The last word of a conversation by the last messages of its thread, the last to arrive first.
///
/// A message that has not reached the visitor, because it failed or is held, is no word, and neither is an event such as
/// entering, nor a message of the visitor from which nothing follows. A set text answers only the visitor of a robot: it tells them that no agent is there. The robot's unanswered
/// turn is the visitor's word, whatever was said meanwhile.
pub(crate) fn last_word(conversation: &Conversation, said: &[Message]) -> LastWord {
    let (has_robot, has_turn) = match &conversation.stage {
        Stage::Robot(robot) => (true, robot.turn.is_some()),
        _ => (false, false),
    };
    let mut told_at = None;
    for message in said {
        let author = message.author.as_ref().map(|author| author.role);
        match message.direction {
            Direction::In if message.kind == "event" || message.ignored.is_some() => {}
            Direction::In => {
                let told_at = told_at.filter(|_| has_robot && !has_turn);
                let at = message.received_at.unwrap_or(message.created_at);
                return told_at.map_or(LastWord::Visitors(at), LastWord::Ours);
            }
            Direction::Out if has_turn || !has_reached_visitor(message) => {}
            Direction::Out if matches!(author, None | Some(AuthorRole::Prompt | AuthorRole::AutoReply)) => {
                told_at = Some(message.created_at);
            }
            Direction::Out => return LastWord::Ours(message.created_at),
        }
    }
    LastWord::Visitors(conversation.last_message_at)
}

/// Whether a message has reached the visitor, or may have.
fn has_reached_visitor(message: &Message) -> bool {
    matches!(message.state, MessageState::Sent | MessageState::Unknown) || message.parts_sent > 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::{Assigned, Author, InboundRef, RobotStage, Thread, Turn};
    use wechat::text::SplitRule;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn conversation(stage: Stage) -> Conversation {
        let thread = Thread::new("wx0", "o-1");
        let (id, kind, content) = ("0000000001-m1".to_owned(), "text".to_owned(), json!({}));
        let first = InboundRef { thread: thread.clone(), id, kind, content, created_at: at(1), received_at: at(1) };
        Conversation::new(&thread, &first, stage, at(1))
    }

    fn with_agent() -> Conversation {
        let (agent_id, group_id) = ("a1".to_owned(), None);
        conversation(Stage::Assigned(Assigned { agent_id, group_id, since: at(1), accepted_at: None }))
    }

    fn with_robot(turn: Option<Turn>) -> Conversation {
        conversation(Stage::Robot(Box::new(RobotStage { turn, ..RobotStage::default() })))
    }

    /// A message of the visitor, or of an author.
    fn said(second: i64, author: Option<AuthorRole>, state: MessageState) -> Message {
        Message {
            id: format!("{second:010}-x"),
            thread: Thread::new("wx0", "o-1"),
            direction: if author.is_some() { Direction::Out } else { Direction::In },
            kind: "text".to_owned(),
            content: json!({ "content": "x" }),
            created_at: at(second),
            received_at: author.is_none().then(|| at(second + 1)),
            state,
            cid: None,
            author: author.map(Author::automatic),
            failure: None,
            ai: false,
            ignored: None,
            split: SplitRule::default(),
            released_as: None,
            held_until: None,
            parts_sent: 0,
            attempts: 0,
            settled_at: None,
        }
    }

    #[test]
    fn last_word_is_the_last_message_that_reached_the_other_side() {
        use {AuthorRole as Role, LastWord as Word, MessageState as State};
        let visitor = |second| said(second, None, State::Received);
        let ours = |second, role| said(second, Some(role), State::Sent);
        let entered = Message { kind: "event".to_owned(), ..visitor(9) };
        let in_part = Message { parts_sent: 1, ..said(9, Some(Role::Agent), State::Held) };
        let (agent, robot, busy) = (with_agent(), with_robot(None), with_robot(Some(Turn::new("m", at(3)))));
        for (conversation, messages, expected) in [
            (&agent, vec![ours(5, Role::Agent), visitor(3)], Word::Ours(at(5))),
            (&agent, vec![visitor(7), ours(5, Role::Agent)], Word::Visitors(at(8))),
            (&agent, vec![ours(9, Role::Prompt), visitor(3)], Word::Visitors(at(4))),
            (&agent, vec![ours(9, Role::AutoReply), visitor(3)], Word::Visitors(at(4))),
            (&agent, vec![ours(9, Role::Prompt), ours(5, Role::Integrator), visitor(3)], Word::Ours(at(5))),
            (&agent, vec![said(9, Some(Role::Agent), State::Failed), visitor(3)], Word::Visitors(at(4))),
            (&agent, vec![said(9, Some(Role::Agent), State::Held), visitor(3)], Word::Visitors(at(4))),
            (&agent, vec![said(9, Some(Role::Admin), State::Unknown), visitor(3)], Word::Ours(at(9))),
            (&agent, vec![in_part, visitor(3)], Word::Ours(at(9))),
            (&agent, vec![entered.clone(), ours(5, Role::Agent), visitor(3)], Word::Ours(at(5))),
            (&agent, vec![entered, visitor(3)], Word::Visitors(at(4))),
            (&agent, vec![ours(5, Role::Agent)], Word::Ours(at(5))),
            (&agent, vec![], Word::Visitors(at(1))),
            (&robot, vec![ours(5, Role::Robot), visitor(3)], Word::Ours(at(5))),
            (&robot, vec![ours(9, Role::Prompt), ours(5, Role::Prompt), visitor(3)], Word::Ours(at(5))),
            (&robot, vec![said(5, Some(Role::Robot), State::Failed), visitor(3)], Word::Visitors(at(4))),
            (&busy, vec![ours(5, Role::Robot), visitor(3)], Word::Visitors(at(4))),
            (&busy, vec![ours(5, Role::Prompt), visitor(3)], Word::Visitors(at(4))),
        ] {
            assert_eq!(last_word(conversation, &messages), expected, "{messages:#?}");
        }
    }
}
