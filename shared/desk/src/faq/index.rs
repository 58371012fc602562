//! The inverted index of a robot's questions.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use super::{
    Question,
    analyzer::{Analysis, Term, analyze},
    details,
    fuzzy::Dictionary,
    normalize::{clauses, is_han, normalize, without_pictures, without_punctuation},
};

/// The number of characters of a query that are searched. A question is much shorter.
const TEXT_MAX: usize = 400;
/// The number of clauses of a query that are also searched one by one.
const CLAUSES_MAX: usize = 12;
/// The factor of a single clause's score. It is less than 1 because the other clauses can change the meaning.
const CLAUSE_FACTOR: f32 = 0.85;
/// The weight of a query term that no question has, relative to a term that one question has. It is less than 1 because
/// visitors tell more than they ask.
const UNKNOWN_FACTOR: f32 = 0.8;
/// The minimum number of questions for the computation of rarity. Without it, the thresholds would mean something different
/// for a robot with five questions than for one with five hundred.
const QUESTIONS_MIN: usize = 50;
/// The maximum number of ideographs and words that name a topic (快递, 积分兑换).
const TOPIC_UNITS: usize = 4;

/// An inverted index of a robot's questions. It is built once for each version of the questions.
///
/// Each title and each variant is a document; the best document of a question gives its score. Terms are weighted by the
/// inverse document frequency of BM25, where the documents of one question count once, because variants repeat words on
/// purpose. Term frequency is ignored, because the texts are short. BM25 scores are not comparable between queries;
/// therefore the score is `2 × common / (query + document)`, each being a sum of term weights, that is the weighted Dice
/// coefficient (the F1 measure of the shared terms).
#[derive(Debug, Clone, Default)]
pub struct Index {
    questions: usize,
    ids: HashMap<Term, usize>,
    postings: Vec<Posting>,
    documents: Vec<Document>,
    /// The document of each text without punctuation; `None` if several questions have the same text.
    exact: HashMap<String, Option<usize>>,
    words: Dictionary,
    /// The weight of an unknown term, before [`Term::weight`].
    unknown: f32,
}

#[derive(Debug, Clone)]
struct Posting {
    /// The weight of the term.
    weight: f32,
    /// The documents that contain the term, in ascending order.
    documents: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Document {
    question: usize,
    /// The sum of the weights of the document's terms.
    weight: f32,
    /// The normalized text.
    text: Box<str>,
}

/// A question found by a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The index into the questions that the index was built from.
    pub question: usize,
    /// The score, more than 0 and at most 1 (all terms are equal). Scores are comparable between queries and robots.
    pub score: f32,
}

/// The result of a search.
pub(super) struct SearchResult {
    /// The hits, best first.
    pub(super) hits: Vec<Hit>,
    /// By question: the document that gave it its score.
    best: Vec<usize>,
    /// If the text only names a topic: the questions about it, best first. Empty or at least two.
    pub(super) topic: Vec<usize>,
}

impl Index {
    /// Builds the index. Disabled questions are not posting; the others keep their indices.
    pub fn new(questions: &[Question]) -> Self {
        let mut index = Self { questions: questions.len(), ..Self::default() };
        for (at, question) in questions.iter().enumerate().filter(|(_, question)| !question.disabled) {
            for text in std::iter::once(&question.title).chain(&question.variants) {
                index.add(at, text);
            }
        }
        let enabled = questions.iter().filter(|question| !question.disabled).count().max(QUESTIONS_MIN);
        index.unknown = UNKNOWN_FACTOR * inverse_document_frequency(enabled, 0);
        for (term, &id) in &index.ids {
            let posting = &mut index.postings[id];
            let mut questions_with_term: Vec<_> =
                posting.documents.iter().map(|&document| index.documents[document].question).collect();
            questions_with_term.dedup();
            posting.weight = term.weight() * inverse_document_frequency(enabled, questions_with_term.len());
        }
        for posting in &index.postings {
            for &document in &posting.documents {
                index.documents[document].weight += posting.weight;
            }
        }
        index.words = Dictionary::new(index.ids.keys());
        index
    }

    fn add(&mut self, question: usize, text: &str) {
        let normalized = normalize(text);
        let terms = analyze(&normalized);
        let bare = without_punctuation(normalized.clone());
        if !bare.is_empty() {
            let document = self.documents.len();
            let same = self.exact.entry(bare).or_insert(Some(document));
            *same = same.filter(|&same| same == document || self.documents[same].question == question);
        }
        for term in terms.list {
            let id = *self.ids.entry(term).or_insert(self.postings.len());
            if id == self.postings.len() {
                self.postings.push(Posting { weight: 0.0, documents: Vec::new() });
            }
            let documents = &mut self.postings[id].documents;
            // A document lists a term once.
            if documents.last() != Some(&self.documents.len()) {
                documents.push(self.documents.len());
            }
        }
        self.documents.push(Document { question, weight: 0.0, text: normalized.into() });
    }

