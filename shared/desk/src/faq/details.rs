//! What distinguishes questions that have most of their words in common: numbers, opposites and names.
//!
//! The score of `index` measures how much two texts have in common. It is high for iPhone 15 and iPhone 16, for 绑定 and 解绑, and
//! for 北京有门店吗 and 上海有门店吗, where the one word that differs decides. A detail of the known text that the query replaces by
//! another one makes them different questions. A detail that the query adds does not (我 3 天前买的，怎么退货).

use std::collections::BTreeSet;

use super::{
    names,
    quantities::{Quantity, quantities},
};

/// Whether the query replaces a detail of the known text. All texts are normalized. `all` are the texts of the known question, its
/// title first: what another one of them also names is no replacement, and what visitors tell of themselves (身高 170) counts only
/// where the title has it.
pub(super) fn differ(query: &str, known: &str, all: &[&str]) -> bool {
    numbers_differ(query, known, all)
        || sides_differ(query, known)
        || names::differ(query, known, &|name| all.iter().any(|other| other.contains(name)))
}

/// Whether a number of the known text is missing in the query, which has another one in its place.
pub(super) fn numbers_differ(query: &str, known: &str, all: &[&str]) -> bool {
    let (asked, known) = (quantities(query), quantities(known));
    let of_all: Vec<_> = all.iter().flat_map(|other| quantities(other)).collect();
    let in_title =
        |own: &Quantity<'_>| all.first().is_none_or(|title| quantities(title).iter().any(|other| own.equals(other)));
    let missing = known.iter().filter(|known| !asked.iter().any(|asked| asked.equals(known)));
    let mut missing = missing.filter(|known| !known.is_own() || in_title(known));
    missing.any(|known| {
        let mut new = asked.iter().filter(|asked| !of_all.iter().any(|other| other.equals(asked)));
        new.any(|asked| asked.replaces(known))
    })
}

/// Pairs of opposites. Each side is a list of words; a text that has words of both sides has none.
const OPPOSITES: &[(&str, &str)] = &[
    ("绑定 绑 关联", "解绑 解除绑定 取消绑定 换绑 解除关联"),
    ("开启 打开 开通 启用 开一下", "关闭 关掉 关上 停用 禁用 取消"),
    ("上架", "下架"),
    ("退货 退掉", "换货 换掉 调换 更换"),
    ("增加 添加 新增 加购 加一个", "减少 删除 删掉 移除 去掉 减掉"),
    ("登录 登陆 登入", "登出 退出登录 退登"),
    ("注册 开户", "注销 销户"),
    ("充值 充钱", "提现 取现 退余额"),
    ("订阅 关注", "退订 取关 取消订阅 取消关注"),
    ("加入 参加 入会", "退出 退会 退群"),
    ("安装 下载", "卸载 拆卸 删除"),
    ("买入 购买", "卖出 出售 回收"),
    ("寄出 寄给 发出", "收到 签收"),
    ("新用户 新客 新人 新会员 首单", "老用户 老客 老会员 老顾客 复购"),
    ("男款 男士 男装 男鞋 男童 男生 男", "女款 女士 女装 女鞋 女童 女生 女"),
    ("开门 开馆 开园 开业 开始营业", "关门 闭馆 闭园 打烊 停业 停止营业"),
    ("上班", "下班"),
    ("开始 起始", "结束 截止"),
    ("电子", "纸质"),
    ("国内 境内 内地 大陆", "国际 国外 海外 境外 港澳台"),
    ("最低 最少 最小 最短 至少", "最高 最多 最大 最长 至多"),
    ("大人 成人 成年人", "小孩 儿童 孩子 小朋友 宝宝 婴儿"),
    ("个人", "公司 企业 单位"),
    ("线上 网上 在线", "线下 门店 实体店 到店"),
    ("升级", "降级"),
    ("升高 涨价 调高", "降低 降价 调低"),
    ("发货前 发出前", "发货后 发出后 已发货 发货了"),
    ("付款前", "付款后"),
    ("收货前", "收货后"),
    ("到货前", "到货后"),
    ("早上 上午 早班", "下午 晚上 晚班 夜里"),
    ("白天", "夜间 晚上"),
    ("冬天 冬季", "夏天 夏季"),
    ("春天 春季", "秋天 秋季"),
    ("冷水 冷饮 冷藏", "热水 热饮 加热"),
    ("干洗", "水洗 机洗 手洗"),
    ("左边 左侧", "右边 右侧"),
    ("借", "还"),
    ("进口", "出口 国产"),
    ("收入", "支出"),
    ("单人", "双人"),
    ("偏大", "偏小"),
    ("太长", "太短"),
    ("申请", "撤销 撤回 取消"),
    ("预约 预订 预定", "取消预约 取消预订 取消预定 退订"),
    ("取消", "恢复"),
    ("暂停", "继续 恢复"),
    ("锁定 冻结", "解锁 解冻"),
    ("拉黑 屏蔽", "解除拉黑 取消屏蔽"),
    ("enable open activate", "disable close deactivate"),
    ("subscribe", "unsubscribe"),
    ("return refund", "exchange"),
    ("add", "remove delete"),
    ("men male", "women female"),
    ("before", "after"),
    ("link bind", "unlink unbind"),
];
/// Words that turn a question into that about the opposite, wherever they are.
const REVERSALS: &str = "取消 撤销 撤回 撤单 注销 解除 退订 停止 关闭 恢复 退出 cancel";

