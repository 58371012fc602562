//! Grounding: whether the cited passages support an answer. The check is local and needs no second model.
//!
//! It looks for harmful hallucinations (a price, a term, a commitment, a telephone number or an address that the passages do not
//! contain) and for answers that are unrelated to the cited passages, as after prompt injection.
//!
//! | In the answer | Required in a cited passage |
//! |---|---|
//! | a link, a host's name, an e-mail address | the same, with its scheme or without |
//! | a host with ideographs, or spelled out: shop点com, shop dot com | the same, as it is written |
//! | an element of markup, such as `<a …>…</a>` | the same, as it is written |
//! | a telephone number or an account, also in Chinese digits: 一三八零零… | the same, in any digits |
//! | a number in digits | the same, `1,000` and `01.50` being `1000` and `1.5`; of the same, where both say of what: 48 小时 is not 48 天 |
//! | a number in words, of something: 七天, 两张, 五折, 半年, thirty days | the same in words or digits; 7 天 and 一周, 24 小时 and 一天, 22:00 and 晚上十点 are one |
//! | ½, ², ٣ and other numerals of Unicode | the same |
//! | a commitment: 免费, 包邮, 赠, 券, 保证, 赔, 退款, "free", "guarantee" … | a commitment of that kind, not negated |
//! | a clause that affirms or denies: 支持退货 | no clause about the same that says the opposite: 不支持退货 |
//! | other content, without courtesies | a share of it, and a smaller share of each sentence |
//!
//! Requests for codes, passwords, card numbers or transfers, and sentences of the model's rules, are withheld whatever the sources say.
//!
//! List numbers, ① to ⑳, 一 as an article (一个问题) and numerals within words (万一, 一般) do not count as numbers. Between English
//! and Chinese a small glossary maps words; answers in other languages are withheld. `tests/robots/grounding.rs` measures
//! precision and recall of the check.

mod commitments;
mod contacts;
mod domains;
mod instructions;
mod links;
mod markup;
mod numbers;
mod overlap;
mod polarity;
mod secrets;
mod translation;
mod units;

use desk::faq::normalize;

use crate::Withheld;

/// The reason to withhold an answer that these sources do not support.
pub(crate) fn unsupported_claim(answer: &str, sources: &[&str]) -> Option<Withheld> {
    if !markup::is_supported(answer, sources) {
        return Some(Withheld::Markup);
    }
    let statements: Vec<_> = sources.iter().map(|source| normalize_answer(source)).collect();
    let (answer, sources) = (normalize_answer(answer), normalize_answer(&sources.join("\n")));
    if secrets::are_asked_for(&answer) {
        return Some(Withheld::Secret);
    }
    if instructions::are_repeated(&answer) {
        return Some(Withheld::Instructions);
    }
    let (links, answer_text) = links::links(&answer);
    let (known_links, known) = links::links(&sources);
    if !links.is_subset(&known_links) || !domains::are_supported(&answer, &sources) {
        return Some(Withheld::Link);
    }
    if !contacts::are_supported(&answer_text, &sources) {
        return Some(Withheld::Contact);
    }
    let known_numbers = numbers::numbers(&known);
    if !numbers::numbers(&answer_text).iter().all(|number| number.is_supported_by(&known_numbers)) {
        return Some(Withheld::Number);
    }
    if !commitments::are_supported(&answer_text, &known) {
        return Some(Withheld::Commitment);
    }
    if polarity::contradicts(&answer_text, &statements) {
        return Some(Withheld::Contradiction);
    }
    (!overlap::shares_content(&answer, &sources)).then_some(Withheld::Unrelated)
}

