//! Timers: what makes an item's check happen within seconds of the time at which it is due, and not with the next minute tick.
//!
//! A timer is a message in a queue, delayed until an item of the index `due` is due. The tick sets the timers of what falls due
//! before the next one ([`DueChecks::upcoming`](crate::DueChecks::upcoming)). What is due sooner than a later tick could see it
//! carries its time in the attribute `timer`, and the reader of the table's stream sets the timer ([`Timer::from_image`]): so no
//! function needs a request for it while a visitor or an agent waits for its answer. The key of such an item in the index ends
//! with `t`, by which the tick knows that there is a timer already.
//!
//! A timer only says where to look: the item is read again, and checked if it is due. So a timer may be delivered twice, late,
//! or for an item that has changed. One that is lost is made up for by the tick, which finds the item in the index.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    due::DueKey,
    error::{Result, StoreError},
    handles::{DueChecks, DueNow},
    item::s,
    keys,
    queue::Queue,
    table::SERVICE,
    thread::Thread,
};

/// How far ahead a tick sets timers, and how soon an item must be due to get one with its write. A minute, and some seconds by
/// which a tick may come late.
pub const TIMED_WITHIN: SignedDuration = SignedDuration::from_secs(65);

/// The longest delay of a message, in seconds (Amazon SQS API reference, `SendMessage`).
const DELAY_MAX: i64 = 900;

/// The shortest delay of a timer that is not due yet, in seconds.
const DELAY_MIN: i64 = 2;

/// The attribute with the time of a timer that the reader of the stream has to set.
pub(crate) const TIMER: &str = "timer";

/// A time at which an item is to be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    #[serde(flatten)]
    pub(crate) key: DueKey,
    /// When the item is due.
    pub at: Timestamp,
}

impl Timer {
    /// The timer that a record of the table's stream asks for. `None` when the image asks for none, or its time has changed since.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let at = attribute(TIMER)?;
        let is_current = attribute("due_sk").is_some_and(|due| due.strip_suffix(keys::TIMED).unwrap_or(due) == at);
        let key = DueKey::new(attribute("pk")?.to_owned(), attribute("sk")?.to_owned());
        Some(Self { key, at: keys::at_instant(at)? }).filter(|_| is_current)
    }

    /// The key of the item.
    pub fn key(&self) -> &DueKey {
        &self.key
    }

    /// The delay of its message that is sent now, in seconds: 0 when the item is due already.
    pub fn delay_seconds(&self, now: Timestamp) -> i32 {
        let wait = self.at.duration_since(now);
        if wait <= SignedDuration::ZERO {
            return 0;
        }
        // The next whole second: a message that comes early finds nothing due.
        let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        i32::try_from(seconds.clamp(DELAY_MIN, DELAY_MAX)).unwrap_or(i32::MAX)
    }
}

/// Whether an item that is written now gets its timer with the write.
pub(crate) fn is_soon(due: Timestamp, now: Timestamp) -> bool {
    due > now && due.duration_since(now) <= TIMED_WITHIN
}

/// The sort key in the index `due` of an item whose timer is set with its write (`timed`), or by the tick.
pub(crate) fn due_sk(due: Timestamp, timed: bool) -> String {
    if timed { keys::instant(due) + keys::TIMED } else { keys::instant(due) }
}

/// The value of [`TIMER`].
pub(crate) fn attribute(due: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    s(keys::instant(due))
}

/// After this time a check of a queue that was asked for and has not begun is asked for again.
const ASKED_FOR: SignedDuration = SignedDuration::from_secs(30);

impl DueNow {
    /// Asks for the check of a queue at once, because conversations wait in it for which agents are free. Does nothing while a
    /// check that was asked for has not begun: it will see the queue as it is then.
    pub async fn check_queue(&self, queue: &Queue) -> Result<()> {
        let (now, watch) = (self.0.clock.now(), keys::queue_watch(&queue.name()));
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update
            .key("pk", s(&watch))
            .key("sk", s(keys::WATCH))
            .update_expression("SET due_pk = :due, due_sk = :now, timer = :now")
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(timer) OR timer < :earlier)")
            .expression_attribute_values(":due", s(keys::due(&watch)))
            .expression_attribute_values(":now", attribute(now))
            .expression_attribute_values(":earlier", attribute(now - ASKED_FOR));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks for a pending message to be sent at once, because the function that has written it has no time to send it.
    pub async fn send(&self, thread: &Thread, id: &str) -> Result<()> {
        let now = self.0.clock.now();
        let update = self
            .0
            .message_update(thread, id)
            .update_expression("SET due_sk = :now, timer = :now")
            .condition_expression("#state = :pending AND due_sk > :now")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s("pending"))
            .expression_attribute_values(":now", attribute(now));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            // It is in other hands.
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl DueChecks {
    /// Whether the check of a queue that this timer asks for has yet to begin; then it begins now. `false` for a message that
    /// is delivered again.
    pub async fn begin_check(&self, timer: &Timer) -> Result<bool> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let begun = update
            .key("pk", s(timer.key.partition()))
            .key("sk", s(timer.key.sk()))
            .update_expression("REMOVE timer")
            .condition_expression("timer = :at")
            .expression_attribute_values(":at", attribute(timer.at))
            .send()
            .await;
        match begun.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_438_400_000 + seconds * 1000 + milliseconds).unwrap()
    }

    fn image(due_sk: &str, timer: &str) -> Option<Timer> {
        let fields = [("pk", "conversation#c1"), ("sk", "conversation"), ("due_sk", due_sk), (TIMER, timer)];
        Timer::from_image(|name| {
            fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).filter(|value| !value.is_empty())
        })
    }

    #[test]
    fn image_asks_for_a_timer_while_its_time_is_the_one_in_the_index() {
        let timer = image("1772438410000t", "1772438410000").unwrap();
        assert_eq!((timer.at, timer.key().partition()), (at(10, 0), "conversation#c1"));
        assert_eq!(image("1772438410000", "1772438410000").map(|timer| timer.at), Some(at(10, 0)));
        for (due, timer) in
            [("1772438410000t", ""), ("", "1772438410000"), ("1772438420000", "1772438410000"), ("x", "x")]
        {
            assert_eq!(image(due, timer), None, "{due} {timer}");
        }
    }

    #[test]
    fn message_is_delayed_to_the_next_whole_second() {
        let timer = image("1772438410000t", "1772438410000").unwrap();
        for (now, delay) in [
            (at(0, 0), 10),
            (at(0, 1), 10),
            (at(0, 999), 10),
            (at(1, 0), 9),
            (at(9, 500), 2),
            (at(10, 0), 0),
            (at(99, 0), 0),
        ] {
            assert_eq!(timer.delay_seconds(now), delay, "{now}");
        }
        assert_eq!(timer.delay_seconds(at(-4000, 0)), 900);
    }

    #[test]
    fn message_names_the_item_and_its_time() {
        let timer = image("1772438410000t", "1772438410000").unwrap();
        let text = serde_json::to_string(&timer).unwrap();
        assert_eq!(text, r#"{"pk":"conversation#c1","sk":"conversation","at":"2026-03-02T08:00:10Z"}"#);
        assert_eq!(serde_json::from_str::<Timer>(&text).unwrap(), timer);
    }
}
