//! When a visitor is handed over to a person, or leaves.
//!
//! What visitors write is matched against words and what stands around them. That is narrow on purpose: who asks for a person
//! in another way than these gets an answer of the robot, or none, and after a few of the latter the person.

mod bot_refusal;
mod chinese;
mod english;
mod word_list;

use serde::{Deserialize, Serialize};

use self::word_list::{LOOKBACK_MAX, WordList};
use crate::faq::normalize::{bare, clauses, ends_clause, is_han, normalize};

/// Why a visitor is handed over to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They asked for one.
    Keyword,
    /// The robot did not know the answer too often.
    Misses,
    /// They asked the same thing again and again.
    Repeated,
    /// The robot itself hands over.
    Robot,
    /// They replied `0` to a choice.
    Picked,
    /// The robot could not be reached, or not in time.
    Failed,
}

impl Reason {
    /// The number that Sobot's SDKs call `transferType`, where there is one that means the same: 1 repeated question, 3 keyword,
    /// 8 guided (a person picked from what the robot offered), 9 unknown, 11 a node of the robot's own script. Of Sobot's
    /// others, 2 negative emotion and 10 thumbs down are not told apart here, and a robot that fails has none.
    pub fn transfer_type(self) -> Option<u8> {
        match self {
            Self::Repeated => Some(1),
            Self::Keyword => Some(3),
            Self::Picked => Some(8),
            Self::Misses => Some(9),
            Self::Robot => Some(11),
            Self::Failed => None,
        }
    }
}

/// Whether a visitor asks for a person: 转人工, 找客服, 不要机器人, "talk to a human", or one of the binding's own words. Not if they say
/// that they want none (不要转人工, "no agent please"), not if another thing is meant (人工智能, 人工费, "cleaning agent"), and not
/// if they ask who they are talking to (你是人工吗). Width, case and traditional characters do not matter.
pub fn asks_for_person(text: &str, extra: &[String]) -> bool {
    let normalized = normalize(text);
    let mut clauses = clauses(&normalized).map(close_up).peekable();
    while let Some(clause) = clauses.next() {
        let mut is_declined = || clauses.peek().is_some_and(|next| chinese::declines(next));
        if (chinese::asks(&clause) || bot_refusal::asks(&clause) || english::asks(&clause)) && !is_declined() {
            return true;
        }
    }
    asks_by(&normalized, extra)
}

/// Whether one of these words is said and not refused.
fn asks_by(normalized: &str, extra: &[String]) -> bool {
    extra.iter().map(|word| normalize(word.trim())).filter(|word| !word.is_empty()).any(|word| {
        normalized.match_indices(&*word).take(LOOKBACK_MAX).any(|(at, _)| {
            let (before, after) = (&normalized[..at], &normalized[at + word.len()..]);
            let before = before.rsplit(ends_clause).next().unwrap_or_default();
            let after_clause = after.split(ends_clause).next().unwrap_or_default();
            let is_inside_of_a_word = continues(before.chars().next_back(), word.chars().next())
                || continues(word.chars().next_back(), after.chars().next());
            !is_inside_of_a_word
                && !chinese::refuses(&close_up(before), &close_up(after_clause))
                && !english::refuses(before)
        })
    })
}

/// Whether two characters that follow each other are of one word. Not ideographs: where their words end is not written.
fn continues(last: Option<char>, next: Option<char>) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_han(c));
    is_letter(last) && is_letter(next)
}

/// Without quotation marks and brackets, and without the spaces beside ideographs, which mean nothing.
fn close_up(clause: &str) -> String {
    let mut closed = String::with_capacity(clause.len());
    let parts = clause
        .split([' ', '"', '“', '”', '‘', '「', '」', '『', '』', '《', '》', '【', '】', '(', ')', '[', ']', '<', '>']);
    for part in parts.filter(|part| !part.is_empty()) {
        if closed.ends_with(|c| !is_han(c)) && !part.starts_with(is_han) {
            closed.push(' ');
        }
        closed.push_str(part);
    }
    closed
}

/// What visitors say who leave. Only when they say nothing else: 退出 is also a matter to ask about (怎么退出登录).
const FAREWELLS: WordList = WordList(
    "结束 结束会话 结束对话 结束聊天 结束咨询 结束服务 关闭会话 关闭对话 退出 退出会话 退出对话 退出聊天 退出咨询 退出客服 再见 再见啦 拜拜 拜拜啦 \
     bye byebye goodbye exit quit endchat endthechat endconversation endtheconversation endsession closechat closethechat",
);

/// Whether the visitor leaves by saying so, in nothing but these words: 结束会话, 退出, 再见, "bye", "end chat".
pub fn wants_to_end(text: &str) -> bool {
    FAREWELLS.contains(&bare(text))
}

/// At the end of a sentence these change its tone, not what is asked.
const TONES: [char; 14] = ['吗', '么', '呢', '啊', '吧', '呀', '哦', '嘛', '啦', '哈', '呗', '哎', '噢', '喔'];

/// Whether two texts ask the same: they differ in nothing but width, case, spaces, punctuation, emoji, or the particle at the end.
/// Texts without a letter or an ideograph ask nothing, and never the same.
pub fn same_question(a: &str, b: &str) -> bool {
    let (a, b) = (bare(a), bare(b));
    let (a, b) = (a.trim_end_matches(TONES), b.trim_end_matches(TONES));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_beside_ideographs_mean_nothing() {
        for (text, expected) in [
            ("不要 转 人工", "不要转人工"),
            ("talk to  a human", "talk to a human"),
            ("找 agent 吧", "找agent吧"),
            ("不要“人工”", "不要人工"),
            ("“a” [b]", "a b"),
            ("", ""),
        ] {
            assert_eq!(close_up(text), expected);
        }
    }
}
