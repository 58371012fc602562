//! How well questions are found: a shop's knowledge and what its visitors write, with what they mean.
//!
//! Every other query has set the thresholds and weights, the others are held out; both halves are held to the same floors.
//! The figures are printed: `cargo test -p desk --test faq -- --nocapture`.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "also the helpers of a test are tests")]

mod evaluation;
mod properties;

use desk::faq::{Index, Match, Question, Thresholds, find};

use self::evaluation::{Figures, Meant, Query, knowledge, queries};

fn half(odd: usize) -> Vec<Query> {
    queries().into_iter().skip(odd).step_by(2).collect()
}

#[test]
fn the_set_is_sound() {
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
    // Some are: that is how people ask. But a set of copies would measure nothing.
    assert!(copied.len() * 12 < queries.len(), "{copied:?}");
}

fn is_word_for_word(question: &Question, text: &str) -> bool {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    std::iter::once(&question.title).chain(&question.variants).any(|known| bare(known) == bare(text))
}

#[test]
fn the_figures_hold_on_the_half_that_set_them_and_on_the_half_held_out() {
    let questions = knowledge();
    let index = Index::new(&questions);
    for (name, odd) in [("set by", 0), ("held out", 1)] {
        let figures = Figures::of(&questions, &index, &half(odd), &Thresholds::default());
        println!("{name}: {figures}");
        // What was measured is a little above; the floors leave room for one or two queries of a half.
        assert!(figures.precision() >= 0.97, "{name}: a direct answer is the right one");
        assert!(figures.direct() >= 0.5, "{name}: answered directly");
        assert!(figures.answered() >= 0.9, "{name}: answered directly, or offered");
        assert!(figures.hit_at_5() >= 0.9, "{name}: the right one is among those offered");
        assert!(figures.first() >= 0.87, "{name}: the right one is the best");
        assert!(figures.ambiguous_offered() >= 0.75, "{name}: several are offered where several may be meant");
        assert!(figures.strangers_answered() <= 0.02, "{name}: what the robot cannot know is not answered");
        assert!(figures.strangers_offered() <= 0.25, "{name}: nor is much offered for it");
    }
}

/// The hardest strangers are those next door: a question about the same matters that nobody has written down.
#[test]
fn a_question_that_is_missing_is_rarely_taken_for_its_neighbour() {
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
        assert!(asked > 100 && rate <= 0.09, "{name}");
    }
}

/// The thresholds must mean the same for a robot that knows but a few questions.
#[test]
fn a_small_robot_is_as_careful_as_a_large_one() {
    let questions = knowledge();
    let (mut known, mut strangers, mut right, mut wrong, mut answered) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
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
                    strangers += 1;
                    answered += u32::from(matches!(found, Match::Direct(_)));
                }
                _ => {}
            }
        }
    }
    let of = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    println!(
        "six questions: {:.3} of {known} right, {:.3} wrong, {:.4} of {strangers} strangers",
        of(right, known),
        of(wrong, known),
        of(answered, strangers)
    );
    assert!(of(right, known) >= 0.5 && of(wrong, known) <= 0.02 && of(answered, strangers) <= 0.02);
}
