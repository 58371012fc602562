//! How far a mapping has come, where later records may be done before earlier ones.

use std::collections::VecDeque;

/// A record that was read, as its mapping counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Every record between those that are done and those that are not read.
#[derive(Debug)]
pub(super) struct Place {
    read_to: Option<String>,
    /// The ticket of the first of `open`.
    first: u64,
    open: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence_number: String,
    done: bool,
}

impl Place {
    /// After a record, which is done like all before it; without one at the beginning of the stream.
    pub(super) fn after(position: Option<String>) -> Self {
        Self { read_to: position, first: 0, open: VecDeque::new() }
    }

    /// The last record that was read.
    pub(super) fn read_to(&self) -> Option<&str> {
        self.read_to.as_deref()
    }

    /// The stream's next record has been read.
    pub(super) fn read(&mut self, sequence_number: &str) -> Ticket {
        sequence_number.clone_into(self.read_to.get_or_insert_default());
        self.open.push_back(Entry { sequence_number: sequence_number.to_owned(), done: false });
        Ticket(self.first + self.open.len() as u64 - 1)
    }

    /// Nothing more is to be done for a record.
    pub(super) fn done(&mut self, ticket: Ticket) {
        let index = ticket.0.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.open.get_mut(index)) {
            entry.done = true;
        }
    }

    /// The last record that is done together with all before it, if that has become another one since the last call.
    /// Whoever begins anew after it meets some records again and misses none.
    pub(super) fn advance(&mut self) -> Option<String> {
        let mut position = None;
        while let Some(entry) = self.open.pop_front_if(|entry| entry.done) {
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
    fn a_position_waits_for_the_slowest() {
        let mut place = Place::after(Some("4".to_owned()));
        let [five, six, seven, eight] = ["5", "6", "7", "8"].map(|number| place.read(number));
        assert_eq!(place.read_to(), Some("8"));
        assert_eq!(place.advance(), None);
        place.done(six);
        place.done(seven);
        assert_eq!(place.advance(), None, "5 is still on its way");
        place.done(five);
        assert_eq!(place.advance().as_deref(), Some("7"));
        assert_eq!(place.advance(), None, "nothing new");
        let nine = place.read("9");
        place.done(nine);
        place.done(six);
        assert_eq!(place.advance(), None);
        place.done(eight);
        assert_eq!(place.advance().as_deref(), Some("9"));
    }
}
