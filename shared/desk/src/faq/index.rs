//! The index of a robot's questions.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use super::{
    Question,
    analyzer::{Analysis, Term, analyze},
    fuzzy::Dictionary,
    normalize::{bare, clauses, is_han, normalize, without_pictures, without_punctuation},
};

/// Of a longer text only so many characters are looked at. A question is much shorter.
const TEXT_MAX: usize = 400;
/// Of more sentences only the first ones are looked at one by one.
const CLAUSES_MAX: usize = 12;
/// What a single clause is worth that fits better than the whole text: the rest may have said something else.
const CLAUSE_WORTH: f32 = 0.85;
/// How much a term counts that no question has, against one that a single question has. It tells that something else is meant,
/// but not every word of a visitor's story does.
const UNKNOWN_WORTH: f32 = 0.8;
/// How rare a term is cannot be told from a handful of questions: fewer are taken for this many. Otherwise the thresholds would
/// mean one thing for a robot with five questions and another for one with five hundred.
const QUESTIONS_MIN: usize = 50;
/// A topic is named in at most so many ideographs or words (快递, 积分兑换).
const TOPIC_UNITS: usize = 4;

/// A robot's questions, ready to be searched. Made once for a version of them.
///
/// Every title and variant is a document of its own, and the best of a question's stands for it. Terms are weighted as in BM25,
/// by the logarithm of how few questions have them; variants of one question count once, for they repeat its words on purpose.
/// How often a term stands in a text says nothing where texts are this short, so that BM25's saturation is taken to its end.
/// BM25's sums mean something different for every query; here a score is `2 × common / (query + document)`, each the sum of
/// its terms' weights: the harmonic mean of how much of the query the document has, and of how much of the document the query has.
#[derive(Debug, Clone, Default)]
pub struct Index {
    questions: usize,
    ids: HashMap<Term, usize>,
    terms: Vec<Posting>,
    documents: Vec<Document>,
    /// Questions by title and variants without punctuation; none where two questions have the same.
    exact: HashMap<String, Option<usize>>,
    words: Dictionary,
    /// What an unknown term counts, of weight 1.
    unknown: f32,
}

#[derive(Debug, Clone)]
struct Posting {
    /// Weight by rarity.
    strength: f32,
    /// Where it is, in order.
    documents: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Document {
    question: usize,
    /// The sum of its terms.
    strength: f32,
}

/// A question that a search has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place among the questions that the index was made from.
    pub question: usize,
    /// How well it fits: next to 0 hardly, 1 as if word for word. Comparable over queries and over robots.
    pub score: f32,
}

/// What a search has found out.
pub(super) struct SearchResult {
    /// Best first.
    pub(super) hits: Vec<Hit>,
    /// The text is but a topic, and these questions are about it, best first. Empty, or at least two.
    pub(super) about: Vec<usize>,
}

impl Index {
    /// Makes the index. Disabled questions are not found; the others keep their places.
    pub fn new(questions: &[Question]) -> Self {
        let mut index = Self { questions: questions.len(), ..Self::default() };
        for (at, question) in questions.iter().enumerate().filter(|(_, question)| !question.disabled) {
            for text in std::iter::once(&question.title).chain(&question.variants) {
                index.add(at, text);
            }
        }
        let enabled = questions.iter().filter(|question| !question.disabled).count().max(QUESTIONS_MIN);
        index.unknown = UNKNOWN_WORTH * rarity(enabled, 0);
        for (term, &id) in &index.ids {
            let indexed = &mut index.terms[id];
            let mut having: Vec<_> =
                indexed.documents.iter().map(|&document| index.documents[document].question).collect();
            having.dedup();
            indexed.strength = term.weight() * rarity(enabled, having.len());
        }
        for indexed in &index.terms {
            for &document in &indexed.documents {
                index.documents[document].strength += indexed.strength;
            }
        }
        index.words = Dictionary::new(index.ids.keys());
        index
    }

    fn add(&mut self, question: usize, text: &str) {
        let normalized = normalize(text);
        let terms = analyze(&normalized);
        let bare = without_punctuation(normalized);
        if !bare.is_empty() {
            let same = self.exact.entry(bare).or_insert(Some(question));
            *same = same.filter(|&same| same == question);
        }
        for term in terms.list {
            let id = *self.ids.entry(term).or_insert(self.terms.len());
            if id == self.terms.len() {
                self.terms.push(Posting { strength: 0.0, documents: Vec::new() });
            }
            let documents = &mut self.terms[id].documents;
            // Twice in a document is as good as once.
            if documents.last() != Some(&self.documents.len()) {
                documents.push(self.documents.len());
            }
        }
        self.documents.push(Document { question, strength: 0.0 });
    }

