//! The characters of a text that is sent.

use std::borrow::Cow;

/// The text without the characters that WeChat refuses or phones do not show: every kind of line break (CR LF, CR, U+000B, U+000C,
/// U+0085, U+2028, U+2029) becomes `\n`; the other control characters except the tab, and U+FEFF, are removed.
///
/// JSON writes a control character as `\uXXXX`, which WeChat refuses with 40033 (全局返回码: "不合法的请求字符，不能包含 \uxxxx
/// 格式的字符"). Office programs leave U+000B for a line break within a paragraph.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut follows_return = false;
    for char in text.chars() {
        match char {
            // The line break stands already for the carriage return.
            '\n' if follows_return => {}
            char if is_line_break(char) => cleaned.push('\n'),
            char if is_clean(char) => cleaned.push(char),
            _ => {}
        }
        follows_return = char == '\r';
    }
    Cow::Owned(cleaned)
}

/// The same for a text of one line, such as a title: a line break and a tab become a blank.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    match clean(text) {
        text if !text.contains(['\n', '\t']) => text,
        text => Cow::Owned(text.replace(['\n', '\t'], " ")),
    }
}

/// Whether a text shows nothing: it is empty or has only blanks, control characters, characters without width, and fillers. WeChat refuses
/// such a text with 44004.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|char| char.is_whitespace() || char.is_control() || is_invisible(char))
}

fn is_clean(char: char) -> bool {
    matches!(char, '\n' | '\t') || !(char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

fn is_line_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(char, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_become_one_kind_and_other_controls_are_removed() {
        for (text, expected) in [
            ("一\u{b}二", "一\n二"),
            ("一\u{c}二\u{2028}三\u{2029}四\u{85}五", "一\n二\n三\n四\n五"),
            ("一\r\n二\r三\n\r四\r\r\n", "一\n二\n三\n\n四\n\n"),
            ("\u{feff}一\u{0}二\u{7f}三\u{9f}四\u{1b}[0m", "一二三四[0m"),
            ("一\t二\n", "一\t二\n"),
            ("👨‍👩‍👧‍👦 \u{200d}", "👨‍👩‍👧‍👦 \u{200d}"),
            ("\u{0}\u{1}", ""),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
            assert_eq!(clean(expected), expected, "{text:?}");
        }
        assert_eq!(clean_line("标题\u{b}第二行\t\r\n完\u{7f}"), "标题 第二行  完");
        assert!(matches!(clean("一\n二"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_of_blanks_and_invisible_characters_is_blank() {
        for blank in ["", " \n\t\u{3000}", "\u{0}\u{7f}", "\u{feff}\u{200b}\u{200d}\u{2060}", "\u{202e}", "\u{3164}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank("。") && !is_blank("\u{200b}x"));
    }
}
