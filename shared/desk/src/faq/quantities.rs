//! The numbers of a text with their units, in digits and in Chinese numerals.

use crate::numerals::{is_numeral, value};

/// A number of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity<'a> {
    /// The value in the smallest convertible unit.
    value: f64,
    unit: Unit<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit<'a> {
    /// Of time, money, size …: one name for all convertible units.
    Named(&'static str),
    /// Of things that a visitor also counts beside the question: 买了 2 件.
    Count(&'static str),
    /// What a visitor tells of themselves: 身高 170.
    Own(&'static str),
    /// The Latin letters before it: a model such as A5.
    Model(&'a str),
    None,
}

/// Name, size in the smallest convertible unit, spellings.
const UNITS: &[(&str, f64, &str)] = &[
    ("工作日", 1.0, "个工作日 工作日"),
    ("分钟", 1.0, "分钟 minutes minute mins min"),
    ("分钟", 60.0, "个小时 小时 个钟头 钟头 hours hour hrs"),
    ("分钟", 1440.0, "天 days day"),
    ("分钟", 10_080.0, "个星期 个礼拜 星期 礼拜 周 weeks week"),
    ("日", 1.0, "日 号"),
    ("月", 1.0, "个月 月 months month"),
    ("月", 12.0, "年 years year"),
    ("点", 1.0, "点钟 点 时"),
    ("元", 1.0, "元 块钱 块 圆 人民币 rmb yuan"),
    ("折", 1.0, "折"),
    ("%", 1.0, "%"),
    ("g", 1.0, "gb g"),
    ("g", 1024.0, "tb t"),
    ("寸", 1.0, "英寸 寸 inch"),
    ("米", 0.01, "厘米 公分 cm"),
    ("米", 1.0, "米 m"),
    ("米", 1000.0, "公里 千米 km"),
    ("克", 1.0, "克"),
    ("克", 500.0, "斤"),
    ("克", 1000.0, "公斤 千克 kg"),
    ("毫升", 1.0, "毫升 ml"),
    ("毫升", 1000.0, "升 l"),
    ("岁", 1.0, "周岁 岁"),
    ("码", 1.0, "码"),
    ("期", 1.0, "期"),
    ("代", 1.0, "代"),
    ("室", 1.0, "室 居"),
    ("厅", 1.0, "厅"),
    ("人", 1.0, "人份 人餐 人套餐 人间 人房 人"),
    ("倍", 1.0, "倍"),
    ("楼", 1.0, "楼 层"),
    ("级", 1.0, "级"),
    ("度", 1.0, "度 ℃"),
    ("分", 1.0, "积分 分"),
    ("瓦", 1.0, "瓦 w"),
    ("毫安", 1.0, "毫安 mah"),
    ("门", 1.0, "门课 门"),
];
const COUNTS: &[(&str, &str)] = &[
    ("件", "件 个 份 款 样 箱 盒 瓶 袋 包 双 条 只 台 张 本 把 套 单 笔 支 颗 枚 片"),
    ("次", "次 遍 回 趟"),
    ("位", "位 名 口"),
];

/// Measures of people.
const OWN: [&str; 9] = ["身高", "体重", "腰围", "胸围", "臀围", "肩宽", "脚长", "年龄", "鞋码"];

impl Quantity<'_> {
    pub(super) fn equals(&self, other: &Self) -> bool {
        (self.value - other.value).abs() < 1e-6 && self.is_comparable(other)
    }

    /// Whether it is what a visitor tells of themselves.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.unit, Unit::Own(_))
    }

    /// Whether this number can stand in the place of the other one.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.is_comparable(other)
    }

    fn is_comparable(&self, other: &Self) -> bool {
        match (self.unit, other.unit) {
            (Unit::None | Unit::Model(_), Unit::None) | (Unit::None, Unit::Model(_)) => true,
            (Unit::None, Unit::Named(unit)) | (Unit::Named(unit), Unit::None) => {
                matches!(unit, "点" | "元" | "折" | "码" | "g" | "寸" | "期" | "代" | "日" | "米" | "分")
            }
            (one, other) => one == other,
        }
    }
}

/// The numbers of a normalized text.
pub(super) fn quantities(text: &str) -> Vec<Quantity<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || is_numeral(c) || c == '半') {
        let before = &text[..text.len() - rest.len() + start];
        let run = &rest[start..];
        let in_digits = run.starts_with(|c: char| c.is_ascii_digit());
        let end = if in_digits {
            run.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(run.len())
        } else {
            run.find(|c: char| !is_numeral(c)).unwrap_or(run.len())
        };
        if end == 0 {
            rest = &run['半'.len_utf8()..];
            all.extend(named(rest).map(|(unit, size)| Quantity { value: 0.5 * size, unit }));
            continue;
        }
        let (spelled, after) = run.split_at(end);
        rest = after;
        if in_digits {
            all.extend(digits(spelled, before, after));
        } else {
            all.extend(numerals(spelled, before, after));
        }
    }
    all
}

