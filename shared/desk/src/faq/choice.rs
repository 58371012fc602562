//! A choice of questions as a numbered text, and the visitor's reply to it. A WeChat text message has no buttons.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::normalize::bare;

/// The maximum number of questions in a choice.
pub const CHOICES_MAX: usize = 5;

/// The language of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// A visitor's reply to a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceReply {
    /// The number of a question, from 1.
    Number(usize),
    /// `0`: the visitor wants a person.
    Person,
}

/// Returns the text of a choice: the first [`CHOICES_MAX`] titles, numbered. The text offers `0` for a person only if
/// `person` is true, that is if agents can answer in this reception mode.
pub fn choice_text(titles: &[&str], language: Language, person: bool) -> String {
    let mut text = match language {
        Language::Zh => "您是不是想问：\n",
        Language::En => "Did you mean:\n",
    }
    .to_owned();
    for (number, title) in (1..).zip(titles.iter().take(CHOICES_MAX)) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{number}. {}", title.trim());
    }
    text.push_str(match (language, person) {
        (Language::Zh, true) => "回复数字查看答案，回复 0 转人工",
        (Language::Zh, false) => "回复数字查看答案",
        (Language::En, true) => "Reply with a number for the answer, or 0 for a person",
        (Language::En, false) => "Reply with a number for the answer",
    });
    text
}

/// Parses a reply to a choice of `offered` questions.
///
/// Examples are `1`, `１`, `①`, `一`, `第1个`, `选一`, `1。`, `option 1`, `the first one`, `最后一个`, and `0` for a person. Returns
/// `None` if the text contains anything else, or if `offered` is 0.
pub fn parse_choice_reply(text: &str, offered: usize) -> Option<ChoiceReply> {
    let text = bare(text);
    let mut rest = &*text;
    let number = loop {
        if LAST.contains(&rest) {
            break offered;
        }
        if let Some(number) = NUMERALS.iter().position(|all| all.split(' ').any(|numeral| numeral == rest)) {
            break number;
        }
        // Strip only if the rest is not a numeral: `one` is a numeral and the suffix of `the first one`.
        rest = PREFIXES
            .iter()
            .find_map(|prefix| rest.strip_prefix(prefix))
            .or_else(|| rest.strip_prefix("no").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
            .or_else(|| SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix)))?;
    };
    match number {
        _ if offered == 0 => None,
        0 => Some(ChoiceReply::Person),
        number if number <= offered => Some(ChoiceReply::Number(number)),
        _ => None,
    }
}

/// The spellings of each number.
const NUMERALS: [&str; 10] = [
    "0 零 〇 ⓪ zero",
    "1 一 ① one first 1st",
    "2 二 ② two second 2nd",
    "3 三 ③ three third 3rd",
    "4 四 ④ four fourth 4th",
    "5 五 ⑤ five fifth 5th",
    "6 六 ⑥ six sixth 6th",
    "7 七 ⑦ seven seventh 7th",
    "8 八 ⑧ eight eighth 8th",
    "9 九 ⑨ nine ninth 9th",
];
const LAST: [&str; 2] = ["最后一", "last"];
const PREFIXES: [&str; 17] = [
    "我想问",
    "我选择",
    "我选",
    "我要",
    "选择",
    "选项",
    "选",
    "第",
    "问题",
    "回复",
    "查看",
    "看",
    "the",
    "option",
    "number",
    "question",
    "choose",
];
const SUFFIXES: [&str; 12] = ["个问题", "个", "条", "项", "号", "题", "吧", "啊", "谢谢", "one", "please", "thanks"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn choice_text_numbers_titles_and_explains_reply() {
        let titles = ["怎么退货？", " 退货运费谁承担？"];
        let expected = "您是不是想问：\n1. 怎么退货？\n2. 退货运费谁承担？\n回复数字查看答案，回复 0 转人工";
        assert_eq!(choice_text(&titles, Language::default(), true), expected);
        assert!(!choice_text(&titles, Language::Zh, false).contains("人工"));
        let expected = "Did you mean:\n1. Returns\nReply with a number for the answer, or 0 for a person";
        assert_eq!(choice_text(&["Returns"], Language::En, true), expected);
        assert!(!choice_text(&["Returns"], Language::En, false).contains("person"));
        assert!(!choice_text(&["t"; 9], Language::Zh, true).contains("6. "));
    }

    #[test]
    fn reply_is_parsed_in_all_spellings() {
        for (text, offered, expected) in [
            ("1", 3, Some(1)),
            ("１", 3, Some(1)),
            (" 2 ", 3, Some(2)),
            ("1。", 3, Some(1)),
            ("1、", 3, Some(1)),
            ("1.", 3, Some(1)),
            ("【2】", 3, Some(2)),
            ("1\u{FE0F}\u{20E3}", 3, Some(1)),
            ("③", 3, Some(3)),
            ("一", 3, Some(1)),
            ("二吧", 3, Some(2)),
            ("第1个", 3, Some(1)),
            ("第一个", 3, Some(1)),
            ("第三个问题", 3, Some(3)),
            ("第二條", 3, Some(2)),
            ("选2", 3, Some(2)),
            ("我选第三个，谢谢", 3, Some(3)),
            ("问题2", 3, Some(2)),
            ("2号", 3, Some(2)),
            ("最后一个", 4, Some(4)),
            ("option 1", 3, Some(1)),
            ("No. 2", 3, Some(2)),
            ("the first one", 3, Some(1)),
            ("Second", 3, Some(2)),
            ("three please", 3, Some(3)),
            ("the last one", 5, Some(5)),
            ("0", 3, Some(0)),
            ("０", 3, Some(0)),
            ("零", 3, Some(0)),
            ("回复0", 3, Some(0)),
            ("4", 3, None),
            ("10", 5, None),
            ("01", 5, None),
            ("1和2", 3, None),
            ("1.5", 5, None),
            ("一共多少钱", 3, None),
            ("一个都不是", 3, None),
            ("都不是", 3, None),
            ("no one", 3, None),
            ("none", 3, None),
            ("怎么退货", 3, None),
            ("第", 3, None),
            ("", 3, None),
            ("？", 3, None),
            ("1", 0, None),
            ("0", 0, None),
            ("最后一个", 0, None),
        ] {
            let expected =
                expected.map(|number| if number == 0 { ChoiceReply::Person } else { ChoiceReply::Number(number) });
            assert_eq!(parse_choice_reply(text, offered), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reply_number_is_within_offered(text in any::<String>(), offered in 0_usize..7) {
            match parse_choice_reply(&text, offered) {
                Some(ChoiceReply::Number(number)) => prop_assert!((1..=offered).contains(&number)),
                Some(ChoiceReply::Person) => prop_assert!(offered > 0),
                None => {}
            }
        }

        #[test]
        fn number_with_punctuation_is_parsed(number in 1_usize..=CHOICES_MAX, before in "[ 　\n【(]{0,3}", after in "[ 。.、)】！]{0,3}") {
            prop_assert_eq!(parse_choice_reply(&format!("{before}{number}{after}"), CHOICES_MAX), Some(ChoiceReply::Number(number)));
        }
    }
}
