//! Lists of words, matched at the ends of a text.

/// The maximum number of words searched backwards from a person, and of persons examined in a clause. It bounds the work on
/// hostile texts, which would otherwise grow quadratically.
pub(super) const LOOKBACK_MAX: usize = 16;

/// A list of words, separated by spaces.
#[derive(Clone, Copy)]
pub(super) struct WordList(pub(super) &'static str);

impl WordList {
    pub(super) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    pub(super) fn contains(self, word: &str) -> bool {
        self.iter().any(|one| one == word)
    }

    /// Whether the text starts with a word of the list.
    pub(super) fn starts(self, text: &str) -> bool {
        self.iter().any(|word| text.starts_with(word))
    }

    /// Whether a word of the list occurs in the text.
    pub(super) fn occurs(self, text: &str) -> bool {
        self.iter().any(|word| text.contains(word))
    }

    /// Whether the text ends with a word of the list.
    pub(super) fn ends(self, text: &str) -> bool {
        self.iter().any(|word| text.ends_with(word))
    }

    /// Strips the longest word of the list from the start of the text.
    pub(super) fn strip_start(self, text: &str) -> Option<&str> {
        self.iter().filter_map(|word| text.strip_prefix(word)).min_by_key(|rest| rest.len())
    }

    /// Strips the longest word of the list from the end of the text.
    pub(super) fn strip_end(self, text: &str) -> Option<&str> {
        self.iter().filter_map(|word| text.strip_suffix(word)).min_by_key(|rest| rest.len())
    }
}

/// Whether the text consists of words of these lists only.
pub(super) fn is_all(text: &str, words: &[WordList]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        match words.iter().filter_map(|words| words.strip_start(rest)).min_by_key(|rest| rest.len()) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}

/// The text, and the text without each run of words of these lists at its end, longest words first.
pub(super) fn without_end<'a>(text: &'a str, words: &'a [WordList]) -> impl Iterator<Item = &'a str> {
    let strip = |rest: &&'a str| words.iter().filter_map(|words| words.strip_end(rest)).min_by_key(|rest| rest.len());
    std::iter::successors(Some(text), strip).take(LOOKBACK_MAX)
}
