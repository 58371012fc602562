//! Talk about people in Chinese that asks for none: who the other side is, how people and machines differ, what a word means,
//! what happened before, what other people do, and whether a person is needed.

use super::word_list::{WordList, is_all, without_end};

/// Words between an earlier time or a need and the person: 上次[我找的]人工.
const BETWEEN: WordList = WordList(
    "转接 转到 转给 转 接通 接入 接 找到 找 叫 换 联系到 联系 呼叫 咨询 问 通过 让 你们 您 你 我们 我 他们 店里 那个 那位 一个 一位 位 个 的 就 都 已经 已 也 又 \
     是 去 给 帮 跟 和 在 有 没有 没 过 了 里 说好 时候 那边 一下 到",
);
const EARLIER: WordList = WordList(
    "昨天 前天 昨晚 大前天 上次 上回 上周 上个月 上一次 前几天 前两天 那天 之前 以前 先前 此前 刚才 刚刚 刚 早上 上午 去年 曾经 曾 已经 早就 一开始 本来",
);
/// What the visitor said earlier is a request: 我刚才说了转人工.
const SAID: WordList = WordList("说 要求 让你 叫你 喊 打");
const AFTER_EARLIER: WordList = WordList("过 后 以后 之后 已经 解决了 解决好了 处理好了 处理完");
/// What a visitor tells of the staff.
const TOLD_OF_STAFF: WordList = WordList(
    "是 说 讲 告诉 答应 承诺 表示 态度 的态度 很 挺 太 真好 真不错 不错 真 也太 回复太 回复慢 回复很 回复真 解释 让我 叫我 要我 回复说 回复了 回复我了 帮我退的 帮我解决了 也说 都说 刚 已经 \
     昨天 今天 之前 上次",
);
const OTHERS: WordList = WordList(
    "朋友 同事 同学 家人 家里人 老公 老婆 男朋友 女朋友 姐姐 哥哥 弟弟 妹妹 姐 哥 弟 妹 嫂子 听说 据说 妈妈 爸爸 妈 爸 奶奶 爷爷 儿子 女儿 孩子 闺蜜 室友 邻居 亲戚 老师 网上 网友 别人 其他人 别家 有人 大家 他 她 他们 \
     她们 群里 评论 评论区 卖家 人们",
);
const BEFORE_OTHERS: WordList =
    WordList("我 我的 我们 听 听我 据 看 看到 可是 但是 但 因为 为什么 怎么 凭什么 是不是 那");
/// With one of these the visitor asks for themselves: 他们不给我转人工.
const FOR_ME: WordList = WordList("给我 帮我 让我 叫我 要我 教我 我要 我想 我也");
const NEEDS: WordList = WordList(
    "需要 要 必须 必需 一定要 得 非得 应该 该 用 是否需要 要不要 需不需要 用不用 有没有必要 有必要 必须要 是不是要 是要",
);
const QUESTIONS: WordList = WordList("吗 么 嘛 才能 才可以 才行 才会 才给");
const CHOSEN_NEEDS: WordList = WordList(
    "是不是一定要 是不是必须 是不是非要 是否一定要 是否必须 一定要不要 要不要 需不需要 用不用 是否需要 有没有必要 有必要 是不是要 该不该",
);
const MEANINGS: WordList = WordList(
    "什么意思 啥意思 是什么 是啥 是干什么 是干嘛 是干啥 干嘛的 干嘛用 有什么用 有啥用 怎么写 三个字 两个字 这个词 是谁发明",
);
const COMPARED: WordList = WordList(
    "区别 不同 不一样 差别 差异 哪个好 哪个更 哪个快 哪个准 还是机 还是自动 还是ai 还是智能 还是真 还是人 机器人还是 机器还是 自动还是 ai还是",
);

/// Words before a person that is a job: 招聘人工客服吗.
const JOBS: WordList = WordList("招聘 应聘 招 做 当 成为 面试 培训 当上 兼职");
/// Words of a visitor who did not ask: 谁让你转人工了.
const REPROACHES: WordList = WordList("谁让 谁叫 谁说 谁要 谁想");

