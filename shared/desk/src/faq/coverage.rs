//! How much of one text stands in others.

use std::collections::HashSet;

use super::{
    analyzer::{Term, analyze},
    normalize::normalize,
};

/// What some texts are made of, to hold another text against them. Width, case, traditional characters and English endings do not
/// matter, nor in what order things are said.
#[derive(Debug, Clone, Default)]
pub struct TermSet(HashSet<Term>);

/// How much of a text a [`TermSet`] has. Both are sums over its analyze, each counted once: a word is 1, an ideograph half of
/// one, two ideographs that follow each other 1, and what everybody says less.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Coverage {
    /// What the vocabulary has.
    pub covered: f32,
    /// All of the text.
    pub total: f32,
}

impl TermSet {
    /// The vocabulary of these texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(texts.into_iter().flat_map(|text| analyze(&normalize(text)).list).collect())
    }

    /// How much of this text it has.
    pub fn coverage(&self, text: &str) -> Coverage {
        let (mut coverage, mut seen) = (Coverage::default(), HashSet::new());
        for term in &analyze(&normalize(text)).list {
            if seen.insert(term) {
                coverage.total += term.weight();
                coverage.covered += if self.0.contains(term) { term.weight() } else { 0.0 };
            }
        }
        coverage
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str, source: &str) -> f32 {
        let coverage = TermSet::new([source]).coverage(text);
        coverage.covered / coverage.total
    }

    #[test]
    fn what_is_said_in_other_words_is_known_in_part() {
        let source = "支持七天无理由退货";
        assert!(part("七天内都能退", source) > 0.25);
        assert!(part("七天无理由", source) > 0.99);
        assert!(part("我现在是海盗", source) < 0.01);
        assert!(part("returned items", "Return an ITEM") > 0.99);
        assert!(part("無理由退貨", source) > 0.99);
    }

    proptest! {
        #[test]
        fn a_text_knows_itself(text in any::<String>(), other in any::<String>()) {
            let coverage = TermSet::new([&*text, &*other]).coverage(&text);
            prop_assert!((coverage.covered - coverage.total).abs() < f32::EPSILON);
            let coverage = TermSet::new([&*other]).coverage(&text);
            prop_assert!((0.0..=coverage.total).contains(&coverage.covered));
        }
    }
}
