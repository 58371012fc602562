//! Long texts are divided at the best borders, and nothing that belongs together is divided.

use proptest::{collection::vec, prelude::*, sample::select};
use wechat::text::{MAX_TEXT, SplitRule, head, split};

/// Pieces of which each is one unit or a blank.
const PIECES: &[&str] = &[
    "说",
    "。",
    " ",
    "\u{3000}",
    "\n",
    "\n\n",
    "👨‍👩‍👧‍👦",
    "e\u{301}",
    "<a href=\"https://a.cn/b\">点 这</a>",
    "<A HREF='x'>\n退货</A >",
    "<",
];

/// An address, which ends at the comma.
const ADDRESS: [&str; 2] = ["https://shop.example/a?b=1&c=2", "，"];

fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
    let piece = prop_oneof![9 => select(PIECES).prop_map(|piece| vec![piece]), 1 => Just(ADDRESS.to_vec())];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The least number of parts, by trying every way to divide the pieces.
fn least(pieces: &[&str], limit: usize) -> usize {
    let mut least = vec![0; pieces.len() + 1];
    for end in 1..=pieces.len() {
        let from = |start: usize| {
            let part = pieces[start..end].concat();
            let length = part.trim().len();
            (length <= limit).then(|| least[start] + usize::from(length > 0))
        };
        least[end] = (0..end).filter_map(from).min().unwrap();
    }
    least[pieces.len()]
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

/// The places at which the parts end, without the blanks of the text.
fn ends(parts: &[impl AsRef<str>]) -> Vec<usize> {
    let lengths = parts.iter().map(|part| without_blanks(part.as_ref()).len());
    lengths
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect()
}

proptest! {
    #[test]
    fn units_stay_whole_in_the_fewest_parts(pieces in pieces(), limit in 40_usize..120) {
        let text = pieces.concat();
        let parts = split(&text, limit);
        prop_assert_eq!(without_blanks(&parts.concat()), without_blanks(&text));
        prop_assert!(parts.iter().all(|part| part.len() <= limit && !part.trim().is_empty()));
        let borders = ends(&pieces);
        prop_assert!(ends(&parts).iter().all(|end| borders.contains(end)), "{:?}", parts);
        let expected = if text.trim().is_empty() { 0 } else { least(&pieces, limit) };
        prop_assert_eq!(parts.len(), expected, "{:?}", parts);
        if text.len() > limit {
            prop_assert!(parts.iter().all(|part| part.trim() == *part));
        }
    }

    #[test]
    fn parts_of_any_text_join_to_the_text(content in any::<String>(), limit in 0_usize..64) {
        let parts = split(&content, limit);
        let fits = |part: &&str| part.len() <= limit || part.chars().count() == 1;
        prop_assert!(parts.iter().all(fits), "{:?}", parts);
        let mut rest = content.as_str();
        for part in parts {
            let at = rest.find(part);
            prop_assert!(at.is_some_and(|at| wechat::text::is_blank(&rest[..at])));
            rest = &rest[at.unwrap() + part.len()..];
        }
        prop_assert!(wechat::text::is_blank(rest));
    }

    #[test]
    fn rest_of_a_text_sent_in_part_has_the_remaining_parts(text in "[说。 a\\n]{0,3000}", sent in 0_u32..4) {
        for rule in [SplitRule::Units, SplitRule::Characters] {
            let parts = rule.parts(&text);
            let remaining = parts.get(usize::try_from(sent).unwrap()..).unwrap_or_default();
            let rest = rule.rest(&text, sent);
            prop_assert_eq!(without_blanks(&rest), without_blanks(&remaining.concat()));
            prop_assert!(SplitRule::Units.parts(&rest).len() <= remaining.len().max(1));
        }
    }

    #[test]
    fn head_divides_no_unit(pieces in pieces(), limit in 0_usize..120) {
        let text = pieces.concat();
        let head = head(&text, limit);
        prop_assert!(head.len() <= limit && text.starts_with(head));
        prop_assert!(ends(&pieces).contains(&without_blanks(head).len()) || without_blanks(head).is_empty());
    }
}

fn lengths(text: &str, limit: usize) -> Vec<usize> {
    split(text, limit).into_iter().map(str::len).collect()
}

#[test]
fn text_is_divided_at_the_best_border_that_needs_no_further_part() {
    for (text, limit, expected) in [
        ("一二。三\n四五\n\n六七八九十", 30, vec!["一二。三\n四五", "六七八九十"]),
        ("一二。三\n四五。六七八九十", 30, vec!["一二。三", "四五。六七八九十"]),
        ("一二。三四。五六 七八九十一", 30, vec!["一二。三四。", "五六 七八九十一"]),
        ("“一二三四五。”六七八九十", 30, vec!["“一二三四五。”", "六七八九十"]),
        ("一二三四五？！六七八九十一", 27, vec!["一二三四五？！", "六七八九十一"]),
        ("one two three", 9, vec!["one two", "three"]),
        ("价格一百1299.50含税", 13, vec!["价格一百", "1299.50含税"]),
        ("abcdefghij", 4, vec!["abcd", "efgh", "ij"]),
        // The empty line would need a third part.
        ("一\n\n二三四五 六七八九十", 27, vec!["一\n\n二三四五", "六七八九十"]),
        ("  一二三四五  \n\n  六七八九十  ", 15, vec!["一二三四五", "六七八九十"]),
    ] {
        assert_eq!(split(text, limit), expected, "{text:?}");
    }
}

#[test]
fn address_element_and_grapheme_are_not_divided() {
    let address = format!("https://shop.example/{}", "p".repeat(82));
    let text = format!("请打开{}{address}", "说".repeat(659));
    assert_eq!(split(&text, MAX_TEXT)[1], address);
    let element = "<a href=\"https://shop.example/a b\">看。 看</a>";
    let text = format!("{}{element}完", "说".repeat(675));
    assert_eq!(split(&text, MAX_TEXT)[1], format!("{element}完"));
    let family = "👨‍👩‍👧‍👦";
    let text = format!("{}{family}", "说".repeat(680));
    assert_eq!(split(&text, MAX_TEXT)[1], family);
}

#[test]
fn unit_longer_than_a_part_is_divided_inside() {
    let address = format!("https://shop.example/{}", "p".repeat(3000));
    assert_eq!(lengths(&address, MAX_TEXT), [2048, 973]);
    let element = format!("<a href=\"{address}\">看</a>");
    assert_eq!(split(&element, MAX_TEXT).concat(), element);
    let grapheme = format!("e{}", "\u{301}".repeat(1500));
    assert_eq!(lengths(&grapheme, MAX_TEXT), [2047, 954]);
    assert_eq!(lengths("你", 1), [3]);
}

#[test]
fn short_text_stays_as_it_is_and_a_blank_one_has_no_part() {
    assert_eq!(lengths(&"a".repeat(2048), MAX_TEXT), [2048]);
    assert_eq!(split(" 你好 \n", MAX_TEXT), [" 你好 \n"]);
    assert_eq!(lengths(&format!("{}\n\n", "a".repeat(2048)), MAX_TEXT), [2048]);
    for blank in ["", " \n", "\u{200b}", &"\n".repeat(3000)] {
        assert!(split(blank, MAX_TEXT).is_empty());
    }
    assert_eq!(lengths(&("客".repeat(1000) + "😀"), MAX_TEXT), [2046, 958]);
}

#[test]
fn text_of_an_earlier_version_keeps_its_parts() {
    let text = format!("{} {}", "说".repeat(500), "话".repeat(500));
    let lengths = |rule: SplitRule| rule.parts(&text).iter().map(String::len).collect::<Vec<_>>();
    assert_eq!(lengths(SplitRule::Characters), [2047, 954]);
    assert_eq!(lengths(SplitRule::Units), [1500, 1500]);
    assert_eq!(SplitRule::Characters.rest(&text, 1), "话".repeat(318));
    assert_eq!(SplitRule::Units.rest(&text, 1), "话".repeat(500));
    assert_eq!(SplitRule::Units.rest(&text, 2), "");
}
