//! Chinese requests for a person. The clause is normalized and has no spaces beside ideographs.
//!
//! A clause asks for a person if it names one and does not negate it. Some nouns are a request on their own (人工), others
//! need a verb that calls for them (找经理). The negation is searched backwards from the noun over the words that can stand
//! between them; a double negation is a request.

use super::{
    english,
    word_list::{LOOKBACK_MAX, WordList},
};

/// Nouns that are a request on their own, longest first.
const PERSONS: WordList =
    WordList("人工客服 人工服务 人工坐席 人工座席 人工热线 人工台 真人客服 真人服务 人工 真人 活人");

/// Nouns that need a verb, or nothing else in the clause, because visitors also talk about them (你们客服态度真差).
const STAFF: WordList =
    WordList("客服 坐席 座席 专员 专人 工作人员 服务员 店员 导购 店长 店主 掌柜 负责人 主管 经理 领导 老板");

/// Verbs that call for every kind of staff. 要 and 请 are not among them: 要老板签字, 请领导吃饭.
const CALLS: WordList = WordList("转 转接 转到 接 接入 接通 找 叫 换 换成 联系 联系到 呼叫 喊 切换 切到 连线 让");
/// Verbs that call for 客服 only.
const CALLS_OF_SERVICE: WordList = WordList("要 需要 请 来 有 有没有 咨询 要跟 要和 想跟 想和 能跟 能和 在线");

/// Words between a verb and the person: 转一下你们的人工.
const BETWEEN: WordList =
    WordList("你们 您们 你 您 们 家 店 的 一个 一位 一名 一下 个 位 下 到 给 在线 专业 售后 售前 真正 vip 上");

/// Words after 人工 that give it the meaning of "artificial" or "manual".
const AFTER_RENGONG: WordList = WordList(
    "智能 智障 费 湖 草 皮 革 钻 宝石 水晶 合成 养殖 种植 饲养 培育 培养 繁殖 制 做 造 缝 编 织 雕 打磨 授精 受精 \
    受孕 流产 呼吸 泪 晶体 关节 耳蜗 心脏 降雨 增雨 降雪 降水 林 岛 沙滩 色素 香精 甜味 成本 工资 价格 单价 包装 \
    打包 分拣 挑选 采摘 搬 安装 翻译 审核 录入 纤维 毛 丝绸 棉花 石 气候 鱼礁 光 孵化 加工 染 洗",
);
/// Words after 真人 and 活人 that give them another meaning.
const AFTER_ZHENREN: WordList =
    WordList("秀 版 cs 图 实拍 拍 试穿 上身 模特 大小 演 出镜 展示 效果 照 比例 声音 头发 发丝 故事 真事");
/// Words after a person that make the clause a question about the staff.
const FACTS: WordList = WordList(
    "电话 热线 号码 微信 邮箱 qq 工作时间 服务时间 上班 下班 几点 什么时候 时间 多少钱 费 是24小时 24小时 收费 贵 \
    工号 名字",
);

/// Verbs and pronouns between a negation and the person: 不[想再让你帮我转接]人工.
const LINKS: WordList = WordList(
    "转接 转到 转 接入 接通 接 找 叫 换成 换 切换 切到 联系 呼叫 咨询 跟 和 与 用 使用 需要 需 要 想要 想 打算 准备 \
    考虑 希望 愿意 愿 喜欢 接受 同意 选择 选 安排 分配 派 去 再 继续 又 先 直接 马上 立即 立刻 现在 自动 随便 老是 \
    总是 麻烦 打扰 浪费 占用 进入 进 给我 帮我 把我 替我 让我 为我 跟我 让 你们 您们 你 您 的 任何 什么 一个 一位 \
    个 位 到 是 必 说 请 真 在线 有 一上来就 动不动就 动不动 总 老 一直 硬",
);

