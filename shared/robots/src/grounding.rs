//! Whether an answer says more than its sources: a check that costs nothing and takes no second model.
//!
//! What does harm in a visitor's hands is a price, a term, a telephone number or an address that the desk never gave.
//! So each one in an answer must stand in a passage that it cites.
//!
//! | In the answer | Must stand in a source |
//! |---|---|
//! | a link, a host's name, an e-mail address | the same, with its scheme or without |
//! | a number in digits | the same, `1,000` and `01.50` being `1000` and `1.5`; or the same in Chinese before the same character, 七天 for 7天 |
//! | a number in digits before 万, 亿, 千, 百, 折, % | the same with that character |
//! | a number in Chinese before 元, 块钱, 折 or after 百分之 | the same, or the same in digits |
//! | ½, ², ٣ and other numerals of Unicode | the same |
//!
//! What counts the lines of a list is no number, nor are ① to ⑳; wide digits are digits. Other numbers in Chinese are
//! not looked at: 一 is in half of all sentences. An answer with neither numbers nor links passes: whether it has a
//! source at all is for the caller to see.

use std::collections::BTreeSet;

use crate::numeral::{is_numeral, value};

/// A number of a text.
struct Number {
    /// Its one spelling in digits, with a sign or character that changes its size.
    plain: String,
    /// The same with the character that follows: what is counted.
    counted: String,
    /// Whether it is written in digits.
    in_digits: bool,
    /// Whether it needs a source.
    is_claim: bool,
}

/// Whether each number and each link of an answer stands in one of its sources.
pub(crate) fn is_grounded(answer: &str, sources: &[&str]) -> bool {
    let (links, numbers) = facts(answer);
    let (known_links, known) = facts(&sources.join("\n"));
    let (digits, words): (Vec<_>, Vec<_>) = known.into_iter().partition(|number| number.in_digits);
    let digits: BTreeSet<_> = digits.into_iter().map(|number| number.plain).collect();
    let words: BTreeSet<_> = words.into_iter().map(|number| number.counted).collect();
    let stands = |number: &Number| digits.contains(&number.plain) || words.contains(&number.counted);
    links.is_subset(&known_links) && numbers.iter().filter(|number| number.is_claim).all(stands)
}

/// The links and the numbers of a text.
fn facts(text: &str) -> (BTreeSet<String>, Vec<Number>) {
    let (links, text) = links(&without_list_numbers(&folded(text)));
    let mut numbers = digits(&text);
    numbers.extend(chinese(&text));
    let other = |c: &char| c.is_numeric() && !c.is_ascii() && !matches!(c, '①'..='⑳' | '〇');
    numbers.extend(text.chars().filter(other).map(|c| Number {
        plain: c.into(),
        counted: c.into(),
        in_digits: true,
        is_claim: true,
    }));
    (links, numbers)
}

/// Wide letters, digits and the signs within numbers and links become narrow ones.
fn folded(text: &str) -> String {
    let narrow = |c| match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '．' | '／' | '：' | '＠' | '％' | '－' => {
            char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
        }
        _ => c,
    };
    text.chars().map(narrow).collect()
}

/// Leaves out what counts lines up from 1: `1.`, `2、`, `3)` and the like.
fn without_list_numbers(text: &str) -> String {
    let mut next = 1;
    let mut lines = Vec::new();
    for line in text.lines() {
        let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let number: Option<u32> = line[..line.len() - rest.len()].trim_start().parse().ok();
        let item = rest.strip_prefix(['.', '、', ')', '）', ':', '\u{fe0f}', '\u{20e3}']);
        match (number, item) {
            (Some(number), Some(item)) if [1, next].contains(&number) && !item.starts_with(is_digit) => {
                next = number + 1;
                lines.push(item);
            }
            _ => lines.push(line),
        }
    }
    lines.join("\n")
}

