//! Analysis of a normalized text into terms.
//!
//! Words are segmented by UAX #29, which returns each ideograph as a word. Runs of ideographs become unigrams and bigrams,
//! which is common for Chinese retrieval (Lucene's `CJKBigramFilter`): most Chinese words have two characters, and a
//! misspelt word still shares its other characters. A dictionary segmenter such as jieba would be more precise, but it loads
//! about 350,000 words into a trie at startup, which would dominate the cold start of a function. Questions are so short
//! that bigrams find the same ones.

use std::{collections::HashMap, sync::LazyLock};

use unicode_segmentation::UnicodeSegmentation;

use super::{fuzzy::stem, normalize::is_han};

/// A term of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// A single gram.
    Unigram(Gram),
    /// Two adjacent grams.
    Bigram(Gram, Gram),
    /// A stemmed word of a script with spaces, or a number.
    Word(Box<str>),
}

/// An element of a run of ideographs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Gram {
    /// An ideograph.
    Character(char),
    /// A question word, in its canonical form.
    QuestionWord(&'static str),
}

/// The result of [`analyze`].
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// The terms in the order of the text, with duplicates.
    pub(super) list: Vec<Term>,
    /// The number of grams and words that the terms consist of.
    pub(super) units: usize,
    /// Whether the text contains a wish, a question word or a particle. Otherwise it only names a topic.
    pub(super) is_sentence: bool,
}

