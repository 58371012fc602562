//! Searches in a text.

use std::ops::Range;

/// The text with one empty line at most between two others, as lines of markup alone have become empty.
pub(super) fn without_gaps(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || kept.last().is_some_and(|last| !last.is_empty()) {
            kept.push(line);
        }
    }
    kept.join("\n").trim().to_owned()
}

/// The range of a cell without the blanks and bars around it.
pub(super) fn trimmed(text: &str, range: &Range<usize>) -> (usize, usize) {
    let cell = &text[range.clone()];
    let start = range.start + cell.len() - cell.trim_start_matches([' ', '\t', '|']).len();
    let end = range.start + cell.trim_end_matches([' ', '\t', '|']).len();
    (start.min(range.end), end.max(start.min(range.end)))
}

/// The runs of two or three asterisks.
pub(super) fn stars(line: &str) -> impl Iterator<Item = Range<usize>> {
    let runs = line.split_inclusive(|c| c != '*').scan(0, |at, part| {
        let run = *at..*at + part.trim_end_matches(|c| c != '*').len();
        *at += part.len();
        Some(run)
    });
    runs.filter(|run| matches!(run.len(), 2 | 3))
}

/// The addresses in a text. Punctuation at the end of one is not part of it.
pub(super) fn addresses(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_ascii_graphic() && !"<>\"`".contains(c);
    let found = text.match_indices("://").filter_map(|(at, _)| {
        let scheme = text[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let rest = &text[at..];
        let address = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let address = address.trim_end_matches(|c: char| "*_~)].,;:!?'".contains(c));
        (scheme.len() < at).then_some(scheme.len()..at + address.len())
    });
    found.collect()
}
