//! Word borders around a person in Chinese, which has no spaces: 工人工资 is 工人 and 工资, not 人工.
//!
//! A dictionary segmenter such as jieba would be more general, but its dictionary is larger than a function and is loaded at the
//! cold start. The nouns of `chinese` are few, so the words that cross their borders can be listed.

use super::word_list::WordList;

/// Words that end in 人.
const ENDING_IN_REN: WordList = WordList(
    "机器人 工人 打工人 成人 老人 个人 本人 私人 男人 女人 大人 客人 商人 病人 盲人 残疾人 诗人 军人 主人 名人 达人 匠人 艺人 路人 新人 家人 亲人 爱人 \
     情人 证人 法人 猎人 牛人 巨人 超人 雪人 铁人 国人 农人 文人 哲人 杂人 外人 内人 他人 众人 行人 旅人 华人 黑人 白人 港人 经纪人 主持人 负责人 \
     合伙人 创始人 年轻人 中年人 聋哑人 手艺人 职场人",
);
/// What follows 工 in words that begin with it. After `!` is the character with which it is no such word: 人工具体.
const AFTER_GONG: WordList = WordList(
    "作!业 资!料 具!体 艺 程!序 厂 装 时!间 伤 会 业 商 坊 位 友 龄 序 期 地 夫 牌 钱 匠 薪 种 号!码 科 笔 学 读 头 房 件 兵 委 整 事 尺 农 矿 \
     步 棚 段 区 卡 服!务",
);
/// Words after which 人工 is a word whatever follows: 转人工作什么.
const BEFORE_RENGONG: WordList =
    WordList("转 接 找 叫 换 要 有 的 位 系 用 和 跟 与 来 请 给 到 入 通 让 由 是 含 包 加 纯 全");

/// Characters before 真, 活, 客 and 经 that form a word with them.
const BEFORE_ZHEN: WordList = WordList("认 天 写 传 果 当 逼 仿 失 较 率 童");
const BEFORE_HUO: WordList = WordList("生 干 灵 快 复 激 鲜 存 养 农 做");
const BEFORE_KE: WordList = WordList("顾 游 乘 旅 散 做 会 男 女 博 黑 香 茶");
const BEFORE_JING: WordList = WordList("已 曾 神 未");
/// What follows 人 in words that begin with it.
const AFTER_REN: WordList =
    WordList("品 家 性 气 才 物!流 像 偶 设 头!发 数 民 士 均 员!工 群 力 间 多!久 少 参 种 文");

/// Whether the person between these texts is a word of its own.
pub(super) fn stands_alone(before: &str, person: &str, after: &str) -> bool {
    match person {
        "人工" if begins(AFTER_GONG, after) => {
            !ends_in_ren(before) && (before.is_empty() || BEFORE_RENGONG.ends(before))
        }
        "真人" => !BEFORE_ZHEN.ends(before) && !begins(AFTER_REN, after),
        "活人" => !BEFORE_HUO.ends(before) && !begins(AFTER_REN, after),
        _ if person.starts_with('真') => !BEFORE_ZHEN.ends(before),
        "客服" => !(after.starts_with('装') || BEFORE_KE.ends(before) && after.starts_with(['务', '饰', '用'])),
        "经理" => !BEFORE_JING.ends(before),
        "店长" => !after.starts_with(['期', '得', '大']),
        "主管" => !after.starts_with(['道', '线']),
        "座席" => !before.ends_with('一'),
        _ => true,
    }
}

/// Whether the text and the 人 after it end in a word of [`ENDING_IN_REN`].
fn ends_in_ren(before: &str) -> bool {
    ENDING_IN_REN.iter().any(|word| word.strip_suffix('人').is_some_and(|start| before.ends_with(start)))
}

/// Whether the text begins with a word of the list that is not followed by the character after `!`.
fn begins(words: WordList, text: &str) -> bool {
    words.iter().any(|word| {
        let (word, except) = word.split_once('!').unwrap_or((word, ""));
        text.strip_prefix(word).is_some_and(|rest| except.is_empty() || !rest.starts_with(except))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_across_word_border_does_not_stand_alone() {
        for (before, person, after) in [
            ("工", "人工", "资怎么算"),
            ("机器", "人工", "作原理"),
            ("成", "人工", "具箱"),
            ("牧", "人工", "作服"),
            ("认", "真人", "士"),
            ("店里", "真人", "多"),
            ("生", "活人", "均"),
            ("游", "客服", "装"),
            ("已", "经理", "解"),
            ("你们", "店长", "期"),
        ] {
            assert!(!stands_alone(before, person, after), "{before}{person}{after}");
        }
        for (before, person, after) in [
            ("转", "人工", ""),
            ("来个", "人工", "吗"),
            ("转", "人工", "具体怎么弄"),
            ("", "人工", "作答"),
            ("找", "真人", "多久"),
            ("", "真人", "员工"),
            ("找", "客服", "务必"),
            ("找", "经理", ""),
        ] {
            assert!(stands_alone(before, person, after), "{before}{person}{after}");
        }
    }
}
