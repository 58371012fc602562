//! What holds for any text and any knowledge.

use std::time::{Duration, Instant};

use desk::faq::{CHOICES_MAX, Index, Match, Question, Thresholds, find};
use proptest::prelude::*;

use crate::evaluation::{knowledge, queries};

fn question(title: &str, variants: &[&str]) -> Question {
    let variants = variants.iter().map(|&variant| variant.to_owned()).collect();
    Question { id: title.to_owned(), title: title.to_owned(), variants, answer: "答".to_owned(), disabled: false }
}

/// Random texts, and texts composed of the evaluation queries.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[怎么退货发票运费多少请问您好吗的 ，。？1２aＢ\n]{0,40}",
        proptest::sample::select(queries()).prop_map(|query| query.text),
        proptest::collection::vec(proptest::sample::select(queries()).prop_map(|query| query.text), 2..5)
            .prop_map(|texts| texts.join("，")),
    ]
}

fn wide(text: &str) -> String {
    let widen = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).expect("a full-width form"),
        c => c,
    };
    text.chars().map(widen).collect()
}

proptest! {
    #[test]
    fn search_and_find_stay_in_bounds(text in text(), few in 0_usize..48) {
        let mut questions = knowledge();
        questions.iter_mut().skip(few).for_each(|question| question.disabled = true);
        let index = Index::new(&questions);
        let hits = index.search(&text, 7);
        prop_assert!(hits.len() <= 7);
        prop_assert!(hits.iter().all(|hit| hit.score > 0.0 && hit.score <= 1.0 && !questions[hit.question].disabled));
        prop_assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert_eq!(&hits[..], &index.search(&text, 100)[..hits.len()]);
        match find(&index, &text, &Thresholds::default()) {
            Match::Direct(at) => prop_assert!(!questions[at].disabled),
            Match::Choice(all) => {
                prop_assert!((1..=CHOICES_MAX).contains(&all.len()));
                prop_assert!(all.iter().all(|&at| !questions[at].disabled));
                prop_assert!(all.iter().enumerate().all(|(n, at)| !all[..n].contains(at)));
            }
            Match::Unknown => {}
        }
    }

    #[test]
    fn find_ignores_width_case_and_punctuation(query in proptest::sample::select(queries()).prop_map(|query| query.text)) {
        let index = Index::new(&knowledge());
        let found = find(&index, &query, &Thresholds::default());
        for same in [query.to_uppercase(), wide(&query), format!(" {query}？！"), format!("\u{200B}{query}\u{FEFF}")] {
            prop_assert_eq!(&find(&index, &same, &Thresholds::default()), &found, "{}", same);
        }
    }

    #[test]
    fn any_titles_are_indexed_and_found(titles in proptest::collection::vec(any::<String>(), 0..6), text in any::<String>()) {
        let questions: Vec<_> = titles.iter().map(|title| question(title, &[])).collect();
        let index = Index::new(&questions);
        prop_assert!(index.search(&text, 9).len() <= questions.len());
        for (at, title) in titles.iter().enumerate() {
            let alone = titles.iter().filter(|other| bare(other) == bare(title)).count() == 1;
            if alone && !bare(title).is_empty() {
                prop_assert_eq!(find(&index, title, &Thresholds::default()), Match::Direct(at));
            }
        }
    }
}

