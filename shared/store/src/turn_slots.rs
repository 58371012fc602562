//! Slots: how many turns of language models and webhooks one mini program has at the same time, so that a slow robot does not
//! take the functions of all others.
//!
//! An item has up to [`SLOTS_MAX`] slots; a greater limit is divided over several, by the conversation. A slot is an attribute
//! with the name of its holder and the time at which it ends by itself, because its function may be stopped. The attribute
//! `taken` counts them. The slots whose time is over are freed when one is needed.
//!
//! The same item counts what the language models of the mini program have used on a day in UTC: a turn that takes a slot learns
//! it from the answer, and a turn that gives its slot back adds what it has used, so that the budget costs no request. Where
//! there are several items, each has an equal part of the budget.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use desk::limits::{Budgets, ModelUse};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    error::{Result, StoreError},
    handles::{ModelUseReader, TurnSlots},
    item::{Attributes, Read, at, n, s},
    keys,
    table::SERVICE,
};

/// The greatest number of slots of an item: it stays below 1 kB, which is one write unit.
const SLOTS_MAX: u32 = 20;

/// The beginning of the name of a slot's attribute.
const HOLDER: &str = "holder-";

/// The beginnings of the names of the attributes that count a day's calls and tokens; the date follows.
const CALLS: &str = "calls-";
const TOKENS: &str = "tokens-";

/// How often a slot is tried to be taken, with those freed in between whose time was over.
const ATTEMPTS: u32 = 3;

/// A slot that is taken until it is given back, or its time is over.
#[derive(Debug)]
pub struct Slot {
    pk: String,
    sk: String,
    holder: String,
    until: Timestamp,
    /// The day on which it was taken.
    day: Date,
    /// What was used on that day before, as far as this item counts it.
    used: ModelUse,
    /// How many items count it.
    items: u32,
    /// The attributes of earlier days.
    outdated: Vec<String>,
}

impl Slot {
    /// Whether the models of the mini program have used up their budgets, as far as was known when the slot was taken.
    pub fn is_used_up(&self, budgets: &Budgets) -> bool {
        budgets.part(self.items).are_used_up(self.used)
    }
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
        let (day, used, outdated) = (day(self.0.clock.now()), ModelUse::default(), Vec::new());
        let holder = format!("{HOLDER}{}", &hash[..16]);
        let mut slot = Slot { pk, sk, holder, until, day, used, items, outdated };
        for _ in 0..ATTEMPTS {
            let Some(taken) = self.try_take(&mut slot, of_item).await? else {
                return Ok(Some(slot));
            };
            let over = over(&taken, self.0.clock.now())?;
            if over.is_empty() {
                break;
            }
            self.free(&slot, &over, ModelUse::default()).await?;
        }
        Ok(None)
    }

    /// Gives a slot back, and counts what the turn has used. Nothing else happens when its time was over and another has freed it.
    pub async fn give_back(&self, slot: &Slot, used: ModelUse) -> Result<()> {
        let held = BTreeMap::from([(slot.holder.clone(), slot.until)]);
        if self.free(slot, &held, used).await? || used == ModelUse::default() {
            return Ok(());
        }
        self.count(slot, used).await
    }

    /// Counts what a turn has used whose slot another has freed.
    async fn count(&self, slot: &Slot, used: ModelUse) -> Result<()> {
        let update = counting(self.update(slot), slot, used).update_expression("ADD #calls :calls, #tokens :tokens");
        update.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// `None` when the slot is taken; otherwise the item as it is.
    async fn try_take(&self, slot: &mut Slot, of_item: u32) -> Result<Option<Attributes>> {
        let update = self.update(slot).update_expression("SET kind = :kind, #holder = :until ADD taken :one");
        let answer = update
            .condition_expression("attribute_not_exists(#holder) AND (attribute_not_exists(taken) OR taken < :limit)")
            .expression_attribute_names("#holder", &slot.holder)
            .expression_attribute_values(":kind", s(keys::TURN_SLOTS))
            .expression_attribute_values(":until", at(slot.until))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":limit", n(of_item))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                slot.used = model_use(&item, slot.day)?;
                slot.outdated = outdated(&item, slot.day);
                Ok(None)
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// Frees slots that are still held until these times, and counts what a turn has used. Returns whether it did: another
    /// function may have freed some of them.
    async fn free(&self, slot: &Slot, held: &BTreeMap<String, Timestamp>, used: ModelUse) -> Result<bool> {
        let (mut remove, mut conditions) = (Vec::new(), Vec::new());
        let mut update = self.update(slot);
        for (number, (holder, until)) in held.iter().enumerate() {
            remove.push(format!("#h{number}"));
            conditions.push(format!("#h{number} = :u{number}"));
            update = update
                .expression_attribute_names(format!("#h{number}"), holder)
                .expression_attribute_values(format!(":u{number}"), at(*until));
        }
        for (number, name) in slot.outdated.iter().enumerate() {
            remove.push(format!("#o{number}"));
            update = update.expression_attribute_names(format!("#o{number}"), name);
        }
        let mut add = "taken :freed".to_owned();
        if used != ModelUse::default() {
            add.push_str(", #calls :calls, #tokens :tokens");
            update = counting(update, slot, used);
        }
        let answer = update
            .update_expression(format!("REMOVE {} ADD {add}", remove.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_values(":freed", n(-i64::try_from(held.len()).unwrap_or_default()))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn update(&self, slot: &Slot) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name);
        update.key("pk", s(&slot.pk)).key("sk", s(&slot.sk))
    }
}

impl ModelUseReader {
    /// What the language models of a mini program have used on the day of this time.
    pub async fn model_use(&self, app_id: &str, at: Timestamp) -> Result<ModelUse> {
        let mut used = ModelUse::default();
        for item in self.0.partition(keys::turns(app_id), "", 256).await? {
            let ModelUse { calls, tokens } = model_use(&item, day(at))?;
            used = ModelUse { calls: used.calls + calls, tokens: used.tokens + tokens };
        }
        Ok(used)
    }
}

/// The day of a time, in UTC.
fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The names and values of an update that counts what a turn has used.
fn counting(update: UpdateItemFluentBuilder, slot: &Slot, used: ModelUse) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_names("#calls", format!("{CALLS}{}", slot.day))
        .expression_attribute_names("#tokens", format!("{TOKENS}{}", slot.day))
        .expression_attribute_values(":calls", n(used.calls))
        .expression_attribute_values(":tokens", n(used.tokens))
}

fn model_use(item: &Attributes, day: Date) -> Result<ModelUse> {
    let read = Read { kind: keys::TURN_SLOTS, item };
    let count = |name: &str| Ok(read.opt_n(&format!("{name}{day}"))?.unwrap_or_default());
    Ok(ModelUse { calls: count(CALLS)?, tokens: count(TOKENS)? })
}

/// The attributes of an item that count earlier days.
fn outdated(item: &Attributes, day: Date) -> Vec<String> {
    let day = day.to_string();
    let is_earlier = |name: &&String| {
        let date = name.strip_prefix(CALLS).or_else(|| name.strip_prefix(TOKENS));
        date.is_some_and(|date| date < day.as_str())
    };
    item.keys().filter(is_earlier).cloned().collect()
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
