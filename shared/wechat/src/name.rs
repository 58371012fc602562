//! Names and titles that are shown on one line.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use crate::text::{clean_line, is_blank};

/// A name or a title on one line: not blank, without white space at its ends, without control, format and bidirectional characters. The
/// joiner within an emoji and the tags of a flag stay.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is no [`Name`]. The text continues a sentence that begins with the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It shows nothing.
    #[error("must not be empty")]
    Blank,
    /// It is longer than permitted.
    #[error("is too long")]
    TooLong,
    /// It has a control, format or bidirectional character.
    #[error("must have no control, format or bidirectional characters")]
    Invisible,
}

impl Name {
    /// Reads a name that may be refused, at most `max` bytes. White space at its ends is left out.
    pub fn parse(text: &str, max: usize) -> Result<Self, NameError> {
        let text = text.trim();
        if is_blank(text) {
            return Err(NameError::Blank);
        }
        if text.len() > max {
            return Err(NameError::TooLong);
        }
        if text.graphemes(true).flat_map(shown).collect::<String>() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Invisible)
        }
    }

    /// Makes a name of a text that cannot be refused, such as one that a visitor gives or that is stored: a line break becomes a blank, the
    /// other characters that a name must not have are left out, and so is what is over `max` bytes. `None` if nothing is left.
    pub fn cleaned(text: &str, max: usize) -> Option<Self> {
        let mut name = String::new();
        for grapheme in clean_line(text).trim().graphemes(true) {
            let shown: String = shown(grapheme).collect();
            if name.len() + shown.len() > max {
                break;
            }
            name.push_str(&shown);
        }
        (!is_blank(&name)).then(|| Self(name.trim().to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Shows no name, to keep visitors' names out of logs.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name")
    }
}

/// The characters of a grapheme that a name may have.
fn shown(grapheme: &str) -> impl Iterator<Item = char> {
    let first = grapheme.chars().next().unwrap_or_default();
    let last = grapheme.chars().next_back().unwrap_or_default();
    grapheme.chars().filter(move |char| match *char {
        // Within an emoji such as a family. A joiner at the end joins nothing.
        '\u{200d}' => first >= '\u{2190}' && first != '\u{200d}' && last != '\u{200d}',
        // The flags of England, Scotland and Wales.
        '\u{e0020}'..='\u{e007f}' => first == '\u{1f3f4}',
        char => !char.is_control() && !is_format(char),
    })
}

/// The characters of the categories Cf, Zl and Zp (Unicode 16).
fn is_format(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0001}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 40;

    #[test]
    fn name_on_one_line_is_read() {
        for name in ["小李", "O'Neil (2)", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "👍🏽", "e\u{301}", "नमस्ते"]
        {
            assert_eq!(Name::parse(name, MAX).unwrap().as_str(), name);
            assert_eq!(Name::cleaned(name, MAX).unwrap().as_str(), name);
        }
        assert_eq!(Name::parse(" 小李\u{3000}", MAX).unwrap().as_str(), "小李");
    }

    #[test]
    fn other_name_is_refused_or_cleaned() {
        for (text, error, cleaned) in [
            ("", NameError::Blank, None),
            ("\u{3000}\u{200b}\u{202e}", NameError::Blank, None),
            ("小\n李", NameError::Invisible, Some("小 李")),
            ("小\u{b}李\u{0}", NameError::Invisible, Some("小 李")),
            ("\u{202e}gnp.exe", NameError::Invisible, Some("gnp.exe")),
            ("\u{2066}小李\u{2069}", NameError::Invisible, Some("小李")),
            ("小\u{200d}李", NameError::Invisible, Some("小李")),
            ("李\u{200b}\u{feff}\u{ad}", NameError::Invisible, Some("李")),
            ("👨\u{200d}", NameError::Invisible, Some("👨")),
            ("a\u{e0041}", NameError::Invisible, Some("a")),
            ("一二三四五六七八九十一二三四", NameError::TooLong, Some("一二三四五六七八九十一二三")),
            ("一二三四五六七八九👨‍👩‍👧‍👦", NameError::TooLong, Some("一二三四五六七八九")),
        ] {
            assert_eq!(Name::parse(text, MAX), Err(error), "{text:?}");
            assert_eq!(Name::cleaned(text, MAX).as_ref().map(Name::as_str), cleaned, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaned_name_is_a_name(text in any::<String>(), max in 0_usize..40) {
            if let Some(name) = Name::cleaned(&text, max) {
                prop_assert!(name.as_str().len() <= max);
                let again = Name::cleaned(name.as_str(), max);
                prop_assert_eq!(again, Some(name));
            }
        }
    }
}