    /// Returns at most `limit` questions that share a term with the text, best first.
    pub fn search(&self, text: &str, limit: usize) -> Vec<Hit> {
        let mut hits = self.search_all(text).hits;
        hits.truncate(limit);
        hits
    }

    /// Returns the question whose title or a variant equals the text, ignoring punctuation, width, case and pictures. Punctuation
    /// within numbers counts: 9.9 is not 99.
    pub(super) fn exact(&self, text: &str) -> Option<usize> {
        let normalized = normalize(text);
        let known = |bare: String| self.exact.get(&bare).copied().flatten();
        let document = known(without_punctuation(normalized.clone()))
            .or_else(|| known(without_punctuation(without_pictures(&normalized))))?;
        let Document { question, text: known, .. } = &self.documents[document];
        (!details::numbers_differ(&normalized, known, &[])).then_some(*question)
    }

    /// Whether the text asks for another detail than the known text that a search found for the question.
    pub(super) fn differs(&self, text: &str, result: &SearchResult, question: usize) -> bool {
        let all = self.documents.iter().filter(|document| document.question == question);
        let all: Vec<&str> = all.map(|document| &*document.text).collect();
        let text: String = text.chars().take(TEXT_MAX).collect();
        details::differ(&without_pictures(&normalize(&text)), &self.documents[result.best[question]].text, &all)
    }

    pub(super) fn search_all(&self, text: &str) -> SearchResult {
        let text: String = text.chars().take(TEXT_MAX).collect();
        let text = without_pictures(&normalize(&text));
        let mut search = Search {
            index: self,
            common: vec![0.0; self.documents.len()],
            scores: vec![0.0; self.questions],
            best: vec![0; self.questions],
        };
        let whole = analyze(&text);
        let has_all = search.add(&whole, 1.0);
        let text = break_at_spaces(&text);
        let clauses: Vec<_> = clauses(&text).take(CLAUSES_MAX).collect();
        if clauses.len() > 1 {
            for clause in clauses {
                search.add(&analyze(clause), CLAUSE_FACTOR);
            }
        }
        let (hits, best) = search.hits();
        let is_topic = !whole.is_sentence && whole.units <= TOPIC_UNITS && has_all.len() > 1;
        let topic = if is_topic {
            hits.iter().map(|hit| hit.question).filter(|at| has_all.contains(at)).collect()
        } else {
            Vec::new()
        };
        SearchResult { hits, best, topic }
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
    /// By document: the weight of the terms shared with the current text.
    common: Vec<f32>,
    /// By question: the best score so far.
    scores: Vec<f32>,
    /// By question: the document that has it.
    best: Vec<usize>,
}

impl Search<'_> {
    /// Scores a text or a clause. Returns the questions that have all of its terms, in ascending order.
    fn add(&mut self, terms: &Analysis, factor: f32) -> Vec<usize> {
        let mut weight = 0.0;
        let mut touched = Vec::new();
        let (mut known, mut unknown) = (HashSet::new(), HashSet::new());
        for term in &terms.list {
            let Some(id) = self.index.find(term) else {
                if unknown.insert(term) {
                    weight += self.index.unknown * term.weight();
                }
                continue;
            };
            if !known.insert(id) {
                continue;
            }
            let posting = &self.index.postings[id];
            weight += posting.weight;
            for &document in &posting.documents {
                if self.common[document] == 0.0 {
                    touched.push(document);
                }
                self.common[document] += posting.weight;
            }
        }
        let mut has_all = Vec::new();
        for document in touched {
            let common = std::mem::take(&mut self.common[document]);
            let Document { question, weight: own, .. } = self.index.documents[document];
            let score = 2.0 * common / (weight + own) * factor;
            // Sums in a different order differ in the last digits. Rounding makes equal scores keep the order of the questions.
            let score = (score * 10_000.0).round() / 10_000.0;
            if score > self.scores[question] {
                (self.scores[question], self.best[question]) = (score, document);
            }
            if common >= 0.999 * weight {
                has_all.push(question);
            }
        }
        has_all.sort_unstable();
        has_all.dedup();
        has_all
    }

    /// The hits, best first, and the best document of each question.
    fn hits(self) -> (Vec<Hit>, Vec<usize>) {
        let scores = self.scores.into_iter().enumerate();
        let mut hits: Vec<_> =
            scores.filter(|(_, score)| *score > 0.0).map(|(question, score)| Hit { question, score }).collect();
        hits.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.question.cmp(&b.question)));
        (hits, self.best)
    }
}

/// The inverse document frequency of BM25 for a term that `frequency` of the questions have.
fn inverse_document_frequency(questions: usize, frequency: usize) -> f32 {
    let number = |n: usize| f32::from(u16::try_from(n).unwrap_or(u16::MAX));
    let frequency = number(frequency);
    ((number(questions) - frequency + 0.5) / (frequency + 0.5)).ln_1p()
}

/// Replaces spaces between ideographs by line ends, because visitors write them in place of commas.
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
