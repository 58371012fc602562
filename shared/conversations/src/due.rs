//! When the minute tick has to process a conversation.

use desk::settings::{IDLE_MAX, Reception};
use jiff::{SignedDuration, Timestamp};
use store::{Conversation, Stage};

/// After this time the tick shows an unanswered robot turn to the stream again.
const TURN_LEFT_BEHIND: SignedDuration = SignedDuration::from_mins(2);

/// Whether the visitor and an agent or a robot answer each other, so that the time without a message runs from the last word
/// of the agent or robot. Other conversations wait for their first answer by a person.
pub(crate) fn is_answered_by_turns(conversation: &Conversation) -> bool {
    match conversation.stage {
        Stage::Assigned(_) | Stage::Robot(_) => true,
        Stage::Unassigned => conversation.answered_at.is_some(),
        Stage::Queued(_) | Stage::LeftMessage(_) | Stage::Closed { .. } => false,
    }
}

/// Minutes of inactivity after which a conversation is closed. A conversation that waits for its first answer by a person
/// stays open as long as WeChat allows a reply, whatever the mini program's settings say.
pub(crate) fn close_after_minutes(conversation: &Conversation, reception: &Reception) -> u32 {
    if is_answered_by_turns(conversation) { reception.idle.close_after_minutes } else { IDLE_MAX }
}

/// When the tick has to process a conversation; `None` when it is closed. An earlier time that is set already stays: an
/// early check costs one read, while moving the time with every message would cost two writes of the index each.
pub(crate) fn next_check_at(conversation: &Conversation, reception: &Reception, now: Timestamp) -> Option<Timestamp> {
    let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
    let later = |from: Timestamp, by: SignedDuration| from.checked_add(by).unwrap_or(Timestamp::MAX);
    // Other stages have no idle warning. With one, a conversation that waits would be due again every minute.
    let warns = matches!(conversation.stage, Stage::Assigned(_) | Stage::Robot(_)) && conversation.warned_at.is_none();
    let warn = reception.idle.warn_after_minutes.filter(|_| warns);
    let idle = warn.unwrap_or_else(|| close_after_minutes(conversation, reception));
    let mut next = later(conversation.active_at, minutes(idle));
    match &conversation.stage {
        Stage::Queued(waiting) => next = waiting.until.map_or(next, |until| until.min(next)),
        Stage::Robot(robot) if robot.turn.is_some() => next = next.min(later(now, TURN_LEFT_BEHIND)),
        Stage::Closed { .. } => return None,
        _ => {}
    }
    Some(conversation.next_check_at.filter(|set| *set > now).map_or(next, |set| set.min(next)))
}