fn bare(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_title_and_variant_finds_its_question() {
    let questions = knowledge();
    let index = Index::new(&questions);
    for (at, question) in questions.iter().enumerate() {
        for text in std::iter::once(&question.title).chain(&question.variants) {
            let found = find(&index, text, &Thresholds::default());
            assert_eq!(found == Match::Direct(at), !question.disabled, "{text}: {found:?}");
        }
    }
}

#[test]
fn text_of_two_questions_gives_choice() {
    let index = Index::new(&[question("甲", &["多久能到"]), question("乙", &["多久能到？"]), question("丙", &[])]);
    assert_eq!(find(&index, "多久能到", &Thresholds::default()), Match::Choice(vec![0, 1]));
}

#[test]
fn topic_gives_choice_and_sentence_gives_answer() {
    let index = Index::new(&[
        question("怎么开发票", &["我要发票"]),
        question("能开专用发票吗", &[]),
        question("几点下班", &[]),
    ]);
    let find = |text| find(&index, text, &Thresholds::default());
    assert_eq!(find("发票"), Match::Choice(vec![0, 1]));
    assert_eq!(find("你好，发票"), Match::Choice(vec![0, 1]));
    assert_eq!(find("我要发票"), Match::Direct(0));
    assert_eq!(find("下班"), Match::Direct(2), "only one question is about the topic");
}

#[test]
fn question_within_long_text_is_found() {
    let questions = knowledge();
    let index = Index::new(&questions);
    let asked = ["退款多久到账", "怎么开发票", "支持七天无理由退货吗"];
    for question in asked {
        for story in [
            format!("我上周在你们店里给我妈妈买了一双红色的运动鞋，昨天才拿到手，{question}"),
            format!("我上周给妈妈买了一双红色的运动鞋 昨天才拿到手 {question} 她等着呢"),
        ] {
            let found = find(&index, &story, &Thresholds::default());
            assert!(matches!(found, Match::Direct(at) if questions[at].title.contains(question)), "{story}: {found:?}");
        }
    }
}

/// WeChat writes pictures as codes in brackets; messages that are not texts appear as codes, too.
#[test]
fn picture_codes_do_not_change_result() {
    let index = Index::new(&knowledge());
    let found = |text: &str| find(&index, text, &Thresholds::default());
    for picture in ["[图片]", "[微笑]", "［图片］", "[图片]\n[图片]", "[礼物][红包]", "[其他消息]"]
    {
        assert_eq!(found(picture), Match::Unknown, "{picture}");
        assert_eq!(index.search(picture, 5), [], "{picture}");
    }
    for text in ["怎么申请退货？", "退款几天到帐", "发票", "讲个笑话"] {
        for picture in ["[捂脸]", "[图片]", "[红包]", "[Facepalm]"] {
            for with in [format!("{text}{picture}"), format!("{picture}\n{text}"), format!("{text}{picture}{picture}")]
            {
                assert_eq!(found(&with), found(text), "{with}");
            }
        }
    }
    let index = Index::new(&[question("[定制] 能退吗", &[]), question("[预售]", &[])]);
    let found = |text: &str| find(&index, text, &Thresholds::default());
    assert_eq!(found("[定制] 能退吗"), Match::Direct(0), "word for word");
    assert_eq!(found("[预售]"), Match::Direct(1), "word for word");
    assert_eq!(found("定制能退吗"), Match::Direct(0));
}

#[test]
fn at_most_five_questions_are_offered() {
    let questions: Vec<_> = ["甲", "乙", "丙", "丁", "戊", "己", "庚"]
        .iter()
        .map(|kind| question(&format!("{kind}款怎么退货"), &[]))
        .collect();
    let Match::Choice(offered) = find(&Index::new(&questions), "怎么退货啊", &Thresholds::default()) else {
        panic!("not a choice")
    };
    assert_eq!(offered, [0, 1, 2, 3, 4]);
}

#[test]
fn thresholds_select_answer_choice_or_nothing() {
    let index = Index::new(&knowledge());
    let with = |direct, choice, lead| find(&index, "退款几天可以到帐", &Thresholds { direct, choice, lead });
    assert!(matches!(with(0.3, 0.2, 0.0), Match::Direct(_)));
    assert!(matches!(with(1.0, 0.2, 0.0), Match::Choice(_)));
    assert!(matches!(with(0.3, 0.2, 1.0), Match::Choice(_)));
    assert!(matches!(with(1.0, 1.0, 0.0), Match::Unknown));
}

#[test]
fn questions_and_thresholds_are_deserialized_strictly() {
    let read = serde_json::from_str::<Question>;
    assert_eq!(read(r#"{"id": "甲", "title": "甲", "answer": "答"}"#).expect("a question"), question("甲", &[]));
    assert!(read(r#"{"id": "a", "title": "甲", "answer": "答", "extra": 1}"#).is_err());
    let thresholds: Thresholds = serde_json::from_str(r#"{"direct": 0.75}"#).expect("thresholds");
    assert_eq!(thresholds, Thresholds { direct: 0.75, ..Thresholds::default() });
    assert!(serde_json::from_str::<Thresholds>(r#"{"directt": 0.75}"#).is_err());
    assert_eq!(Thresholds::default().faults(), []);
    for (direct, choice, lead) in [
        (0.2, 0.3, 0.1),
        (1.1, 0.3, 0.1),
        (0.5, 0.0, 0.1),
        (f64::NAN, 0.2, 0.1),
        (0.5, 0.2, -0.1),
        (0.5, 0.2, f64::NAN),
    ] {
        assert_eq!(Thresholds { direct, choice, lead }.faults().len(), 1);
    }
}

#[test]
fn faults_name_the_field_of_a_question() {
    let fields = |question: Question| question.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>();
    let good = Question { id: "return-1".into(), ..question("怎么退货？", &["退货"]) };
    assert_eq!(fields(good.clone()), [""; 0]);
    assert_eq!(fields(Question { id: "a b".into(), ..good.clone() }), ["id"]);
    assert_eq!(fields(Question { id: String::new(), ..good.clone() }), ["id"]);
    assert_eq!(fields(Question { id: "a".repeat(65), ..good.clone() }), ["id"]);
    for title in ["", "？！", "一\n二", &"长".repeat(81)] {
        assert_eq!(fields(Question { title: title.into(), ..good.clone() }), ["title"], "{title}");
    }
    assert_eq!(fields(Question { title: "长".repeat(80), ..good.clone() }), [""; 0]);
    assert_eq!(
        fields(Question { variants: vec!["一".into(), String::new(), "长".repeat(201)], ..good.clone() }),
        ["variants[1]", "variants[2]"]
    );
    assert_eq!(fields(Question { variants: vec!["一".into(); 21], ..good.clone() }), ["variants"]);
    assert_eq!(fields(Question { answer: " ".into(), ..good.clone() }), ["answer"]);
    assert_eq!(fields(Question { answer: "a".repeat(2049), ..good.clone() }), ["answer"]);
    let all: Vec<_> = desk::faq::faults(&[good.clone(), Question { answer: String::new(), ..good.clone() }]);
    assert_eq!(all.iter().map(|fault| &*fault.field).collect::<Vec<_>>(), ["questions[1].answer", "questions[1].id"]);
    let many: Vec<_> = (0..=1000).map(|n| Question { id: n.to_string(), ..good.clone() }).collect();
    assert_eq!(desk::faq::faults(&many).len(), 1);
}

/// Prints the durations: about 40 ms, 40 µs and 1 ms in a release build. The bounds only catch quadratic work.
#[test]
fn thousand_questions_are_indexed_and_searched_in_time() {
    let known = knowledge();
    let grown = |n: usize| {
        let tail: String = "甲乙丙丁戊己庚辛壬癸".chars().cycle().skip(n % 20).take(1 + n % 7).collect();
        let question = &known[n % known.len()];
        let variants = question.variants.iter().cycle().take(5).map(|text| format!("{text}{tail}")).collect();
        Question {
            id: n.to_string(),
            title: format!("{}{tail}", question.title),
            variants,
            disabled: false,
            ..question.clone()
        }
    };
    let questions: Vec<_> = (0..1000).map(grown).collect();
    let start = Instant::now();
    let index = Index::new(&questions);
    println!("indexed in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20));
    let queries = queries();
    let start = Instant::now();
    let found =
        queries.iter().filter(|query| find(&index, &query.text, &Thresholds::default()) != Match::Unknown).count();
    println!("searched in {:?} each", start.elapsed() / u32::try_from(queries.len()).expect("few"));
    assert!(found > 200 && start.elapsed() < Duration::from_secs(20));
    let longest = "我昨天在你们家买的鞋子今天收到了颜色不对，想换货，运费谁出？".repeat(60);
    let start = Instant::now();
    find(&index, &longest, &Thresholds::default());
    println!("a long story in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2));
}
