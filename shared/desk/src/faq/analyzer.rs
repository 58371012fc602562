//! What a question is made of, for the purpose of finding it.
//!
//! Words are those of UAX #29, which knows no Chinese words: each ideograph is one of its own. In place of a dictionary, runs
//! of ideographs are taken character by character and pair by pair, as is usual in searching Chinese: a pair is nearly always a
//! word or the seam of two, and a misspelt word still shares its other characters. A segmenter such as jieba would be more
//! exact, but it builds some 350,000 dictionary words into a trie before the first answer. A function that has just been started
//! would spend longer on that than on everything else, and questions are so short that pairs find the same ones.

use std::{collections::HashMap, sync::LazyLock};

use unicode_segmentation::UnicodeSegmentation;

use super::{fuzzy::stem, normalize::is_han};

/// One thing that two questions can have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// An ideograph, or a phrase that stands for one notion.
    Unigram(Gram),
    /// Two that follow each other.
    Bigram(Gram, Gram),
    /// A word of a script with spaces, or a number.
    Word(Box<str>),
}

/// What a run of ideographs is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Gram {
    /// An ideograph.
    Character(char),
    /// A question word, by the one writing that stands for all.
    QuestionWord(&'static str),
}

/// What is in a text.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// In the order of the text, and as often as they are in it.
    pub(super) list: Vec<Term>,
    /// How many ideographs and words they are made from.
    pub(super) units: usize,
    /// Something said what the visitor wants: a wish, a question word, a particle. Without it the text is but a topic.
    pub(super) is_sentence: bool,
}

impl Term {
    /// How much the term says if all are equally rare. Of an ideograph alone less than of a pair, which makes a word of it; of a
    /// question word little, for every second question has it. Chosen on the evaluation set, where nothing is sensitive to them.
    pub(super) fn weight(&self) -> f32 {
        match self {
            Self::Unigram(Gram::QuestionWord(_)) => Gram::QuestionWord("").weight(),
            Self::Unigram(unit) => 0.5 * unit.weight(),
            Self::Bigram(first, second) => first.weight() * second.weight(),
            Self::Word(word) if ENGLISH_ASKS.contains(&&**word) => Gram::QuestionWord("").weight(),
            Self::Word(_) => 1.0,
        }
    }
}

impl Gram {
    fn weight(self) -> f32 {
        match self {
            Self::QuestionWord(_) => 0.3,
            Self::Character(c) if AUXILIARIES.contains(c) => 0.5,
            Self::Character(_) => 1.0,
        }
    }
}

/// What a phrase is replaced by.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// A question word.
    QuestionWord(&'static str),
    /// Another writing, or another word, for this.
    Synonym(&'static str),
    /// Itself, although a part of it has another meaning.
    WholeWord,
    /// Words around the matter that everybody uses.
    Filler,
    /// Words of politeness: not even a sentence.
    Politeness,
}

const ASKS: &[(&str, &str)] = &[
    ("怎么", "怎么 怎样 如何 咋 咋个"),
    ("怎么样", "怎么样 咋样"),
    ("什么", "什么 啥 甚么"),
    ("什么时候", "什么时候 啥时候 啥时 何时 几时 什么时间 甚么时候"),
    ("多久", "多久 多长时间 多少时间 多少天 几天"),
    ("多少", "多少"),
    ("哪里", "哪里 哪儿 在哪 在哪里 在哪儿 哪边"),
    ("哪", "哪"),
    ("为什么", "为什么 为啥 为何"),
    ("可以", "可以 能 能不能 可不可以 可以不可以 能否 可否 是否可以"),
];

/// Two names for one thing which most shops' visitors use alike, and the misspellings that input methods make of them. Whatever
/// belongs to one trade is for the variants of a question.
const SAMES: &[(&str, &str)] = &[
    ("账号", "账户"),
    ("付款", "支付"),
    ("运费", "邮费 快递费"),
    ("优惠券", "优惠卷"),
    ("订单", "定单"),
    ("不能用", "用不了"),
    ("退款", "退钱"),
];

/// Not 能 in the sense of 可以, and not 支付.
const WORDS: &str = "功能 性能 智能 可能 支付宝";
const FILLERS: &str = "我想 我要 想要 想问 想知道 问一下 问下 一下 帮忙 帮我 给我 你们 我们 有没有 是不是 会不会";
const COURTESIES: &str = "请问 你好 您好 麻烦 谢谢 亲 亲亲 在吗 在不在 不好意思 打扰一下 打扰了";

/// Particles, pronouns and copulas.
const PARTICLES: &str = "的了吗呢啊吧呀哦嘛啦哈呗哎嗯噢喔么哟呃嘞咯我你您他她它们这那个请就也都把被是";
/// Auxiliary verbs and negations: they say little, yet more than nothing (还有货吗).
const AUXILIARIES: &str = "有不没会要还想";

const ENGLISH_ASKS: &[&str] = &["how", "when", "where", "which", "what", "why", "who"];
const ENGLISH_FILLERS: &[&str] = &[
    "a", "an", "the", "i", "my", "me", "we", "you", "u", "your", "it", "this", "that", "is", "are", "am", "be", "do",
    "does", "did", "to", "of", "for", "on", "in", "at", "can", "could", "will", "would", "should", "please", "pls",
    "get", "need", "want", "there", "im", "id", "its",
];

static PHRASES: LazyLock<HashMap<char, Vec<(&'static str, Meaning)>>> = LazyLock::new(|| {
    let words = |list: &'static str| list.split_whitespace();
    let asks = ASKS.iter().flat_map(|&(one, all)| words(all).map(move |phrase| (phrase, Meaning::QuestionWord(one))));
    let sames = SAMES.iter().flat_map(|&(one, all)| words(all).map(move |phrase| (phrase, Meaning::Synonym(one))));
    let whole = words(WORDS).map(|phrase| (phrase, Meaning::WholeWord));
    let fillers = words(FILLERS).map(|phrase| (phrase, Meaning::Filler));
    let courtesies = words(COURTESIES).map(|phrase| (phrase, Meaning::Politeness));
    let mut phrases: HashMap<char, Vec<_>> = HashMap::new();
    for (phrase, meaning) in asks.chain(sames).chain(whole).chain(fillers).chain(courtesies) {
        let first = phrase.chars().next().unwrap_or_default();
        phrases.entry(first).or_default().push((phrase, meaning));
    }
    for list in phrases.values_mut() {
        // The longest that fits is meant: 什么时候 and not 什么.
        list.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    }
    phrases
});

