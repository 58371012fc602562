//! Slots: how many turns of language models and webhooks one mini program has at the same time, so that a slow robot does not
//! take the functions of all others.
//!
//! An item has up to [`SLOTS_MAX`] slots; a greater limit is divided over several, by the conversation. A slot is an attribute
//! with the name of its holder and the time at which it ends by itself, because its function may be stopped. The attribute
//! `taken` counts them. The slots whose time is over are freed when one is needed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::ReturnValuesOnConditionCheckFailure,
};
use jiff::Timestamp;

use crate::{
    error::{Result, StoreError},
    handles::TurnSlots,
    item::{Attributes, Read, at, n, s},
    keys,
    table::SERVICE,
};

/// The greatest number of slots of an item: it stays below 1 kB, which is one write unit.
const SLOTS_MAX: u32 = 20;

/// The beginning of the name of a slot's attribute.
const HOLDER: &str = "holder-";

/// How often a slot is tried to be taken, with those freed in between whose time was over.
const ATTEMPTS: u32 = 3;

/// A slot that is taken until it is given back, or its time is over.
#[derive(Debug)]
pub struct Slot {
    pk: String,
    sk: String,
    holder: String,
    until: Timestamp,
}

impl TurnSlots {
    /// Takes one of `limit` slots of a mini program for the turn of a conversation, until this time. `None` while all are taken,
    /// or this conversation has one. Takes one write, and one for slots whose time was over.
    pub async fn take(&self, app_id: &str, cid: &str, limit: u32, until: Timestamp) -> Result<Option<Slot>> {
        let hash = keys::short_hash(&[cid]);
        let items = limit.div_ceil(SLOTS_MAX).clamp(1, 256);
        let number = u32::from_str_radix(&hash[..8], 16).unwrap_or_default() % items;
        let of_item = (limit / items + u32::from(number < limit % items)).max(1);
        let (pk, sk) = (keys::turns(app_id), keys::turn_slots(number));
        let slot = Slot { pk, sk, holder: format!("{HOLDER}{}", &hash[..16]), until };
        for _ in 0..ATTEMPTS {
            let Some(taken) = self.try_take(&slot, of_item).await? else {
                return Ok(Some(slot));
            };
            let over = over(&taken, self.0.clock.now())?;
            if over.is_empty() {
                break;
            }
            self.free(&slot, &over).await?;
        }
        Ok(None)
    }

    /// Gives a slot back. Nothing happens when its time was over and another has freed it.
    pub async fn give_back(&self, slot: &Slot) -> Result<()> {
        self.free(slot, &BTreeMap::from([(slot.holder.clone(), slot.until)])).await
    }

    /// `None` when the slot is taken; otherwise the item as it is.
    async fn try_take(&self, slot: &Slot, of_item: u32) -> Result<Option<Attributes>> {
        let update = self.update(slot).update_expression("SET kind = :kind, #holder = :until ADD taken :one");
        let answer = update
            .condition_expression("attribute_not_exists(#holder) AND (attribute_not_exists(taken) OR taken < :limit)")
            .expression_attribute_names("#holder", &slot.holder)
            .expression_attribute_values(":kind", s(keys::TURN_SLOTS))
            .expression_attribute_values(":until", at(slot.until))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":limit", n(of_item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// Frees slots that are still held until these times.
    async fn free(&self, slot: &Slot, held: &BTreeMap<String, Timestamp>) -> Result<()> {
        let (mut remove, mut conditions) = (Vec::new(), Vec::new());
        let mut update = self.update(slot);
        for (number, (holder, until)) in held.iter().enumerate() {
            remove.push(format!("#h{number}"));
            conditions.push(format!("#h{number} = :u{number}"));
            update = update
                .expression_attribute_names(format!("#h{number}"), holder)
                .expression_attribute_values(format!(":u{number}"), at(*until));
        }
        let answer = update
            .update_expression(format!("REMOVE {} ADD taken :freed", remove.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_values(":freed", n(-i64::try_from(held.len()).unwrap_or_default()))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            // Another function has freed some of them.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn update(&self, slot: &Slot) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name);
        update.key("pk", s(&slot.pk)).key("sk", s(&slot.sk))
    }
}

/// The slots of an item whose time is over.
fn over(item: &Attributes, now: Timestamp) -> Result<BTreeMap<String, Timestamp>> {
    let read = Read { kind: keys::TURN_SLOTS, item };
    let mut over = BTreeMap::new();
    for holder in item.keys().filter(|name| name.starts_with(HOLDER)) {
        let until = read.at(holder)?;
        if until <= now {
            over.insert(holder.clone(), until);
        }
    }
    Ok(over)
}
