//! Texts of several lines that people write for each other or as templates.

use api::Problem;
use wechat::text::is_blank;

/// A text without white space at its ends, at most `max` bytes. Refuses what is blank, and control characters beside line break and tab.
pub(crate) fn validated(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = text.trim();
    let detail = if is_blank(text) {
        "must not be empty".to_owned()
    } else if text.len() > max {
        format!("must have at most {max} bytes")
    } else if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        "must have no control characters".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(Problem::invalid_field(field, detail))
}
