//! What holds for every text.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select, string::string_regex};
use serde_json::{Map, Value};
use wechat::session_from::{
    BuildError, Dialect, Entrant, Fields, LIMIT, MAX_PARTNERID, MAX_TEXT, PlatformAction, SessionFrom, SignatureClaim,
    TransferLevel, WarningKind, build, parse,
};

use crate::support::warnings;

/// Text of the kind that breaks a reader: the punctuation of every form, and what people are called.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(vec![
            "|", "||", "{", "}", "[", "]", "\"", "\\", ":", ",", "=", "%", "%7C", "%E5%B0%8F", "%E5", "{{", "}}", "{\"", "\"}", "{}", "sobot",
            "sobot|", "undefined", "null", "NaN", "[object Object]", "微信用户", "{{a}}", "https://", "http://a.b/c", "partnerid=", "robotid=1",
            "transfer_action=", "[{\"actionType\":\"to_group\",\"deciId\":\"g\"}]", "{\"a\":\"b|c\"}", "nickName=", "avatarUrl=", "\"nickName\":\"",
            "{\"customer_info\":", "customer_token", "ts=1", "sig=", " ", "\n", "\0", "a", "小明", "👩‍👩‍👧", "\u{202e}", "'",
        ]).prop_map(ToOwned::to_owned),
        1 => any::<String>(),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// A value that can be said in a field of its own.
fn plain(longest: usize) -> impl Strategy<Value = String> {
    let odd = select(vec![
        "undefined",
        "null",
        "微信用户",
        "{{a}}",
        "[object Object]",
        "100%",
        "%41",
        "%7C",
        "a|b",
        "|",
        " a ",
        "\u{3000}a",
        "\"a\"",
        "{\"a\":1}",
        "[1]",
        "partnerid=1",
        "nickName=a",
        "https://a.b",
        "a=b",
        "%",
        "{{",
        "\"",
        "%E5%B0",
        "sobot",
        "true",
        "1",
    ])
    .prop_map(ToOwned::to_owned);
    prop_oneof![
        2 => odd,
        3 => string_regex("[^\\p{Cc}]{1,12}").unwrap(),
        3 => string_regex("[a-z|%0-9A-F{}\\[\\]\"= ]{1,12}").unwrap(),
    ]
    .prop_map(move |text| text.chars().take(longest).collect())
}

/// A value within JSON: anything but what stands for none.
fn member() -> impl Strategy<Value = String> {
    prop_oneof![string_regex("(?s).{1,8}").unwrap(), string_regex("[|{}\\[\\]\"\\\\%=:,7C]{1,8}").unwrap()].prop_filter(
        "absent",
        |text| {
            let text = text.trim();
            let is_placeholder = text.starts_with("{{") && text.ends_with("}}");
            !is_placeholder && !["undefined", "null", "NaN", "[object Object]"].contains(&text)
        },
    )
}

