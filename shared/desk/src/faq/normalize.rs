//! Normalization of texts: width, case, traditional characters, and invisible characters.
//!
//! This is not Unicode NFKC: NFKC would also turn `①` into `1`, `½` into `1⁄2` and `㎏` into `kg`, and it knows nothing of
//! traditional characters, case, line ends or invisible characters.

use std::{collections::HashMap, sync::LazyLock};

/// Pairs of a traditional character and its simplified form, for the vocabulary of conversations about orders. Visitors
/// from Hong Kong and Taiwan write traditional characters. A complete table, such as that of `OpenCC` with thousands of entries,
/// would be larger than the rest of this crate.
const TRADITIONAL: &str = "轉转 貨货 發发 運运 費费 優优 號号 碼码 員员 單单 訂订 購购 買买 賣卖 價价 錢钱 額额 換换 還还 沒没 麼么 麽么 嗎吗 這这 個个 們们 時时 間间 幾几 點点 請请 問问 謝谢 幫帮 電电 話话 機机 開开 關关 閉闭 \
    結结 會会 級级 積积 禮礼 裝装 質质 壞坏 錯错 補补 庫库 斷断 預预 約约 實实 體体 門门 裡里 裏里 專专 業业 稅税 據据 網网 頁页 連连 線线 聯联 繫系 係系 聽听 說说 讓让 給给 對对 應应 該该 當当 過过 進进 \
    遠远 邊边 選选 擇择 顏颜 圖图 褲裤 襯衬 絲丝 紅红 綠绿 藍蓝 顯显 簽签 遞递 達达 處处 損损 傷伤 責责 賠赔 償偿 險险 類类 種种 樣样 滿满 減减 贈赠 獎奖 領领 無无 為为 爲为 後后 從从 來来 歲岁 學学 國国 \
    際际 灣湾 東东 車车 長长 張张 鎖锁 帳账 賬账 帐账 戶户 註注 銷销 刪删 綁绑 驗验 證证 認认 識识 語语 聲声 視视 頻频 見见 覺觉 觀观 親亲 愛爱 氣气 態态 務务 動动 師师 傳传 僅仅 儲储 兩两 劃划 匯汇 參参 \
    雙双 變变 啟启 執执 場场 報报 複复 復复 夠够 獲获 寬宽 寶宝 屬属 幣币 幹干 廣广 廠厂 彈弹 徵征 憑凭 擔担 擋挡 數数 於于 曬晒 書书 條条 極极 標标 檢检 歡欢 殘残 決决 況况 測测 煩烦 爛烂 環环 異异 疊叠 \
    盡尽 確确 稱称 穩稳 筆笔 範范 簡简 糾纠 紀纪 納纳 純纯 紙纸 細细 組组 統统 經经 維维 緊紧 織织 續续 罰罚 職职 脫脱 臨临 舉举 舊旧 製制 規规 訊讯 記记 許许 評评 詢询 試试 誤误 課课 調调 談谈 論论 護护 \
    讀读 負负 貼贴 資资 趕赶 輕轻 輸输 辦办 適适 遲迟 郵邮 銀银 鋪铺 鍵键 鏈链 鏡镜 陸陆 隊队 階阶 難难 雜杂 離离 靜静 頂顶 項项 順顺 須须 頭头 題题 願愿 風风 飛飞 館馆 髒脏 麗丽 齊齐 齡龄 嘍喽 嚇吓 獨独 \
    顧顾 權权 講讲 臺台 週周 鐘钟 鍾钟 錄录 導导 遊游 戲戏 區区 縣县 樓楼 層层 醫医 藥药 療疗 廳厅 飯饭 麵面 雞鸡 魚鱼 貓猫 綫线 綜综 總总 絕绝 絡络 聞闻 腦脑 臉脸 藝艺 虛虚 衛卫 訴诉 設设 詳详 誰谁 讚赞 \
    豐丰 貴贵 賓宾 賞赏 贏赢 軟软 輪轮 遺遗 鄉乡 釋释 鈕钮 鋼钢 錶表 鎮镇 鐵铁 鑽钻 閃闪 陰阴 陽阳 雲云 韓韩 響响 飲饮 養养 餘余 驚惊 鬆松 黃黄 龍龙 妳你 嬰婴 將将 濕湿 熱热 燈灯 牆墙";

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    TRADITIONAL.split_whitespace().filter_map(|pair| pair.chars().next().zip(pair.chars().nth(1))).collect()
});

/// Normalizes a text: full-width forms become ASCII, letters become lowercase, common traditional characters become
/// simplified, white space becomes a space, line ends become `\n`, and invisible characters are removed. The function is
/// idempotent.
pub fn normalize(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    for c in text.chars().filter(|&c| !is_invisible(c)) {
        match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => normalized.push('\n'),
            c if c.is_whitespace() || c.is_control() => normalized.push(' '),
            'A'..='Z' => normalized.push(c.to_ascii_lowercase()),
            c if c.is_ascii() => normalized.push(c),
            c if is_han(c) => normalized.push(SIMPLIFIED.get(&c).copied().unwrap_or(c)),
            c => normalized.extend(half_width(c).to_lowercase()),
        }
    }
    normalized
}

