//! Truncates texts.

use wechat::text;

const ELLIPSIS: char = '…';

/// The beginning of the text, at most `limit` bytes, truncated between graphemes and before a link or an address that does not fit. A
/// text that begins with one that is longer is truncated within it.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    match text::head(text, limit) {
        "" => &text[..text.floor_char_boundary(limit)],
        head => head,
    }
}

/// The [clean](text::clean()) and trimmed text in at most `limit` bytes. A longer text is truncated at the end of a sentence or, where no
/// sentence ends in its last three quarters, after a word with an ellipsis. No link, address or grapheme is truncated.
pub(crate) fn fit(text: &str, limit: usize) -> String {
    let text = text::clean(text);
    let text = text.trim();
    if text.len() <= limit {
        return text.to_owned();
    }
    let whole = text::head(text, limit);
    if let Some(end) = text::sentence_end(text, whole.len()).filter(|end| *end >= limit / 4) {
        return text[..end].trim_end().to_owned();
    }
    let cut = text::head(text, limit.saturating_sub(ELLIPSIS.len_utf8()));
    let in_word = text[cut.len()..].starts_with(|c: char| c.is_ascii_graphic());
    let word = if in_word { cut.trim_end_matches(|c: char| c.is_ascii_graphic()) } else { cut };
    let kept = if word.is_empty() { cut } else { word }.trim_end();
    if kept.is_empty() { String::new() } else { format!("{kept}{ELLIPSIS}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_text_is_truncated_at_sentence() {
        assert_eq!(fit("  好的。\n", 100), "好的。");
        assert_eq!(fit("第一句。第二句！第三句很长很长", 30), "第一句。第二句！");
        assert_eq!(fit("他说“可以。”然后走了又回来", 24), "他说“可以。”");
        assert_eq!(fit("One is 1.5 long. Two is longer", 24), "One is 1.5 long.");
        assert_eq!(fit("第一行\n第二行没有句号", 20), "第一行");
    }

    #[test]
    fn text_without_sentences_ends_with_ellipsis() {
        assert_eq!(fit("一二三四五六七八九十", 15), "一二三四…");
        assert_eq!(fit("好。一二三四五六七八九十一二三四五六七八九十", 40), "好。一二三四五六七八九十…");
        assert_eq!(fit("请看下面这个网址里的说明 https://shop.example/help/returns", 50), "请看下面这个网址里的说明…");
        assert_eq!(fit(&"a".repeat(20), 10), "aaaaaaa…");
        assert_eq!(fit("一二", 2), "");
    }

    #[test]
    fn link_is_not_truncated() {
        let text = "退货说明都在这里。请点<a href=\"https://shop.example/?a=1\">查看</a>了解";
        assert_eq!(fit(text, 60), "退货说明都在这里。");
        let text = "说明 <a href=\"https://shop.example/?a=1\">查看。</a>";
        assert_eq!(fit(text, 53), "说明…");
        let text = "说明 <A HREF='https://shop.example/?a=1'>查看。</A>";
        assert_eq!(fit(text, 53), "说明…");
        assert_eq!(head(text, 53), "说明 ");
        assert_eq!(fit("一家人👨‍👩‍👧‍👦来了", 30), "一家人…");
        assert_eq!(fit("一\u{b}二\u{0}", 30), "一\n二");
        assert_eq!(head("https://shop.example/returns", 12), "https://shop");
    }

    proptest! {
        #[test]
        fn result_is_within_limit(text in "\\PC{0,80}|[。. a<\\n]{0,80}", limit in 0_usize..100) {
            let fitted = fit(&text, limit);
            prop_assert!(fitted.len() <= limit);
            prop_assert!(text.contains(fitted.trim_end_matches('…')));
            if text.trim().len() <= limit {
                prop_assert_eq!(fitted, text.trim());
            }
        }
    }
}
