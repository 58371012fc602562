//! Settings that are read for every message, kept in memory for [`SETTINGS_LIFE`].
//!
//! A decision may follow settings that have changed since, but never by more than this time. Nothing that a decision must
//! not get wrong depends on them: its transaction checks the agent, and a queue is drained by the settings in the table.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use desk::{calendar::Calendar, merchant::Merchant, robot::Robot, staff::Group};
use jiff::{SignedDuration, Timestamp};
use store::{Binding, BindingReader, Lists, Record, Result, SettingsReader, SharedClock, Table};

/// How long settings are used after they were read: a change takes effect within this time.
pub const SETTINGS_LIFE: SignedDuration = SignedDuration::from_secs(10);

/// How long the groups of the merchants are used after they were read. A session-from may name a merchant's new group after this
/// time.
const MERCHANTS_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// How many merchants are read for their groups, in pages of [`MERCHANTS_PAGE`]. Where there are more, bindings have to list the
/// groups that they allow.
const MERCHANTS_MAX: usize = 2000;
const MERCHANTS_PAGE: i32 = 100;

/// How many settings of one kind are kept. The longest, a binding with all its texts, have some 10 KB.
const ENTRIES_MAX: usize = 200;

/// The settings of bindings, groups, calendars and robots.
#[derive(Debug)]
pub(crate) struct SettingsCache {
    clock: SharedClock,
    from: (BindingReader, SettingsReader, Lists),
    bindings: Entries<Binding>,
    groups: Entries<Record<Group>>,
    calendars: Entries<Record<Calendar>>,
    robots: Entries<Record<Robot>>,
    merchant_groups: Entries<BTreeSet<String>>,
}

impl SettingsCache {
    pub(crate) fn new(table: &Table) -> Self {
        Self {
            clock: table.clock().clone(),
            from: (table.bindings(), table.settings(), table.lists()),
            bindings: Entries::default(),
            groups: Entries::default(),
            calendars: Entries::default(),
            robots: Entries::default(),
            merchant_groups: Entries::with_life(MERCHANTS_LIFE),
        }
    }

    /// The binding of a mini program.
    pub(crate) async fn binding(&self, app_id: &str) -> Result<Option<Arc<Binding>>> {
        self.bindings.get(app_id, &self.clock, || self.from.0.binding(app_id)).await
    }

    /// The group with this id.
    pub(crate) async fn group(&self, id: &str) -> Result<Option<Arc<Record<Group>>>> {
        self.groups.get(id, &self.clock, || self.from.1.record(id)).await
    }

    /// The calendar with this id.
    pub(crate) async fn calendar(&self, id: &str) -> Result<Option<Arc<Record<Calendar>>>> {
        self.calendars.get(id, &self.clock, || self.from.1.record(id)).await
    }

    /// The robot with this id.
    pub(crate) async fn robot(&self, id: &str) -> Result<Option<Arc<Record<Robot>>>> {
        self.robots.get(id, &self.clock, || self.from.1.record(id)).await
    }

    /// The groups of the merchants, at most [`MERCHANTS_LIFE`] old.
    pub(crate) async fn merchant_groups(&self) -> Result<Arc<BTreeSet<String>>> {
        let found = self.merchant_groups.get("", &self.clock, || self.read_merchant_groups()).await?;
        Ok(found.unwrap_or_default())
    }

    async fn read_merchant_groups(&self) -> Result<Option<BTreeSet<String>>> {
        let (mut groups, mut cursor, mut read) = (BTreeSet::new(), None, 0);
        loop {
            let page = self.from.2.records::<Merchant>(cursor.as_deref(), MERCHANTS_PAGE).await?;
            read += page.items.len();
            groups.extend(page.items.into_iter().map(|merchant| merchant.settings.group_id));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(Some(groups));
            }
            if read >= MERCHANTS_MAX {
                tracing::warn!(
                    read,
                    "there are more merchants than are read for the allow-list; list the groups in the bindings"
                );
                return Ok(Some(groups));
            }
        }
    }
}

/// What was read, by key, with the time at which each read began.
#[derive(Debug)]
struct Entries<T> {
    life: SignedDuration,
    kept: Mutex<HashMap<String, (Timestamp, Arc<T>)>>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self::with_life(SETTINGS_LIFE)
    }
}

impl<T> Entries<T> {
    fn with_life(life: SignedDuration) -> Self {
        Self { life, kept: Mutex::default() }
    }