/// The terms of a normalized text.
pub(super) fn analyze(normalized: &str) -> Analysis {
    let mut terms = Analysis::default();
    let mut words = normalized.unicode_word_indices().peekable();
    while let Some((start, word)) = words.next() {
        if !word.starts_with(is_han) {
            terms.add_word(word);
            continue;
        }
        let mut end = start + word.len();
        while let Some((_, word)) = words.next_if(|&(next, word)| next == end && word.starts_with(is_han)) {
            end += word.len();
        }
        terms.add_run(&normalized[start..end]);
    }
    terms
}

impl Analysis {
    fn add_run(&mut self, run: &str) {
        self.add_phrases(run, &mut None);
    }

    fn add_phrases(&mut self, run: &str, last: &mut Option<Gram>) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let known = PHRASES.get(&first).and_then(|list| list.iter().find(|(phrase, _)| rest.starts_with(phrase)));
            let (phrase, meaning) =
                known.map_or((first.len_utf8(), None), |&(phrase, meaning)| (phrase.len(), Some(meaning)));
            let (phrase, after) = rest.split_at(phrase);
            rest = after;
            match meaning {
                Some(Meaning::QuestionWord(ask)) => {
                    self.is_sentence = true;
                    self.add_unit(last, Gram::QuestionWord(ask));
                }
                Some(Meaning::Synonym(same)) => self.add_phrases(same, last),
                Some(Meaning::WholeWord) => phrase.chars().for_each(|c| self.add_unit(last, Gram::Character(c))),
                Some(Meaning::Filler) => {
                    self.is_sentence = true;
                    *last = None;
                }
                Some(Meaning::Politeness) => *last = None,
                // A particle stands between two words that belong together more often than it parts them.
                None if PARTICLES.contains(first) => self.is_sentence = true,
                None => self.add_unit(last, Gram::Character(first)),
            }
        }
    }

    fn add_unit(&mut self, last: &mut Option<Gram>, unit: Gram) {
        self.units += 1;
        self.list.push(Term::Unigram(unit));
        if let Some(last) = last.replace(unit) {
            self.list.push(Term::Bigram(last, unit));
        }
    }

    fn add_word(&mut self, word: &str) {
        let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if ENGLISH_FILLERS.contains(&&*word) {
            self.is_sentence = true;
        } else if !word.is_empty() {
            self.is_sentence |= ENGLISH_ASKS.contains(&&*word);
            self.units += 1;
            self.list.push(Term::Word(stem(&word).into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faq::normalize::normalize;

    fn shown(text: &str) -> Vec<String> {
        let show = |unit: Gram| match unit {
            Gram::Character(c) => c.to_string(),
            Gram::QuestionWord(ask) => format!("<{ask}>"),
        };
        analyze(&normalize(text))
            .list
            .into_iter()
            .map(|term| match term {
                Term::Unigram(unit) => show(unit),
                Term::Bigram(first, second) => show(first) + &show(second),
                Term::Word(word) => word.into(),
            })
            .collect()
    }

    #[test]
    fn runs_are_taken_by_character_and_pair() {
        assert_eq!(shown("退货"), ["退", "货", "退货"]);
        assert_eq!(shown("请问怎么退货呢？"), ["<怎么>", "退", "<怎么>退", "货", "退货"]);
        assert_eq!(shown("如何退貨"), shown("怎么退货"));
        assert_eq!(shown("啥时候发"), shown("什么时候发"));
        assert_eq!(shown("我的订单"), ["订", "单", "订单"]);
        assert_eq!(shown("M码，L码"), ["m", "码", "l", "码"], "no pair across punctuation");
        assert_eq!(shown("Do you ship overseas?"), ["ship", "oversea"]);
        assert_eq!(shown("你好，请问"), Vec::<String>::new());
    }

    #[test]
    fn two_names_of_a_thing_are_one() {
        for (one, other) in
            SAMES.iter().chain(ASKS).flat_map(|(one, all)| all.split(' ').map(move |other| (*one, other)))
        {
            assert_eq!(shown(one), shown(other));
        }
        for word in WORDS.split(' ') {
            assert!(shown(word).iter().all(|term| word.contains(term)), "{word}");
        }
    }

    #[test]
    fn a_topic_is_told_from_a_sentence() {
        for (text, expected) in [
            ("发票", false),
            ("你好，发票", false),
            ("invoice", false),
            ("我要发票", true),
            ("发票呢", true),
            ("怎么开票", true),
        ] {
            assert_eq!(analyze(&normalize(text)).is_sentence, expected, "{text}");
        }
    }
}
