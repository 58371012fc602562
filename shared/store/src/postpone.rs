//! Postpones items of the `due` index that could not be processed, so that failing items do not use up every tick.

use jiff::SignedDuration;

use crate::{
    due::DueKind,
    error::{Result, StoreError},
    item::{Read, n, s},
    keys,
    table::{SERVICE, Table},
};

/// Counts the failures of an item that is not an inbound message.
pub(crate) const FAILURES: &str = "failures";

/// The longest delay, in minutes.
const DELAY_MAX_MINUTES: i64 = 60;

impl Table {
    /// See [`DueChecks::postpone`](crate::DueChecks::postpone).
    pub(crate) async fn postpone_item(&self, pk: String, sk: &str, kind: DueKind) -> Result<()> {
        let counter = if kind == DueKind::Message { "attempts" } else { FAILURES };
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
            .expression_attribute_values(":now", s(keys::due_until(now)))
            .expression_attribute_values(":failures", n(failures))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
