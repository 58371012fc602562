//! What is written for a button.

use serde_json::json;
use wechat::session_from::{BuildError, Fields, LIMIT, PlatformAction, SignatureClaim, TransferLevel, build, parse};

#[expect(clippy::unnecessary_wraps, reason = "most fields may be missing")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn everything() -> Fields {
    Fields {
        nickname: text("小|明"),
        avatar: text("https://a.example/1.png?a=%7C"),
        params: json!({"name": "so|bot", "age": 18}).as_object().unwrap().clone(),
        transfer_action: vec![
            TransferLevel {
                action_type: text("to_group"),
                deci_id: text("g1"),
                option_id: text("3"),
                spill_id: text("4"),
            },
            TransferLevel { action_type: text("to_group"), deci_id: text("g2"), option_id: text("4"), spill_id: None },
        ],
        platform_action: Some(PlatformAction { customer_code: text("c1"), flow_group_id: text("f1") }),
        customer_fields: [("f".to_owned(), "x".to_owned())].into(),
        partnerid: text("u-10086"),
        robotid: text("1"),
        unionid: text("oJw8"),
        signature: Some(SignatureClaim {
            ts: 1_750_000_000,
            sig: "y-AO7s3Y40kP4lgYx8p0PSMQn4xGReZHZbXrs968r7o".to_owned(),
        }),
        sign: None,
        extra: [("page".to_owned(), "商品".to_owned())].into(),
    }
}

#[test]
fn built_text_has_format_of_sobots_page() {
    assert_eq!(build(&Fields::default()).unwrap().text, "sobot|||");
    let built = build(&everything()).unwrap();
    assert_eq!(
        built.text,
        concat!(
            "sobot|小%7C明|https://a.example/1.png?a=%7C|",
            r#"{"age":18,"name":"so|bot"}"#,
            r#"|transfer_action=[{"actionType":"to_group","deciId":"g1","optionId":"3","spillId":"4"},{"actionType":"to_group","deciId":"g2","optionId":"4"}]"#,
            r#"|platform_action={"customerCode":"c1","flowGroupId":"f1"}"#,
            r#"|customer_fields={"f":"x"}"#,
            "|partnerid=u-10086|robotid=1|unionid=oJw8",
            "|ts=1750000000|sig=y-AO7s3Y40kP4lgYx8p0PSMQn4xGReZHZbXrs968r7o",
            "|page=商品",
        )
    );
    assert_eq!((built.chars, built.bytes), (built.text.chars().count(), built.text.len()));
    let read = parse(&built.text);
    assert_eq!((read.fields(), read.warnings), (everything(), vec![]));
}

/// What would be taken for something else is escaped, and nothing more than that.
#[test]
fn special_characters_are_escaped() {
    for (nickname, written) in [
        ("小明", "小明"),
        ("100%", "100%"),
        ("50%25", "50%2525"),
        ("a=b & \"c\" {d}", "a=b & \"c\" {d}"),
        ("{\"a\":1}", "%7B\"a\":1}"),
        ("[\"a\"]", "%5B\"a\"]"),
        ("\"a\"", "%22a\""),
        (" a ", "%20a%20"),
        ("undefined", "%75%6e%64%65%66%69%6e%65%64"),
        ("partnerid=1", "%70%61%72%74%6e%65%72%69%64%3d%31"),
    ] {
        let fields = Fields { nickname: text(nickname), ..Fields::default() };
        let built = build(&fields).unwrap();
        assert_eq!(built.text, format!("sobot|{written}||"), "{nickname}");
        let read = parse(&built.text);
        assert_eq!((read.nickname.as_deref(), read.warnings), (Some(nickname), vec![]), "{nickname}");
    }
    for meant in ["微信用户", "{{a}}", "{{}}", "[object Object]", "NaN", "null", "{{a|b}}", "a=[\"", "a={\"|"] {
        let fields = Fields { nickname: text(meant), partnerid: text(meant), ..Fields::default() };
        let read = parse(&build(&fields).unwrap().text);
        assert_eq!((read.fields(), read.warnings), (fields, vec![]), "{meant}");
    }
}

