//! The states of agents before their last write, which an eventually consistent read may still return.

use std::{collections::BTreeMap, sync::Mutex};

use dynoxide::Item;
use serde_json::Value;

use super::{database::Key, run::Run};

/// The state of each agent before the last write.
#[derive(Default)]
pub(super) struct EarlierStates(Mutex<BTreeMap<Key, Item>>);

impl EarlierStates {
    /// Keeps agents as they were before a write.
    pub(super) fn keep(&self, before: Vec<(Key, Item)>) {
        self.0.lock().unwrap().extend(before);
    }

    /// The answer to a read, with the earlier states of agents if the read is eventually consistent.
    pub(super) fn instead_of(&self, request: &[u8], answer: String, run: &Run) -> String {
        let request: Value = serde_json::from_slice(request).unwrap();
        let tables = request["RequestItems"].as_object().into_iter().flatten().map(|(_, read)| read);
        let mut reads = tables.chain(std::iter::once(&request));
        if reads.any(|read| read["ConsistentRead"] == true) {
            return answer;
        }
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let earlier = self.0.lock().unwrap();
        let mut replace = |item: &mut Value| {
            let part = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
            let Some(before) = earlier.get(&(part("pk"), part("sk"))) else { return };
            let before = serde_json::to_value(before).unwrap();
            if *item != before {
                *item = before;
                run.returned_stale();
            }
        };
        if let Some(item) = answer.get_mut("Item") {
            replace(item);
        }
        let of_tables = answer["Responses"].as_object_mut().into_iter().flatten();
        for items in of_tables.filter_map(|(_, items)| items.as_array_mut()) {
            items.iter_mut().for_each(&mut replace);
        }
        answer.to_string()
    }
}

/// The agents among these items, as they are now.
pub(super) fn agents_among(keys: &[Key], item: impl Fn(&Key) -> Option<Item>) -> Vec<(Key, Item)> {
    let agents = keys.iter().filter(|key| key.0.starts_with("agent#") && key.1 == "duty");
    agents.filter_map(|key| Some((key.clone(), item(key)?))).collect()
}
