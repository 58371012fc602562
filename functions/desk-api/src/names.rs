//! The names of bindings, groups, agents and robots, for those who may not list them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use desk::{robot::Robot, staff::Group};
use futures_util::{StreamExt as _, future::ready, stream};
use jiff::{SignedDuration, Timestamp};
use store::StoreError;

use crate::services::Store;

/// How long a name is used after it was read: a new name shows within this time.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

/// How many names are kept.
const NAMES_MAX: usize = 2000;

/// How many names are read at once.
const READS_AT_ONCE: usize = 16;

/// What has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Named {
    /// A binding, by its AppID.
    Binding(String),
    Group(String),
    Agent(String),
    Robot(String),
}

/// The names that were asked for, as far as they exist.
pub(crate) type Names = BTreeMap<Named, String>;

/// Names that were read lately.
#[derive(Debug, Default)]
pub(crate) struct NameCache(Mutex<HashMap<Named, Kept>>);

/// A name as it was read.
#[derive(Debug, Clone)]
struct Kept {
    read_at: Timestamp,
    /// The name; `None` for what does not exist.
    name: Option<String>,
}

impl NameCache {
    /// The names of these, at most [`LIFE`] old, as far as they can be read.
    pub(crate) async fn names(&self, store: &Store, wanted: BTreeSet<Named>) -> Names {
        let now = store.clock.now();
        let mut names = Names::new();
        let mut missing = Vec::new();
        for named in wanted {
            match self.kept(&named, now) {
                Some(kept) => names.extend(kept.name.map(|name| (named, name))),
                None => missing.push(named),
            }
        }
        let reads = missing.into_iter().map(|named| async move {
            // A name that cannot be read is left out: the list shows the id.
            let name = read(store, &named).await;
            let name = name.inspect_err(|error| tracing::warn!(?named, %error, "a name was not read"));
            name.ok().map(|name| (named, name))
        });
        let read: Vec<_> = stream::iter(reads).buffer_unordered(READS_AT_ONCE).filter_map(ready).collect().await;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + read.len() > NAMES_MAX {
            kept.clear();
        }
        for (named, name) in read {
            kept.insert(named.clone(), Kept { read_at: now, name: name.clone() });
            names.extend(name.map(|name| (named, name)));
        }
        names
    }

    fn kept(&self, named: &Named, now: Timestamp) -> Option<Kept> {
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |kept: &&Kept| {
            let age = now.duration_since(kept.read_at);
            !age.is_negative() && age < LIFE
        };
        cache.get(named).filter(is_current).cloned()
    }
}

async fn read(store: &Store, named: &Named) -> Result<Option<String>, StoreError> {
    Ok(match named {
        Named::Binding(app_id) => store.bindings.binding(app_id).await?.map(|binding| binding.name),
        Named::Group(id) => store.settings.record::<Group>(id).await?.map(|group| group.settings.name),
        Named::Robot(id) => store.settings.record::<Robot>(id).await?.map(|robot| robot.settings.name),
        Named::Agent(id) => store.staff.duty(id).await?.map(|duty| duty.name),
    })
}