#[test]
fn text_over_limit_is_refused() {
    let of = |fill: &str, times: usize| build(&Fields { nickname: Some(fill.repeat(times)), ..Fields::default() });
    assert_eq!(of("a", LIMIT - 8).map(|built| (built.chars, built.bytes)), Ok((LIMIT, LIMIT)));
    assert_eq!(of("a", LIMIT - 7), Err(BuildError::TooLong { chars: LIMIT + 1, bytes: LIMIT + 1 }));
    // 330 characters are 990 bytes.
    assert_eq!(of("张", 330).map(|built| (built.chars, built.bytes)), Ok((338, 998)));
    assert_eq!(of("张", 331), Err(BuildError::TooLong { chars: 339, bytes: 1001 }));
}

fn asked(action_type: &str, option_id: &str, spill_id: &str) -> TransferLevel {
    let (action_type, option_id, spill_id) = (text(action_type), text(option_id), text(spill_id));
    TransferLevel { action_type, deci_id: text("g"), option_id, spill_id }
}

#[test]
fn defined_ids_are_written() {
    for kind in ["to_group", "to_service"] {
        for option in ["1", "2", "3", "4"] {
            for spill in ["1", "2", "3", "4", "5", "6", "7"] {
                let fields = Fields { transfer_action: vec![asked(kind, option, spill)], ..Fields::default() };
                assert_eq!(parse(&build(&fields).unwrap().text).fields(), fields);
            }
        }
    }
}

#[test]
fn invalid_fields_are_refused() {
    let refused = |change: &dyn Fn(&mut Fields)| {
        let mut fields = everything();
        change(&mut fields);
        build(&fields).unwrap_err()
    };
    let field = |name: &str| name.to_owned();
    assert_eq!(refused(&|f| f.nickname = text("a\nb")), BuildError::ControlCharacter { field: field("nickname") });
    assert_eq!(refused(&|f| f.robotid = text("\u{7f}")), BuildError::ControlCharacter { field: field("robotid") });
    assert_eq!(refused(&|f| f.avatar = text("https://a\0")), BuildError::ControlCharacter { field: field("avatar") });
    assert_eq!(refused(&|f| f.unionid = text("")), BuildError::Empty { field: field("unionid") });
    assert_eq!(refused(&|f| f.partnerid = Some("张".repeat(101))), BuildError::PartneridTooLong { chars: 101 });
    for avatar in ["", "1.png", "wxfile://tmp", "http://tmp/a", "javascript:1", "https://a/{{id}}", " https://a"] {
        assert_eq!(refused(&|f| f.avatar = text(avatar)), BuildError::AvatarNotUrl, "{avatar}");
    }
    let level = TransferLevel { deci_id: text("g"), ..TransferLevel::default() };
    assert_eq!(refused(&|f| f.transfer_action = vec![level.clone(); 5]), BuildError::TooManyLevels { levels: 5 });
    assert_eq!(
        refused(&|f| f.transfer_action[1] = TransferLevel::default()),
        BuildError::Empty { field: field("transfer_action[1]") }
    );
    assert_eq!(
        refused(&|f| f.transfer_action[0].deci_id = text("undefined")),
        BuildError::Absent { field: field("transfer_action[0].deci_id") }
    );
    for (change, name, expected) in [
        (TransferLevel { action_type: text("to_grp"), ..level.clone() }, "action_type", "to_group or to_service"),
        (level, "action_type", "to_group or to_service"),
        (asked("to_group", "0", "4"), "option_id", "1 to 4"),
        (asked("to_group", "5", "4"), "option_id", "1 to 4"),
        (asked("to_group", "+3", "4"), "option_id", "1 to 4"),
        (asked("to_service", "1", "0"), "spill_id", "1 to 7"),
        (asked("to_service", "1", "8"), "spill_id", "1 to 7"),
    ] {
        let field = format!("transfer_action[1].{name}");
        let refusal = refused(&|f| f.transfer_action[1] = change.clone());
        assert_eq!(refusal, BuildError::NoMeaning { field, expected });
    }
    assert_eq!(
        refused(&|f| f.platform_action = Some(PlatformAction::default())),
        BuildError::Empty { field: field("platform_action") }
    );
    assert_eq!(
        refused(&|f| drop(f.customer_fields.insert(field("g"), field("{{g}}")))),
        BuildError::Absent { field: field("customer_fields.g") }
    );
    for name in ["", "a b", "a|b", "a=b", "partnerid", "transferAction", "sig"] {
        let refusal = refused(&|f| drop(f.extra.insert(field(name), field("x"))));
        assert_eq!(refusal, BuildError::BadName { name: field(name) });
    }
    assert_eq!(refused(&|f| f.partnerid = None), BuildError::BadSignature);
    for sig in ["", "a|b", "a b", "%41", "NaN"] {
        let refusal = refused(&|f| f.signature = Some(SignatureClaim { ts: 0, sig: field(sig) }));
        assert_eq!(refusal, BuildError::BadSignature, "{sig}");
    }
}

