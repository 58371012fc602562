//! Names in two texts: colours, places, carriers, and any word that stands in the place of another one.

use super::{
    analyzer::{Gram, Term, analyze},
    details::{has, words},
    normalize::clauses,
};
use crate::numerals::is_numeral;

/// Names of one kind each. Two texts with different ones of a kind ask different things.
const KINDS: &[&str] = &[
    "红色 橙色 黄色 绿色 青色 蓝色 紫色 黑色 白色 灰色 粉色 棕色 褐色 金色 银色 米色 咖色 杏色 红的 黄的 绿的 蓝的 紫的 黑的 白的 灰的 粉的 红款 蓝款 黑款 白款 black white red blue \
     green yellow pink grey gray",
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 成都 武汉 西安 长沙 郑州 青岛 厦门 福州 合肥 济南 沈阳 大连 哈尔滨 长春 昆明 贵阳 南宁 海口 三亚 南昌 太原 石家庄 兰州 西宁 银川 \
     乌鲁木齐 拉萨 呼和浩特 宁波 无锡 东莞 佛山 温州 珠海 香港 澳门 台湾 台北 广东 浙江 江苏 山东 四川 湖北 湖南 河南 河北 福建 安徽 辽宁 吉林 黑龙江 云南 贵州 广西 海南 江西 山西 \
     陕西 甘肃 青海 宁夏 新疆 西藏 内蒙古 内蒙 美国 加拿大 英国 法国 德国 日本 韩国 泰国 越南 新加坡 马来西亚 澳大利亚 澳洲 新西兰 俄罗斯 意大利 西班牙 欧洲 巴黎 伦敦 纽约 东京 首尔 \
     china japan korea canada germany france spain italy australia singapore thailand malaysia america usa us uk europe india russia brazil mexico vietnam \
     taiwan london paris tokyo",
    "顺丰 中通 圆通 申通 韵达 极兔 京东 邮政 ems 德邦 百世 菜鸟 丹鸟 fedex ups dhl",
    "微信 支付宝 云闪付 银联 花呗 白条 信用卡 储蓄卡 银行卡 现金 礼品卡 数字人民币 paypal visa mastercard jcb unionpay alipay cash",
    "周一 周二 周三 周四 周五 周六 周日 周末 工作日 节假日 星期一 星期二 星期三 星期四 星期五 星期六 星期日 星期天",
    "春节 元旦 清明 五一 端午 中秋 国庆 元宵 双十一 双11 双十二 双12 618 圣诞 暑假 寒假",
    "宝马 奔驰 奥迪 大众 丰田 本田 日产 别克 福特 比亚迪 特斯拉 吉利 长安 华为 小米 苹果 三星 荣耀 oppo vivo 一加 魅族 红米 联想 戴尔 iphone ipad android 安卓 鸿蒙",
    "学生 老师 老人 军人 儿童 会员 残疾人 医生 孕妇",
    "xs s m l xl xxl xxxl 2xl 3xl 4xl 均码 大码 小码 中码 加大码",
    "pro max plus mini ultra lite promax 标准版 青春版 旗舰版 高配 低配 顶配",
    "增值税 专用 专票 普票 普通发票",
];
/// Spellings of one name.
const SAME: &[(&str, &str)] = &[
    ("星期一", "周一"),
    ("星期二", "周二"),
    ("星期三", "周三"),
    ("星期四", "周四"),
    ("星期五", "周五"),
    ("星期六", "周六"),
    ("星期日", "周日"),
    ("星期天", "周日"),
    ("内蒙古", "内蒙"),
    ("澳大利亚", "澳洲"),
    ("双十一", "双11"),
    ("双十二", "双12"),
    ("专票", "专用"),
    ("普通发票", "普票"),
    ("gray", "grey"),
    ("america", "us"),
    ("usa", "us"),
    ("iphone", "苹果"),
    ("promax", "max"),
];
/// The kind of which a text without a name is another model: iPhone 15 is not iPhone 15 Pro.
const MODELS: usize = 9;
/// Titles after a family name of one character.
const TITLES: [&str; 9] = ["医生", "老师", "大夫", "教练", "先生", "女士", "师傅", "主任", "律师"];

/// Whether the query has another name in the place of one of the known text. `is_known`: whether another text of the known question
/// has a name too.
pub(super) fn differ(query: &str, known: &str, is_known: &dyn Fn(&str) -> bool) -> bool {
    let kinds = KINDS.iter().enumerate().any(|(kind, names)| {
        let (asked, known) = (named(query, names), named(known, names));
        if kind == MODELS && has_model(query) && asked != known {
            return true;
        }
        let is_new = |name: &&&str| !known.contains(*name) && !is_known(name);
        known.iter().any(|name| !asked.contains(name)) && asked.iter().filter(is_new).count() > 0
    });
    kinds || is_replaced(query, known, is_known)
}

