//! Whether a person is refused in Chinese: 不要转人工, 可以不转人工吗, 人工就不用了.

use super::word_list::{LOOKBACK_MAX, WordList, is_all};

/// Verbs and pronouns between a negation and the person: 不[想再让你帮我转接]人工.
const LINKS: WordList = WordList(
    "转接 转到 转 接入 接通 接 找 叫 换成 换 切换 切到 联系 呼叫 咨询 跟 和 与 用 使用 需要 需 要 想要 想 打算 准备 \
    考虑 希望 愿意 愿 喜欢 接受 同意 选择 选 安排 分配 派 去 再 继续 又 先 直接 马上 立即 立刻 现在 自动 随便 老是 \
    总是 麻烦 打扰 浪费 占用 进入 进 给我 来 帮我 把我 替我 让我 为我 跟我 让 你们 您们 你 您 的 任何 什么 一个 一位 \
    个 位 到 是 必 说 请 真 在线 有 给 转给 介绍 一上来就 动不动就 动不动 总 老 一直 硬",
);

/// Negations. After 不 one of [`WISHES`] must follow: 不能转人工 and 不给转人工 are complaints.
const NEGATIONS: WordList = WordList(
    "别 甭 勿 无需 无须 毋须 拒绝 取消 停止 停 退出 结束 关闭 屏蔽 关掉 禁止 没说 没找 没转 没接 没联系 没让 没想 没要 没叫 没请 没必要 \
    没有必要 没需要 没打算 没有说 没有要 没有想 没有让 没有叫 用不着 犯不着 不至于 不",
);
const WISHES: WordList = WordList(
    "要 用 想 需 必 找 转 接 叫 换 切 联系 愿 希望 打算 准备 考虑 喜欢 接受 同意 是 准 许 选 请 使用 咨询 麻烦 打扰 \
    呼叫 再 让",
);
/// Verbs whose subject is the service desk. Negated, they can be a complaint (怎么还不转人工).
const DEEDS: WordList = WordList("转 接 找 叫 换 切 联系 安排 让");
const COMPLAINTS: WordList = WordList("还 再 怎么 为什么 为何 为啥 干嘛 凭什么 咋 老 总 一直 死活 就是 何 都");
const THREATS: WordList = WordList("就 投诉 差评 举报 曝光 12315 吗 嘛 么 是吧");
/// Characters before 别 that give it another meaning than 不要.
const BEFORE_BIE: WordList = WordList("特 分 区 级 个 类 性 辨 告 离 派 差");

/// Refusals after the person: 人工就不用了.
const DECLINES: WordList = WordList("不用 不要 不需要 不必要 用不上 不必 不想要 不想用 免 就算 不找 不转 不需 用不着");

/// Words before 不 with which its clause asks to do without: 可以不转人工吗.
const PERMISSIONS: WordList = WordList("可以 能 能不能 可不可以 可不可 可否 能否 想 希望");
/// The same after the person: 不转人工行吗.
const PERMITTED: WordList =
    WordList("可以吗 可以么 可以不 可不可以 行吗 行么 行不行 行不 好吗 好不好 成吗 也行 也可以 都行 能不能");

/// Whether the person between these texts is refused.
pub(super) fn refuses(before: &str, after: &str) -> bool {
    declines(after) || is_negated(before, after) || after.starts_with("的必要") && before.contains('没')
}

/// Whether the text after a person declines the person: 就不用了, 不需要.
pub(super) fn declines(after: &str) -> bool {
    const ADVERBS: WordList = WordList("就 都 也 我 什么的 这个 暂时 先 目前 现在 真的 客服 服务");
    const FINAL_PARTICLES: WordList = WordList("了 吧 啦 谢谢 哈 哦 的 啊 转 谢了");
    let shorter = std::iter::successors(Some(after), |rest| ADVERBS.strip_start(rest));
    let mut declined =
        shorter.take(LOOKBACK_MAX).flat_map(|rest| DECLINES.iter().filter_map(|decline| rest.strip_prefix(decline)));
    declined.any(|rest| is_all(rest, &[FINAL_PARTICLES]))
}

/// Whether a negation precedes the person. It searches backwards over [`LINKS`], at most [`LOOKBACK_MAX`] words; two negations
/// cancel each other.
pub(super) fn is_negated(before: &str, after: &str) -> bool {
    let (mut rest, mut negated) = (before, false);
    for _ in 0..LOOKBACK_MAX {
        let behind = &before[rest.len()..];
        let found = NEGATIONS
            .iter()
            .find_map(|negation| rest.strip_suffix(negation).filter(|left| negates(left, negation, behind, after)));
        // 不要你要人工: the visitor refuses one thing and asks for another.
        let is_other_wish = behind.starts_with('要') && rest.ends_with(['你', '您', '们']);
        match found.or_else(|| LINKS.strip_end(rest).filter(|_| !is_other_wish)) {
            Some(shorter) => rest = shorter,
            None => break,
        }
        negated ^= found.is_some();
    }
    negated
}

/// Whether a word of [`NEGATIONS`] is a negation here. `left` is the text before it, `behind` the text between it and the
/// person, `after` the text after the person.
fn negates(left: &str, negation: &str, behind: &str, after: &str) -> bool {
    match negation {
        "别" => !BEFORE_BIE.ends(left),
        "不" => {
            // 用不用 and 要不要 are questions; 要不 is a proposal.
            let is_question = left.chars().next_back().is_some_and(|c| behind.starts_with(c)) || left.ends_with('要');
            let is_threat = || THREATS.iter().any(|word| after.contains(word));
            let is_permission = PERMISSIONS.ends(left) && !left.ends_with("怎么能") || PERMITTED.starts(after);
            let is_complaint = DEEDS.starts(behind) && !is_permission && (COMPLAINTS.ends(left) || is_threat());
            let is_wish = behind.is_empty() || WISHES.starts(behind);
            is_wish && !is_question && !is_complaint
        }
        "没找" | "没转" | "没接" | "没联系" => !COMPLAINTS.ends(left),
        _ => true,
    }
}