#[test]
fn blank_and_long_ids_of_targets_are_refused() {
    let expected = "an id of 1 to 128 bytes that is not blank";
    for deci_id in [None, text(" \u{3000}"), Some("g".repeat(129))] {
        let level = TransferLevel { deci_id, ..asked("to_group", "3", "4") };
        let fields = Fields { transfer_action: vec![asked("to_service", "1", "1"), level], ..Fields::default() };
        let field = "transfer_action[1].deci_id".to_owned();
        assert_eq!(build(&fields).unwrap_err(), BuildError::NoMeaning { field, expected });
    }
    for (action, name) in [
        (PlatformAction { customer_code: text(" "), flow_group_id: None }, "customer_code"),
        (PlatformAction { customer_code: text("c"), flow_group_id: text("\t") }, "flow_group_id"),
    ] {
        let fields = Fields { platform_action: Some(action), ..Fields::default() };
        let field = format!("platform_action.{name}");
        assert_eq!(build(&fields).unwrap_err(), BuildError::NoMeaning { field, expected });
    }
}

/// A merchant who comes from another vendor keeps what the old text said.
#[test]
fn fields_of_another_dialect_are_built_in_sobots_format() {
    let read = parse(
        r#"{"customer_info":{"nick_name":"小明","customer_token":"t7","email":"a@b","custom_fields":{"f":"x"}}}"#,
    );
    let again = parse(&build(&read.fields()).unwrap().text);
    assert_eq!(again.fields(), read.fields());
    assert_eq!(again.partnerid.as_deref(), Some("t7"));
}

#[test]
fn fields_deserialize_from_json() {
    let fields: Fields = serde_json::from_value(json!({
        "nickname": "小明",
        "params": {"a": 1},
        "transfer_action": [{"action_type": "to_group", "deci_id": 77, "option_id": 3, "spill_id": "4"}, {}],
        "signature": {"ts": 1, "sig": "abc"},
    }))
    .unwrap();
    let level = TransferLevel { deci_id: text("77"), ..asked("to_group", "3", "4") };
    assert_eq!(fields.transfer_action, [level, TransferLevel::default()]);
    for wrong in [json!({"option_id": 3.5}), json!({"option_id": true}), json!({"action_type": 1}), json!({"x": "1"})] {
        assert!(serde_json::from_value::<Fields>(json!({"transfer_action": [wrong]})).is_err());
    }
    assert_eq!(fields.signature, Some(SignatureClaim { ts: 1, sig: "abc".to_owned() }));
    assert!(serde_json::from_value::<Fields>(json!({"nick": "小明"})).is_err());
}
