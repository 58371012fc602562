//! Spellings of requests other than characters in a row: characters with marks between them (转·人·工), pinyin (zhuan rengong),
//! initials (转rg), and characters that input methods confuse (转人供).

use super::{remove_insignificant, word_list::WordList};
use crate::faq::normalize::{ends_clause, is_han};

/// The longest pinyin that is read, in letters.
const PINYIN_MAX: usize = 64;
/// Pinyin of the words of a request. It is read only where it has a person.
const PINYIN: &str = "rengong=人工 renggong=人工 kefu=客服 zhenren=真人 huoren=活人 jingli=经理 zhuan=转 zhuanjie=转接 jie=接 zhao=找 jiao=叫 huan=换 \
     lianxi=联系 wo=我 yao=要 xiang=想 qing=请 qingwen=请问 bang=帮 gei=给 you=有 meiyou=没有 mei=没 ma=吗 ne=呢 a=啊 ba=吧 nihao=你好 ni=你 nimen=你们 \
     men=们 de=的 bu=不 buyao=不要 buyong=不用 bie=别 yong=用 xuyao=需要 kuai=快 mafan=麻烦 keyi=可以 neng=能 lai=来 ge=个 yige=一个 fuwu=服务 \
     zaina=在哪 nali=哪里 zai=在 na=哪 zenme=怎么 xiexie=谢谢 he=和 gen=跟 shuo=说 liao=聊 jiqiren=机器人 shi=是 le=了 jiushi=就是";
const PERSONS_IN_PINYIN: [&str; 6] = ["rengong", "renggong", "kefu", "zhenren", "huoren", "jingli"];
/// Verbs of a request before a person.
const VERBS: WordList = WordList("转 转接 找 要 接 换 叫 来 个 到 给 联系");

/// Spellings that are mistaken for a person.
const TYPOS: &[(&str, &str)] = &[
    ("人工", "人供 人公 人攻 人功 人宫 人弓 人共 人贡 人龚 仁工 任工 认工 壬工 忍工 人エ 人gong 人gon ren工"),
    ("客服", "克服 客福 客付 客复 克福 可服 课服 客扶 客户服"),
];
/// What follows a mistaken person.
const AFTER_TYPO: WordList = WordList("客服 克服 服务 吧 啊 呢 了 谢谢 吗 么 呀 处理 坐席 在吗 快");
/// Homophones of 转.
const LIKE_ZHUAN: [char; 6] = ['专', '传', '砖', '赚', '撰', '钻'];

/// The clauses of a normalized text. Single ideographs with the same mark between them are one clause.
pub(super) fn clauses(normalized: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    // The mark between single ideographs of the last clause.
    let mut mark = None;
    for part in normalized.split_inclusive(ends_clause) {
        let text = part.trim_end_matches(ends_clause);
        let end = part[text.len()..].chars().next();
        let clause = remove_insignificant(text.trim());
        if clause.is_empty() {
            mark = None;
            continue;
        }
        let is_single = clause.chars().count() == 1 && clause.starts_with(is_han);
        let is_next = |last: &String, mark| {
            // 好。转人工 has two sentences; of 转·人·工。 the last mark differs.
            let is_sentence = "。.!?\n".contains(mark) && last.chars().count() == 1;
            is_single && (!is_sentence || end.is_none_or(|end| end == mark))
        };
        match (clauses.last_mut(), mark) {
            (Some(last), Some(mark)) if is_next(last, mark) => last.push_str(&clause),
            _ => clauses.push(clause),
        }
        mark = end.filter(|_| is_single);
    }
    clauses.iter().map(|clause| corrected(clause)).collect()
}

fn corrected(clause: &str) -> String {
    let clause = from_pinyin(clause);
    let clause = from_initials(&clause);
    without_typos(&clause)
}

