//! Queries that differ from a known question in a number, an opposite or a name.

use desk::faq::{Index, Match, Question, Thresholds, find};

use crate::evaluation::knowledge;

struct Query {
    known: &'static str,
    text: &'static str,
    is_same: bool,
    is_held_out: bool,
}

fn queries() -> Vec<Query> {
    let (mut known, mut is_held_out) = ("", false);
    let mut all = Vec::new();
    for line in include_str!("near_misses.tsv").lines() {
        match line.split_once('\t') {
            Some(("knows", title)) => known = title,
            Some((label @ ("same" | "other"), text)) => {
                all.push(Query { known, text, is_same: label == "same", is_held_out });
            }
            None if line.starts_with('#') => {
                is_held_out |= line.starts_with("# Held out");
                is_held_out &= !line.starts_with("# The rules were made");
            }
            _ => panic!("{line}"),
        }
    }
    all
}

fn question(title: &str) -> Question {
    Question { id: "known".into(), title: title.into(), variants: Vec::new(), answer: "答".into(), disabled: false }
}

/// Whether a robot that knows the question, alone and beside those of a shop, answers the query with it directly.
fn is_answered(query: &Query) -> bool {
    let known = question(query.known);
    let among_others = std::iter::once(known.clone()).chain(knowledge()).collect::<Vec<_>>();
    [vec![known], among_others]
        .iter()
        .any(|questions| find(&Index::new(questions), query.text, &Thresholds::default()) == Match::Direct(0))
}

/// Prints the figures of the READMEs, which `bench/recognition.py` reads.
#[test]
fn near_misses_are_not_answered_directly() {
    for (name, is_held_out, least) in [("known", false, 60), ("held out", true, 30)] {
        let queries: Vec<_> = queries().into_iter().filter(|query| query.is_held_out == is_held_out).collect();
        let (same, other): (Vec<_>, Vec<_>) = queries.iter().partition(|query| query.is_same);
        let wrong: Vec<_> =
            other.iter().filter(|query| is_answered(query)).map(|query| (query.known, query.text)).collect();
        let lost: Vec<_> =
            same.iter().filter(|query| !is_answered(query)).map(|query| (query.known, query.text)).collect();
        println!(
            "faq {name}: {} of {} near misses answered directly, {} of {} paraphrases not",
            wrong.len(),
            other.len(),
            lost.len(),
            same.len()
        );
        assert!(other.len() >= least, "{name}");
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        // Their scores are below the threshold, without a detail that differs.
        assert!(lost.len() <= 2, "{name}: {lost:#?}");
    }
}

/// A question with several names in its texts is asked with each of them.
#[test]
fn detail_of_another_variant_is_known() {
    let shops = Question {
        variants: vec!["上海有门店吗".into(), "满199包邮吗".into()], ..question("北京有门店吗")
    };
    let index = Index::new(&[shops]);
    let found = |text| find(&index, text, &Thresholds::default());
    assert_eq!(found("请问上海有没有门店"), Match::Direct(0));
    assert_eq!(found("深圳有门店吗"), Match::Choice(vec![0]));
}

/// What differs less than the threshold of a choice is unknown.
#[test]
fn near_miss_is_offered_above_threshold_of_choice() {
    let index = Index::new(&[question("怎么绑定手机号")]);
    let found = |thresholds| find(&index, "怎么解绑手机号", &thresholds);
    assert_eq!(found(Thresholds::default()), Match::Choice(vec![0]));
    assert_eq!(found(Thresholds { direct: 1.0, choice: 1.0, lead: 0.0 }), Match::Unknown);
}

/// Punctuation does not matter but within numbers.
#[test]
fn decimal_is_another_number_than_its_digits() {
    let index = Index::new(&[question("满99包邮吗"), question("3-5天到吗")]);
    let found = |text| find(&index, text, &Thresholds::default());
    assert_eq!(found("满99包邮吗？"), Match::Direct(0));
    assert_ne!(found("满9.9包邮吗"), Match::Direct(0));
    assert_eq!(found("3～5天到吗"), Match::Direct(1));
    assert_ne!(found("35天到吗"), Match::Direct(1));
}