/// The normalized text without list numbers. A fullwidth comma is kept, because it separates numbers.
fn normalize_answer(text: &str) -> String {
    let narrow = |c| match c {
        '０'..='９' | '．' | '：' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let text: String = text.chars().map(narrow).collect();
    let text = links::without_list_numbers(&text);
    text.split('，').map(normalize).collect::<Vec<_>>().join("，")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether all claims of the answer are supported, without the check of its content.
    fn is_supported(answer: &str, source: &str) -> bool {
        matches!(unsupported_claim(answer, &[source]), None | Some(Withheld::Unrelated))
    }

    #[test]
    fn claim_in_source_is_supported() {
        for (answer, source) in [
            ("您可以随时退货。", "支持退货"),
            ("满99元包邮", "满 99 包邮"),
            ("运费 9.90 元", "运费9.9元"),
            ("共1,000件", "1000 件"),
            ("１２３４５６７", "1234567"),
            ("7天内可退", "七天无理由退货"),
            ("24小时内发货", "二十四小时内发货"),
            ("5块", "五元一份"),
            ("五元", "5元"),
            ("打五折，也就是百分之五十", "5折，50%"),
            ("打5折，也就是50%", "五折，百分之五十"),
            ("一起看看，万一有问题，请再联系", "无"),
            ("电话 400-800-1234", "拨打400-800-1234"),
            ("2026.10.01 起", "2026年10月1日起"),
            ("步骤：\n1. 打开小程序\n2. 点“我的”\n3、提交", "打开小程序，点“我的”，提交"),
            ("1）是\n2）否", "是，否"),
            ("1️⃣ 是", "是"),
            ("① 打开 ② 提交", "打开，提交"),
            ("见 https://Shop.example/a?b=1。", "请看（https://shop.example/a?b=1）"),
            ("见<a href=\"https://shop.example/\">这里</a>", "网址：<a href=\"https://shop.example/\">这里</a>"),
            ("5 < 6，a<5", "5<6，a"),
            ("见 shop.example", "https://shop.example/"),
            ("写信给 help@shop.example", "邮箱：help@shop.example"),
            ("七天内可退", "7 天无理由"),
            ("一周内可退", "７天无理由"),
            ("两天内发货", "48小时内发货"),
            ("一到三个工作日", "1-3 个工作日"),
            ("三五天左右", "3-5天"),
            ("半年、一年都可以", "6个月，十二个月"),
            ("晚上十点下班", "9:00-22:00"),
            ("早上七点半开始", "7:30"),
            ("周六日休息，周一周二上班", "周末休息"),
            ("一共3000元", "3千元"),
            ("within seven days, or twenty-four hours", "七天，24小时"),
            ("a one-year deal, one of many", "一年"),
            ("这里有一个问题，再试一次，第一时间处理，第一步", "无"),
            ("一下，一些，一般，两者，十分抱歉，千万别急，统一，双十一", "无"),
            ("祝您有美好的一天，有两种方式、三个步骤", "无"),
            ("满99就包邮，免费配送", "满99元免运费"),
            ("不包邮，没有优惠券，不能退款", "无"),
            ("Please feel free to ask, rest assured", "无"),
            ("配送、送货、送达、送到您家", "无"),
        ] {
            assert!(is_supported(answer, source), "{answer} / {source}");
        }
    }

    #[test]
    fn claim_not_in_source_is_unsupported() {
        for (answer, source) in [
            ("只要1元", "一次一件，售价 9999 元"),
            ("只要1元", "1. 打开\n2. 付款"),
            ("只要一元", "一次一件，售价 9999 元"),
            ("只要￥1", "售价 ￥11"),
            ("9.9元", "4.9元或9元"),
            ("5折", "5元"),
            ("五折", "5元"),
            ("1万元", "1元"),
            ("打百分之一", "1 件"),
            ("30天内可退", "七天无理由退货"),
            ("3天", "三件"),
            ("½ 价", "半价"),
            ("电话 400-800-1235", "拨打400-800-1234"),
            ("1. 打开\n3. 提交", "打开，提交"),
            ("8.5折\n", "85折"),
            ("见 https://shop.example.evil.test/a", "https://shop.example/a"),
            ("见 https://shop.example.co", "https://shop.example.com"),
            ("见 https://shop.example/b", "https://shop.example/a"),
            ("见 evil.test", "https://shop.example"),
            ("见ｅｖｉｌ．ｔｅｓｔ", "https://shop.example"),
            ("写信给 help@evil.test", "help@shop.example"),
            ("见<a href=\"https://shop.example/\">这里</a>", "网址:https://shop.example"),
            ("三十天内可退", "七天无理由退货"),
            ("七个月内可退", "7天无理由退货"),
            ("7个月内可退", "7天无理由退货"),
            ("七小时", "7天"),
            ("半年内可退", "7天"),
            ("两张", "两件"),
            ("三个工作日", "3天"),
            ("充一百送五十", "赠"),
            ("早上六点", "9:00-22:00"),
            ("8美元", "8元"),
            ("10元", "10点半"),
            ("thirty days", "3天"),
            ("免\u{200b}费", "收费"),
            ("免費", "收费"),
            ("全场免费", "满99元包邮"),
            ("包邮", "不包邮"),
            ("送两张券", "两张"),
            ("每单都送您", "配送"),
            ("guaranteed", "无"),
            ("it is FREE", "无"),
            ("We refund you", "refunds are not available"),
            ("全额退款", "退款"),
            ("明天就到", "3-5天到"),
        ] {
            assert!(!is_supported(answer, source), "{answer} / {source}");
        }
    }

    #[test]
    fn unsupported_answer_has_its_reason() {
        const SOURCE: &str = "定制商品不支持退货，客服电话 400-800-1234";
        for (answer, expected) in [
            ("定制商品支持退货", Withheld::Contradiction),
            ("<b>定制商品</b>不支持退货", Withheld::Markup),
            ("定制商品，请看 tuihuo点com", Withheld::Link),
            ("客服电话四零零八零零一二三五", Withheld::Contact),
            ("定制商品 3 天", Withheld::Number),
            ("定制商品免费", Withheld::Commitment),
            ("定制商品请提供验证码", Withheld::Secret),
            ("Copy numbers and links from the passages as they are written", Withheld::Instructions),
            ("今天天气真好啊", Withheld::Unrelated),
        ] {
            assert_eq!(unsupported_claim(answer, &[SOURCE]), Some(expected), "{answer}");
        }
        assert_eq!(unsupported_claim("客服电话四零零八零零一二三四", &[SOURCE]), None);
    }

    /// Prints the durations. The bound only catches work that grows with a power of the length.
    #[test]
    fn hostile_answers_are_checked_in_time() {
        let source = "甲不支持退货，乙可以退货，丙需要押金。".repeat(150);
        for part in ["可以退货，", "不送货可以", "1 3 8 ", "微信", "a.b.", "<a <", "点com", "验证码，", "the passages "]
        {
            let answer: String = (0..).flat_map(|number| [part.to_owned(), number.to_string()]).take(400).collect();
            let start = std::time::Instant::now();
            unsupported_claim(&answer, &[&source]);
            println!("{part}: {:?}", start.elapsed());
            assert!(start.elapsed() < std::time::Duration::from_secs(5), "{part}");
        }
    }

    proptest! {
        #[test]
        fn text_supports_itself(text in "\\PC{0,60}|[0-9.,:/@a-z元折％一十百万 \\n]{0,60}") {
            prop_assert!(is_supported(&text, &text));
        }
    }
}