/// Negations. After 不 one of [`WISHES`] must follow: 不能转人工 and 不给转人工 are complaints.
const NEGATIONS: WordList = WordList(
    "别 甭 勿 无需 无须 毋须 拒绝 取消 停止 停 退出 结束 关闭 屏蔽 关掉 禁止 没说 没让 没想 没要 没叫 没请 没必要 \
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
const DECLINES: WordList = WordList("不用 不要 不需要 不必 不想要 不想用 免 就算 不找 不转 不需 用不着");

/// Whole clauses that ask for a person.
const WHOLE_CLAUSES: WordList = WordList(
    "有人吗 有人么 有人在吗 有人没 有没有人 有没有人在 有没有人啊 人呢 来个人 来人 找个人 换个人 叫个人 派个人 \
    能不能来个人 能来个人吗 没人吗 没有人吗 有人理我吗 有没有人理我 跟人聊 跟人说 和人说话 和人聊 跟人说话 \
    我要跟人说话 我要和人说话 我想跟人聊 我要跟人聊",
);

/// Words beside a noun of [`STAFF`] that keep it a request: 客服在吗, 请问客服.
const GREETINGS: WordList = WordList(
    "你好 您好 请问 喂 亲 麻烦 我要 我想 我 请 呢 在吗 在不在 在么 在哪里 在哪 在线吗 人呢 有人吗 吗 啊 呀 吧 哦 \
    快来 快点 出来 谢谢 了 上线 你们 的",
);

/// Whether the clause asks for a person.
pub(super) fn asks(clause: &str) -> bool {
    let toneless = clause.trim_end_matches(['啊', '呀', '呢', '吧', '哦', '啦']);
    WHOLE_CLAUSES.contains(toneless)
        || persons(clause).take(LOOKBACK_MAX).any(|(before, person, after)| {
            means_person(person, before, after)
                && !asks_identity(before, after)
                && !refuses(before, after)
                && !english::refuses(before)
        })
}

/// Each person in the clause, with the text before and after.
fn persons(clause: &str) -> impl Iterator<Item = (&str, &'static str, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(first) = clause[at..].chars().next() {
            let (before, rest) = clause.split_at(at);
            if let Some(person) = PERSONS.iter().chain(STAFF.iter()).find(|person| rest.starts_with(person)) {
                at += person.len();
                return Some((before, person, &clause[at..]));
            }
            at += first.len_utf8();
        }
        None
    })
}

fn means_person(person: &str, before: &str, after: &str) -> bool {
    if FACTS.starts(after.trim_start_matches('的')) {
        return false;
    }
    match person {
        "人工" => !AFTER_RENGONG.starts(after),
        "真人" | "活人" => !AFTER_ZHENREN.starts(after),
        person if PERSONS.contains(person) => true,
        "客服" => {
            called(before, &[CALLS, CALLS_OF_SERVICE])
                || is_all(before, &[GREETINGS, BETWEEN]) && is_all(after, &[GREETINGS])
        }
        _ => called(before, &[CALLS]),
    }
}

/// Whether the text ends with one of the verbs, optionally followed by words of [`BETWEEN`].
fn called(before: &str, verbs: &[WordList]) -> bool {
    let shorter = std::iter::successors(Some(before), |rest| BETWEEN.strip_end(rest));
    shorter.take(LOOKBACK_MAX).any(|rest| verbs.iter().any(|verbs| verbs.ends(rest)))
}

/// Whether the clause asks for the identity of the other side: 你是人工吗, 机器人还是人工.
fn asks_identity(before: &str, after: &str) -> bool {
    const SUBJECTS: WordList = WordList("请问 那 所以 难道 到底 你 您 你们 这 这里 对面 那边 现在 不 是");
    const TONE_PARTICLES: WordList = WordList("吗 么 嘛 吧 呢 啊 客服 在 回复 说话 聊天 还是");
    let before = before.trim_end_matches(['个', '位', '一', '的']);
    let is_about = before.ends_with('是') && is_all(before, &[SUBJECTS]) && is_all(after, &[TONE_PARTICLES]);
    is_about || after.contains("还是机器") || before.contains("机器人还是") || before.contains("机器还是")
}

/// Whether the person between these texts is refused.
pub(super) fn refuses(before: &str, after: &str) -> bool {
    declines(after) || is_negated(before, after)
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
            let is_complaint = DEEDS.starts(behind) && (COMPLAINTS.ends(left) || is_threat());
            let is_wish = behind.is_empty() || WISHES.starts(behind);
            is_wish && !is_question && !is_complaint
        }
        _ => true,
    }
}

/// Whether the text consists of these words only.
pub(super) fn is_all(text: &str, words: &[WordList]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        match words.iter().filter_map(|words| words.strip_start(rest)).min_by_key(|rest| rest.len()) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}
