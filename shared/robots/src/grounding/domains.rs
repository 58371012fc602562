//! Addresses that `links` does not see: hosts with ideographs, and hosts that are spelled out so that a filter misses them
//! (shop点com, shop dot com, shop。com).

/// Top-level domains that are asked of people in chats. A word of them after a dot in any spelling is a host.
const TOP_LEVEL: [&str; 43] = [
    "com", "cn", "net", "org", "top", "xyz", "shop", "vip", "site", "online", "info", "cc", "me", "io", "app", "club",
    "store", "tech", "co", "biz", "link", "live", "fun", "icu", "pro", "wang", "ltd", "group", "work", "mobi", "asia",
    "tv", "hk", "tw", "us", "uk", "ru", "jp", "kr", "sg", "edu", "gov", "test",
];
const IDEOGRAPHIC: [&str; 14] = [
    "中国",
    "公司",
    "网络",
    "网址",
    "商城",
    "网店",
    "在线",
    "集团",
    "中文网",
    "我爱你",
    "手机",
    "企业",
    "世界",
    "商标",
];
/// Spellings of a dot between two labels.
const DOTS: [&str; 16] =
    ["点", "點", " dot ", "(dot)", "[dot]", "[.]", "(.)", "{.}", "。", "｡", "．", "·", "・", "•", "丶", " . "];
/// Longest label that is compared, in characters.
const LABEL_MAX: usize = 24;

/// Whether each such address of the answer occurs in a source as it is written. Both are in lower case.
pub(super) fn are_supported(answer: &str, sources: &str) -> bool {
    hosts(answer).iter().chain(&schemes(answer)).all(|host| sources.contains(host))
}

/// Hosts with ideographs or with a dot in another spelling.
fn hosts(text: &str) -> Vec<&str> {
    let mut hosts: Vec<_> = punycode(text).collect();
    for dot in DOTS.iter().copied().chain(["."]) {
        for (at, _) in text.match_indices(dot) {
            let behind = text[at + dot.len()..].trim_start_matches(' ');
            let begin = text.len() - behind.len();
            let label = label_before(text[..at].trim_end_matches(' '));
            let ascii = || TOP_LEVEL.iter().find(|top| starts_word(behind, top));
            let ideographic =
                || IDEOGRAPHIC.iter().filter(|_| dot == "." || dot == "．").find(|top| behind.starts_with(**top));
            // An ASCII host with plain dots is one of `links`. 点 and 。 also end words: an answer may say 请打开 App。
            let is_plain = dot == "." && label.is_ascii();
            if let Some(top) = ascii().or_else(ideographic).filter(|_| !is_plain && !label.is_empty()) {
                let start = text[..at].trim_end_matches(' ').len() - label.len();
                hosts.push(&text[start..begin + top.len()]);
            }
        }
    }
    hosts
}

fn punycode(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("xn--").map(|(at, _)| {
        let end =
            text[at..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.')).unwrap_or(text.len() - at);
        &text[at..at + end]
    })
}

/// Addresses with a scheme whose host has no ASCII letters: `https://例子.中国`, `#小程序://店/…`
fn schemes(text: &str) -> Vec<&str> {
    let ends = |c: char| c.is_whitespace() || "，。！？；、）】》”’\"'<>()".contains(c);
    let address = |(at, _): (usize, &str)| {
        let start =
            text[..at].rfind(ends).map_or(0, |start| start + text[start..].chars().next().map_or(1, char::len_utf8));
        let end = text[at..].find(ends).unwrap_or(text.len() - at);
        &text[start.max(at.saturating_sub(12)).min(at)..at + end]
    };
    let is_other = |address: &&str| !address.is_ascii();
    text.match_indices("://")
        .filter(|(at, _)| text.is_char_boundary(at.saturating_sub(12)))
        .map(address)
        .filter(is_other)
        .collect()
}

/// The label at the end of the text.
fn label_before(text: &str) -> &str {
    let is_label = |c: char| c.is_alphanumeric() || c == '-';
    let mut start = text.len();
    for (at, c) in text.char_indices().rev().take(LABEL_MAX) {
        // A label is of one script: 请打开shop is shop.
        let last = text[start..].chars().next();
        if !is_label(c) || last.is_some_and(|last| last.is_ascii() != c.is_ascii()) {
            break;
        }
        start = at;
    }
    &text[start..]
}

fn starts_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '\''))
}
