//! Sentences of the rules that the model was given.

use std::{collections::HashSet, sync::LazyLock};

use crate::prompt;

/// The number of words in a row that no answer has in common with the rules by chance.
const WORDS: usize = 8;

static RULES: LazyLock<HashSet<String>> = LazyLock::new(|| runs(prompt::RULES).collect());

/// Whether the answer repeats words of the rules.
pub(super) fn are_repeated(answer: &str) -> bool {
    runs(answer).any(|run| RULES.contains(&run))
}

/// Each run of [`WORDS`] Latin words.
fn runs(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(str::to_ascii_lowercase).collect();
    let runs: Vec<_> = words.windows(WORDS).map(|run| run.join(" ")).collect();
    runs.into_iter()
}
