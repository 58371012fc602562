//! Whether a visitor asks for a person, ends the conversation, or repeats a question.
//!
//! Texts are matched against word lists and the words around a match. The rules prefer precision: a visitor who asks for a
//! person in an unknown wording gets an answer from the robot, and is handed over after a few turns without an answer
//! ([`HandoverRules`](crate::settings::HandoverRules)). The lists are tested on the phrases in `tests/handover`.
//!
//! | Module | Recognizes |
//! |---|---|
//! | `spelling` | – (pinyin, marks between characters and mistaken characters become words) |
//! | `word_borders` | – (whether a noun is a word: not 人工 in 工人工资) |
//! | `chinese` | requests for a person in Chinese |
//! | `evidence` | – (whether 人工 and 真人, which have other meanings, are asked for) |
//! | `about` | – (talk about people that asks for none) |
//! | `negation` | – (refusals of a person in Chinese) |
//! | `english`, `english_offers` | the same in English |
//! | `bot_refusal` | Chinese requests that refuse a bot, or ask to talk with people |
//! | `word_list` | – (the word lists' type) |

mod about;
mod bot_refusal;
mod chinese;
mod english;
mod english_offers;
mod evidence;
mod negation;
mod spelling;
mod word_borders;
mod word_list;

use serde::{Deserialize, Serialize};

use self::word_list::{LOOKBACK_MAX, WordList};
use crate::faq::normalize::{bare, ends_clause, is_han, normalize, without_pictures};

/// The reason for a handover to a person. `keyword`: the visitor asked for a person; `misses`: too many consecutive turns
/// had no answer; `repeated`: the visitor repeated the same question; `robot`: the robot requested it; `picked`: the
/// visitor replied `0` to a choice; `failed`: the robot failed or did not answer in time; `person`: an admin or another
/// system wrote to the visitor; `limited`: the visitor has had as many robot turns in an hour as the settings allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HandoverReason))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The visitor asked for a person.
    Keyword,
    /// Too many consecutive turns had no answer.
    Misses,
    /// The visitor repeated the same question.
    Repeated,
    /// The robot requested the handover.
    Robot,
    /// The visitor replied `0` to a choice.
    Picked,
    /// The robot failed or did not answer in time.
    Failed,
    /// An admin or another system wrote to the visitor.
    Person,
    /// The visitor has had as many robot turns in an hour as the settings allow.
    Limited,
}

/// Whether a visitor asks for a person: 转人工, 找客服, 不要机器人, "talk to a human", or one of the binding's `keywords`.
///
/// A negated request (不要转人工, 可以不转人工吗, "no agent please"), a word with another meaning (人工智能, 含人工吗, "cleaning agent"),
/// a part of other words (工人工资), and talk about people (你是人工吗, 昨天找过人工, 退货需要联系客服吗) do not count. Width, case,
/// traditional characters, emoji, pinyin and common typing errors do not matter.
pub fn asks_for_person(text: &str, keywords: &[String]) -> bool {
    let normalized = normalize(text);
    let clauses = spelling::clauses(&without_pictures(&normalized));
    let nexts = clauses.iter().skip(1).map(Some).chain([None]);
    let is_asked = clauses.iter().zip(nexts).any(|(clause, next)| {
        let asks = chinese::asks(clause) || bot_refusal::asks(clause) || english::asks(clause);
        asks && !next.is_some_and(|next| negation::declines(next))
    });
    is_asked || asks_by_keyword(&normalized, keywords)
}

/// Whether the text contains one of the keywords without a negation.
fn asks_by_keyword(normalized: &str, keywords: &[String]) -> bool {
    keywords.iter().map(|word| normalize(word.trim())).filter(|word| !word.is_empty()).any(|word| {
        normalized.match_indices(&*word).take(LOOKBACK_MAX).any(|(at, _)| {
            let (before, after) = (&normalized[..at], &normalized[at + word.len()..]);
            let before = before.rsplit(ends_clause).next().unwrap_or_default();
            let after_clause = after.split(ends_clause).next().unwrap_or_default();
            let is_inside_of_a_word = continues(before.chars().next_back(), word.chars().next())
                || continues(word.chars().next_back(), after.chars().next());
            !is_inside_of_a_word
                && !negation::refuses(&remove_insignificant(before), &remove_insignificant(after_clause))
                && !english::refuses(before)
        })
    })
}

/// Whether two adjacent characters belong to one word. Never true of ideographs, whose words have no visible ends.
fn continues(last: Option<char>, next: Option<char>) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_han(c));
    is_letter(last) && is_letter(next)
}

/// Removes quotation marks, brackets, and the spaces beside ideographs.
fn remove_insignificant(clause: &str) -> String {
    let mut closed = String::with_capacity(clause.len());
    let parts = clause.split([
        ' ', '/', '_', '|', '*', '-', '+', '"', '“', '”', '‘', '「', '」', '『', '』', '《', '》', '【', '】', '(',
        ')', '[', ']', '<', '>',
    ]);
    for part in parts.filter(|part| !part.is_empty()) {
        if closed.ends_with(|c| !is_han(c)) && !part.starts_with(is_han) {
            closed.push(' ');
        }
        closed.push_str(part);
    }
    closed
}

/// Farewells. They count only as the whole text, because 退出 is also the topic of a question (怎么退出登录).
const FAREWELLS: WordList = WordList(
    "结束 结束会话 结束对话 结束聊天 结束咨询 结束服务 关闭会话 关闭对话 退出 退出会话 退出对话 退出聊天 退出咨询 退出客服 再见 再见啦 拜拜 拜拜啦 \
     bye byebye goodbye exit quit endchat endthechat endconversation endtheconversation endsession closechat closethechat",
);

/// Whether the visitor ends the conversation: the whole text is a farewell such as 结束会话, 退出, 再见, "bye", "end chat".
pub fn wants_to_end(text: &str) -> bool {
    FAREWELLS.contains(&bare(text))
}

/// Particles that change the tone of a question but not its content.
const TONE_PARTICLES: [char; 14] = ['吗', '么', '呢', '啊', '吧', '呀', '哦', '嘛', '啦', '哈', '呗', '哎', '噢', '喔'];

/// Whether two texts ask the same question, that is they differ only in width, case, spaces, punctuation, emoji, or
/// particles at the end. Texts without letters, digits and ideographs are never the same question.
pub fn same_question(a: &str, b: &str) -> bool {
    let (a, b) = (bare(a), bare(b));
    let (a, b) = (a.trim_end_matches(TONE_PARTICLES), b.trim_end_matches(TONE_PARTICLES));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_brackets_and_spaces_beside_ideographs_are_removed() {
        for (text, expected) in [
            ("不要 转 人工", "不要转人工"),
            ("talk to  a human", "talk to a human"),
            ("找 agent 吧", "找agent吧"),
            ("不要“人工”", "不要人工"),
            ("“a” [b]", "a b"),
            ("", ""),
        ] {
            assert_eq!(remove_insignificant(text), expected);
        }
    }
}
