//! Chinese requests for a person. The clause is normalized and has no spaces beside ideographs.
//!
//! A clause asks for a person if it names one (`word_borders`), does not negate it (`negation`) and does not only talk about
//! people (`about`). Some nouns are a request on their own (人工客服), some also name other things and need evidence
//! (`evidence`), others need a verb that calls for them (找经理).

use super::{
    about, english, evidence, negation,
    word_borders::stands_alone,
    word_list::{LOOKBACK_MAX, WordList, is_all},
};

/// Nouns that are a request on their own, longest first.
const PERSONS: WordList =
    WordList("人工客服 人工服务 人工坐席 人工座席 人工热线 人工台 真人客服 真人服务 人工 真人 活人");

/// Nouns that need a verb, or nothing else in the clause, because visitors also talk about them (你们客服态度真差).
const STAFF: WordList = WordList(
    "客服小姐姐 客服小哥哥 客服小哥 客服小妹 客服妹子 客服姐姐 客服人员 客服 坐席 座席 专员 专人 工作人员 服务员 店员 导购 店长 店主 掌柜 负责人 主管 经理 领导 老板",
);

/// Verbs that call for every kind of staff. 要 and 请 are not among them: 要老板签字, 请领导吃饭.
const CALLS: WordList = WordList(
    "转 转接 转到 安排 指派 派 接 接入 接通 找 叫 换 换成 联系 联系到 联系不上 联系不到 找不到 找不着 呼叫 喊 切换 切到 连线 让",
);
/// Verbs that call for 客服 only.
const CALLS_OF_SERVICE: WordList = WordList("要 需要 请 来 有 有没有 咨询 要跟 要和 想跟 想和 能跟 能和 在线");

/// Words between a verb and the person: 转一下你们的人工.
const BETWEEN: WordList = WordList(
    "你们 您们 你 您 们 家 店 的 一个 一位 一名 一下 一次 一遍 个 位 下 到 给 在线 专业 售后 售前 真正 vip 上",
);

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
    "电话 热线 号码 微信 邮箱 qq 工作时间 服务时间 上班 下班 几点 什么时候 时间 多少钱 费 要钱 花钱 免费 是24小时 24小时 收费 贵 \
    工号 名字 工资 待遇 薪资 招聘 岗位 培训",
);

/// Whole clauses that ask for a person.
const WHOLE_CLAUSES: WordList = WordList(
    "有人吗 有人么 有人在吗 有人没 有没有人 有没有人在 有没有人啊 人呢 来个人 来人 找个人 换个人 叫个人 派个人 \
    能不能来个人 能来个人吗 没人吗 没有人吗 有人理我吗 有没有人理我 跟人聊 跟人说 和人说话 和人聊 跟人说话 \
    我要跟人说话 我要和人说话 我想跟人聊 我要跟人聊",
);

/// Words before one of [`WHOLE_CLAUSES`]: 你们公司没有人吗.
const PLACES: WordList =
    WordList("你们 公司 店里 店 那边 这边 这里 那里 到底 请问 你好 喂 怎么 客服 后台 贵司 家 还 都");

/// Words beside a noun of [`STAFF`] that keep it a request: 客服在吗, 请问客服.
const GREETINGS: WordList = WordList(
    "你好 您好 请问 喂 亲 麻烦 我要 我想 我 请 呢 在吗 在不在 在么 在哪里 在哪 在线吗 人呢 有人吗 吗 啊 呀 吧 哦 \
    快来 快点 出来 谢谢 了 上线 你们 的",
);

/// Whether the clause asks for a person.
pub(super) fn asks(clause: &str) -> bool {
    let toneless = clause.trim_end_matches(['啊', '呀', '呢', '吧', '哦', '啦']);
    WHOLE_CLAUSES.iter().filter_map(|whole| toneless.strip_suffix(whole)).any(|start| is_all(start, &[PLACES]))
        || persons(clause).take(LOOKBACK_MAX).any(|(before, person, after)| {
            means_person(person, before, after)
                && !about::is_about(before, after)
                && !negation::refuses(before, after)
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
                let after = &rest[person.len()..];
                if stands_alone(before, person, after) {
                    at += person.len();
                    return Some((context_before(before), person, context_after(after)));
                }
            }
            at += first.len_utf8();
        }
        None
    })
}

/// The characters beside a person that are examined, on each side. It bounds the work on hostile texts.
const CONTEXT_MAX: usize = 64;

fn context_before(text: &str) -> &str {
    text.char_indices().rev().nth(CONTEXT_MAX - 1).map_or(text, |(at, _)| &text[at..])
}

fn context_after(text: &str) -> &str {
    text.char_indices().nth(CONTEXT_MAX).map_or(text, |(at, _)| &text[..at])
}

fn means_person(person: &str, before: &str, after: &str) -> bool {
    if FACTS.starts(after.trim_start_matches('的')) {
        return false;
    }
    match person {
        "人工" => !AFTER_RENGONG.starts(after) && evidence::is_requested(person, before, after),
        "真人" | "活人" => !AFTER_ZHENREN.starts(after) && evidence::is_requested(person, before, after),
        person if PERSONS.contains(person) => !about::tells_of_staff(after),
        person if person.starts_with("客服") => {
            called(before, &[CALLS, CALLS_OF_SERVICE])
                || is_all(before, &[GREETINGS, BETWEEN]) && is_all(after, &[GREETINGS])
        }
        "专人" | "专员" | "工作人员" => called(before, &[CALLS]) || evidence::is_offered(before, after),
        _ => called(before, &[CALLS]),
    }
}

/// Whether the text ends with one of the verbs, optionally followed by words of [`BETWEEN`].
fn called(before: &str, verbs: &[WordList]) -> bool {
    let shorter = std::iter::successors(Some(before), |rest| BETWEEN.strip_end(rest));
    shorter.take(LOOKBACK_MAX).any(|rest| verbs.iter().any(|verbs| verbs.ends(rest)))
}
