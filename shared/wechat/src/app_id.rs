//! What an AppID looks like.

/// Whether this is an AppID: `wx` and 16 hexadecimal digits in lower case, as every AppID in the official pages.
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
    fn only_an_app_id_is_one() {
        assert!(is_app_id("wx00000000000000a1"));
        for other in ["", "wx", "wx00000000000000A1", "gh_0a1b2c3d4e5f", "wx00000000000000a12", "wx00000000000000/."] {
            assert!(!is_app_id(other), "{other}");
        }
    }
}