/// Whether the text has a number, of which `pro` and `max` are models.
fn has_model(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// The names of a list in the text.
fn named<'a>(text: &str, names: &'a str) -> Vec<&'a str> {
    let mut all: Vec<_> = words(names).collect();
    all.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut rest = text.to_owned();
    let mut found = Vec::new();
    for name in all {
        if has(&rest, name) || name.is_ascii() && has_after_digits(&rest, name) {
            rest = rest.replace(name, " ");
            let name = SAME.iter().find(|(one, _)| *one == name).map_or(name, |(_, same)| same);
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found.sort_unstable();
    found
}

/// Whether the Latin name follows digits: 15pro.
fn has_after_digits(text: &str, name: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| word.strip_suffix(name))
        .any(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The least share of the known text's units that must be common before a single other word counts as a name in its place.
const COMMON_MIN: usize = 2;
/// The longest name, in units.
const NAME_MAX: usize = 5;

/// Whether the texts differ in one word alone, which is a noun as far as can be told: 丰田保养多少钱, 大众保养多少钱.
fn is_replaced(query: &str, known: &str, is_known: &dyn Fn(&str) -> bool) -> bool {
    let known = units(known);
    // Of several sentences, the one that has most in common with the known text asks.
    let asked = clauses(query).map(units).max_by_key(|asked| asked.iter().filter(|unit| known.contains(unit)).count());
    let Some(asked) = asked else { return false };
    let start = asked.iter().zip(&known).take_while(|(one, other)| is_same(one, other)).count();
    let most = asked.len().min(known.len()) - start;
    let ends = asked.iter().rev().zip(known.iter().rev()).take(most);
    let end = ends.take_while(|(one, other)| is_same(one, other)).count();
    let (new, old) = (&asked[start..asked.len() - end], &known[start..known.len() - end]);
    if new.is_empty() || old.is_empty() || start + end < COMMON_MIN || new.len().max(old.len()) > NAME_MAX {
        return false;
    }
    let (name, other) = (new.concat(), old.concat());
    if is_known(&name) || SYNONYMS.iter().any(|all| all.contains(&&*name) && all.contains(&&*other)) {
        return false;
    }
    let before_title = TITLES.iter().any(|title| asked[asked.len() - end..].concat().starts_with(title));
    is_name(new, before_title) && is_name(old, before_title)
}

/// Whether two units are one, also where a Latin word is misspelt.
fn is_same(one: &str, other: &str) -> bool {
    let is_long = one.len().min(other.len()) > 3 && one.is_ascii() && other.is_ascii();
    one == other || is_long && strsim::osa_distance(one, other) == 1
}

/// Words that ask the same in the place of each other.
const SYNONYMS: &[&[&str]] = &[
    &["包裹", "快递", "货物", "物流", "东西"],
    &["衣服", "商品", "东西", "宝贝", "产品", "货"],
    &["修改", "更改", "改", "变更", "更换"],
    &["查询", "查看", "查", "看", "看到"],
    &["开", "开具", "打", "打印", "申请", "索取"],
    &["办理", "办", "申请", "弄", "操作"],
    &["收到", "拿到", "到", "到手", "送到", "送达"],
    &["寄", "发", "寄出", "发出", "发货", "邮寄"],
    &["下单", "付款", "拍下", "购买", "买"],
    &["价格", "价钱", "费用"],
    &["联系", "找", "咨询"],
    &["使用", "用"],
    &["付", "出", "承担", "付款", "支付"],
];

fn is_name(units: &[String], before_title: bool) -> bool {
    let is_latin = units.iter().all(|unit| unit.is_ascii());
    let chars: usize = units.iter().map(|unit| unit.chars().count()).sum();
    // Numbers are compared by their values.
    let has_number = units.iter().any(|unit| unit.contains(|c: char| c.is_ascii_digit() || is_numeral(c)));
    let has_function_word =
        has_number || units.iter().any(|unit| unit.starts_with('<') || FUNCTION_WORDS.contains(&**unit));
    !has_function_word
        && (is_latin && units.len() <= 3
            || !is_latin && (chars > 1 || before_title || units.iter().all(|unit| ONE_CHARACTER.contains(&**unit))))
}

/// Characters of pronouns, auxiliaries and adverbs. With one of them it is not a word alone that differs.
const FUNCTION_WORDS: &str = "有不没会要还想可以能怎么谁时候很再刚多少已经就先才";
/// Nouns and verbs of one character that are no likely typing error for each other: 猫粮, 狗粮; 去冰, 加冰.
const ONE_CHARACTER: &str = "猫狗牛羊猪鸡鸭鹅鱼虾兔鸟马东南西北左右上下前后单双大中小甲乙丙丁金银铜铁春夏秋冬早午晚红黄蓝绿黑白灰紫粉男女老新面饭粥汤菜肉茶酒水油米糖盐果奶豆蛋葱姜蒜辣甜酸咸冷热冰     设重初加减去买卖退换借还存取进出开关收发洗修租装拆车船票证书笔纸灯表鞋帽衣裤裙袜床桌椅门窗手脚头眼耳鼻口牙心肝胃肺日月年周楼省市县区村路街高低长短厚薄轻重快慢内外";

/// The units of a text in order: ideographs, question words in brackets, Latin words.
fn units(text: &str) -> Vec<String> {
    let shown = |gram: Gram| match gram {
        Gram::Character(c) => c.to_string(),
        Gram::QuestionWord(word) => format!("<{word}>"),
    };
    let text = text.replace("星期", "周").replace("礼拜", "周");
    let terms = analyze(&text).list.into_iter();
    let unit = |term| match term {
        Term::Unigram(gram) => Some(shown(gram)),
        Term::Word(word) => Some(word.into_string()),
        Term::Bigram(..) => None,
    };
    terms.filter_map(unit).collect()
}
