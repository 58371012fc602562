//! Retrieval quality on an evaluation set: a shop's questions, and labelled queries of visitors.
//!
//! Thresholds and weights are tuned on every other query; the others are held out. Both halves must reach the same minimum
//! metrics. The metrics are printed: `cargo test -p desk --test faq -- --nocapture`.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "also the helpers of a test are tests")]

mod evaluation;
mod near_misses;
mod properties;

use desk::faq::{Index, Match, Question, Thresholds, find};

use self::evaluation::{Figures, Meant, Query, knowledge, queries};

fn half(odd: usize) -> Vec<Query> {
    queries().into_iter().skip(odd).step_by(2).collect()
}

#[test]
fn evaluation_set_is_valid() {
    let (questions, queries) = (knowledge(), queries());
    assert_eq!(desk::faq::faults(&questions), []);
    assert!(questions.len() >= 40);
    let count = |meant: fn(&Meant) -> bool| queries.iter().filter(|query| meant(&query.meant)).count();
    assert!(count(|meant| matches!(meant, Meant::One(_))) >= 200);
    assert!(count(|meant| matches!(meant, Meant::Any(_))) >= 20);
    assert!(count(|meant| matches!(meant, Meant::Nothing)) >= 100);
    let index = Index::new(&questions);
    let copied = |query: &&Query| {
        index.search(&query.text, 1).first().is_some_and(|hit| is_word_for_word(&questions[hit.question], &query.text))
    };
    let copied: Vec<_> = queries.iter().filter(copied).map(|query| &query.text).collect();
    // Some queries are copies, as in practice, but a set of copies would measure nothing.
    assert!(copied.len() * 12 < queries.len(), "{copied:?}");
}

fn is_word_for_word(question: &Question, text: &str) -> bool {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    std::iter::once(&question.title).chain(&question.variants).any(|known| bare(known) == bare(text))
}

#[test]
fn metrics_hold_on_tuning_and_held_out_halves() {
    let questions = knowledge();
    let index = Index::new(&questions);
    for (name, odd) in [("set by", 0), ("held out", 1)] {
        let figures = Figures::of(&questions, &index, &half(odd), &Thresholds::default());
        println!("{name}: {figures}");
        println!("recall {name}: {}", figures.share_answered());
        // The measured values: a change may not make retrieval worse.
        assert!(figures.precision() >= 1.0, "{name}: precision of direct answers");
        assert!(figures.direct() >= 0.558, "{name}: direct answers");
        assert!(figures.answered() >= 0.931, "{name}: recall of answers and choices");
        assert!(figures.hit_at_5() >= 0.929, "{name}: hit rate of choices");
        assert!(figures.first() >= 0.903, "{name}: hit rate of the best question");
        assert!(figures.ambiguous_offered() >= 0.833, "{name}: ambiguous queries with a choice");
        assert!(figures.unrelated_answered() <= 0.019, "{name}: unrelated queries with an answer");
        assert!(figures.unrelated_offered() <= 0.2, "{name}: unrelated queries with a choice");
    }
}

/// The most difficult unrelated queries are those about a known topic whose question is missing.
#[test]
fn query_of_missing_question_is_rarely_answered() {
    let questions = knowledge();
    for (name, odd) in [("set by", 0), ("held out", 1)] {
        let (mut asked, mut answered) = (0_u32, 0_u32);
        for missing in 0..questions.len() {
            let mut rest = questions.clone();
            rest[missing].disabled = true;
            let index = Index::new(&rest);
            for query in half(odd).iter().filter(|query| query.meant == Meant::One(missing)) {
                asked += 1;
                answered += u32::from(matches!(find(&index, &query.text, &Thresholds::default()), Match::Direct(_)));
            }
        }
        let rate = f64::from(answered) / f64::from(asked);
        println!("{name}: {asked} queries without their question, {rate:.3} answered directly");
        assert!(asked > 100 && rate <= 0.07, "{name}");
    }
}

/// The thresholds must work for a robot with few questions, too.
#[test]
fn thresholds_hold_for_robot_with_six_questions() {
    let questions = knowledge();
    let (mut known, mut unrelated, mut right, mut wrong, mut answered) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    for few in 0..questions.len() / 6 {
        let mut rest = questions.clone();
        rest.iter_mut().enumerate().for_each(|(at, question)| question.disabled |= at % 8 != few);
        let index = Index::new(&rest);
        for query in queries() {
            let found = find(&index, &query.text, &Thresholds::default());
            match (query.meant, found) {
                (Meant::One(meant), found) if !rest[meant].disabled => {
                    known += 1;
                    right += u32::from(found == Match::Direct(meant));
                    wrong += u32::from(matches!(found, Match::Direct(other) if other != meant));
                }
                (Meant::Nothing, found) => {
                    unrelated += 1;
                    answered += u32::from(matches!(found, Match::Direct(_)));
                }
                _ => {}
            }
        }
    }
    let of = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    println!(
        "six questions: {:.3} of {known} right, {:.3} wrong, {:.4} of {unrelated} unrelated",
        of(right, known),
        of(wrong, known),
        of(answered, unrelated)
    );
    assert!(of(right, known) >= 0.617 && of(wrong, known) <= 0.0 && of(answered, unrelated) <= 0.005);
}
