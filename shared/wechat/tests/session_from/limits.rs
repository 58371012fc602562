//! Texts that are too long, or just long enough.

use serde_json::json;
use wechat::session_from::{LIMIT, MAX_TEXT, Warning, WarningKind, parse};

use crate::support::{found, warnings};

#[test]
fn text_is_read_up_to_4_kib() {
    let text = format!("sobot|小明|||robotid=1|foo={}|partnerid=7", "a".repeat(MAX_TEXT));
    let read = parse(&text);
    assert_eq!(found(&read), json!({"dialect": "sobot", "nickname": "小明", "robotid": "1"}));
    assert_eq!(warnings(&read), ["too_long", "truncated foo"]);
}

/// A truncated id could be another visitor's.
#[test]
fn last_piece_of_truncated_text_is_dropped_unless_json() {
    // As much of `last` as is given is read.
    let cut = |last: &str, read: usize| {
        let fill = "a".repeat(MAX_TEXT - "sobot|||{\"a\":\"\"}|".len() - read);
        parse(&format!("sobot|||{{\"a\":\"{fill}\"}}|{last}"))
    };
    let partnerid = "partnerid=1234567890";
    let read = cut(partnerid, partnerid.len() - 1);
    assert_eq!(
        (read.partnerid.as_deref(), warnings(&read)),
        (None, vec!["too_long".into(), "truncated partnerid".into()])
    );
    assert_eq!(cut(partnerid, partnerid.len()).partnerid.as_deref(), Some("1234567890"));
    let fields = r#"customer_fields={"f":"x","g":"1234567890"}"#;
    let read = cut(fields, fields.len() - 3);
    assert_eq!(warnings(&read), ["too_long", "truncated customer_fields"]);
    assert_eq!(read.customer_fields.into_iter().collect::<Vec<_>>(), [("f".to_owned(), "x".to_owned())]);
    let fill = "张".repeat(MAX_TEXT);
    let read = parse(&format!("sobot|{fill}"));
    assert_eq!(
        (found(&read), warnings(&read)),
        (json!({"dialect": "sobot"}), vec!["too_long".into(), "truncated".into()])
    );
}

#[test]
fn text_is_truncated_between_characters() {
    for shift in 0..4 {
        let text = format!("{}{}", "a".repeat(shift), "👩".repeat(2000));
        let read = parse(&text);
        let scene = &read.extra["scene"];
        assert!(text.starts_with(scene.as_str()) && scene.len() > MAX_TEXT - 4 && scene.len() <= MAX_TEXT);
        assert_eq!(warnings(&read), ["too_long"]);
    }
    let read = parse(&"x".repeat(MAX_TEXT));
    assert_eq!(read.warnings, []);
}

#[test]
fn text_of_exact_limit_has_warning() {
    let at_limit = Warning { kind: WarningKind::AtLimit, field: None };
    for (fill, times) in [("a", LIMIT), ("张", LIMIT), ("张", (LIMIT - 7) / 3)] {
        let room = if fill == "a" || times == LIMIT { times - "sobot|||".len() } else { times };
        let text = format!("sobot|{}||", fill.repeat(room));
        let is_at_limit = text.len() == LIMIT || text.chars().count() == LIMIT;
        assert_eq!(parse(&text).warnings.contains(&at_limit), is_at_limit, "{}", text.len());
    }
    assert!(parse(&format!("sobot|{}||", "a".repeat(LIMIT - 8))).warnings.contains(&at_limit));
    assert!(!parse(&format!("sobot|{}||", "a".repeat(LIMIT - 9))).warnings.contains(&at_limit));
    assert_eq!(parse(&"a".repeat(LIMIT)).warnings, []);
}

/// The worst that 4 KiB can do to a reader that looks ahead and goes back.
#[test]
fn hostile_texts_parse_in_bounded_time() {
    let started = std::time::Instant::now();
    for piece in [
        "|",
        "{",
        "[",
        "[{",
        "{{",
        "{\"|",
        "{\"a\":",
        "[[|",
        "\"",
        "\"|",
        "|a=",
        "|partnerid=",
        "|partnerid=[{\"",
        "%7B",
        "%",
        "\\",
        "\",",
        "{\"a\":\"\"\" ",
        "\"}|",
        "|http://",
        "=",
        "{\"a\":[\"|",
        "|sobot|",
        "nickName=|",
        " ",
        "}",
        "\u{1}",
        "|{\"",
    ] {
        for prefix in [
            "",
            "sobot|",
            "sobot|||",
            "sobot||||transfer_action=",
            "nickName=",
            "{\"nickName\":\"",
            "sobot|||{\"a\":\"",
        ] {
            parse(&format!("{prefix}{}", piece.repeat(MAX_TEXT / piece.len())));
        }
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
