//! How much content an answer has in common with its sources.

use desk::{
    faq::{Coverage, TermSet},
    numerals::is_numeral,
};

use super::{
    numbers::numbers,
    translation::{is_stop_word, translations},
};

/// The minimum share of an answer's content that its sources contain, without courtesies.
const ANSWER_MIN: f32 = 0.22;
/// The minimum share of each part, so that an unrelated part fails next to a supported one.
const PART_MIN: f32 = 0.1;
/// The weight below which a part is not checked alone.
const PART_WEIGHT_MIN: f32 = 6.0;
/// The minimum weight in common, so that a bare yes is not supported by any source.
const COMMON_MIN: f32 = 0.5;

/// Courtesies around an answer. They need no support and give none.
const COURTESIES: &str = "\
    您好 你好 亲爱的 尊敬的 顾客 客户 用户 朋友 亲亲 亲 很高兴 高兴 为您服务 为您解答 为您 给您 帮您 感谢 谢谢 咨询 提问 耐心 等待 等候 支持与理解 \
    请问 还有 其他 其它 疑问 问题 需要 帮助 帮到您 帮忙 随时 欢迎 联系我们 联系 告诉我们 告诉我 告知 放心 别担心 不用担心 不客气 非常抱歉 抱歉 \
    不好意思 带来 不便 谅解 理解 见谅 祝您 祝 生活 购物 愉快 开心 好的 好滴 明白 了解 是的 是这样的 这样 没问题 没错 当然 可以的 稍等 关于 \
    您的 具体 如下 以下 根据 说明 规定 按照 一般 通常 哦 呢 哈 的话 即可 就行 就好 就可以 步骤 首先 然后 最后 请您 麻烦 留意 注意 \
    第一次 第一时间 万一 尽快 及时 一下";

/// Whether the answer has enough content in common with its sources. Both are normalized.
pub(super) fn shares_content(answer: &str, sources: &str) -> bool {
    let translated: Vec<_> = latin(sources).flat_map(translations).collect();
    let known = TermSet::new(std::iter::once(sources).chain(translated));
    let (mut common, mut all) = (0.0, 0.0);
    let answer = answer.replace(". ", "\n");
    for part in answer.split(|c: char| "\n,，。！？!?；;：:".contains(c)) {
        let share = share(&known, part);
        if share.total >= PART_WEIGHT_MIN && share.covered < PART_MIN * share.total {
            return false;
        }
        common += share.covered;
        all += share.total;
    }
    common >= COMMON_MIN && common >= ANSWER_MIN * all
}

fn share(known: &TermSet, part: &str) -> Coverage {
    let numberless = |c: char| if c.is_ascii_alphanumeric() || is_numeral(c) { ' ' } else { c };
    let mut rest: String = part.chars().map(numberless).collect();
    // Supported numbers count as content in any script.
    let claims = numbers(part).iter().filter(|number| number.is_claim()).count();
    let claims = f32::from(u8::try_from(claims).unwrap_or(u8::MAX));
    for courtesy in COURTESIES.split_whitespace() {
        rest = rest.replace(courtesy, "，");
    }
    let mut share = known.coverage(&rest);
    share.covered += claims;
    share.total += claims;
    for word in latin(part) {
        let said = known.coverage(word);
        let is_known = said.covered > 0.0
            || translations(word).any(|word| {
                let said = known.coverage(word);
                said.covered > 0.5 * said.total
            });
        // The weight of two ideographs, the length of most Chinese words.
        share.total += 2.0 * said.total;
        share.covered += if is_known { 2.0 * said.total } else { 0.0 };
    }
    share
}

/// The words of a text in Latin letters, without stop words.
fn latin(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '\''));
    let has_letters = |word: &&str| word.contains(|c: char| c.is_ascii_alphabetic());
    words.filter(has_letters).filter(|word| !is_stop_word(word))
}