/// Whether the text around a person talks about people.
pub(super) fn is_about(before: &str, after: &str) -> bool {
    asks_identity(before, after)
        || COMPARED.occurs(after)
        || WordList("机器人还是 机器还是 自动还是 ai还是").occurs(before)
        || asks_meaning(before, after)
        || was_earlier(before, after)
        || is_of_others(before)
        || is_needed(before, after)
        || is_later(before, after)
        || JOBS.ends(before)
        || REPROACHES.occurs(before)
}

/// Whether the clause tells what the staff did or said: 人工客服说三天到.
pub(super) fn tells_of_staff(after: &str) -> bool {
    TOLD_OF_STAFF.starts(after)
}

/// Whether the clause asks for the identity of the other side: 你是人工吗, 机器人还是人工.
fn asks_identity(before: &str, after: &str) -> bool {
    const SUBJECTS: WordList = WordList(
        "请问 那 所以 难道 到底 你 您 你们 这 这里 这边 对面 对方 那边 现在 刚才 回复我的 回我的 说话的 不 是 会 一直 都",
    );
    const REST: WordList = WordList("吗 么 嘛 吧 呢 啊 客服 在 回复 说话 聊天 还是 我 跟我 和我 服务");
    let before = before.trim_end_matches(['个', '位', '一', '的']);
    before.ends_with('是') && is_all(before, &[SUBJECTS]) && is_all(after, &[REST])
}

fn asks_meaning(before: &str, after: &str) -> bool {
    let named = WordList("什么是 啥是 什么叫 啥叫 何为 何谓").ends(before);
    named && after.is_empty() || MEANINGS.occurs(after) && !WordList("流程 方式 号码 步骤").occurs(after)
}

fn was_earlier(before: &str, after: &str) -> bool {
    if SAID.occurs(before) {
        return false;
    }
    AFTER_EARLIER.starts(after)
        || WordList("找过 找了 转过 转了 接过 接了 叫过 联系过 联系了 问过 问了 换过 打过")
            .ends(before.trim_end_matches("你们"))
        || without_end(before, &[BETWEEN, OTHERS]).any(|rest| EARLIER.ends(rest))
}

fn is_of_others(before: &str) -> bool {
    let start = if OTHERS.starts(before) { before } else { without_start(before) };
    let others = OTHERS.strip_start(start).filter(|rest| !rest.starts_with(['吗', '么', '没', '在', '啊', '嘛', '呢']));
    others.is_some() && !start.starts_with("他妈") && !FOR_ME.occurs(before)
}

/// The text without words before other people.
fn without_start(text: &str) -> &str {
    let shorter = std::iter::successors(Some(text), |rest| BEFORE_OTHERS.strip_start(rest)).take(4);
    shorter.last().unwrap_or(text)
}

/// Whether the clause speaks of another time or a condition: 等会儿再转人工, 转人工的话.
fn is_later(before: &str, after: &str) -> bool {
    const LATER: WordList = WordList(
        "等会儿再 等会再 待会儿再 待会再 一会儿再 一会再 晚点再 稍后再 以后再 过会再 过会儿再 回头再 改天再 等下再 等一下再 明天再 实在不行再 有需要再 需要的时候再",
    );
    const WAITS: WordList = WordList("排队吗 排多久 等多久 要多久 多久能 多久才 排到第几 几个人在排");
    without_end(before, &[BETWEEN]).any(|rest| LATER.ends(rest))
        || WordList("的话 之前 以前 前能 前先").starts(after)
        || WAITS.occurs(after)
}

/// Whether the clause asks whether a person is needed: 退货需要联系客服吗.
fn is_needed(before: &str, after: &str) -> bool {
    const CALLS: WordList = WordList("转接 转到 转 接通 接 找 叫 换 联系 呼叫 咨询 跟 和 你们 个 一个 的");
    const WISHES: WordList = WordList("我 我想 想");
    let mut needs = without_end(before, &[CALLS]).filter(|rest| rest.len() < before.len() || CHOSEN_NEEDS.ends(rest));
    needs.any(|rest| {
        let is_question = QUESTIONS.ends(after) || WordList("才能 才可以 才行 才会 才给").occurs(after);
        CHOSEN_NEEDS.ends(rest)
            || NEEDS
                .strip_end(rest)
                .is_some_and(|subject| is_question && !WISHES.ends(subject) && !subject.ends_with('不'))
    })
}
