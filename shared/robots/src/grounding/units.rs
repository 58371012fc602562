//! Units of numbers.

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// One name for all convertible units.
    pub(super) name: &'static str,
    /// The size in the smallest of the convertible units.
    pub(super) size: f64,
    /// Whether 一 before it is mostly an article: 一个问题, 再试一次.
    is_article: bool,
}

/// The smallest unit of time.
const MINUTES: &str = "分钟";
/// Name, size in the smallest convertible unit, and spellings. A Latin spelling matches whole words, also with an s; a dot stands
/// for a space.
const UNITS: &[(&str, f64, &str)] = &[
    (MINUTES, 1.0, "分钟 minute min"),
    (MINUTES, 15.0, "刻钟"),
    (MINUTES, 60.0, "小时 个小时 钟头 个钟头 hour hr"),
    (MINUTES, 1440.0, "天 日 号 day"),
    (MINUTES, 10_080.0, "周 星期 个星期 礼拜 个礼拜 week"),
    ("工作日", 1.0, "工作日 个工作日 business·day working·day"),
    ("月", 1.0, "月 个月 month"),
    ("月", 3.0, "季度 个季度 quarter"),
    ("月", 12.0, "年 周年 year"),
    ("元", 1.0, "元 圆 块钱 人民币 yuan rmb cny"),
    ("美元", 1.0, "美元 美金 usd dollar"),
    ("%", 1.0, "% percent"),
    ("折", 1.0, "折"),
    ("倍", 1.0, "倍"),
];
/// The same for units with which 一 is mostly an article or part of a word: 一块, 一次.
const THINGS: &[(&str, f64, &str)] = &[
    ("元", 1.0, "块"),
    ("件", 1.0, "个 件 份 款 item piece"),
    ("张", 1.0, "张 coupon voucher ticket"),
    ("次", 1.0, "次 遍 趟 time"),
    ("人", 1.0, "人 位 名 people person"),
    ("双", 1.0, "双 pair"),
    ("盒", 1.0, "盒 箱 瓶 罐 袋 box"),
    ("套", 1.0, "套 set"),
    ("条", 1.0, "条"),
    ("节", 1.0, "节 课时 lesson"),
    ("晚", 1.0, "晚 夜 night"),
    ("台", 1.0, "台 辆 架"),
    ("餐", 1.0, "餐 顿"),
    ("层", 1.0, "级 层 楼"),
    ("斤", 1.0, "斤 公斤 千克 kg"),
    ("米", 1.0, "米 公里 厘米 km"),
    ("岁", 1.0, "岁"),
    ("分", 1.0, "积分 point"),
];
/// Nouns after a number and 个 whose number needs no support, such as ways or steps.
const TOLD: &str = "选择 办法 方法 方式 步骤 途径 渠道 问题 条件 地方 原因 部分 方面 情况 入口 按钮";

impl Unit {
    /// The currency of a sign before a number.
    pub(super) fn of_sign(before: &str) -> Option<Self> {
        let name = match before.trim_end_matches(' ').chars().next_back()? {
            '￥' | '¥' => "元",
            '$' => "美元",
            _ => return None,
        };
        Some(Self { name, size: 1.0, is_article: false })
    }

    /// An hour of the day.
    pub(super) const HOUR: Self = Self { name: "点", size: 1.0, is_article: false };

    /// The unit at the beginning of this text. The text is normalized.
    pub(super) fn at(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(' ');
        let joined = text.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        let text = joined.unwrap_or(text);
        let of = |units: &'static [(&'static str, f64, &'static str)], is_article| {
            units.iter().flat_map(move |&(name, size, all)| {
                all.split(' ').map(move |written| (Self { name, size, is_article }, written))
            })
        };
        let found =
            of(UNITS, false).chain(of(THINGS, true)).filter_map(|(unit, written)| Some((unit, after(text, written)?)));
        let (unit, after) = found.min_by_key(|(_, after)| after.len())?;
        let is_told = unit.is_article && TOLD.split(' ').any(|told| after.starts_with(told));
        (!is_told).then_some(unit)
    }

    /// Whether a value in words counts as a number. 一个 does not.
    pub(super) fn counts(self, value: u64) -> bool {
        !(self.is_article && value == 1)
    }

    /// Whether the unit is a period of time or money.
    pub(super) fn can_be_halved(self) -> bool {
        !self.is_article && !matches!(self.name, "%" | "折" | "倍" | "工作日")
    }

    /// Whether the unit is days or weeks.
    pub(super) fn is_days(self) -> bool {
        self.name == MINUTES && self.size > 60.0
    }

    /// Whether a number without the unit does not match it.
    pub(super) fn is_rate(self) -> bool {
        matches!(self.name, "%" | "折")
    }
}

/// The text after this spelling at its beginning.
fn after<'a>(text: &'a str, written: &str) -> Option<&'a str> {
    if !written.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return text.strip_prefix(written);
    }
    let mut rest = text;
    for (number, word) in written.split('·').enumerate() {
        rest = if number == 0 { rest } else { rest.trim_start_matches(' ') }.strip_prefix(word)?;
    }
    let rest = rest.strip_prefix('s').unwrap_or(rest);
    (!rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(rest)
}
