//! The ledger of a visitor, kept in two ways. The late one learns that WeChat has taken a send whole only when the next
//! visitor action is recorded, as the functions do; the prompt one learns it when the send ends. Both must say the same.

use std::collections::BTreeMap;

use desk::quota::{Ledger, MAX_SENDS, Quota, QuotaError};
use jiff::Timestamp;

use crate::model::Kind;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ledgers {
    late: Ledger,
    prompt: Ledger,
    /// The sends that WeChat has taken whole and the late ledger has in flight, and when they ended.
    sent: BTreeMap<String, Timestamp>,
    /// A visitor action was recorded without the ends of earlier sends, which then have an unknown order.
    forgot: bool,
    /// Sends are merged from here on, in another order in each ledger.
    full: bool,
}

impl Ledgers {
    /// Records a visitor action. `forgets`: without settling the sends that WeChat has taken, as a function of an earlier
    /// version does.
    pub(crate) fn record(&mut self, kind: Kind, created_at: Timestamp, now: Timestamp, forgets: bool) {
        if forgets {
            self.forgot |= !self.sent.is_empty();
        } else {
            let sent = std::mem::take(&mut self.sent);
            for (id, sent_at) in sent {
                self.late.settle_sent(&id, sent_at);
            }
        }
        self.both(|ledger| match kind {
            Kind::Message => ledger.record_message(created_at, now),
            Kind::Enter => ledger.record_enter(created_at, now),
        });
    }

    pub(crate) fn quota(&self, now: Timestamp) -> Quota {
        let (late, prompt) = (self.late.quota(now), self.prompt.quota(now));
        let at_most = |quota: &Quota| quota.replies_left + quota.uncertain_replies;
        if self.full {
            return late;
        }
        if self.forgot {
            assert!(late.replies_left <= prompt.replies_left, "{late:?} {prompt:?} {self:?}");
            assert_eq!(at_most(&late), at_most(&prompt), "{self:?}");
        } else {
            assert_eq!(late, prompt, "{self:?}");
        }
        late
    }

    pub(crate) fn reserve(&mut self, id: &str, parts: u32, keep: u32, now: Timestamp) -> Result<(), QuotaError> {
        let answer = self.late.reserve(id, parts, keep, now);
        if answer.is_ok() || !self.forgot {
            let prompt = self.prompt.reserve(id, parts, keep, now);
            assert!(self.full || prompt == answer, "{answer:?} {prompt:?} {self:?}");
        }
        self.full |= [&self.late, &self.prompt].iter().any(|ledger| sends(ledger).len() == MAX_SENDS);
        answer
    }

    /// WeChat has taken all parts of a send.
    pub(crate) fn sent(&mut self, id: &str, parts: u32, now: Timestamp) {
        self.prompt.settle(id, parts, now);
        self.sent.entry(id.to_owned()).or_insert(now);
    }

    /// The same change of both ledgers.
    pub(crate) fn both(&mut self, change: impl Fn(&mut Ledger)) {
        change(&mut self.late);
        change(&mut self.prompt);
        self.full |= [&self.late, &self.prompt].iter().any(|ledger| sends(ledger).len() == MAX_SENDS);
    }

    /// The sends of the late ledger as stored.
    pub(crate) fn sends(&self) -> Vec<serde_json::Value> {
        let stored = serde_json::to_value(&self.late).unwrap();
        assert_eq!(serde_json::from_value::<Ledger>(stored).unwrap(), self.late);
        sends(&self.late)
    }
}

fn sends(ledger: &Ledger) -> Vec<serde_json::Value> {
    serde_json::to_value(ledger).unwrap()["s"].as_array().cloned().unwrap_or_default()
}
