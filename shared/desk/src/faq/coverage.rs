//! The part of a text whose terms occur in other texts. Used to check that a model's answer is grounded in its sources.

use std::collections::HashSet;

use super::{
    analyzer::{Term, analyze},
    normalize::normalize,
};

/// The set of the terms of some texts. Width, case, traditional characters, English endings and word order do not matter.
#[derive(Debug, Clone, Default)]
pub struct TermSet(HashSet<Term>);

/// The coverage of a text by a [`TermSet`]. Both fields are sums of the weights of the text's distinct terms: a word or a
/// bigram weighs 1, a single ideograph 0.5, and common words less.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Coverage {
    /// The weight of the terms in the set.
    pub covered: f32,
    /// The weight of all terms.
    pub total: f32,
}

impl TermSet {
    /// Makes the set of the terms of these texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(texts.into_iter().flat_map(|text| analyze(&normalize(text)).list).collect())
    }

    /// Computes the coverage of a text.
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
    fn paraphrase_is_partly_covered() {
        let source = "支持七天无理由退货";
        assert!(part("七天内都能退", source) > 0.25);
        assert!(part("七天无理由", source) > 0.99);
        assert!(part("我现在是海盗", source) < 0.01);
        assert!(part("returned items", "Return an ITEM") > 0.99);
        assert!(part("無理由退貨", source) > 0.99);
    }

    proptest! {
        #[test]
        fn text_is_covered_by_itself(text in any::<String>(), other in any::<String>()) {
            let coverage = TermSet::new([&*text, &*other]).coverage(&text);
            prop_assert!((coverage.covered - coverage.total).abs() < f32::EPSILON);
            let coverage = TermSet::new([&*other]).coverage(&text);
            prop_assert!((0.0..=coverage.total).contains(&coverage.covered));
        }
    }
}
