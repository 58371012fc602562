//! The form of an AppID.

/// Whether the text has the form of an AppID: `wx` and 16 lower-case hexadecimal digits, like every AppID in WeChat's documentation.
pub fn is_app_id(text: &str) -> bool {
    text.len() == 18
        && text
            .strip_prefix("wx")
            .is_some_and(|rest| rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_another_form_is_not_an_app_id() {
        assert!(is_app_id("wx00000000000000a1"));
        for other in ["", "wx", "wx00000000000000A1", "gh_0a1b2c3d4e5f", "wx00000000000000a12", "wx00000000000000/."] {
            assert!(!is_app_id(other), "{other}");
        }
    }
}
