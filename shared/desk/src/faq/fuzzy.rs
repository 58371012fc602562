//! Stemming of English words, and matching of misspelt words. Chinese needs neither: it has no inflection, and a word with
//! a wrong character still shares its other characters.

use super::analyzer::Term;

/// The minimum length for fuzzy matching. A single edit easily turns a shorter word into another word.
const LENGTH_MIN: usize = 5;

/// The known words of an index, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary(Vec<Box<str>>);

impl Dictionary {
    pub(super) fn new<'a>(terms: impl Iterator<Item = &'a Term>) -> Self {
        let mut words: Vec<_> = terms
            .filter_map(|term| match term {
                Term::Word(word) if is_word(word) => Some(word.clone()),
                _ => None,
            })
            .collect();
        words.sort_unstable();
        Self(words)
    }

    /// Returns the known word with the same first letter that is one edit away ([`is_one_edit`]). The first letter of a
    /// misspelt word is rarely wrong.
    pub(super) fn nearest(&self, word: &str) -> Option<&str> {
        if word.len() < LENGTH_MIN || !is_word(word) {
            return None;
        }
        let first = word.as_bytes().first()?;
        let from = self.0.partition_point(|known| known.as_bytes().first() < Some(first));
        let same_first = self.0[from..].iter().take_while(|known| known.as_bytes().first() == Some(first));
        same_first.map(|known| &**known).find(|known| is_one_edit(known, word))
    }
}

/// Strips an English ending. The stem need not be a word; it only has to be the same for query and question.
pub(super) fn stem(word: &str) -> &str {
    const LEAST: usize = 3;
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word;
    }
    let cut = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() >= LEAST);
    let stem = match cut("ing").or_else(|| cut("ed")) {
        // shipping, shipped: ship; but sell, pass
        Some(stem) => match stem.as_bytes() {
            [.., a, b] if a == b && !b"lsz".contains(b) => &stem[..stem.len() - 1],
            _ => stem,
        },
        None => cut("s").filter(|stem| !stem.ends_with('s')).unwrap_or(word),
    };
    stem.strip_suffix('e').filter(|stem| stem.len() >= LEAST).unwrap_or(stem)
}

fn is_word(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether the words differ by one insertion, deletion or substitution of a letter, or by one transposition of neighbours
/// (optimal string alignment distance 1).
fn is_one_edit(a: &str, b: &str) -> bool {
    a.len().abs_diff(b.len()) <= 1 && strsim::osa_distance(a, b) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_word_at_distance_one() {
        let words = ["invoice", "refund", "track", "international", "size"].map(|word| Term::Word(word.into()));
        let words = Dictionary::new(words.iter());
        for (typed, meant) in [
            ("invioce", Some("invoice")),
            ("invoce", Some("invoice")),
            ("invooice", Some("invoice")),
            ("inboice", Some("invoice")),
            ("refundd", Some("refund")),
            ("refudn", Some("refund")),
            ("internationl", Some("international")),
            ("nvoice", None),
            ("invcioe", None),
            ("invo", None),
            ("trak", None),
            ("size", None),
            ("sise", None),
            ("tracks1", None),
            ("", None),
        ] {
            assert_eq!(words.nearest(typed), meant, "{typed}");
        }
    }

    #[test]
    fn inflected_forms_have_same_stem() {
        for (one, other) in [
            ("shipping", "ship"),
            ("shipped", "ships"),
            ("sizes", "size"),
            ("watches", "watch"),
            ("arriving", "arrived"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} {other}");
        }
        assert_ne!(stem("pass"), stem("pas"));
    }
}
