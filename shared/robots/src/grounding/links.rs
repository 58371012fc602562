//! Links and list numbers in a text.

use std::collections::BTreeSet;

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// The text without list numbers that count up from 1, such as `1.`, `2、` and `3)`.
pub(super) fn without_list_numbers(text: &str) -> String {
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

/// The links of a text, and the text without them.
pub(super) fn links(text: &str) -> (BTreeSet<String>, String) {
    let beside = |c: char| !(c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+=%".contains(c));
    let (mut links, mut remains) = (BTreeSet::new(), String::with_capacity(text.len()));
    for run in text.split_inclusive(beside) {
        let part = run.trim_end_matches(beside);
        let link = part.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let scheme = link.find("://");
        let address = scheme.map_or(link, |at| &link[at + 3..]);
        if scheme.is_some() || has_host(address) {
            // With another scheme it is another address.
            let is_web = scheme.is_none_or(|at| is_scheme_of_the_web(&link[..at]));
            links.insert(if is_web { address.to_lowercase() } else { link.to_lowercase() });
            remains.push(' ');
        } else if part.contains("://") {
            // Its host is broken off by a character that no address has.
            links.insert(part.to_lowercase());
            remains.push(' ');
        } else {
            remains.push_str(part);
        }
        remains.push_str(&run[part.len()..]);
    }
    (links, remains)
}

/// Whether what stands before `://` ends with `http` or `https`, as in `url=https`.
fn is_scheme_of_the_web(before: &str) -> bool {
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+.-".contains(c)).next().unwrap_or_default();
    ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// Whether it begins with a host name or an e-mail address. The last label has letters only.
fn has_host(address: &str) -> bool {
    let host = address.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.rsplit_once('.').is_some_and(|(name, top)| {
        !name.is_empty() && top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}
