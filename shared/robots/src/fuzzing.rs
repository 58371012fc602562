//! What holds for any response of a model and for any Markdown. The fuzz targets in `fuzz` call it, and so does a test with generated
//! texts, which needs no other toolchain.

use crate::{Answer, MAX_ANSWER, Passage, chat, completion::Completion, plain};

const PASSAGE: Passage<'_> = Passage {
    id: "a",
    title: "支持退货吗？",
    answer: "定制商品不支持退货，其他商品 7 天内支持退货，满 99 元包邮。电话 400-800-1234，详见 https://shop.example/r",
};

/// Checks the text that the body of a model's response makes.
///
/// # Panics
///
/// If the text is too long or has invisible characters, markup, or an address or statement that its source does not have.
pub fn completion(body: &[u8]) {
    let Some(reply) = Completion::read(body, &[]).ok().and_then(|completion| completion.reply()) else { return };
    let Answer::Text(text) = chat::check_reply(&reply, &[PASSAGE], MAX_ANSWER).answer else { return };
    assert!(!text.trim().is_empty() && text.len() <= MAX_ANSWER);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
    // Scheme and host have no case.
    let lower = text.to_ascii_lowercase();
    let is_known =
        |(at, _): (usize, &str)| lower[..at].ends_with("https") && lower[at..].starts_with("://shop.example/r");
    assert!(!lower.contains("<a") && lower.match_indices("://").all(is_known), "{text:?}");
    assert!(!text.contains("定制商品支持退货"), "{text:?}");
}

/// Checks what becomes of Markdown.
///
/// # Panics
///
/// If a text without markup is changed.
pub fn markdown(text: &str) {
    let plain = plain::from_markdown(text);
    if text.chars().all(char::is_alphabetic) {
        assert_eq!(plain, text);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};

    use super::*;

    const WORDS: &[&str] = &[
        "定制商品",
        "其他商品",
        "不支持",
        "支持",
        "退货",
        "包邮",
        "不",
        "，",
        "。",
        "\n",
        " ",
        "7 天",
        "满 99 元",
        "一三八零零",
        "微信",
        "点com",
        "dot com",
        "验证码",
        "发给我",
        "https://shop.example/r",
        "https://evil.test/",
        "<a href=\"https://shop.example/r\">",
        "</a>",
        "<b>",
        "**",
        "*",
        "_",
        "`",
        "```",
        "### ",
        "- ",
        "1. ",
        "> ",
        "| a | b |\n|---|---|\n| ",
        " | ",
        "[退货](",
        ")",
        "![",
        "](u)",
        "~~",
        "\u{202e}",
        "\u{200b}",
        "\u{0}",
        "👩\u{200d}👧",
        "é",
        "\\",
        "&lt;",
        "<!--",
        "-->",
        "[x]: https://evil.test/\n",
        "<think>",
        "</think>",
        "{",
        "}",
        "\"answer\"",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![vec(select(WORDS), 0..24).prop_map(|words| words.concat()), "\\PC{0,60}", any::<String>()]
    }

    /// Bodies that can be read, and bodies that cannot.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let reply = text().prop_map(|answer| serde_json::json!({"answer": answer, "sources": [1]}).to_string());
        let content = (reply, text(), text(), 0..4).prop_map(|(reply, before, after, form)| match form {
            0 => reply,
            1 => format!("<think>{before}</think>{reply}"),
            2 => format!("{before}```JSON\n{reply}\n```{after}"),
            _ => format!("{before}{reply}{after}"),
        });
        let whole = content
            .prop_map(|content| serde_json::json!({"choices": [{"message": {"content": content}}]}).to_string())
            .boxed();
        prop_oneof![
            8 => whole.clone().prop_map(String::into_bytes),
            1 => (whole, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(whole, at, byte)| {
                let mut bytes = whole.into_bytes();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                bytes
            }),
            1 => vec(any::<u8>(), 0..80),
        ]
    }

    /// Runs the check on generated values for `KEFU_FUZZ_SECONDS`, or once, and prints the number of values.
    fn run<T: std::fmt::Debug>(values: &impl Strategy<Value = T>, check: impl Fn(T)) {
        let seconds = std::env::var("KEFU_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
        let (start, mut count) = (Instant::now(), 0_u32);
        while count == 0 || seconds.is_some_and(|seconds| start.elapsed() < Duration::from_secs(seconds)) {
            let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
            let result = runner.run(values, |value| {
                check(value);
                Ok(())
            });
            assert!(result.is_ok(), "{result:?}");
            count += runner.config().cases;
        }
        println!("{count} values");
    }

    /// What was once said: an address with the scheme `re`, and one whose host is broken off.
    #[test]
    fn completion_with_an_odd_address_is_checked() {
        completion(include_bytes!("../fuzz/seeds/completion/other_scheme"));
        completion(include_bytes!("../fuzz/seeds/completion/broken_address"));
    }

    #[test]
    fn any_completion_is_checked() {
        run(&body(), |body| completion(&body));
    }

    #[test]
    fn any_markdown_becomes_plain() {
        run(&text(), |text| markdown(&text));
    }
}
