//! What a service keeps of a text is bounded, field by field.

use serde_json::json;
use wechat::session_from::{
    MAX_AVATAR, MAX_FIELDS, MAX_ID, MAX_NAME, MAX_TEXT, Params, SessionFrom, parse, parse_bounded, significant,
};

use crate::support::warnings;

fn length(read: &SessionFrom) -> usize {
    serde_json::to_string(read).unwrap().len()
}

#[test]
fn fields_of_usual_length_are_kept_without_a_warning() {
    let text = format!(
        "sobot|{}|https://a.example/{}|{{\"a\":{{\"b\":1}}}}|robotid={}|unionid=u|customer_fields={{\"f\":\"x\"}}",
        "n".repeat(MAX_NAME),
        "p".repeat(1000),
        "r".repeat(MAX_ID),
    );
    assert_eq!(parse_bounded(&text), parse(&text));
    assert_eq!(parse_bounded(&text).warnings, []);
}

#[test]
fn nickname_is_cut_between_characters() {
    let read = parse_bounded(&format!("sobot|{}||", "张".repeat(86)));
    assert_eq!(
        (read.nickname, warnings(&parse_bounded(&format!("sobot|{}||", "张".repeat(86))))),
        (Some("张".repeat(85)), vec!["field_too_long nickname".to_owned()])
    );
}

#[test]
fn long_ids_and_avatars_are_dropped() {
    let id = "i".repeat(MAX_ID + 1);
    for (written, field) in [
        (format!("robotid={id}"), "robotid"),
        (format!("unionid={id}"), "unionid"),
        (format!("platform_action={{\"customerCode\":\"{id}\"}}"), "platform_action.customerCode"),
        (format!("platform_action={{\"flowGroupId\":\"{id}\"}}"), "platform_action.flowGroupId"),
        (format!("transfer_action=[{{\"deciId\":\"{id}\"}}]"), "transfer_action[0].deciId"),
        (format!("transfer_action=[{{\"actionType\":\"{id}\"}}]"), "transfer_action[0].actionType"),
        (format!("transfer_action=[{{\"optionId\":\"{id}\"}}]"), "transfer_action[0].optionId"),
        (format!("transfer_action=[{{\"spillId\":\"{id}\"}}]"), "transfer_action[0].spillId"),
    ] {
        let read = parse_bounded(&format!("sobot||||{written}"));
        assert_eq!(warnings(&read), [format!("field_too_long {field}")]);
        assert!(!serde_json::to_string(&read).unwrap().contains(&id), "{field}");
    }
    let avatar = format!("sobot||https://a.example/{}|", "a".repeat(MAX_AVATAR));
    let read = parse_bounded(&avatar);
    assert_eq!((read.avatar.as_deref(), warnings(&read)), (None, vec!["field_too_long avatar".to_owned()]));
}

/// The path of each member of nested JSON repeats the names around it.
#[test]
fn fields_that_grow_when_they_are_read_are_bounded() {
    let name = "n".repeat(1500);
    let members: Vec<String> = (0..240).map(|number| format!("\"{number}\":\"x\"")).collect();
    let nested = format!("{{\"{name}\":{{{}}},\"z\":\"last\"}}", members.join(","));
    for field in ["params", "customer_fields"] {
        let text =
            if field == "params" { format!("sobot|||{nested}") } else { format!("sobot||||customer_fields={nested}") };
        assert!(text.len() < MAX_TEXT);
        let read = parse_bounded(&text);
        let kept = match &read.params {
            Some(params) => params.display_fields(),
            None => read.customer_fields.clone(),
        };
        let size: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(size <= MAX_FIELDS && kept.contains_key("z") && kept.contains_key(&format!("{name}.0")), "{size}");
        assert_eq!(warnings(&read), [format!("field_too_long {field}")]);
    }
    // A control character takes six bytes in JSON.
    let bells = "\\u0007".repeat(600);
    let read = parse_bounded(&format!("sobot|||{{\"a\":\"{bells}\",\"b\":\"x\"}}"));
    assert!(length(&read) < 2 * MAX_FIELDS, "{}", length(&read));
    let read = parse_bounded(&format!("sobot|||[\"{}\"]", "\"".repeat(3000)));
    assert!(matches!(&read.params, Some(Params::Text(text)) if text.len() <= MAX_FIELDS), "{:?}", warnings(&read));
}

#[test]
fn warnings_are_bounded_in_number_and_length() {
    let name = "n".repeat(1500);
    let members: Vec<String> = (0..170).map(|number| format!("\"{number}\":\"null\"")).collect();
    let text = format!("sobot|||{{\"{name}\":{{{}}}}}|robotid={}", members.join(","), "r".repeat(200));
    assert!(parse(&text).warnings.len() >= 170);
    let read = parse_bounded(&text);
    assert_eq!(read.warnings.len(), 32);
    let found = warnings(&read);
    assert!(found.contains(&"field_too_long robotid".to_owned()) && found[31] == "too_many_warnings", "{found:?}");
    assert!(read.warnings.iter().filter_map(|warning| warning.field.as_ref()).all(|field| field.len() <= 128));
}

#[test]
fn significant_part_is_parsed_like_the_whole_text() {
    for (tail, longer) in [("", 0), ("a", 1), ("张张", 6), ("👩👩👩", 12), ("|partnerid=1234567890", 21)] {
        for before in 0..6 {
            let fill = MAX_TEXT - "sobot|||".len() - "|robotid=7".len() - before;
            let text = format!("sobot|||{}|robotid=7{tail}{tail}", json!({ "a": "x".repeat(fill - 8) }));
            let kept = significant(&text);
            assert!(kept.len() <= MAX_TEXT + 4 && text.starts_with(kept), "{longer}");
            assert_eq!(parse(kept), parse(&text), "{tail} {before}");
        }
    }
    assert_eq!(significant(&"x".repeat(100_000)).len(), MAX_TEXT + 4);
}
