//! Markup in an answer. WeChat renders `<a>` elements, so one may hide where it leads.

/// Whether each element of the answer occurs in a source as it is written. A `<` before a space or a digit is text (5 < 6).
pub(super) fn is_supported(answer: &str, sources: &[&str]) -> bool {
    let mut rest = answer;
    while let Some(at) = rest.find('<') {
        let element = &rest[at..];
        let mut next = element[1..].chars();
        if !next.next().is_some_and(|c| c.is_alphabetic() || matches!(c, '/' | '!' | '?' | '<')) {
            rest = &element[1..];
            continue;
        }
        let end = element_end(element);
        if !sources.iter().any(|source| source.contains(&element[..end])) {
            return false;
        }
        rest = &element[end..];
    }
    true
}

/// The end of the element: behind its closing tag, or else of the text.
fn element_end(element: &str) -> usize {
    let lower = element.to_ascii_lowercase();
    lower.find("</a>").map_or(element.len(), |at| at + "</a>".len())
}
