//! Lists of words, and what a text has of them at its ends.

/// How far is looked back from a person, in words, and how many persons are looked at. Nobody says more in a clause, but texts are
/// the visitor's, and the work must not grow with their square.
pub(super) const LOOKBACK_MAX: usize = 16;

/// Words, separated by spaces.
#[derive(Clone, Copy)]
pub(super) struct WordList(pub(super) &'static str);

impl WordList {
    pub(super) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    pub(super) fn contains(self, word: &str) -> bool {
        self.iter().any(|one| one == word)
    }

    /// Whether the text starts with one of them.
    pub(super) fn starts(self, text: &str) -> bool {
        self.iter().any(|word| text.starts_with(word))
    }

    /// Whether the text ends with one of them.
    pub(super) fn ends(self, text: &str) -> bool {
        self.iter().any(|word| text.ends_with(word))
    }

    /// The text without the longest of them at its start.
    pub(super) fn strip_start(self, text: &str) -> Option<&str> {
        self.iter().filter_map(|word| text.strip_prefix(word)).min_by_key(|rest| rest.len())
    }

    /// The text without the longest of them at its end.
    pub(super) fn strip_end(self, text: &str) -> Option<&str> {
        self.iter().filter_map(|word| text.strip_suffix(word)).min_by_key(|rest| rest.len())
    }
}