/// An id: a member that is not blank.
fn id() -> impl Strategy<Value = String> {
    member().prop_filter("blank", |id| !id.trim().is_empty())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        member().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((member(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn level() -> impl Strategy<Value = TransferLevel> {
    let number = |last: u8| option::of((1..=last).prop_map(|number| number.to_string()));
    (select(vec!["to_group", "to_service"]), id(), number(4), number(7)).prop_map(
        |(action_type, deci_id, option_id, spill_id)| TransferLevel {
            action_type: Some(action_type.to_owned()),
            deci_id: Some(deci_id),
            option_id,
            spill_id,
        },
    )
}

fn fields() -> impl Strategy<Value = Fields> {
    let avatar = string_regex("(https?:)?//[a-z.]{1,9}/[^\\p{Cc}{}]{0,9}")
        .unwrap()
        .prop_filter("local", |url| !url.starts_with("http://tmp/"));
    let params = vec((member(), json()), 0..3).prop_map(|members| members.into_iter().collect::<Map<_, _>>());
    let fixed = (option::of(plain(40)), option::of(avatar), params);
    let actions = (
        vec(level(), 0..=3),
        option::of(
            (id(), option::of(id()))
                .prop_map(|(code, flow_group_id)| PlatformAction { customer_code: Some(code), flow_group_id }),
        ),
        vec((member(), member()), 0..3).prop_map(|members| members.into_iter().collect::<BTreeMap<_, _>>()),
    );
    let ids = (option::of(plain(MAX_PARTNERID)), option::of(plain(40)), option::of(plain(40)));
    let signature = option::of((any::<i64>(), string_regex("(2\\.)?[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]").unwrap()));
    let extra = vec((string_regex("x[a-z一-十._-]{0,8}").unwrap(), plain(40)), 0..3)
        .prop_map(|members| members.into_iter().collect());
    (fixed, actions, ids, signature, extra).prop_map(
        |((nickname, avatar, params), (transfer_action, platform_action, customer_fields), ids, signature, extra)| {
            let (partnerid, robotid, unionid) = ids;
            let signature = signature.filter(|_| partnerid.is_some()).map(|(ts, sig)| SignatureClaim { ts, sig });
            Fields {
                nickname,
                avatar,
                params,
                transfer_action,
                platform_action,
                customer_fields,
                partnerid,
                robotid,
                unionid,
                signature,
                sign: None,
                extra,
            }
        },
    )
}

/// What a reading never is, whatever was read.
fn check(read: &SessionFrom) {
    for text in [&read.nickname, &read.avatar, &read.partnerid, &read.robotid, &read.unionid].into_iter().flatten() {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
    }
    assert!(read.partnerid.as_ref().is_none_or(|id| id.chars().count() <= MAX_PARTNERID));
    assert!(read.avatar.as_ref().is_none_or(|url| {
        let url = url.to_ascii_lowercase();
        url.starts_with("http://") || url.starts_with("https://") || url.starts_with("//")
    }));
    if read.dialect == Dialect::Raw {
        assert_eq!(read.extra.keys().collect::<Vec<_>>(), ["scene"]);
    }
    for warning in &read.warnings {
        assert_eq!(serde_json::to_value(warning.kind).unwrap(), warning.code());
    }
    serde_json::to_string(read).unwrap();
    let _ = read.params.as_ref().map(wechat::session_from::Params::display_fields);
    let _ = read.verify(b"secret", &Entrant { app_id: "wx0123456789abcdef", openid: "o" }, 0);
    let _ = build(&read.fields());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1500), ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses(text in any::<String>()) {
        check(&parse(&text));
    }

    #[test]
    fn any_hostile_text_parses(text in hostile(), prefix in select(vec!["", "sobot|", "sobot||||", "nickName=", "{\"nickName\":\""])) {
        check(&parse(&format!("{prefix}{text}")));
    }

    #[test]
    fn parse_is_inverse_of_build(fields in fields()) {
        match build(&fields) {
            Err(BuildError::TooLong { chars, bytes }) => prop_assert!(chars > LIMIT || bytes > LIMIT),
            Err(refusal) => prop_assert!(false, "{refusal}"),
            Ok(built) => {
                prop_assert!(built.bytes <= LIMIT && built.chars <= LIMIT);
                let read = parse(&built.text);
                prop_assert_eq!(read.fields(), fields, "{}", built.text);
                prop_assert_eq!(read.dialect, Dialect::Sobot);
                let odd: Vec<_> = read
                    .warnings
                    .iter()
                    .filter(|warning| !matches!(warning.kind, WarningKind::AtLimit | WarningKind::TsInMilliseconds))
                    .collect();
                prop_assert!(odd.is_empty(), "{odd:?} {}", built.text);
            }
        }
    }

    /// Wherever a text is cut, damaged or added to, it has a reading, and a cut leaves alone what was whole before it.
    #[test]
    fn damaged_text_parses(fields in fields(), at in any::<prop::sample::Index>(), noise in hostile(), keep in any::<bool>()) {
        let Ok(built) = build(&fields) else { return Ok(()) };
        let at = built.text.floor_char_boundary(at.index(built.text.len() + 1));
        let rest = if keep { &built.text[at..] } else { "" };
        check(&parse(&format!("{}{noise}{rest}", &built.text[..at])));
        let cut = parse(&built.text[..at]);
        check(&cut);
        let head = Fields { nickname: fields.nickname, avatar: fields.avatar, params: fields.params, ..Fields::default() };
        if at >= build(&head).unwrap().bytes {
            let cut = Fields { nickname: cut.nickname.clone(), avatar: cut.avatar.clone(), params: cut.fields().params, ..Fields::default() };
            prop_assert_eq!(cut, head);
        }
        for (cut, whole) in cut.transfer_action.iter().zip(&fields.transfer_action) {
            prop_assert_eq!(cut, whole);
        }
    }

    #[test]
    fn named_fields_parse_in_any_order(
        (fields, order) in fields().prop_flat_map(|fields| (Just(fields), Just((0..12).collect::<Vec<usize>>()).prop_shuffle())),
        empties in 0..3_usize,
    ) {
        // One field at a time, so that the test need not divide a text itself.
        let only = |change: &dyn Fn(&mut Fields)| {
            let mut one = Fields::default();
            change(&mut one);
            build(&one).map(|built| built.text["sobot|||".len()..].to_owned()).unwrap_or_default()
        };
        let mut keyed = vec![
            only(&|f| f.transfer_action.clone_from(&fields.transfer_action)),
            only(&|f| f.platform_action.clone_from(&fields.platform_action)),
            only(&|f| f.customer_fields.clone_from(&fields.customer_fields)),
            only(&|f| f.robotid.clone_from(&fields.robotid)),
            only(&|f| f.unionid.clone_from(&fields.unionid)),
            only(&|f| f.partnerid.clone_from(&fields.partnerid)),
            fields.signature.as_ref().map(|claim| format!("|ts={}", claim.ts)).unwrap_or_default(),
            fields.signature.as_ref().map(|claim| format!("|sig={}", claim.sig)).unwrap_or_default(),
        ];
        keyed.extend(fields.extra.iter().map(|(name, value)| only(&|f| drop(f.extra.insert(name.clone(), value.clone())))));
        let head = build(&Fields { nickname: fields.nickname.clone(), avatar: fields.avatar.clone(), params: fields.params.clone(), ..Fields::default() });
        let Ok(head) = head else { return Ok(()) };
        let text = |order: &[usize]| {
            let keyed: Vec<_> = order.iter().filter_map(|&at| keyed.get(at)).map(String::as_str).collect();
            format!("{}{}", head.text, keyed.join(&"|".repeat(empties)))
        };
        let straight = text(&(0..12).collect::<Vec<_>>());
        let shuffled = text(&order);
        prop_assume!(straight.len() < MAX_TEXT && straight.len() != LIMIT && straight.chars().count() != LIMIT);
        let (straight, shuffled) = (parse(&straight), parse(&shuffled));
        prop_assert_eq!(straight.fields(), fields);
        prop_assert_eq!(warnings(&straight), warnings(&shuffled));
        let unordered = SessionFrom { warnings: straight.warnings.clone(), ..shuffled };
        prop_assert_eq!(straight, unordered);
    }
}
