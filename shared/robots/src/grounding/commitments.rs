//! Commitments in a text: statements that a visitor could hold the merchant to.

use std::{collections::BTreeSet, ops::Range};

/// A kind of commitment with its words. An underscore stands for a space.
struct Kind {
    words: &'static str,
    /// Words that support the commitment in a source but make none in an answer.
    also: &'static str,
}

const POSTAGE: usize = 0;
const FREE: usize = 1;
const SOON: usize = 16;
const KINDS: [Kind; 18] = [
    Kind { words: "包邮 免邮 免运费", also: "我们承担 我们出 店家承担 卖家承担" },
    Kind {
        words: "免费 全免 免收 免单 不收费 不收取 不要钱 不花钱 不用钱 白拿 白送 free complimentary free_of_charge no_charge \
                no_cost no_fee on_the_house",
        also: "",
    },
    Kind { words: "送 赠 礼品 礼物 礼包 好礼 gift gifts giveaway bonus", also: "礼盒" },
    Kind { words: "券 红包 优惠卷 优惠码 coupon voucher promo_code", also: "" },
    Kind {
        words: "折扣 打折 折 优惠 特价 半价 立减 满减 减免 便宜 降价 discount cheaper half_price on_sale",
        also: "券 活动价 自动减 coupon voucher",
    },
    Kind { words: "保证 担保 承诺 百分百 绝对 包您 包你 guarantee promise", also: "假一赔" },
    Kind { words: "赔 补偿 compensate compensation reimburse reimbursement", also: "" },
    Kind { words: "退款 退钱 退全款 全额退 返还 refund money_back", also: "退还 退回 退差价" },
    Kind { words: "差价 价保 保价 price_match", also: "" },
    Kind { words: "全额 全款 full_refund full_amount", also: "in_full" },
    Kind { words: "返现 返利 返钱 cashback cash_back rebate", also: "" },
    Kind { words: "保修 质保 三包 换新 warranty", also: "" },
    Kind {
        words: "终身 终生 永久 无限 不限 无条件 lifetime forever unlimited unconditional unconditionally",
        also: "永远",
    },
    Kind { words: "包退 包换", also: "退换" },
    Kind { words: "抽奖 中奖 奖品 奖金 大奖 prize lottery winner", also: "奖" },
    Kind { words: "免息 免押 免税 interest-free", also: "" },
    Kind {
        words: "当天 当日 次日 隔天 隔日 明天 后天 马上 立即 立刻 same-day same_day next-day next_day tomorrow overnight",
        also: "今天 明日",
    },
    Kind { words: "双倍 翻倍 加倍", also: "两倍" },
];

/// Words that contain one of those above without a commitment.
const HARMLESS: &str = "配送 寄送 发送 运送 派送 递送 投送 转送 推送 送货 送到 送达 送往 送去 送回 送至 送上 送修 送检 送人 送来 送出 送朋友 \
                        折叠 折返 折痕 折断 折腾 折旧 骨折 曲折 转折 打折扣的 feel_free toll_free toll-free free_to presents_itself \
                        assure_you rest_assured";
/// In a clause with one of these, 免费 means 包邮.
const SHIPPING: &str =
    "运费 邮费 快递费 配送 寄送 送货 邮寄 发货 ship shipping ships shipped delivery deliver delivered postage";

/// Without one of these, 明天 makes no commitment: 请明天再试.
const DEEDS: &str = "发 到 达 送 寄 退款 补 ship shipping deliver delivery arrive refund";

const NEGATIONS: &str = "不 没 没有 无 未 非 别 勿 不能 不可 不会 不做 不支持 不提供 不参与 不参加 不享受 不予 不给 不是 不再 无法 暂无 暂不 并非 并不 \
                        没法 没办法 不包括 不含 no not never cannot cant without nor isnt arent dont doesnt wont";
/// Words allowed between a negation and the negated word.
const BETWEEN: &str = "能 可以 可 会 再 有 支持 提供 做 给 给您 享受 参加 参与 使用 用 任何 是 在 范围 好评 优惠 the a an any be is are offer give get \
                       accept have accepted covered available for";

/// Negations after the negated word.
const NEGATIONS_AFTER: &str = "没有 暂无 不支持 不提供 is_not are_not isnt arent not_available";

/// Whether the sources make each commitment of a normalized answer.
pub(super) fn are_supported(answer: &str, sources: &str) -> bool {
    let kept = made(sources, true);
    made(answer, false).is_subset(&kept)
}

/// The kinds of commitment that a text makes.
fn made(text: &str, is_source: bool) -> BTreeSet<usize> {
    let text = text.replace(['\'', '’'], "");
    let clauses = text.split(|c: char| "\n.!?;,。！？；，、…：:".contains(c));
    clauses.filter(|clause| !clause.trim().is_empty()).flat_map(|clause| made_in(clause, is_source)).collect()
}

fn made_in(clause: &str, is_source: bool) -> Vec<usize> {
    let has = |list| words(list).any(|word| places(clause, &word).next().is_some());
    let (ships, acts) = (has(SHIPPING), is_source || has(DEEDS));
    let clause = words(HARMLESS).fold(clause.to_owned(), |clause, harmless| clause.replace(&harmless, "…"));
    let is_made =
        |word: &String| places(&clause, word).any(|place| !is_negated(&clause[..place.start], &clause[place.end..]));
    let made = KINDS.iter().enumerate().filter(|&(number, kind)| {
        (number != SOON || acts)
            && (words(kind.words).any(|word| is_made(&word))
                || is_source && words(kind.also).any(|word| is_made(&word)))
    });
    made.map(|(number, _)| if number == FREE && ships { POSTAGE } else { number }).collect()
}

fn words(list: &'static str) -> impl Iterator<Item = String> {
    list.split_whitespace().map(|word| word.replace('_', " "))
}

/// The positions of a word in a text; for a Latin word, whole words only.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(word).filter_map(move |(start, _)| {
        let behind = &text[start + word.len()..];
        let ending = ["s", "d", "ed"].into_iter().find(|ending| is_end(behind.strip_prefix(ending)));
        let is_latin = word.starts_with(|c: char| c.is_ascii());
        let is_whole = !text[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            && (ending.is_some() || is_end(Some(behind)));
        (!is_latin || is_whole).then(|| start..start + word.len() + ending.filter(|_| is_latin).map_or(0, str::len))
    })
}

fn is_end(behind: Option<&str>) -> bool {
    behind.is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Whether the word between these two texts is negated.
pub(super) fn is_negated(before: &str, behind: &str) -> bool {
    let behind = behind.trim_start();
    if words(NEGATIONS_AFTER).any(|negation| behind.starts_with(&negation)) {
        return true;
    }
    let mut before = before.trim_end();
    loop {
        if NEGATIONS.split_whitespace().any(|word| without(before, word).is_some()) {
            return true;
        }
        let shorter = BETWEEN.split_whitespace().filter_map(|word| without(before, word)).min_by_key(|rest| rest.len());
        match shorter {
            Some(shorter) => before = shorter.trim_end(),
            None => return false,
        }
    }
}

/// The text without this word at its end.
fn without<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let is_latin = word.is_ascii();
    text.strip_suffix(word).filter(|rest| !is_latin || !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
}
