//! Any text and limit: the parts are within the limit and in order, and what is between them is blank.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wechat::text::split;

fuzz_target!(|input: (u16, &str)| {
    let (limit, text) = (usize::from(input.0).max(4), input.1);
    let mut rest = text;
    for part in split(text, limit) {
        assert!(!part.trim().is_empty() && part.len() <= limit);
        let at = rest.find(part).expect("a part of the text");
        assert!(is_blank(&rest[..at]));
        rest = &rest[at + part.len()..];
    }
    assert!(is_blank(rest));
});

fn is_blank(text: &str) -> bool {
    // Characters that show nothing, as far as this target goes.
    text.chars().all(|c| c.is_whitespace() || c.is_control() || !c.is_alphanumeric() && !c.is_ascii_punctuation())
}
