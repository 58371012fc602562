//! Whether 人工, 真人 or 活人 is asked for. As a noun each also names labour, a human model or a living being (含人工吗, 模特是真人吗),
//! so a request needs evidence: a verb that calls for them, or nothing beside them but the words of a request.

use super::word_list::{WordList, is_all, without_end};

/// Verbs that connect. They call for a person whatever follows: 转人工退款.
const CONNECTING: WordList = WordList(
    "转 转接 转到 转给 接 接入 接通 联系 联系到 呼叫 连线 切换 切到 切换到 换成 转不了 转不到 转不上 接不通 接不到 接不了 联系不上 联系不到 打不通 找不到 \
     找不着 进不去 进不了 没法转 安排 指派 派",
);
/// Verbs that also call for other people and things: 找真人代购, 叫人工搬.
const CALLING: WordList = WordList("找 叫 换 喊 我要 我想要 我需要 给我 给个 来个 来位 帮我找 呼唤 召唤 申请 请求");
/// Verbs that call for a person where nothing else is said.
const WISHING: WordList = WordList(
    "要 想要 需要 请 来 有 有没有 没有 没 咨询 跟 和 与 同 让 由 用 走 进 选 选择 想 去 要的是 连个 连 需要的是 给 call need want",
);
/// What a bare wish follows when the visitor gives up on the robot: 没用要人工.
const GIVEN_UP: WordList =
    WordList("了 不行 不懂 没用 没有用 不了 所问 不对 不会 你 您 智障 够了 垃圾 太差 太笨 不清 不明白 机器人 自动回复");

/// Words before a person in a request.
const FILLERS: WordList = WordList(
    "你好 您好 请问 什么时候 多久 喂 亲 嗨 hi hello 麻烦 请 求 求求 拜托 我 我们 本人 我就 我只 我只想 只想 就想 就要 只要 想 要 能 能不能 可以 可不可以 能否 可否 帮 帮我 给我 给 让 \
     那 那就 那么 所以 还是 算了 算 赶紧 赶快 快 快点 立刻 立即 马上 现在 直接 必须 一定 一定要 怎么 怎么样 怎么才能 怎样 怎样才能 如何 才能 在哪 在哪里 哪里 哪儿 哪有 \
     为什么 为啥 咋 到底 究竟 一直 都 就 也 又 再 还 是不是 难道 居然 竟然 这里 这 这边 你们 你 您 咱们 贵司 家 店 一个 一位 个 位 点 专业 售后 售前 真正 真正的 的 \
     人工 真人 客服 转 找 接 叫 换 有 没 没有 有没有 不 不能 不要 好 好的 嗯 行 哦 唉 哎 急 很急 连 连个 什么 真的 谢谢 快给我 不行 不是 please pls plz",
);
/// Words after a person in a request.
const TAILS: WordList = WordList(
    "多久 客服 服务 坐席 座席 人员 专员 热线 通道 入口 渠道 按钮 窗口 台 呢 吗 么 嘛 吧 啊 呀 哦 啦 了 的 喂 在 在吗 在不在 在么 在线 在线吗 在哪 在哪里 在哪儿 哪里 哪去了 去哪了 \
     死哪去了 有 有吗 有没有 没有 没 人呢 快 快点 快来 快点来 来 来啊 来个 出来 出来吧 上线 上线吧 谢谢 谢了 多谢 拜托 急 急急急 很急 赶紧 马上 立刻 现在 怎么 怎么找 怎么转 怎么进 怎么联系 \
     怎么打 怎么没 如何 联系 进不去 进不了 打不通 接不通 转不了 不行 不行吗 行 行吗 行不行 可以 可以吗 可以不 好吗 好不好 好 能 能不能 不理我 没反应 没人 没人理 都没有 也没有 一个都没有 \
     帮我 帮帮我 帮忙 给我 跟我 和我 对我 替我 我 回 回复 回答 回我 答复 解答 解决 处理 办理 接待 说 说话 说一下 说说 讲 讲话 聊 聊聊 聊天 谈 谈谈 沟通 交流 对话 通话 咨询 问 问问 \
     看 看看 看下 查 查查 查询 核实 退 退款 退货 换货 投诉 弄 搞 一下 一次 下 问题 这个 这个问题 这事 事 那边 这边 帮助 协助 服务一下 介入 接 接一下 接入 接听 接管 算了 还是 到底 \
     人工 真人 转 找 要 请 你 您 你们 谁 please pls plz thanks thx ok",
);
/// Words between a verb and the person: 转一下你们的人工.
const BETWEEN: WordList = WordList(
    "你们 您们 你 您 们 家 店 的 一个 一位 一名 一下 一次 一遍 个 位 下 到 给 在线 专业 售后 售前 真正 vip 上",
);

/// Whether the text can stand before a person in a request.
pub(super) fn is_filler(text: &str) -> bool {
    is_all(text, &[FILLERS])
}

/// Whether the person between these texts is asked for.
pub(super) fn is_requested(person: &str, before: &str, after: &str) -> bool {
    let says_no_more = is_all(after, &[TAILS]);
    let rests = || without_end(before, &[BETWEEN]);
    let after_verb = |verbs: WordList| rests().any(|rest| verbs.ends(rest)) || is_described(before, verbs);
    if after_verb(CONNECTING) || after_verb(CALLING) && (person == "人工" || says_no_more) {
        return true;
    }
    says_no_more && (is_filler(before) || rests().any(|rest| is_wished(rest, after)))
}

/// Whether the clause asks if the person between these texts can help: 有专人帮忙吗.
pub(super) fn is_offered(before: &str, after: &str) -> bool {
    let verbs = ["有", "有没有", "让", "由", "请"];
    let is_wished = verbs.iter().any(|verb| before.strip_suffix(verb).is_some_and(is_filler));
    is_wished && after.chars().count() > 1 && is_all(after, &[TAILS])
}

/// Whether the text ends with a verb of wishing that the visitor says of themselves or at the end of their patience. Without a
/// subject it is a question about what is needed: 要人工吗.
fn is_wished(before: &str, after: &str) -> bool {
    WISHING.iter().filter_map(|verb| Some((verb, before.strip_suffix(verb)?))).any(|(verb, rest)| {
        let is_need = matches!(verb, "要" | "需要" | "用") && rest.is_empty() && after.ends_with(['吗', '么', '嘛']);
        !is_need && (is_filler(rest) || GIVEN_UP.ends(rest))
    })
}

/// Whether a verb with a short description precedes the person: 找个能解决的人工.
fn is_described(before: &str, verbs: WordList) -> bool {
    const DESCRIPTION_MAX: usize = 8;
    let Some(described) = before.strip_suffix('的') else { return false };
    let starts = described.char_indices().rev().take(DESCRIPTION_MAX);
    let mut starts = starts.filter(|(at, _)| described[*at..].starts_with(['个', '位']));
    starts.any(|(at, _)| verbs.ends(&described[..at]) || verbs.ends(described[..at].trim_end_matches('一')))
}
