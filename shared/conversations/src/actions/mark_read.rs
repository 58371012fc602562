//! An agent has read the visitor's messages.

use store::{Attempted, Conversation, Result, Visitor};

use super::AgentActions;

impl AgentActions {
    /// Marks the visitor's messages of a conversation as read up to this one, and returns the visitor. Changes nothing if a newer
    /// message has come meanwhile, or if none is unread.
    pub async fn mark_read(&self, conversation: &Conversation, up_to: &str) -> Result<Visitor> {
        let attempt = |attempt| async move {
            let mut decision = self.cycle.read(conversation.clone(), attempt).await?;
            let preview = &mut decision.visitor.preview;
            if preview.cid != conversation.cid || !preview.read(up_to) {
                return Ok(Attempted::Done(decision.visitor));
            }
            // Only the visitor is written.
            (decision.before, decision.after) = (None, None);
            let visitor = decision.written_visitor();
            Ok(match self.cycle.write(&mut decision).await? {
                Attempted::Done(_) => Attempted::Done(visitor),
                Attempted::Conflict | Attempted::AgentTaken => Attempted::Conflict,
            })
        };
        self.cycle.retry_on_conflict(attempt).await
    }
}