    /// The questions that have something in common with the text, best first, at most `limit`.
    pub fn search(&self, text: &str, limit: usize) -> Vec<Hit> {
        let mut hits = self.search_all(text).hits;
        hits.truncate(limit);
        hits
    }

    /// The question that is asked word for word, but for punctuation, width, case and pictures.
    pub(super) fn exact(&self, text: &str) -> Option<usize> {
        let known = |bare: String| self.exact.get(&bare).copied().flatten();
        known(bare(text)).or_else(|| known(without_punctuation(without_pictures(&normalize(text)))))
    }

    pub(super) fn search_all(&self, text: &str) -> SearchResult {
        let text: String = text.chars().take(TEXT_MAX).collect();
        let text = without_pictures(&normalize(&text));
        let mut search =
            Search { index: self, common: vec![0.0; self.documents.len()], scores: vec![0.0; self.questions] };
        let whole = analyze(&text);
        let has_all = search.add(&whole, 1.0);
        let text = break_at_spaces(&text);
        let clauses: Vec<_> = clauses(&text).take(CLAUSES_MAX).collect();
        if clauses.len() > 1 {
            for clause in clauses {
                search.add(&analyze(clause), CLAUSE_WORTH);
            }
        }
        let hits = search.hits();
        let is_topic = !whole.is_sentence && whole.units <= TOPIC_UNITS && has_all.len() > 1;
        let about = if is_topic {
            hits.iter().map(|hit| hit.question).filter(|at| has_all.contains(at)).collect()
        } else {
            Vec::new()
        };
        SearchResult { hits, about }
    }

    fn find(&self, term: &Term) -> Option<usize> {
        let id = self.ids.get(term).or_else(|| match term {
            Term::Word(word) => self.words.nearest(word).and_then(|word| self.ids.get(&Term::Word(word.into()))),
            Term::Unigram(_) | Term::Bigram(..) => None,
        });
        id.copied()
    }
}

struct Search<'a> {
    index: &'a Index,
    /// By document, what it has in common with the text at hand.
    common: Vec<f32>,
    /// By question, the best so far.
    scores: Vec<f32>,
}

impl Search<'_> {
    /// Scores a text or a part of one. Gives the questions that have all of it, in order.
    fn add(&mut self, terms: &Analysis, worth: f32) -> Vec<usize> {
        let mut strength = 0.0;
        let mut touched = Vec::new();
        let (mut known, mut unknown) = (HashSet::new(), HashSet::new());
        for term in &terms.list {
            let Some(id) = self.index.find(term) else {
                if unknown.insert(term) {
                    strength += self.index.unknown * term.weight();
                }
                continue;
            };
            if !known.insert(id) {
                continue;
            }
            let indexed = &self.index.terms[id];
            strength += indexed.strength;
            for &document in &indexed.documents {
                if self.common[document] == 0.0 {
                    touched.push(document);
                }
                self.common[document] += indexed.strength;
            }
        }
        let mut has_all = Vec::new();
        for document in touched {
            let common = std::mem::take(&mut self.common[document]);
            let Document { question, strength: own } = self.index.documents[document];
            let score = 2.0 * common / (strength + own) * worth;
            // Sums of the same numbers in another order differ in their last digits, and equal scores keep the order of the questions.
            let score = (score * 10_000.0).round() / 10_000.0;
            self.scores[question] = self.scores[question].max(score);
            if common >= 0.999 * strength {
                has_all.push(question);
            }
        }
        has_all.sort_unstable();
        has_all.dedup();
        has_all
    }

    fn hits(self) -> Vec<Hit> {
        let scores = self.scores.into_iter().enumerate();
        let mut hits: Vec<_> =
            scores.filter(|(_, score)| *score > 0.0).map(|(question, score)| Hit { question, score }).collect();
        hits.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.question.cmp(&b.question)));
        hits
    }
}

/// BM25's weight of a term that so many of the questions have.
fn rarity(questions: usize, having: usize) -> f32 {
    let number = |n: usize| f32::from(u16::try_from(n).unwrap_or(u16::MAX));
    let having = number(having);
    ((number(questions) - having + 0.5) / (having + 0.5)).ln_1p()
}

/// Whoever writes Chinese with spaces means them as commas.
fn break_at_spaces(normalized: &str) -> String {
    let mut broken = String::with_capacity(normalized.len());
    let mut characters = normalized.chars().peekable();
    let mut after_han = false;
    while let Some(c) = characters.next() {
        let breaks = c == ' ' && after_han && characters.peek().copied().is_some_and(is_han);
        broken.push(if breaks { '\n' } else { c });
        after_han = is_han(c);
    }
    broken
}
