//! Requests for a person, refusals of a person, and other texts.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use desk::handover::{Reason, asks_for_person, same_question, wants_to_end};
use proptest::prelude::*;

/// The number of held-out phrases that are known to be classified wrongly.
const HELD_OUT_WRONG_MAX: usize = 0;

/// Texts of visitors, and whether each asks for a person.
static PHRASES: LazyLock<Vec<(&str, bool)>> = LazyLock::new(|| labelled(include_str!("phrases.tsv")));
/// The same, written before the rules that they measure.
static HELD_OUT: LazyLock<Vec<(&str, bool)>> = LazyLock::new(|| labelled(include_str!("held_out.tsv")));

fn labelled(file: &'static str) -> Vec<(&'static str, bool)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| match line.split_once('\t') {
            Some(("yes", text)) => (text, true),
            Some(("no", text)) => (text, false),
            _ => panic!("{line}"),
        })
        .collect()
}

fn phrases(expected: bool) -> Vec<&'static str> {
    PHRASES.iter().filter(|(_, asks)| *asks == expected).map(|(text, _)| *text).collect()
}

/// Prints the figures of the READMEs, which `bench/recognition.py` reads.
#[test]
fn figures_hold_on_known_and_held_out_phrases() {
    for (name, phrases, wrong_max) in [("known", &*PHRASES, 0), ("held out", &*HELD_OUT, HELD_OUT_WRONG_MAX)] {
        let wrong: Vec<_> = phrases.iter().filter(|(text, asks)| asks_for_person(text, &[]) != *asks).collect();
        let requests = phrases.iter().filter(|(_, asks)| *asks).count();
        let missed = wrong.iter().filter(|(_, asks)| *asks).count();
        let (others, taken) = (phrases.len() - requests, wrong.len() - missed);
        println!(
            "handover {name}: {missed} of {requests} requests missed, {taken} of {others} other texts taken for one"
        );
        assert!(requests >= 90 && others >= 120, "{name}");
        assert!(wrong.len() <= wrong_max, "{name}: {wrong:#?}");
    }
}

#[test]
fn requests_for_person_are_recognized() {
    assert!(phrases(true).len() >= 150);
    let missed: Vec<_> = phrases(true).into_iter().filter(|text| !asks_for_person(text, &[])).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(asks_for_person("你好\n我的快递丢了\n转人工", &[]));
}

#[test]
fn other_texts_are_not_requests() {
    assert!(phrases(false).len() >= 150);
    let wrong: Vec<_> = phrases(false).into_iter().filter(|text| asks_for_person(text, &[])).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!asks_for_person("", &[]));
}

#[test]
fn keywords_of_binding_are_recognized_unless_negated() {
    let extra = [
        "老师傅".to_owned(),
        " VIP专线 ".to_owned(),
        "concierge".to_owned(),
        "小美".to_owned(),
        " ".to_owned(),
        String::new(),
    ];
    for (text, expected) in [
        ("老师傅", true),
        ("我找老师傅问问", true),
        ("请转ｖｉｐ专线", true),
        ("我要找小美", true),
        ("Concierge, please", true),
        ("I'd like the concierge", true),
        ("不要老师傅", false),
        ("别找老师傅", false),
        ("老师傅就不用了", false),
        ("不要机器人，找老师傅", true),
        ("no concierge please", false),
        ("I don't need the concierge", false),
        ("concierges", false),
        ("人工费", false),
        ("怎么退货", false),
        ("", false),
    ] {
        assert_eq!(asks_for_person(text, &extra), expected, "{text}");
    }
    for text in ["老师傅", "concierge"] {
        assert!(!asks_for_person(text, &[]), "{text}");
    }
}

#[test]
fn farewell_counts_only_as_whole_text() {
    for text in [
        "结束会话",
        "结束对话！",
        " 退出 ",
        "再见",
        "再见～",
        "拜拜",
        "Bye",
        "bye-bye!",
        "Good bye",
        "end chat",
        "EXIT",
        "結束會話",
    ] {
        assert!(wants_to_end(text), "{text}");
    }
    for text in [
        "活动什么时候结束",
        "结束会话怎么操作",
        "不要结束会话",
        "别退出",
        "先不说再见",
        "exit code",
        "goodbye dress",
        "",
        "？",
    ] {
        assert!(!wants_to_end(text), "{text}");
    }
}

