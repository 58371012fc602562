//! Whether an answer affirms what its sources deny, or denies what they affirm.
//!
//! Each clause of the answer is compared with the clause of the sources that has most of its content, so that a source with 包邮 for
//! one thing and 不包邮 for another supports each for its own thing alone. What a question of the sources says is no statement.

use std::collections::BTreeSet;

use desk::faq::{Coverage, TermSet};

use super::commitments::is_negated;

/// Verbs of one meaning each. An answer may use another one than its source.
const VERBS: [&str; 12] = [
    "支持 可以 能够 能 接受 允许 提供 办理 可",
    "包邮 免邮 免运费",
    "免费 不收费 免收",
    "有 带 配",
    "需要 需 必须 要",
    "会",
    "包含 包括 含 包",
    "保修 质保",
    "适用 参加 参与 享受",
    "accept accepted accepts support supported supports available allowed possible can",
    "include included includes",
    "need needed required",
];
/// The class of [`VERBS`] whose denial is a claim by itself: 不需要押金.
const NEEDS: [usize; 2] = [4, 11];

/// The least share of a clause's content in a clause of the sources to compare the two.
const ALIGNED_MIN: f32 = 0.33;
/// The least share of what precedes or follows a verb in a clause about the same.
const PART_MIN: f32 = 0.6;
/// The least weight of the content beside the verbs to compare it alone: a word of two ideographs.
const WEIGHT_MIN: f32 = 1.9;
/// The same where the answer denies: the clauses must say the same but for the negation, because 不包邮 follows from 满 99 包邮.
const SAME_MIN: f32 = 0.8;

struct Clause {
    text: String,
    terms: TermSet,
    /// What it says with each class of [`VERBS`].
    said: [Option<bool>; VERBS.len()],
}

/// Whether a clause of the answer contradicts the sources. All are normalized.
pub(super) fn contradicts(answer: &str, sources: &[String]) -> bool {
    let known = statements(sources);
    // Any other verb that the sources deny: 周末不送货.
    let denied: BTreeSet<_> = known.iter().filter_map(|known| denied_word(&known.text)).collect();
    let asserted: BTreeSet<_> = clauses(answer).into_iter().filter(|(_, is_question)| !is_question).collect();
    asserted.iter().any(|(clause, _)| {
        let in_class = VERBS.iter().enumerate().any(|(class, verbs)| {
            says(clause, verbs).is_some_and(|said| {
                let can_differ = known.iter().any(|known| known.said[class] == Some(!said));
                can_differ && is_opposite(clause, verbs, NEEDS.contains(&class), &known)
            })
        });
        in_class || denied.iter().any(|word| clause.contains(&**word) && is_opposite(clause, word, false, &known))
    })
}

/// Whether the clause says the opposite of the closest clauses of the sources with these verbs.
fn is_opposite(clause: &str, verbs: &str, is_need: bool, known: &[Clause]) -> bool {
    let Some(said) = says(clause, verbs) else { return false };
    let closest = closest(clause, verbs, known);
    // Of equally close clauses, one that agrees is enough.
    !closest.is_empty()
        && closest.iter().all(|(known, share)| match (said, says(&known.text, verbs)) {
            (true, Some(false)) => *share >= ALIGNED_MIN,
            (false, Some(true)) => *share >= SAME_MIN && (is_need || is_same(clause, &known.text)),
            _ => false,
        })
}

/// The two ideographs after a negation and an auxiliary verb.
fn denied_word(text: &str) -> Option<String> {
    const AUXILIARIES: [&str; 14] =
        ["需要", "可以", "能够", "支持", "允许", "提供", "接受", "再", "能", "会", "用", "得", "予", "做"];
    let (_, mut rest) = text.split_once(['不', '没', '无'])?;
    while let Some(shorter) = AUXILIARIES.iter().find_map(|verb| rest.strip_prefix(verb)) {
        rest = shorter;
    }
    let word: String = rest.chars().take_while(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).take(2).collect();
    (word.chars().count() == 2).then_some(word)
}

/// Whether both clauses have the same content.
fn is_same(clause: &str, known: &str) -> bool {
    let back = without_negation(&TermSet::new([clause]), known, "");
    back.covered >= SAME_MIN * back.total
}

/// The clauses of the sources that are closest to the clause, with the share of its content that they have. Those about the same
/// subject come first, of these those that have what follows the verb: 入住需要押金 is about 入住 and 押金.
fn closest<'a>(clause: &str, verbs: &str, known: &'a [Clause]) -> Vec<(&'a Clause, f32)> {
    let mut among: Vec<_> = known.iter().collect();
    let (subject, object) = around(clause, verbs);
    for part in [subject, object] {
        let has_part = |known: &&Clause| {
            let share = without_negation(&known.terms, part, verbs);
            share.total > 0.0 && share.covered >= PART_MIN * share.total
        };
        let with_part: Vec<_> = among.iter().copied().filter(has_part).collect();
        if !with_part.is_empty() {
            among = with_part;
        }
    }
    let shares: Vec<_> =
        among.into_iter().map(|known| (known, without_negation(&known.terms, clause, verbs))).collect();
    let most = shares.iter().map(|(_, share)| share.covered).fold(0.0, f32::max);
    if most <= 0.0 {
        return Vec::new();
    }
    let closest = shares.into_iter().filter(|(_, share)| share.covered >= most - 0.01);
    closest.map(|(known, share)| (known, share.covered / share.total)).collect()
}

