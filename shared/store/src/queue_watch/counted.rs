//! What the watch of a queue and its departures count.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{LENGTH_MAX, ShareLength};
use crate::{
    error::Result,
    item::{Attributes, Read},
    keys,
    queue::Entry,
};

/// How many counters of mini programs a queue has at most.
const QUEUE_SHARES: u8 = 64;

/// The counter of a mini program in a queue: two hexadecimal digits. Mini programs with the same counter count as one, so that the
/// items of a queue stay small however many mini programs use it.
pub fn queue_share(app_id: &str) -> String {
    format!("{:02x}", Sha256::digest(app_id.as_bytes())[0] % QUEUE_SHARES)
}

/// What is stored about the length of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// How many conversations have joined, if the watch is there.
    pub(super) joined: Option<i64>,
    pub(super) departed: u64,
    /// Whether the numbers are complete.
    pub(super) is_complete: bool,
    /// How many conversations of the mini programs have joined and departed, by [`queue_share`].
    pub(super) of_mini_programs: BTreeMap<String, (i64, u64)>,
}

/// The beginning of the name of an attribute that counts for mini programs, in the watch and in the departures.
const OF_MINI_PROGRAM: &str = "of-";

/// The attribute that counts for a mini program.
pub(super) fn of_mini_program(app_id: &str) -> String {
    of_share(&queue_share(app_id))
}

pub(super) fn of_share(share: &str) -> String {
    format!("{OF_MINI_PROGRAM}{share}")
}

impl Counted {
    pub(super) fn read(items: &[Attributes]) -> Result<Self> {
        // Without a watch nothing has ever waited.
        let mut counted = Self { is_complete: items.is_empty(), ..Self::default() };
        for item in items {
            let read = Read { kind: keys::WATCH, item };
            let is_watch = read.s("kind")? == keys::WATCH;
            if is_watch {
                counted.joined = read.opt_n("joined")?;
                // Into a watch that only bindings have entered, nothing has ever joined.
                counted.is_complete = item.contains_key("counted_at") || !item.contains_key("expected");
            } else {
                counted.departed += read.opt_n::<u64>("departed")?.unwrap_or_default();
            }
            for name in item.keys() {
                let Some(share) = name.strip_prefix(OF_MINI_PROGRAM) else { continue };
                let of = counted.of_mini_programs.entry(share.to_owned()).or_default();
                if is_watch {
                    of.0 = read.opt_n(name)?.unwrap_or_default();
                } else {
                    of.1 += read.opt_n::<u64>(name)?.unwrap_or_default();
                }
            }
        }
        Ok(counted)
    }

    pub(super) fn entries(&self) -> i64 {
        difference(self.joined.unwrap_or_default(), self.departed)
    }

    pub(super) fn shares(&self) -> BTreeMap<String, ShareLength> {
        let share = |(share, (joined, departed)): (&String, &(i64, u64))| {
            (share.clone(), ShareLength { entries: length(difference(*joined, *departed)), departed: *departed })
        };
        self.of_mini_programs.iter().map(share).collect()
    }

    /// Whether the numbers of the mini programs are those of the entries. True where that is not known: an earlier version
    /// has written an entry.
    pub(super) fn has_shares_of(&self, entries: &[Entry]) -> bool {
        let Some(of_entries) = by_mini_program(entries) else { return true };
        let of = |share: &String| of_entries.get(share).copied().unwrap_or_default();
        let are_right =
            self.of_mini_programs.iter().all(|(share, (joined, departed))| difference(*joined, *departed) == of(share));
        are_right && of_entries.keys().all(|share| self.of_mini_programs.contains_key(share))
    }
}

fn difference(joined: i64, departed: u64) -> i64 {
    joined - i64::try_from(departed).unwrap_or(i64::MAX)
}

pub(super) fn length(entries: i64) -> u32 {
    u32::try_from(entries.max(0)).unwrap_or(u32::MAX).min(LENGTH_MAX)
}

/// How many of the entries the mini programs have, by [`queue_share`]; `None` where an entry names none.
pub(super) fn by_mini_program(entries: &[Entry]) -> Option<BTreeMap<String, i64>> {
    let mut of = BTreeMap::new();
    for entry in entries {
        *of.entry(queue_share(entry.app_id.as_deref()?)).or_default() += 1;
    }
    Some(of)
}