#[test]
fn same_question_ignores_width_case_punctuation_and_particles() {
    for (a, b) in [
        ("怎么退货", "怎么退货？？？"),
        ("怎么退货", "怎么 退货"),
        ("怎么退货", "怎么退货啊"),
        ("怎么退货呢？", "怎麼退貨"),
        ("能退吗", "能退么！"),
        ("Where is my order?", "where is my ORDER"),
        ("ＡＢＣ１", "abc1"),
        ("怎么退货😡😡", "怎么退货"),
    ] {
        assert!(same_question(a, b), "{a} {b}");
    }
    for (a, b) in [
        ("怎么退货", "怎么换货"),
        ("怎么退货", "怎么退货到账"),
        ("？", "？"),
        ("", ""),
        ("啊", "呢"),
        ("1", "2"),
        ("订单1", "订单12"),
    ] {
        assert!(!same_question(a, b), "{a} {b}");
    }
}

#[test]
fn reason_serializes_as_snake_case() {
    for (reason, name) in [
        (Reason::Keyword, "keyword"),
        (Reason::Misses, "misses"),
        (Reason::Repeated, "repeated"),
        (Reason::Robot, "robot"),
        (Reason::Picked, "picked"),
        (Reason::Failed, "failed"),
    ] {
        assert_eq!(serde_json::to_value(reason).expect("a name"), name);
        assert_eq!(serde_json::from_value::<Reason>(name.into()).expect("a reason"), reason);
    }
}

fn phrase() -> impl Strategy<Value = (&'static str, bool)> {
    proptest::sample::select(&**PHRASES)
}

/// Random sequences of the words that the rules use.
fn random_phrases() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "不",
        "不要",
        "别",
        "没",
        "没有",
        "转",
        "人工",
        "客服",
        "真人",
        "给我",
        "我",
        "要",
        "机器人",
        "就",
        "算了",
        "吗",
        "还",
        "用",
        "是",
        "，",
        " ",
        "not",
        "no",
        "agent",
        "human",
        "to",
        "a",
        "don't",
        "talk",
        "i",
        "think",
        "é",
        "👍",
        "\u{200B}",
    ];
    proptest::collection::vec(proptest::sample::select(PARTS), 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_text_is_classified_without_panic(text in prop_oneof![any::<String>(), random_phrases()], other in prop_oneof![any::<String>(), random_phrases()], extra in proptest::collection::vec(any::<String>(), 0..3)) {
        asks_for_person(&text, &extra);
        asks_for_person(&text, std::slice::from_ref(&other));
        wants_to_end(&text);
        prop_assert_eq!(same_question(&text, &other), same_question(&other, &text));
        prop_assert_eq!(same_question(&text, &text), same_question(&text, &format!("{text} ？！")));
    }

    #[test]
    fn width_case_and_surrounding_punctuation_do_not_matter((text, expected) in phrase(), around in "[ ！!。～😀\u{200B}]{0,4}") {
        let widen = |c: char| match c { '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).expect("a full-width form"), c => c };
        for same in [text.to_uppercase(), text.chars().map(widen).collect(), format!("{around}{text}{around}")] {
            prop_assert_eq!(asks_for_person(&same, &[]), expected, "{:?}", same);
        }
    }

    #[test]
    fn request_is_recognized_among_other_sentences(text in proptest::sample::select(phrases(true)), before in "(你好|怎么退货|不要|不|don't|no){0,1}", after in "(谢谢|快点|不要机器人|ok){0,1}") {
        let text = format!("{before}。{text}。{after}");
        prop_assert!(asks_for_person(&text, &[]), "{text}");
    }

    #[test]
    fn two_non_requests_are_not_a_request(one in proptest::sample::select(phrases(false)), other in proptest::sample::select(phrases(false))) {
        let text = format!("{one}，{other}");
        prop_assert!(!asks_for_person(&text, &[]), "{text}");
    }

    #[test]
    fn keywords_only_add_requests((text, expected) in phrase(), extra in proptest::collection::vec("[a-z甲乙丙]{1,3}", 0..3)) {
        prop_assert!(!expected || asks_for_person(text, &extra));
    }
}

/// Prints the durations, up to a quarter of a second in a debug build. The bound only catches work that grows with a power of the length.
#[test]
fn hostile_texts_are_classified_in_time() {
    for part in ["人工", "我要", "找", "真人和", "不要不", "rengong", "a human can ", "人·", "kefu ", "的", "转克服"]
    {
        let text = format!("{}人工", part.repeat(4096 / part.len()));
        let start = Instant::now();
        asks_for_person(&text, &[]);
        println!("{part}: {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(1), "{part}");
    }
}
