//! Telephone numbers and accounts of messengers, also in Chinese digits (一三八零零…).

/// The least number of digits of a telephone number or account.
const DIGITS_MIN: usize = 5;
/// Words before an account.
const MESSENGERS: [&str; 24] = [
    "微信",
    "weixin",
    "wechat",
    "薇信",
    "威信",
    "v信",
    "vx",
    "wx",
    "qq",
    "扣扣",
    "企鹅号",
    "电话",
    "手机",
    "热线",
    "座机",
    "telegram",
    "whatsapp",
    "line",
    "skype",
    "抖音号",
    "快手号",
    "支付宝账号",
    "tel",
    "phone",
];
/// Words between a messenger and the account.
const BETWEEN: [&str; 16] =
    ["号码", "账号", "帐号", "号", "客服", "id", "是", "为", "：", ":", "搜索", "搜", "加", "联系", " ", "群"];
/// Invitations to talk elsewhere.
const INVITATIONS: [&str; 14] = [
    "加我微信",
    "加微信",
    "加我qq",
    "加qq",
    "加我v",
    "加vx",
    "加wx",
    "私人微信",
    "私加",
    "私下转",
    "私下联系",
    "add me on",
    "加我的微信",
    "加个微信",
];

/// Whether the sources have each contact of the answer. Both are in lower case and in half width.
pub(super) fn are_supported(answer: &str, sources: &str) -> bool {
    let known = digits_only(sources);
    let numbers = numbers(answer).iter().all(|number| known.contains(number));
    numbers
        && accounts(answer).all(|account| sources.contains(account))
        && INVITATIONS.iter().all(|invitation| !answer.contains(invitation) || sources.contains(invitation))
}

/// The value of a digit in any spelling that is used for contacts.
fn digit(c: char) -> Option<char> {
    const SPELLINGS: [&str; 10] = [
        "零〇○洞",
        "一壹幺①㊀",
        "二贰两②㊁",
        "三叁③㊂",
        "四肆④㊃",
        "五伍⑤㊄",
        "六陆⑥㊅",
        "七柒拐⑦㊆",
        "八捌⑧㊇",
        "九玖勾⑨㊈",
    ];
    if c.is_ascii_digit() {
        return Some(c);
    }
    ('0'..='9').zip(SPELLINGS).find(|(_, all)| all.contains(c)).map(|(digit, _)| digit)
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '_' | '·' | '、' | '—' | '/' | '\u{a0}')
}

/// The runs of at least [`DIGITS_MIN`] digits that are not in ASCII digits alone, which `numbers` compares, or have separators.
fn numbers(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    let (mut run, mut is_plain, mut gap) = (String::new(), true, false);
    // The lengths of the groups between separators.
    let mut groups = vec![0];
    for c in text.chars().chain(['\n']) {
        if let Some(value) = digit(c) {
            if gap {
                groups.push(0);
            }
            if let Some(group) = groups.last_mut() {
                *group += 1;
            }
            is_plain &= c.is_ascii_digit() && !(gap && run.len() > 2);
            run.push(value);
            gap = false;
        } else if is_separator(c) && !gap && !run.is_empty() {
            gap = true;
        } else {
            if run.len() >= DIGITS_MIN && !is_plain && !has_steps(&run) && !is_date(&groups) {
                numbers.push(std::mem::take(&mut run));
            }
            run.clear();
            groups = vec![0];
            (is_plain, gap) = (true, false);
        }
    }
    numbers
}

/// Whether the groups are those of a date: 2026.10.01. `numbers` compares their values.
fn is_date(groups: &[usize]) -> bool {
    matches!(groups, [4, 1 | 2] | [4, 1 | 2, 1 | 2])
}

/// Whether the digits count up, as list numbers do: ①②③④⑤.
fn has_steps(run: &str) -> bool {
    run.as_bytes().windows(2).all(|pair| pair[1] == pair[0] + 1)
}

fn digits_only(text: &str) -> String {
    text.chars().filter(|c| !is_separator(*c)).map(|c| digit(c).unwrap_or('|')).collect()
}

/// The accounts after the name of a messenger.
fn accounts(text: &str) -> impl Iterator<Item = &str> {
    MESSENGERS.iter().flat_map(|name| text.match_indices(name)).filter_map(|(at, name)| {
        let before = &text[..at];
        if name.is_ascii() && before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let mut rest = &text[at + name.len()..];
        let mut is_named = false;
        while let Some(shorter) = BETWEEN.iter().find_map(|word| rest.strip_prefix(word)) {
            is_named |= !rest.starts_with(' ');
            rest = shorter;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let account = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let is_account = account.contains(|c: char| c.is_ascii_digit() || c == '_') || is_named && !name.is_ascii();
        (account.len() >= DIGITS_MIN && is_account).then_some(account)
    })
}