    /// What is kept under this key, or else what `read` finds. That there is nothing is not kept.
    async fn get<F>(&self, key: &str, clock: &SharedClock, read: impl FnOnce() -> F) -> Result<Option<Arc<T>>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let now = clock.now();
        if let Some(kept) = self.kept(key, now) {
            return Ok(Some(kept));
        }
        let found = read().await?.map(Arc::new);
        self.keep(key, now, found.clone());
        Ok(found)
    }

    fn kept(&self, key: &str, now: Timestamp) -> Option<Arc<T>> {
        let entries = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(read_at, _)| is_current(*read_at, now, self.life)).map(|(_, value)| value.clone())
    }

    fn keep(&self, key: &str, read_at: Timestamp, value: Option<Arc<T>>) {
        let mut entries = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(value) = value else {
            entries.remove(key);
            return;
        };
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(key) {
            entries.retain(|_, (earlier, _)| is_current(*earlier, read_at, self.life));
            if entries.len() >= ENTRIES_MAX {
                entries.clear();
            }
        }
        entries.insert(key.to_owned(), (read_at, value));
    }
}

/// Whether what was read at a time is still used. A clock that was set back makes it read again.
fn is_current(read_at: Timestamp, now: Timestamp, life: SignedDuration) -> bool {
    let age = now.duration_since(read_at);
    !age.is_negative() && age < life
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use store::{Clock, ManualClock, StoreError};

    use super::*;

    /// Settings whose value counts how often they were read.
    #[derive(Default)]
    struct Source {
        entries: Entries<u32>,
        reads: AtomicU32,
    }

    impl Source {
        async fn get(&self, key: &str, clock: &SharedClock) -> u32 {
            let read = async || Ok(Some(self.reads.fetch_add(1, Ordering::Relaxed) + 1));
            *self.entries.get(key, clock, read).await.unwrap().unwrap()
        }
    }

    fn clock() -> (Arc<ManualClock>, SharedClock) {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        (clock.clone(), clock)
    }

    #[tokio::test]
    async fn settings_are_read_again_after_their_life() {
        let (by_hand, clock) = clock();
        let source = Source::default();
        assert_eq!(source.get("a", &clock).await, 1);
        by_hand.advance(SETTINGS_LIFE - SignedDuration::from_millis(1));
        assert_eq!(source.get("a", &clock).await, 1);
        by_hand.advance(SignedDuration::from_millis(1));
        assert_eq!(source.get("a", &clock).await, 2);
        by_hand.set(by_hand.now() - SignedDuration::from_secs(1));
        assert_eq!(source.get("a", &clock).await, 3, "the clock was set back");
    }

    #[tokio::test]
    async fn life_begins_with_the_read_not_with_its_answer() {
        let (by_hand, clock) = clock();
        let entries = Entries::default();
        let slow = async || {
            by_hand.advance(SETTINGS_LIFE);
            Ok(Some(1))
        };
        assert_eq!(entries.get("a", &clock, slow).await.unwrap().as_deref(), Some(&1));
        let again = async || Ok(Some(2));
        assert_eq!(entries.get("a", &clock, again).await.unwrap().as_deref(), Some(&2));
    }

    #[tokio::test]
    async fn absence_and_errors_are_not_kept() {
        let (_, clock) = clock();
        let entries = Entries::default();
        assert_eq!(entries.get("a", &clock, async || Ok(None)).await.unwrap(), None);
        let failed = entries.get("a", &clock, async || Err(StoreError::Conflict)).await;
        assert!(matches!(failed, Err(StoreError::Conflict)));
        assert_eq!(entries.get("a", &clock, async || Ok(Some(1))).await.unwrap().as_deref(), Some(&1));
    }

    #[tokio::test]
    async fn number_of_entries_is_bounded() {
        let (by_hand, clock) = clock();
        let source = Source::default();
        for number in 0..3 * ENTRIES_MAX {
            source.get(&number.to_string(), &clock).await;
            assert!(source.entries.kept.lock().unwrap().len() <= ENTRIES_MAX);
        }
        by_hand.advance(SETTINGS_LIFE);
        for number in 0..ENTRIES_MAX {
            source.get(&format!("later {number}"), &clock).await;
        }
        assert_eq!(source.entries.kept.lock().unwrap().len(), ENTRIES_MAX, "what has outlived its time goes first");
    }
}