fn digits<'a>(spelled: &str, before: &'a str, after: &str) -> Option<Quantity<'a>> {
    let spelled = spelled.trim_end_matches(['.', ',']).replace(',', "");
    let value: f64 = spelled.parse().ok()?;
    let zeros = after.chars().next().and_then(|c| match c {
        '百' => Some(100.0),
        '千' => Some(1000.0),
        '万' => Some(10_000.0),
        _ => None,
    });
    let after = if zeros.is_some() { &after[3..] } else { after };
    let value = value * zeros.unwrap_or(1.0);
    let own = OWN.iter().find(|word| before.trim_end().trim_end_matches([':', '是']).ends_with(**word));
    let unit = own.map(|word| (Unit::Own(word), 1.0)).or_else(|| named(after)).or_else(|| of_range(after));
    let (unit, size) = unit.unwrap_or_else(|| (model(before), 1.0));
    let value = value + half(after, unit);
    // 95 折 and 九五折 are one; 9.5 折 is the same.
    let value = if unit == Unit::Named("折") && value > 10.0 { value / 10.0 } else { value * size };
    Some(Quantity { value, unit })
}

fn numerals<'a>(spelled: &str, before: &str, after: &str) -> Vec<Quantity<'a>> {
    let is_ordinal = before.ends_with('第');
    let is_weekday = ["周", "星期", "礼拜"].iter().any(|week| before.ends_with(week)) && !after.starts_with('天');
    let Some((unit, size)) = named(after).or_else(|| of_range(after)).filter(|_| !is_weekday) else {
        // Without a unit, numerals are mostly parts of words (万一, 统一); tens and hundreds are not.
        let is_amount = is_ordinal || spelled.chars().count() > 1 && spelled.contains(['十', '百', '千']);
        let value = value(spelled).filter(|_| is_amount && !is_weekday);
        return value.map(|value| Quantity { value: number(value), unit: Unit::None }).into_iter().collect();
    };
    let each: Vec<_> = spelled.chars().filter_map(|c| value(c.encode_utf8(&mut [0; 4]))).collect();
    let values = match each[..] {
        // 三五天; but 九五折.
        [low, high] if 0 < low && low < high && high < 10 && unit != Unit::Named("折") => each,
        _ => value(spelled).into_iter().collect(),
    };
    // 一个, 一次 and 一件 are articles.
    let is_article = matches!(unit, Unit::Count(_)) && spelled == "一" && !is_ordinal
        || unit == Unit::Named("点") && spelled == "一";
    let to_value = |value: u64| {
        let value = number(value);
        if unit == Unit::Named("折") && value > 10.0 { value / 10.0 } else { value * size }
    };
    let half = half(after, unit) * size;
    values.into_iter().filter(|_| !is_article).map(|value| Quantity { value: to_value(value) + half, unit }).collect()
}

fn number(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// The unit at the beginning of the text, and its size.
fn named(text: &str) -> Option<(Unit<'static>, f64)> {
    let text = text.trim_start();
    let starts = |word: &str| {
        let is_latin = word.starts_with(|c: char| c.is_ascii_alphabetic());
        text.strip_prefix(word).filter(|rest| !is_latin || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let units =
        UNITS.iter().flat_map(|&(name, size, all)| all.split(' ').map(move |word| (Unit::Named(name), size, word)));
    let counts = COUNTS.iter().flat_map(|&(name, all)| all.split(' ').map(move |word| (Unit::Count(name), 1.0, word)));
    let found = units.chain(counts).filter(|(_, _, word)| starts(word).is_some());
    found.max_by_key(|(_, _, word)| word.len()).map(|(unit, size, _)| (unit, size))
}

/// A half after the unit: 四岁半.
fn half(after: &str, unit: Unit<'_>) -> f64 {
    let units = UNITS.iter().filter(|(name, ..)| Unit::Named(name) == unit);
    let is_half = |word| after.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with('半'));
    let mut words = units.flat_map(|(_, _, words)| words.split(' '));
    if words.any(is_half) { 0.5 } else { 0.0 }
}

/// The Latin letters directly before a number, which name a model with it.
fn model(before: &str) -> Unit<'_> {
    let start = before
        .rfind(|c: char| !c.is_ascii_alphabetic())
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    if start < before.len() { Unit::Model(&before[start..]) } else { Unit::None }
}

/// The unit of a range, which follows its second number: 3-5 天, 1 到 3 个工作日.
fn of_range(after: &str) -> Option<(Unit<'static>, f64)> {
    let rest = after.trim_start();
    let rest = ["-", "~", "到", "至", "—", "或", "、"].iter().find_map(|mark| rest.strip_prefix(mark))?.trim_start();
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit() || is_numeral(c));
    if behind.len() < rest.len() { named(behind) } else { None }
}
