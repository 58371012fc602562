//! Characters that no text to a visitor has: controls, marks that turn the direction of writing, and invisible ones, which hide
//! text from the reader or from a check.

/// The text without them. Line breaks are kept, tabs become spaces.
pub(crate) fn without_invisible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n");
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_invisible(*c)).collect()
}

/// Zero-width joiners and variation selectors are kept, because emoji are made of them.
fn is_invisible(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_removed_and_emoji_are_kept() {
        assert_eq!(without_invisible("a\u{0}b\u{7}\u{1b}[1m\tc\r\nd\re"), "ab[1m c\nd\ne");
        assert_eq!(without_invisible("7\u{202e}51\u{202c}天\u{2066}x\u{2069}\u{200b}\u{feff}\u{e0041}"), "751天x");
        for text in ["👩\u{200d}👧 ❤\u{fe0f}", "一行\n二行", "é"] {
            assert_eq!(without_invisible(text), text);
        }
    }
}