/// Replaces pinyin that has a person.
fn from_pinyin(clause: &str) -> String {
    let letters: String = clause.chars().filter(|c| *c != ' ').collect();
    if !PERSONS_IN_PINYIN.iter().any(|person| letters.contains(person)) {
        return clause.to_owned();
    }
    let mut text = String::with_capacity(clause.len());
    let mut rest = clause;
    while !rest.is_empty() {
        let other = rest.find(|c: char| c.is_ascii_lowercase()).unwrap_or(rest.len());
        let (before, run) = rest.split_at(other);
        let (run, after) = run.split_at(run.find(|c: char| !c.is_ascii_lowercase() && c != ' ').unwrap_or(run.len()));
        text.push_str(before);
        text.push_str(&read_run(run).unwrap_or_else(|| run.to_owned()));
        rest = after;
    }
    text
}

/// The longest part of a run of Latin words that is pinyin with a person, in characters, without the other words but courtesies.
fn read_run(run: &str) -> Option<String> {
    let words: Vec<_> = run.split(' ').filter(|word| !word.is_empty()).take(16).collect();
    let parts = (1..=words.len()).rev().flat_map(|length| words.windows(length));
    parts.map(<[_]>::concat).find_map(|letters| {
        let has_person = PERSONS_IN_PINYIN.iter().any(|person| letters.contains(person));
        if has_person && letters.len() <= PINYIN_MAX { read(&letters) } else { None }
    })
}

/// The characters of pinyin without spaces, if all of it can be read.
fn read(letters: &str) -> Option<String> {
    let mut read: Vec<Option<String>> = vec![None; letters.len() + 1];
    read[0] = Some(String::new());
    for at in 0..letters.len() {
        let Some(before) = read[at].clone() else { continue };
        for (pinyin, word) in PINYIN.split_whitespace().filter_map(|entry| entry.split_once('=')) {
            if letters[at..].starts_with(pinyin) {
                // The first reading of a place starts earliest, so its last word is the longest.
                read[at + pinyin.len()].get_or_insert_with(|| format!("{before}{word}"));
            }
        }
    }
    read.pop().flatten()
}

/// Replaces the initials `rg` and `kf` after a verb of a request.
fn from_initials(clause: &str) -> String {
    for (initials, person) in [("rg", "人工"), ("kf", "客服")] {
        let replaced = clause.strip_suffix(initials).filter(|before| VERBS.ends(before.trim_end()));
        if let Some(before) = replaced {
            return format!("{}{person}", before.trim_end());
        }
    }
    clause.to_owned()
}

/// Replaces characters that are mistaken for a person or for 转.
fn without_typos(clause: &str) -> String {
    let mut text = clause.to_owned();
    for &(person, typos) in TYPOS {
        for typo in typos.split(' ') {
            let Some((before, after)) = text.split_once(typo) else { continue };
            let is_called =
                VERBS.ends(before) || before.ends_with("人工") || LIKE_ZHUAN.iter().any(|c| before.ends_with(*c));
            // 我要克服困难.
            let is_other = person == "客服" && before.ends_with('要');
            if is_called && !is_other && (after.is_empty() || AFTER_TYPO.starts(after)) {
                text = format!("{before}{person}{after}");
            }
        }
    }
    if let Some((before, after)) = text.split_once("人工") {
        let like = before.chars().next_back().filter(|c| LIKE_ZHUAN.contains(c));
        let rest = like.map_or(before, |c| &before[..before.len() - c.len_utf8()]);
        if like.is_some()
            && super::evidence::is_filler(rest)
            && super::word_borders::stands_alone(before, "人工", after)
        {
            return format!("{rest}转人工{after}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_become_characters() {
        for (text, expected) in [
            ("转·人·工", "转人工"),
            ("人。工", "人工"),
            ("zhuan ren gong", "转人工"),
            ("woyaozhuanrengongkefu", "我要转人工客服"),
            ("please rengong", "人工"),
            ("转 kefu", "转客服"),
            ("我要转rg", "我要转人工"),
            ("转人供", "转人工"),
            ("人工克服", "人工客服"),
            ("请砖人工", "请转人工"),
        ] {
            assert_eq!(clauses(text), [expected], "{text}");
        }
        for text in ["我要克服困难", "kf94口罩", "专人工作服", "找人公开道歉", "kefux", "a human"] {
            assert_eq!(clauses(text), [text]);
        }
        assert_eq!(clauses("好。转·人·工。谢谢"), ["好", "转人工", "谢谢"]);
        assert_eq!(clauses(&"kefu".repeat(40)), ["kefu".repeat(40)]);
    }
}
