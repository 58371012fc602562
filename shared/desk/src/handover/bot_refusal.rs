//! Chinese requests for a person that refuse a bot (不要机器人) or ask to talk with people (我想和人说话). The clause is
//! normalized and has no spaces beside ideographs.

use super::{
    negation::is_negated,
    word_list::{LOOKBACK_MAX, WordList, is_all},
};

/// The bot, longest words first.
const BOTS: WordList = WordList(
    "机器人客服 智能机器人 聊天机器人 机器客服 智能客服 ai客服 ai机器人 ai回复 自动回复 机器人回复 机器回复 机器人 机器 bot robot",
);

/// What a bot does in a conversation. With another verb a different machine is meant (不要机器人停).
const BOT_ACTIONS: WordList = WordList(
    "回答 回复 回覆 回话 回 答 答复 答覆 说话 说 讲话 讲 聊 聊天 聊聊 客服 服务 接待 敷衍 糊弄 应付 忽悠 打发 沟通 对话 交流 处理 解决 帮忙 帮我 \
     跟我 和我 给我 对我 理我 我 来 自动 一直 老 行吗 好吗 可以吗 行不行 好不好 可不可以",
);
const TONE_PARTICLES: WordList = WordList("了 啦 啊 吧 呀 哦 嘛 吗 的 谢谢");
/// Demonstratives. They count only with one of [`BOT_ACTIONS`], because 这个机器人 can be an article of the shop.
const DEMONSTRATIVES: WordList = WordList("这个 那个 这种 这些 你这个 一个");
const POSSESSIVES: WordList = WordList("你们的 你的 你们 你 这个 这 这破 破");
/// Prepositions and pronouns between a negation and the bot, in addition to those before a person.
const PREPOSITIONS: WordList = WordList("和 跟 与 由 拿 派 同 对着 面对 老让 总让 老用 总用 听 你们的 你的");

/// Rejections addressed to the bot.
const REJECTIONS: WordList =
    WordList("滚 滚开 滚蛋 走开 闭嘴 退下 下线 一边去 别说了 别回了 别回复了 别答了 没用 不行 不管用 解决不了");

/// Words before people in a request, in addition to a verb.
const WISHES: WordList = WordList(
    "我 想 要 想要 能 能不能 可以 可不可以 能否 请 麻烦 帮我 帮忙 就 就想 只 只想 只要 直接 还是 快 快点 赶紧 赶快 马上 立刻 现在 必须 需要 希望 \
     你们 你 您 怎么 怎么才能 怎样才能 如何 到底 喂 你好 您好 给我 得 去",
);
/// Prepositions and verbs before people that need one of [`PERSON_ACTIONS`] after them.
const WITH_PEOPLE: WordList = WordList("和 跟 与 同 让 由 有 没有 有没有 没");
/// Verbs before people that are a request on their own.
const CALLS: WordList = WordList(
    "找 找个 找一个 换 换个 换一个 来 来个 来一个 叫 叫个 派 派个 转 转个 转给 转接 安排 安排个 请个 接 接个 要 要个",
);
const PEOPLE: WordList = WordList(
    "能管事的 管事的 能做主的 做主的 说得上话的 能解决问题的 懂的人 真正的人 真实的人 正常人 大活人 人类 真的人 人类客服 人",
);
/// What people do in a conversation.
const PERSON_ACTIONS: WordList = WordList(
    "回覆 说话 说说话 说说 说 聊 聊聊 聊天 问问 问 讲话 讲 谈 谈谈 沟通 对话 交流 通话 回复 回答 回 解决 处理 接待 服务 帮我 帮帮我 帮忙 能帮我 能 可以 理我 理 管 管管 \
     搭理 跟我 和我 我 来 出来 上线 接 接一下 一下 吗 吧 么 呢 啊 行吗 可以吗 好吗 行不行 行 问题 这个 这 事",
);

/// Whether the clause asks for a person in one of these ways.
pub(super) fn asks(clause: &str) -> bool {
    refuses_bot(clause) || wants_people(clause)
}

fn refuses_bot(clause: &str) -> bool {
    let named = BOTS.iter().flat_map(|machine| clause.match_indices(machine).take(LOOKBACK_MAX));
    named.into_iter().any(|(at, machine)| {
        let (before, after) = (&clause[..at], &clause[at + machine.len()..]);
        if !is_all(after, &[BOT_ACTIONS, TONE_PARTICLES]) {
            return is_all(before, &[POSSESSIVES]) && REJECTIONS.contains(after);
        }
        let talks = !is_all(after, &[TONE_PARTICLES]);
        if machine == "机器" && !talks {
            return false;
        }
        let before = DEMONSTRATIVES.strip_end(before).filter(|_| talks).unwrap_or(before);
        // 我不是机器人 is a statement about the visitor.
        let is_identity = before.ends_with('是');
        let before = PREPOSITIONS.strip_end(before).map_or_else(|| before.to_owned(), |before| format!("{before}用"));
        !is_identity && is_negated(&before, after)
    })
}

fn wants_people(clause: &str) -> bool {
    let rests = PEOPLE.iter().flat_map(|people| clause.match_indices(people).take(LOOKBACK_MAX));
    rests.into_iter().any(|(at, people)| {
        let (before, after) = (&clause[..at], &clause[at + people.len()..]);
        let wants = |verbs: WordList| {
            verbs.iter().any(|verb| before.strip_suffix(verb).is_some_and(|wish| is_all(wish, &[WISHES])))
        };
        is_all(after, &[PERSON_ACTIONS]) && (wants(CALLS) || !after.is_empty() && wants(WITH_PEOPLE))
    })
}