/// Normalizes a text and keeps only letters, ideographs and digits, so that texts that differ in punctuation are equal.
pub(crate) fn bare(text: &str) -> String {
    without_punctuation(normalize(text))
}

/// Like [`bare`], for a text that is already normalized.
pub(crate) fn without_punctuation(mut normalized: String) -> String {
    normalized.retain(char::is_alphanumeric);
    normalized
}

/// Removes the codes of pictures from a normalized text. WeChat writes its emoji as `[微笑]` or `[Smile]`, and messages that
/// are not texts appear as `[图片]`.
pub(crate) fn without_pictures(normalized: &str) -> String {
    const CODE_MAX: usize = 12;
    let mut rest = normalized;
    let mut text = String::with_capacity(normalized.len());
    while let Some((before, code)) = rest.split_once('[') {
        text.push_str(before);
        let inner = code.split_once(']').map(|(inner, _)| inner);
        let is_code = |inner: &&str| {
            let named = inner.chars().all(|c| c.is_alphabetic() || c == ' ' || c == '\'');
            named && (1..=CODE_MAX).contains(&inner.chars().count())
        };
        if let Some(inner) = inner.filter(is_code) {
            text.push(' ');
            rest = &code[inner.len() + 1..];
        } else {
            text.push('[');
            rest = code;
        }
    }
    text.push_str(rest);
    text
}

/// Whether the character is a Han ideograph or one of the marks 々 and 〇, which are used like one.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{323AF}' | '\u{F900}'..='\u{FAFF}' | '々' | '〇')
}

/// Splits a normalized text into trimmed, non-empty clauses.
pub(crate) fn clauses(normalized: &str) -> impl Iterator<Item = &str> {
    normalized.split(ends_clause).map(str::trim).filter(|clause| !clause.is_empty())
}

/// Whether a clause ends at this character, that is punctuation or a symbol such as an emoji.
pub(crate) fn ends_clause(c: char) -> bool {
    "\n,.!?;:~，。！？；：、…～·—".contains(c)
        || matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}') && !c.is_alphanumeric()
}

fn half_width(c: char) -> char {
    match c {
        // The block Halfwidth and Fullwidth Forms repeats ASCII from `!` to `~` at a fixed distance.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c => c,
    }
}

/// Whether the character is a zero-width or direction mark, a soft hyphen, a variation selector, or the keycap of an emoji.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{20E3}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_case_and_traditional_characters_are_normalized() {
        for (text, expected) in [
            ("ＡＢＯＵＴ　１２３！", "about 123!"),
            ("轉人工", "转人工"),
            ("甚麼時候發貨？", "甚么时候发货?"),
            ("帐号", "账号"),
            ("1\u{FE0F}\u{20E3}", "1"),
            ("包\u{200B}邮\u{FEFF}", "包邮"),
            ("一\r\n二\t三", "一\n\n二 三"),
        ] {
            assert_eq!(normalize(text), expected);
        }
        assert_eq!(bare("　怎么 退货？！👍"), "怎么退货");
    }

    #[test]
    fn traditional_table_has_valid_unique_pairs() {
        for pair in TRADITIONAL.split_whitespace() {
            let characters: Vec<char> = pair.chars().collect();
            assert!(characters.len() == 2 && characters[0] != characters[1], "{pair}");
            // Otherwise the function would not be idempotent.
            assert!(!SIMPLIFIED.contains_key(&characters[1]), "{pair}");
        }
        assert_eq!(SIMPLIFIED.len(), TRADITIONAL.split_whitespace().count(), "a character is in the table twice");
    }

    #[test]
    fn picture_codes_are_removed() {
        for (text, expected) in [
            ("怎么退货[捂脸][捂脸]", "怎么退货  "),
            ("[图片]\n多久", " \n多久"),
            ("[let down] ok", "  ok"),
            ("[2] [a", "[2] [a"),
            ("[[微笑]]", "[ ]"),
            ("[一个比一切代码都要长得多的句子]", "[一个比一切代码都要长得多的句子]"),
            ("[]", "[]"),
        ] {
            assert_eq!(without_pictures(text), expected);
        }
    }

    #[test]
    fn clauses_end_at_full_width_and_half_width_punctuation() {
        let text = normalize("你好，在吗？\n怎么退货 呢。。😡①");
        assert_eq!(clauses(&text).collect::<Vec<_>>(), ["你好", "在吗", "怎么退货 呢", "①"]);
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(text in any::<String>()) {
            let once = normalize(&text);
            prop_assert_eq!(normalize(&once), once.clone());
            prop_assert_eq!(bare(&once), bare(&text));
        }
    }
}
