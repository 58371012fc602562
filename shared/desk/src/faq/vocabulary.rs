//! How much of one text stands in others.

use std::collections::HashSet;

use super::{
    fold::fold,
    terms::{Term, terms},
};

/// What some texts are made of, to hold another text against them. Width, case, traditional characters and English endings do not
/// matter, nor in what order things are said.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary(HashSet<Term>);

/// How much of a text a [`Vocabulary`] has. Both are sums over its terms, each counted once: a word is 1, an ideograph half of
/// one, two ideographs that follow each other 1, and what everybody says less.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share {
    /// What the vocabulary has.
    pub known: f32,
    /// All of the text.
    pub all: f32,
}

impl Vocabulary {
    /// The vocabulary of these texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(texts.into_iter().flat_map(|text| terms(&fold(text)).list).collect())
    }

    /// How much of this text it has.
    pub fn share(&self, text: &str) -> Share {
        let (mut share, mut seen) = (Share::default(), HashSet::new());
        for term in &terms(&fold(text)).list {
            if seen.insert(term) {
                share.all += term.weight();
                share.known += if self.0.contains(term) { term.weight() } else { 0.0 };
            }
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str, source: &str) -> f32 {
        let share = Vocabulary::new([source]).share(text);
        share.known / share.all
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
            let share = Vocabulary::new([&*text, &*other]).share(&text);
            prop_assert!((share.known - share.all).abs() < f32::EPSILON);
            let share = Vocabulary::new([&*other]).share(&text);
            prop_assert!((0.0..=share.all).contains(&share.known));
        }
    }
}