/// Verbs with which a negation asks something else: 能退 and 不能退.
const NEGATED: &str = "能 能够 可以 支持 会 包邮 包 含 免 需要 要 用 有 防水 防 允许 参加 享受 补";
const NEGATIONS: &str = "不 没 无 未";

/// Whether the two texts are on opposite sides.
fn sides_differ(query: &str, known: &str) -> bool {
    let opposite = OPPOSITES.iter().any(|&(one, other)| {
        matches!((side(query, one, other), side(known, one, other)), (Some(asked), Some(known)) if asked != known)
    });
    let reversed = |text: &str| words(REVERSALS).any(|word| has(text, word) || is_misspelt(text, word));
    opposite
        || is_denied(query) != is_denied(known)
        || reversed(query) != reversed(known)
        || polarity_differs(query, known)
}

/// Whether an English text has a negation.
fn is_denied(text: &str) -> bool {
    text.is_ascii() && (text.contains("n't") || words("not no never without cannot").any(|word| has(text, word)))
}

/// Whether the text has the Latin word with one letter wrong.
fn is_misspelt(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|one| one.len() > 3);
    word.is_ascii() && words.any(|one| strsim::osa_distance(one, word) == 1)
}

/// Whether the text has words of the first side; `None` if it has words of neither or of both. Words of one side that contain one
/// of the other count alone: 解绑.
fn side(text: &str, one: &str, other: &str) -> Option<bool> {
    let mut all: Vec<_> = words(one).map(|word| (word, true)).chain(words(other).map(|word| (word, false))).collect();
    all.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let mut rest = text.to_owned();
    let mut found = BTreeSet::new();
    for (word, is_one) in all {
        if has(&rest, word) {
            rest = rest.replace(word, " ");
            found.insert(is_one);
        }
    }
    if found.len() == 1 { found.first().copied() } else { None }
}

/// Whether one text negates a verb that the other affirms.
fn polarity_differs(query: &str, known: &str) -> bool {
    words(NEGATED).any(
        |verb| matches!((affirms(query, verb), affirms(known, verb)), (Some(asked), Some(known)) if asked != known),
    )
}

/// Whether the text affirms the verb; `None` if it lacks it, or asks with both (能不能, 包不包邮).
fn affirms(text: &str, verb: &str) -> Option<bool> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(verb) {
        let before = &text[..at];
        let Some(negation) = words(NEGATIONS).find(|negation| before.ends_with(negation)) else {
            found.insert(true);
            continue;
        };
        // 能不能, 有没有, 包不包邮: the verb or its first character precedes the negation.
        let left = &before[..before.len() - negation.len()];
        let first = verb.chars().next().unwrap_or_default();
        if left.ends_with(verb) || left.ends_with(first) {
            return None;
        }
        found.insert(false);
    }
    if found.len() == 1 { found.first().copied() } else { None }
}

/// Whether the text has the word; a Latin word as a whole word.
pub(super) fn has(text: &str, word: &str) -> bool {
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return text.contains(word);
    }
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one == word)
}

pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split_whitespace()
}
