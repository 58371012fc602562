//! The saved checkpoints of all event source mappings.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::LocalError;
use crate::data::{self, DataDir};

/// The last completed sequence number of each mapping, by the mapping's name.
pub(crate) struct Checkpoints {
    sequence_numbers: Mutex<BTreeMap<String, String>>,
    data: DataDir,
}

impl Checkpoints {
    pub(crate) fn open(data: DataDir) -> Result<Self, LocalError> {
        Ok(Self { sequence_numbers: Mutex::new(data.read_json(data::POSITIONS)?.unwrap_or_default()), data })
    }

    pub(super) fn get(&self, mapping: &str) -> Option<String> {
        self.sequence_numbers.lock().unwrap_or_else(PoisonError::into_inner).get(mapping).cloned()
    }

    pub(super) fn save(&self, mapping: &str, sequence_number: &str) -> Result<(), LocalError> {
        let mut sequence_numbers = self.sequence_numbers.lock().unwrap_or_else(PoisonError::into_inner);
        sequence_numbers.insert(mapping.to_owned(), sequence_number.to_owned());
        self.data.write_json(data::POSITIONS, &*sequence_numbers)
    }
}
