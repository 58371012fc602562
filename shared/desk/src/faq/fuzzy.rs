//! Words of scripts with spaces: their endings, and how they are misspelt. Ideographs need none of this: they have no endings,
//! and beside a wrong one stand the right ones.

use super::analyzer::Term;

/// A shorter word becomes another one by a single letter.
const LENGTH_MIN: usize = 5;

/// The words that an index knows.
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

    /// The known word that this one may be meant for: of the same first letter, which is rarely wrong, and one slip away.
    pub(super) fn nearest(&self, word: &str) -> Option<&str> {
        if word.len() < LENGTH_MIN || !is_word(word) {
            return None;
        }
        let first = word.as_bytes().first()?;
        let from = self.0.partition_point(|known| known.as_bytes().first() < Some(first));
        let same_first = self.0[from..].iter().take_while(|known| known.as_bytes().first() == Some(first));
        same_first.map(|known| &**known).find(|known| is_one_slip(known.as_bytes(), word.as_bytes()))
    }
}

/// Takes off an English ending. Rough: what counts is that both sides are treated alike.
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

/// Whether one letter too many, one missing, one wrong, or two neighbours exchanged make the one word of the other.
fn is_one_slip(a: &[u8], b: &[u8]) -> bool {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let same = long.iter().zip(short).take_while(|(a, b)| a == b).count();
    let (long, short) = (&long[same..], &short[same..]);
    match long.len() - short.len() {
        1 => long[1..] == *short,
        0 => match (long, short) {
            ([_, long @ ..], [_, short @ ..]) if long == short => true,
            ([a, b, long @ ..], [c, d, short @ ..]) => a == d && b == c && long == short,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_forgiven_and_no_more() {
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
    fn endings_do_not_matter() {
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
