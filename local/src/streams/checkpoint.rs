//! The checkpoint of an event source mapping. With several concurrent batches, later records can be completed before earlier
//! ones.

use std::collections::VecDeque;

/// The number of a record that was read, in order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordNumber(u64);

/// The records that were read, from the first one that is not completed.
#[derive(Debug)]
pub(super) struct Checkpoint {
    last_read: Option<String>,
    /// The number of the first entry of `open`.
    first: u64,
    open: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence_number: String,
    completed: bool,
}

impl Checkpoint {
    /// A checkpoint at a sequence number; at the start of the stream if there is none.
    pub(super) fn at(sequence_number: Option<String>) -> Self {
        Self { last_read: sequence_number, first: 0, open: VecDeque::new() }
    }

    /// The sequence number of the last record that was read.
    pub(super) fn last_read(&self) -> Option<&str> {
        self.last_read.as_deref()
    }

    /// Adds the next record of the stream.
    pub(super) fn add(&mut self, sequence_number: &str) -> RecordNumber {
        sequence_number.clone_into(self.last_read.get_or_insert_default());
        self.open.push_back(Entry { sequence_number: sequence_number.to_owned(), completed: false });
        RecordNumber(self.first + self.open.len() as u64 - 1)
    }

    /// Marks a record as completed: processed, filtered out or sent to the dead-letter queue.
    pub(super) fn complete(&mut self, number: RecordNumber) {
        let index = number.0.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.open.get_mut(index)) {
            entry.completed = true;
        }
    }

    /// Advances over the completed records, and returns the sequence number of the last one; `None` if there are none. A restart
    /// from there repeats records that were completed after an open one, and skips none.
    pub(super) fn advance(&mut self) -> Option<String> {
        let mut position = None;
        while let Some(entry) = self.open.pop_front_if(|entry| entry.completed) {
            self.first += 1;
            position = Some(entry.sequence_number);
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_stays_before_the_first_open_record() {
        let mut checkpoint = Checkpoint::at(Some("4".to_owned()));
        let [five, six, seven, eight] = ["5", "6", "7", "8"].map(|number| checkpoint.add(number));
        assert_eq!(checkpoint.last_read(), Some("8"));
        assert_eq!(checkpoint.advance(), None);
        checkpoint.complete(six);
        checkpoint.complete(seven);
        assert_eq!(checkpoint.advance(), None, "5 is open");
        checkpoint.complete(five);
        assert_eq!(checkpoint.advance().as_deref(), Some("7"));
        assert_eq!(checkpoint.advance(), None, "no further record is completed");
        let nine = checkpoint.add("9");
        checkpoint.complete(nine);
        checkpoint.complete(six);
        assert_eq!(checkpoint.advance(), None);
        checkpoint.complete(eight);
        assert_eq!(checkpoint.advance().as_deref(), Some("9"));
    }
}
