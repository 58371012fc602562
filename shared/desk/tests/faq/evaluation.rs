//! The evaluation set and its metrics.

use std::fmt;

use desk::faq::{Index, Match, Question, Thresholds, find};

/// A labelled query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) meant: Meant,
}

/// The label of a query, by indices of questions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meant {
    One(usize),
    Any(Vec<usize>),
    Nothing,
}

pub(crate) fn knowledge() -> Vec<Question> {
    serde_json::from_str(include_str!("knowledge.json")).expect("questions")
}

pub(crate) fn queries() -> Vec<Query> {
    let questions = knowledge();
    let place = |id: &str| {
        questions.iter().position(|question| question.id == id).unwrap_or_else(|| panic!("no question {id}"))
    };
    let lines = include_str!("queries.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (label, text) = line.split_once('\t').expect("a label, a tab, a text");
            let meant = match label.split(',').collect::<Vec<_>>()[..] {
                ["-"] => Meant::Nothing,
                [id] => Meant::One(place(id)),
                ref ids => Meant::Any(ids.iter().map(|id| place(id)).collect()),
            };
            Query { text: text.to_owned(), meant }
        })
        .collect()
}

/// Counts of the results.
#[derive(Default)]
pub(crate) struct Figures {
    /// Queries with one meaning.
    one: u32,
    right: u32,
    wrong: u32,
    offered_right: u32,
    offered_wrong: u32,
    best_is_right: u32,
    /// Queries with several meanings.
    ambiguous: u32,
    ambiguous_offered: u32,
    /// Queries without a matching question.
    unrelated: u32,
    unrelated_answered: u32,
    unrelated_offered: u32,
}

impl Figures {
    pub(crate) fn of(questions: &[Question], index: &Index, queries: &[Query], thresholds: &Thresholds) -> Self {
        let mut figures = Self::default();
        for query in queries {
            let found = find(index, &query.text, thresholds);
            let as_meant = figures.count(&query.meant, &found);
            if let Meant::One(meant) = query.meant {
                let best = index.search(&query.text, 1).first().map(|hit| hit.question);
                figures.best_is_right += u32::from(best == Some(meant));
            }
            if !as_meant {
                let named: Vec<_> = places(&found).iter().map(|&at| &*questions[at].id).collect();
                let hits: Vec<_> =
                    index.search(&query.text, 3).iter().map(|hit| (&*questions[hit.question].id, hit.score)).collect();
                println!("  {} -> {found:?} {named:?} {hits:?}", query.text);
            }
        }
        figures
    }

    fn count(&mut self, meant: &Meant, found: &Match) -> bool {
        let one = |condition: bool| u32::from(condition);
        match meant {
            Meant::One(meant) => {
                self.one += 1;
                let has = places(found).contains(meant);
                match found {
                    Match::Direct(_) => {
                        self.right += one(has);
                        self.wrong += one(!has);
                    }
                    Match::Choice(_) => {
                        self.offered_right += one(has);
                        self.offered_wrong += one(!has);
                    }
                    Match::Unknown => {}
                }
                has
            }
            Meant::Any(meant) => {
                self.ambiguous += 1;
                let offered = matches!(found, Match::Choice(_))
                    && places(found).iter().filter(|at| meant.contains(at)).count() >= 2;
                self.ambiguous_offered += one(offered);
                offered
            }
            Meant::Nothing => {
                self.unrelated += 1;
                self.unrelated_answered += one(matches!(found, Match::Direct(_)));
                self.unrelated_offered += one(matches!(found, Match::Choice(_)));
                *found == Match::Unknown
            }
        }
    }

    /// The share of direct answers that are right.
    pub(crate) fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    /// The share of queries with one meaning that get the right direct answer.
    pub(crate) fn direct(&self) -> f64 {
        ratio(self.right, self.one)
    }

    /// The share of queries with one meaning that get the right answer or the right choice (recall).
    pub(crate) fn answered(&self) -> f64 {
        ratio(self.right + self.offered_right, self.one)
    }

    /// The queries with one meaning that get the right answer or the right choice, of all.
    pub(crate) fn share_answered(&self) -> String {
        format!(
            "{} of {} queries found, {} of them answered directly",
            self.right + self.offered_right,
            self.one,
            self.right
        )
    }

    /// The share of choices that contain the right question.
    pub(crate) fn hit_at_5(&self) -> f64 {
        ratio(self.offered_right, self.offered_right + self.offered_wrong)
    }

    /// The share of queries with one meaning whose best hit is right.
    pub(crate) fn first(&self) -> f64 {
        ratio(self.best_is_right, self.one)
    }

    /// The share of ambiguous queries that get a choice with two or more of their meanings.
    pub(crate) fn ambiguous_offered(&self) -> f64 {
        ratio(self.ambiguous_offered, self.ambiguous)
    }

    /// The share of unrelated queries that get a direct answer.
    pub(crate) fn unrelated_answered(&self) -> f64 {
        ratio(self.unrelated_answered, self.unrelated)
    }

    /// The share of unrelated queries that get a choice.
    pub(crate) fn unrelated_offered(&self) -> f64 {
        ratio(self.unrelated_offered, self.unrelated)
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

fn places(found: &Match) -> &[usize] {
    match found {
        Match::Direct(at) => std::slice::from_ref(at),
        Match::Choice(all) => all,
        Match::Unknown => &[],
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} queries: direct precision {:.3}, direct {:.3}, recall {:.3}, hit@5 of choices {:.3}, best {:.3}; \
             {} ambiguous: offered {:.3}; {} unrelated: answered {:.3}, offered {:.3}",
            self.one,
            self.precision(),
            self.direct(),
            self.answered(),
            self.hit_at_5(),
            self.first(),
            self.ambiguous,
            self.ambiguous_offered(),
            self.unrelated,
            self.unrelated_answered(),
            self.unrelated_offered(),
        )
    }
}