impl Term {
    /// The weight of the term before its rarity. A single ideograph weighs less than a bigram, which usually is a word; a
    /// question word weighs little. The values are tuned on the evaluation set, which is not sensitive to them.
    pub(super) fn weight(&self) -> f32 {
        match self {
            Self::Unigram(Gram::QuestionWord(_)) => Gram::QuestionWord("").weight(),
            Self::Unigram(unit) => 0.5 * unit.weight(),
            Self::Bigram(first, second) => first.weight() * second.weight(),
            Self::Word(word) if ENGLISH_QUESTION_WORDS.contains(&&**word) => Gram::QuestionWord("").weight(),
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

/// The treatment of a phrase.
#[derive(Debug, Clone, Copy)]
enum Treatment {
    /// A question word with this canonical form.
    QuestionWord(&'static str),
    /// A synonym or a spelling variant of this word.
    Synonym(&'static str),
    /// A word that is kept although a part of it is another phrase.
    WholeWord,
    /// A filler of a sentence. It is removed.
    Filler,
    /// A phrase of politeness. It is removed and does not make the text a sentence.
    Politeness,
}

/// Question words: the canonical form and its variants.
const QUESTION_WORDS: &[(&str, &str)] = &[
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

/// Synonyms that are common to all shops, and misspellings that input methods produce. Synonyms of one trade belong to the
/// variants of a question.
const SYNONYMS: &[(&str, &str)] = &[
    ("账号", "账户"),
    ("付款", "支付"),
    ("运费", "邮费 快递费"),
    ("优惠券", "优惠卷"),
    ("订单", "定单"),
    ("不能用", "用不了"),
    ("退款", "退钱"),
];

/// Words that contain 能 but not in the sense of 可以, and 支付宝, which contains 支付.
const WHOLE_WORDS: &str = "功能 性能 智能 可能 支付宝";
const FILLERS: &str = "我想 我要 想要 想问 想知道 问一下 问下 一下 帮忙 帮我 给我 你们 我们 有没有 是不是 会不会";
const POLITENESS: &str = "请问 你好 您好 麻烦 谢谢 亲 亲亲 在吗 在不在 不好意思 打扰一下 打扰了";

/// Particles, pronouns and copulas. They are removed.
const PARTICLES: &str = "的了吗呢啊吧呀哦嘛啦哈呗哎嗯噢喔么哟呃嘞咯我你您他她它们这那个请就也都把被是";
/// Auxiliary verbs and negations. They have a low weight but are kept, because they can be the only words beside a noun
/// (还有货吗).
const AUXILIARIES: &str = "有不没会要还想";

const ENGLISH_QUESTION_WORDS: &[&str] = &["how", "when", "where", "which", "what", "why", "who"];
const ENGLISH_FILLERS: &[&str] = &[
    "a", "an", "the", "i", "my", "me", "we", "you", "u", "your", "it", "this", "that", "is", "are", "am", "be", "do",
    "does", "did", "to", "of", "for", "on", "in", "at", "can", "could", "will", "would", "should", "please", "pls",
    "get", "need", "want", "there", "im", "id", "its",
];

static PHRASES: LazyLock<HashMap<char, Vec<(&'static str, Treatment)>>> = LazyLock::new(|| {
    let words = |list: &'static str| list.split_whitespace();
    let questions = QUESTION_WORDS
        .iter()
        .flat_map(|&(one, all)| words(all).map(move |phrase| (phrase, Treatment::QuestionWord(one))));
    let synonyms =
        SYNONYMS.iter().flat_map(|&(one, all)| words(all).map(move |phrase| (phrase, Treatment::Synonym(one))));
    let whole = words(WHOLE_WORDS).map(|phrase| (phrase, Treatment::WholeWord));
    let fillers = words(FILLERS).map(|phrase| (phrase, Treatment::Filler));
    let politeness = words(POLITENESS).map(|phrase| (phrase, Treatment::Politeness));
    let mut phrases: HashMap<char, Vec<_>> = HashMap::new();
    for (phrase, treatment) in questions.chain(synonyms).chain(whole).chain(fillers).chain(politeness) {
        let first = phrase.chars().next().unwrap_or_default();
        phrases.entry(first).or_default().push((phrase, treatment));
    }
    for list in phrases.values_mut() {
        // The longest phrase wins: 什么时候, not 什么.
        list.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    }
    phrases
});

/// Analyzes a normalized text.
pub(super) fn analyze(normalized: &str) -> Analysis {
    let mut analysis = Analysis::default();
    let mut words = normalized.unicode_word_indices().peekable();
    while let Some((start, word)) = words.next() {
        if !word.starts_with(is_han) {
            analysis.add_word(word);
            continue;
        }
        let mut end = start + word.len();
        while let Some((_, word)) = words.next_if(|&(next, word)| next == end && word.starts_with(is_han)) {
            end += word.len();
        }
        analysis.add_run(&normalized[start..end]);
    }
    analysis
}

impl Analysis {
    fn add_run(&mut self, run: &str) {
        self.add_phrases(run, &mut None);
    }

    fn add_phrases(&mut self, run: &str, last: &mut Option<Gram>) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let known = PHRASES.get(&first).and_then(|list| list.iter().find(|(phrase, _)| rest.starts_with(phrase)));
            let (phrase, treatment) =
                known.map_or((first.len_utf8(), None), |&(phrase, treatment)| (phrase.len(), Some(treatment)));
            let (phrase, after) = rest.split_at(phrase);
            rest = after;
            match treatment {
                Some(Treatment::QuestionWord(ask)) => {
                    self.is_sentence = true;
                    self.add_unit(last, Gram::QuestionWord(ask));
                }
                Some(Treatment::Synonym(same)) => self.add_phrases(same, last),
                Some(Treatment::WholeWord) => phrase.chars().for_each(|c| self.add_unit(last, Gram::Character(c))),
                Some(Treatment::Filler) => {
                    self.is_sentence = true;
                    *last = None;
                }
                Some(Treatment::Politeness) => *last = None,
                // A particle does not end a bigram, because it often stands within a phrase.
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
            self.is_sentence |= ENGLISH_QUESTION_WORDS.contains(&&*word);
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
    fn ideographs_become_unigrams_and_bigrams() {
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
    fn synonyms_have_same_terms() {
        for (one, other) in
            SYNONYMS.iter().chain(QUESTION_WORDS).flat_map(|(one, all)| all.split(' ').map(move |other| (*one, other)))
        {
            assert_eq!(shown(one), shown(other));
        }
        for word in WHOLE_WORDS.split(' ') {
            assert!(shown(word).iter().all(|term| word.contains(term)), "{word}");
        }
    }

    #[test]
    fn text_without_wish_question_or_particle_is_topic() {
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
