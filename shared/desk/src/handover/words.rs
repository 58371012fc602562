//! Lists of words, and what a text has of them at its ends.

/// How far is looked back from a person, in words, and how many persons are looked at. Nobody says more in a clause, but texts are
/// the visitor's, and the work must not grow with their square.
pub(super) const STEPS: usize = 16;

/// Words, separated by spaces.
#[derive(Clone, Copy)]
pub(super) struct Words(pub(super) &'static str);

impl Words {
    pub(super) fn each(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    pub(super) fn has(self, word: &str) -> bool {
        self.each().any(|one| one == word)
    }

    /// Whether the text starts with one of them.
    pub(super) fn start(self, text: &str) -> bool {
        self.each().any(|word| text.starts_with(word))
    }

    /// Whether the text ends with one of them.
    pub(super) fn end(self, text: &str) -> bool {
        self.each().any(|word| text.ends_with(word))
    }

    /// The text without the longest of them at its start.
    pub(super) fn cut_start(self, text: &str) -> Option<&str> {
        self.each().filter_map(|word| text.strip_prefix(word)).min_by_key(|rest| rest.len())
    }

    /// The text without the longest of them at its end.
    pub(super) fn cut_end(self, text: &str) -> Option<&str> {
        self.each().filter_map(|word| text.strip_suffix(word)).min_by_key(|rest| rest.len())
    }
}
