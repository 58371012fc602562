//! Postpones items of the `due` index that could not be processed, so that failing items do not use up every tick.

use jiff::SignedDuration;

use crate::{
    error::{Result, StoreError},
    handles::{DueChecks, OverdueMessages, OverdueSends},
    inbox::InboundRef,
    item::{Read, n, s},
    keys,
    message::Message,
    table::{SERVICE, Table},
};

/// Counts the failures of an item that is not an inbound message.
pub(crate) const FAILURES: &str = "failures";

/// The longest delay, in minutes.
const DELAY_MAX_MINUTES: i64 = 60;

impl OverdueMessages {
    /// Postpones an inbound message. The delay doubles with each failure from one minute to an hour. Nothing happens when it
    /// was processed meanwhile.
    pub async fn postpone_message(&self, message: &InboundRef) -> Result<()> {
        self.0.postpone_item(message.thread.pk(), &keys::message(&message.id), "attempts").await
    }
}

impl OverdueSends {
    /// Postpones an overdue send in the same way. Nothing happens when it is no longer overdue.
    pub async fn postpone_send(&self, message: &Message) -> Result<()> {
        self.0.postpone_item(message.thread.pk(), &keys::message(&message.id), FAILURES).await
    }
}

impl DueChecks {
    /// Postpones a due conversation in the same way. Every change of the conversation ends the delay.
    pub async fn postpone_conversation(&self, cid: &str) -> Result<()> {
        self.0.postpone_item(keys::conversation(cid), keys::CONVERSATION, FAILURES).await
    }

    /// Postpones the check of an agent in the same way. A change of the agent's status ends the delay.
    pub async fn postpone_agent_check(&self, agent: &str) -> Result<()> {
        self.0.postpone_item(keys::record("agent", agent), keys::DUTY, FAILURES).await
    }
}

impl Table {
    async fn postpone_item(&self, pk: String, sk: &str, counter: &str) -> Result<()> {
        let now = self.clock.now();
        let item = self.get(pk.clone(), sk, true).await?;
        let failures = match &item {
            // A counter that cannot be read must not keep a failing item at the head of every tick.
            Some(item) => Read { kind: "due", item }.opt_n::<u32>(counter).unwrap_or_default(),
            None => None,
        };
        let failures = failures.unwrap_or(0).saturating_add(1);
        let minutes = (1_i64 << (failures - 1).min(6)).min(DELAY_MAX_MINUTES);
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .update_expression("SET due_sk = :later, #failures = :failures")
            // An item with a later time is in other hands by now.
            .condition_expression("attribute_exists(due_pk) AND due_sk <= :now")
            .expression_attribute_names("#failures", counter)
            .expression_attribute_values(":later", s(keys::instant(now + SignedDuration::from_mins(minutes))))
            .expression_attribute_values(":now", s(keys::instant(now)))
            .expression_attribute_values(":failures", n(failures))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
