//! What a text is made of when it is divided: units that stay whole, and how well a border between two of them suits.

use std::ops::Range;

use memchr::memmem;
use unicode_segmentation::UnicodeSegmentation;

/// How well a text can be divided at a border, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Border {
    /// An empty line.
    Paragraph,
    /// A line break.
    Line,
    /// The end of a sentence.
    Sentence,
    /// A blank.
    Blank,
    /// Beside a character that is no Latin letter or digit.
    Word,
    /// Within a word or a number.
    Grapheme,
}

/// Part of a text that stays whole and has no blank at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its place in the text, in bytes.
    pub(super) at: Range<usize>,
    /// The border behind it; of the last one [`Border::Paragraph`].
    pub(super) border: Border,
}

/// The units of a text, in order. Between them are only blanks. A unit is a grapheme, an element `<a …>…</a>` or an address, all of
/// at most `limit` bytes. A longer element or address has the units of its content, and a longer grapheme those of its
/// characters.
pub(super) fn units(text: &str, limit: usize) -> Vec<Unit> {
    let whole = whole_ranges(text, limit);
    let (mut ranges, mut next, mut inside): (Vec<Range<usize>>, usize, Option<usize>) = (Vec::new(), 0, None);
    for (start, grapheme) in text.grapheme_indices(true) {
        let end = start + grapheme.len();
        while whole.get(next).is_some_and(|range| range.end <= start) {
            next += 1;
        }
        let here = whole.get(next).is_some_and(|range| range.start < end).then_some(next);
        match ranges.last_mut() {
            // A grapheme that begins in an element belongs to it, also where it ends behind it.
            Some(last) if here.is_some() && here == inside && end - last.start <= limit => last.end = end,
            _ if grapheme.chars().all(char::is_whitespace) => {}
            _ if grapheme.len() > limit => {
                ranges.extend(grapheme.char_indices().map(|(at, char)| start + at..start + at + char.len_utf8()));
            }
            _ => ranges.push(start..end),
        }
        inside = here;
    }
    let unit = |(number, at): (usize, &Range<usize>)| Unit {
        border: ranges.get(number + 1).map_or(Border::Paragraph, |next| border(text, at, next)),
        at: at.clone(),
    };
    ranges.iter().enumerate().map(unit).collect()
}

/// The longest beginning of the text in at most `limit` bytes that divides no unit. Empty where the first unit is longer.
pub fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
    let end = end.take_while(|end| *end <= limit).last().unwrap_or(0);
    let cut = whole_ranges(text, usize::MAX).into_iter().find(|range| range.start < end && end < range.end);
    &text[..cut.map_or(end, |range| range.start)]
}

/// The end of the last sentence that ends in the first `within` bytes of the text, with the quotation marks and brackets behind it. A
/// full stop within a number or an address ends no sentence; a line break ends one.
pub fn sentence_end(text: &str, within: usize) -> Option<usize> {
    let mut ends = text[..within].char_indices().filter_map(|(at, char)| {
        let end = at + char.len_utf8();
        (char == '\n').then_some(at).or_else(|| ends_sentence(char, &text[end..]).then_some(end))
    });
    let end = ends.next_back()?;
    let closing = text[end..within].find(|char| !is_closing(char));
    Some(end + closing.unwrap_or(within - end))
}

fn ends_sentence(char: char, rest: &str) -> bool {
    match char {
        '。' | '！' | '？' | '；' | '…' => true,
        '.' | '!' | '?' | ';' => rest.is_empty() || rest.starts_with(char::is_whitespace),
        _ => false,
    }
}

fn is_closing(char: char) -> bool {
    matches!(char, '”' | '’' | '」' | '』' | '）' | '》' | '】' | ')')
}

fn border(text: &str, unit: &Range<usize>, next: &Range<usize>) -> Border {
    let gap = &text[unit.end..next.start];
    let last = text[..unit.end].trim_end_matches(is_closing).chars().next_back();
    let beside = (text[..unit.end].chars().next_back(), text[next.start..].chars().next());
    let ends = last.is_some_and(|last| ends_sentence(last, &text[unit.end..]));
    // A sentence does not end before its closing quotation mark, nor between two marks of its end.
    let goes_on = beside.1.is_some_and(|next| is_closing(next) || gap.is_empty() && ends_sentence(next, ""));
    match gap.bytes().filter(|byte| *byte == b'\n').count() {
        0 if ends && !goes_on => Border::Sentence,
        0 if !gap.is_empty() => Border::Blank,
        0 if beside.0.is_some_and(is_of_word) && beside.1.is_some_and(is_of_word) => Border::Grapheme,
        0 => Border::Word,
        1 => Border::Line,
        _ => Border::Paragraph,
    }
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() && !is_of_unspaced_script(char) || matches!(char, '_' | '-' | '.' | ',' | ':' | '\'')
}

/// Whether words of this script stand without blanks between them: Thai and Lao, Chinese and Japanese.
fn is_of_unspaced_script(char: char) -> bool {
    matches!(char, '\u{e00}'..='\u{eff}' | '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        || matches!(char, '\u{ff00}'..='\u{ffef}' | '\u{20000}'..)
}

/// The elements and addresses that stay whole, in order, none within another, each of at most `limit` bytes.
fn whole_ranges(text: &str, limit: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> = elements(text).into_iter().filter(|range| range.len() <= limit).collect();
    let is_free = |address: &Range<usize>, ranges: &[Range<usize>]| {
        let next = ranges.partition_point(|range| range.end <= address.start);
        ranges.get(next).is_none_or(|range| address.end <= range.start)
    };
    let addresses: Vec<_> = addresses(text).filter(|range| range.len() <= limit && is_free(range, &ranges)).collect();
    ranges.extend(addresses);
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// The elements `<a …>…</a>`, in any case of their letters.
fn elements(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut open = None;
    for at in memchr::memchr_iter(b'<', bytes) {
        match &bytes[at + 1..] {
            [b'a' | b'A', next, ..] if next.is_ascii_whitespace() || *next == b'>' => open = Some(at),
            [b'/', b'a' | b'A', rest @ ..] => {
                let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                if rest.get(blanks) == Some(&b'>')
                    && let Some(start) = open.take()
                    && text[start..at].contains('>')
                {
                    found.push(start..at + 4 + blanks);
                }
            }
            _ => {}
        }
    }
    found
}

/// The addresses: runs of the characters of a URL (RFC 3986, section 2) that have a scheme, begin with `www.`, have a path behind a
/// host, or are an email address.
fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_of_url = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes[at..].iter().position(|byte| is_of_url(*byte))?;
            let end =
                bytes[start..].iter().position(|byte| !is_of_url(*byte)).map_or(bytes.len(), |length| start + length);
            at = end;
            if is_address(&bytes[start..end]) {
                return Some(start..end);
            }
        }
        None
    })
}

fn is_address(run: &[u8]) -> bool {
    let before = |at: usize| at.checked_sub(1).and_then(|at| run.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let has_host = |host: &[u8]| {
        let dot = memchr::memrchr(b'.', host);
        dot.is_some_and(|dot| host[dot + 1..].len() >= 2 && host[dot + 1..].iter().all(u8::is_ascii_alphabetic))
    };
    if memmem::find(run, b"://").is_some_and(before)
        || run.get(..4).is_some_and(|www| www.eq_ignore_ascii_case(b"www."))
    {
        return true;
    }
    match memchr::memchr2(b'/', b'@', run) {
        Some(at) if run[at] == b'/' => has_host(&run[..at]),
        Some(at) => before(at) && run[at + 1..].contains(&b'.'),
        None => false,
    }
}