/// What precedes the first and what follows the last of the verbs.
fn around<'a>(clause: &'a str, verbs: &str) -> (&'a str, &'a str) {
    // In English the subject of a statement says what it is about: charging is not available for guests.
    let places = || verbs.split(' ').filter_map(|verb| Some((find(clause, verb)?, verb.len())));
    let last = |verb: &&str| !verb.is_ascii();
    let end = verbs.split(' ').filter(last).filter_map(|verb| Some(clause.rfind(verb)? + verb.len())).max();
    let start = places().map(|(at, _)| at).min().unwrap_or(0);
    (&clause[..start], end.map_or("", |end| &clause[end..]))
}

/// The coverage of a clause without its negations, which are what is compared, and without the verbs where it says more.
fn without_negation(terms: &TermSet, clause: &str, verbs: &str) -> Coverage {
    const NEGATIONS: [&str; 12] = ["并不", "暂不", "暂时", "目前", "抱歉", "无法", "不", "没", "无", "哦", "呢", "的"];
    let text = NEGATIONS.iter().fold(clause.to_owned(), |text, word| text.replace(word, ""));
    let mut all: Vec<_> = verbs.split(' ').filter(|verb| !verb.is_empty()).collect();
    all.sort_by_key(|verb| std::cmp::Reverse(verb.len()));
    let other = all.iter().fold(text.clone(), |text, verb| text.replace(verb, " "));
    let coverage = terms.coverage(&other);
    if coverage.total >= WEIGHT_MIN { coverage } else { terms.coverage(&text) }
}

/// What the text says with the verbs: affirmed, denied, or `None` if it has none of them or both.
fn says(text: &str, verbs: &str) -> Option<bool> {
    // 不用 and 无需 deny a need.
    let mut rest =
        text.replace("不用", "不需要").replace("无需", "不需要").replace("不必", "不需要").replace("无须", "不需要");
    let mut all: Vec<_> = verbs.split(' ').collect();
    all.sort_by_key(|verb| std::cmp::Reverse(verb.len()));
    let (mut affirmed, mut denied) = (false, false);
    for verb in all {
        while let Some(at) = find(&rest, verb) {
            // 能不能 and 有没有 ask.
            let after = &rest[at + verb.len()..];
            if ["不", "没"].iter().any(|no| after.strip_prefix(no).is_some_and(|rest| rest.starts_with(verb))) {
                return None;
            }
            let negated = is_negated(&rest[..at], after) || denies(&rest[..at]);
            affirmed |= !negated;
            denied |= negated;
            let blank = " ".repeat(verb.len());
            rest.replace_range(at..at + verb.len(), &blank);
        }
    }
    (affirmed != denied).then_some(affirmed)
}

/// Whether the text ends with a negation that is a part of the verb in Chinese: 不可以, 无需, or has an English one.
fn denies(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with(['不', '没', '无', '未', '非', '别', '勿'])
        || before.is_ascii()
            && before.split(' ').any(|word| ["not", "no", "never", "cannot"].contains(&word) || word.ends_with("n't"))
}

fn find(text: &str, verb: &str) -> Option<usize> {
    let is_latin = verb.is_ascii();
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    let is_whole =
        |at: &usize| !is_latin || !text[..*at].ends_with(is_letter) && !text[at + verb.len()..].starts_with(is_letter);
    text.match_indices(verb).map(|(at, _)| at).find(is_whole)
}

/// The clauses of the sources that state something. A short answer such as 不支持 has the content of the question before it.
fn statements(sources: &[String]) -> Vec<Clause> {
    const SHORT: usize = 5;
    const STARTS: [&str; 14] = ["不", "无", "没", "但", "可以", "可", "能", "也", "并", "需", "只", "且", "支持", "暂"];
    let mut known: Vec<Clause> = Vec::new();
    let mut question = String::new();
    for source in sources {
        let mut topic = String::new();
        for (number, (clause, is_question)) in clauses(source).into_iter().enumerate() {
            if is_question {
                question = clause;
                continue;
            }
            let is_short = number == 0 && clause.chars().count() <= SHORT;
            // 个人订单只能开普票，不能开专票: both clauses are about 个人订单.
            let continues = STARTS.iter().any(|start| clause.starts_with(start));
            let also = if is_short {
                &*question
            } else if continues {
                &*topic
            } else {
                ""
            };
            let terms = TermSet::new([&*clause, also]);
            if !continues {
                subject(&clause).clone_into(&mut topic);
            }
            let said = VERBS.map(|verbs| says(&clause, verbs));
            known.push(Clause { text: clause, terms, said });
        }
    }
    known
}

/// What precedes the first verb of the clause; nothing if it has none.
fn subject(clause: &str) -> &str {
    let verbs = VERBS.iter().flat_map(|verbs| verbs.split(' ')).filter(|verb| !verb.is_ascii());
    verbs.filter_map(|verb| clause.find(verb)).min().map_or("", |at| &clause[..at])
}

/// The clauses of a text, and whether each is a question.
fn clauses(text: &str) -> Vec<(String, bool)> {
    let ends = |c: char| "\n.!?;,，。！？；、：:".contains(c);
    let mut clauses = Vec::new();
    for part in text.split_inclusive(ends) {
        let clause = part.trim_end_matches(ends).trim();
        if !clause.is_empty() {
            clauses.push((clause.to_owned(), part.ends_with(['?', '？']) || is_question(clause)));
        }
    }
    clauses
}

fn is_question(clause: &str) -> bool {
    clause.ends_with(['吗', '么'])
        || ["是否", "怎么", "多久", "多少", "什么", "哪里", "几点", "能不能", "可不可以"]
            .iter()
            .any(|word| clause.contains(word))
}