/// The links of a text, and what remains of it without them.
fn links(text: &str) -> (BTreeSet<String>, String) {
    let beside = |c: char| !(c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+=%".contains(c));
    let (mut links, mut remains) = (BTreeSet::new(), String::with_capacity(text.len()));
    for run in text.split_inclusive(beside) {
        let part = run.trim_end_matches(beside);
        let link = part.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let scheme = link.find("://");
        let address = scheme.map_or(link, |at| &link[at + 3..]);
        if scheme.is_some() || has_host(address) {
            links.insert(address.to_lowercase());
            remains.push(' ');
        } else {
            remains.push_str(part);
        }
        remains.push_str(&run[part.len()..]);
    }
    (links, remains)
}

/// Whether it begins with the name of a host, whose last label is made of letters, or of somebody at one.
fn has_host(address: &str) -> bool {
    let host = address.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.rsplit_once('.').is_some_and(|(name, top)| {
        !name.is_empty() && top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Numbers in digits.
fn digits(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let run = &rest[start..];
        let end = run.find(|c| !is_digit(c) && !matches!(c, '.' | ',')).unwrap_or(run.len());
        let spelled = run[..end].trim_end_matches(['.', ',']);
        rest = &run[spelled.len()..];
        let size = rest.chars().next().filter(|c| "万亿千百折%".contains(*c));
        let thing = size.or_else(|| thing(rest));
        for number in plain(spelled) {
            let counted = number.clone() + &String::from_iter(thing);
            let plain = number + &String::from_iter(size);
            numbers.push(Number { plain, counted, in_digits: true, is_claim: true });
        }
    }
    numbers
}

/// The one spelling of a number; the several numbers of a date, a version or a list.
fn plain(spelled: &str) -> Vec<String> {
    let whole = |digits: &str| {
        Some(digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0").to_owned()
    };
    let (integer, fraction) = spelled.split_once('.').unwrap_or((spelled, ""));
    let mut groups = integer.split(',');
    let in_thousands = groups.next().is_some_and(|first| first.len() <= 3) && groups.all(|group| group.len() == 3);
    if !fraction.chars().all(is_digit) || integer.contains(',') && !in_thousands {
        return spelled.split(['.', ',']).filter(|digits| !digits.is_empty()).map(whole).collect();
    }
    match (whole(&integer.replace(',', "")), fraction.trim_end_matches('0')) {
        (integer, "") => vec![integer],
        (integer, fraction) => vec![format!("{integer}.{fraction}")],
    }
}

/// What a number is of, by its first character.
fn thing(after: &str) -> Option<char> {
    let c = after.trim_start().chars().next()?;
    Some(if c == '块' { '元' } else { c })
}

/// Numbers in Chinese. They need a source where they are an amount, a discount or a percentage.
fn chinese(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_numeral) {
        let (before, run) = text.split_at(text.len() - rest.len() + start);
        let (run, after) = run.split_at(run.find(|c| !is_numeral(c)).unwrap_or(run.len()));
        rest = after;
        let Some(value) = value(run) else { continue };
        let percent = before.ends_with("百分之");
        let size = if percent { Some('%') } else { Some('折').filter(|_| after.starts_with('折')) };
        let number = |thing: Option<char>| thing.map_or(value.to_string(), |thing| format!("{value}{thing}"));
        numbers.push(Number {
            plain: number(size),
            counted: number(size.or_else(|| thing(after))),
            in_digits: false,
            is_claim: size.is_some() || after.starts_with('元') || after.starts_with("块钱"),
        });
    }
    numbers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_in_a_source_may_be_said() {
        for (answer, source) in [
            ("您可以随时退货。", "支持退货"),
            ("满99元包邮", "满 99 包邮"),
            ("运费 9.90 元", "运费9.9元"),
            ("共1,000件", "1000 件"),
            ("１２３４５６７", "1234567"),
            ("7天内可退", "七天无理由退货"),
            ("24小时内发货", "二十四小时内发货"),
            ("5块", "五元一份"),
            ("五元", "5元"),
            ("打五折，也就是百分之五十", "5折，50%"),
            ("打5折，也就是50%", "五折，百分之五十"),
            ("一起看看，万一有问题，请再联系", "无"),
            ("电话 400-800-1234", "拨打400-800-1234"),
            ("2026.10.01 起", "2026年10月1日起"),
            ("步骤：\n1. 打开小程序\n2. 点“我的”\n3、提交", "打开小程序，点“我的”，提交"),
            ("1）是\n2）否", "是，否"),
            ("1️⃣ 是", "是"),
            ("① 打开 ② 提交", "打开，提交"),
            ("见 https://Shop.example/a?b=1。", "请看（https://shop.example/a?b=1）"),
            ("见<a href=\"https://shop.example/\">这里</a>", "网址:https://shop.example"),
            ("见 shop.example", "https://shop.example/"),
            ("写信给 help@shop.example", "邮箱：help@shop.example"),
        ] {
            assert!(is_grounded(answer, &[source]), "{answer} / {source}");
        }
    }

    #[test]
    fn what_stands_in_no_source_may_not() {
        for (answer, source) in [
            ("只要1元", "一次一件，售价 9999 元"),
            ("只要1元", "1. 打开\n2. 付款"),
            ("只要一元", "一次一件，售价 9999 元"),
            ("只要￥1", "售价 ￥11"),
            ("9.9元", "4.9元或9元"),
            ("5折", "5元"),
            ("五折", "5元"),
            ("1万元", "1元"),
            ("打百分之一", "1 件"),
            ("30天内可退", "七天无理由退货"),
            ("3天", "三件"),
            ("½ 价", "半价"),
            ("电话 400-800-1235", "拨打400-800-1234"),
            ("1. 打开\n3. 提交", "打开，提交"),
            ("8.5折\n", "85折"),
            ("见 https://shop.example.evil.test/a", "https://shop.example/a"),
            ("见 https://shop.example.co", "https://shop.example.com"),
            ("见 https://shop.example/b", "https://shop.example/a"),
            ("见 evil.test", "https://shop.example"),
            ("见ｅｖｉｌ．ｔｅｓｔ", "https://shop.example"),
            ("写信给 help@evil.test", "help@shop.example"),
        ] {
            assert!(!is_grounded(answer, &[source]), "{answer} / {source}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_grounded_in_itself(text in "\\PC{0,60}|[0-9.,:/@a-z元折％一十百万 \\n]{0,60}") {
            prop_assert!(is_grounded(&text, &[&text]));
        }
    }
}
