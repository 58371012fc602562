//! The vendors' own examples, as their pages give them.

use serde_json::json;
use wechat::session_from::{Dialect, parse};

use crate::support::{found, warnings};

const PARAMS: &str = r#"{"name":"sobot","age":18}"#;
const TRANSFER_ACTION: &str = r#"[{"actionType":"to_group","deciId":"xxx","optionId":"3","spillId":"4"},{"actionType":"to_group","deciId":"xxx","optionId":"4"}]"#;
const PLATFORM_ACTION: &str = r#"{"customerCode":"xxx","flowGroupId":"xxx"}"#;

#[test]
fn sobot_text_has_nickname_avatar_and_params() {
    let read = parse(&format!("sobot|小明|https://wx.qlogo.cn/mmopen/vi_32/abc/132|{PARAMS}"));
    assert_eq!(
        found(&read),
        json!({
            "dialect": "sobot",
            "nickname": "小明",
            "avatar": "https://wx.qlogo.cn/mmopen/vi_32/abc/132",
            "params": {"name": "sobot", "age": 18},
        })
    );
    assert_eq!(read.warnings, []);
    let shown = read.params.unwrap().display_fields();
    assert_eq!(
        shown.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>(),
        [("age", "18"), ("name", "sobot")]
    );
}

#[test]
fn sobot_text_has_every_named_field() {
    let read = parse(&format!(
        "sobot|小明|https://a.example/1.png|{PARAMS}|transfer_action={TRANSFER_ACTION}|platform_action={PLATFORM_ACTION}|partnerid=xxx|robotid=1"
    ));
    assert_eq!(
        found(&read),
        json!({
            "dialect": "sobot",
            "nickname": "小明",
            "avatar": "https://a.example/1.png",
            "params": {"name": "sobot", "age": 18},
            "transfer_action": [
                {"action_type": "to_group", "deci_id": "xxx", "option_id": "3", "spill_id": "4"},
                {"action_type": "to_group", "deci_id": "xxx", "option_id": "4"},
            ],
            "platform_action": {"customer_code": "xxx", "flow_group_id": "xxx"},
            "partnerid": "xxx",
            "robotid": "1",
        })
    );
    assert_eq!(read.warnings, []);
}

/// The newer page of the same vendor adds two fields.
#[test]
fn sobot_text_has_unionid_and_customer_fields() {
    let read = parse(
        r#"sobot||||unionid=oJw8S1S0ZheoM2PnKbka3zJO-QyE|customer_fields={"ddb35f065d4b44ec870f58b87c1a52db":"xx"}"#,
    );
    assert_eq!(
        found(&read),
        json!({
            "dialect": "sobot",
            "unionid": "oJw8S1S0ZheoM2PnKbka3zJO-QyE",
            "customer_fields": {"ddb35f065d4b44ec870f58b87c1a52db": "xx"},
        })
    );
    assert_eq!(read.warnings, []);
}

#[test]
fn empty_sobot_slots_are_absent() {
    for empty in ["sobot|||", "sobot||||", "sobot|||||||||", " sobot|||| ", "SOBOT||||"] {
        let read = parse(empty);
        assert_eq!((found(&read), warnings(&read)), (json!({"dialect": "sobot"}), Vec::new()), "{empty}");
    }
    for keyed in ["sobot|||", "sobot||||", "sobot||||||"] {
        let read = parse(&format!("{keyed}|partnerid=7|robotid=1||"));
        assert_eq!(found(&read), json!({"dialect": "sobot", "partnerid": "7", "robotid": "1"}), "{keyed}");
        assert_eq!(read.warnings, [], "{keyed}");
    }
}

/// The button before anything is filled in, which is what a template sends where it is not one.
#[test]
fn published_sobot_template_has_placeholder_warnings() {
    let read = parse(
        "sobot|{{userInfo.nickName}}|{{userInfo.avatarUrl}}|{{params}}|transfer_action={{transfer_action}}|platform_action={{platform_action}}|partnerid={{partnerid}}|robotid={{robotid}}",
    );
    assert_eq!(found(&read), json!({"dialect": "sobot"}));
    let fields = ["avatar", "nickname", "params", "partnerid", "platform_action", "robotid", "transfer_action"];
    assert_eq!(warnings(&read), fields.map(|field| format!("unresolved_placeholder {field}")));
}

/// Qiyu's page gives the first two; the others are met in mini programs that use it.
#[test]
fn qiyu_text_is_parsed() {
    let read = parse("nickName=小明|avatarUrl=https://a.example/1.png");
    assert_eq!(found(&read), json!({"dialect": "qiyu", "nickname": "小明", "avatar": "https://a.example/1.png"}));
    assert_eq!(read.warnings, []);

    let config = r#"{"uid":"u7","data":"[{\"key\":\"email\",\"value\":\"a|b@example.com\"}]"}"#;
    let read = parse(&format!(
        "nickName=小明|avatarUrl=https://a.example/1.png|foreignid=u7|groupid=481477599|referrerTitle=商品详情|ysf.config= {config}"
    ));
    assert_eq!(
        found(&read),
        json!({
            "dialect": "qiyu",
            "nickname": "小明",
            "avatar": "https://a.example/1.png",
            "partnerid": "u7",
            "extra": {"groupid": "481477599", "referrerTitle": "商品详情", "ysf.config": config},
        })
    );
    assert_eq!(read.warnings, []);
}

#[test]
fn easemob_text_is_parsed() {
    let read = parse(r#"{"nickName":"小明","avatarUrl":"https://a.example/1.png"}"#);
    assert_eq!(found(&read), json!({"dialect": "easemob", "nickname": "小明", "avatar": "https://a.example/1.png"}));
    assert_eq!(read.warnings, []);

    // Others ask for the same names in another case, with fields of their own.
    let read = parse(r#"{"source":"项目设置","nickname":"Mike","avatarUrl":"https://a.example/45645.jpg","sex":1}"#);
    assert_eq!(
        found(&read),
        json!({
            "dialect": "easemob",
            "nickname": "Mike",
            "avatar": "https://a.example/45645.jpg",
            "params": {"source": "项目设置", "sex": 1},
        })
    );
}

const CUSTOMER_INFO: &str = r#"{"customer_name":"客户姓名","nick_name":"小明","avatar":"https://a.example/1.png","email":"test@example.com","customer_token":"test_token","generated_channel":"自定义渠道名","tags":"标签1,标签2","level":"vip","owner_id":7,"cellphones":[{"id":null,"cellphone":"13800000000"}],"custom_fields":{"TextField_1":"普通文本","SelectField_2":["0","1"],"NumberField_3":5}}"#;

#[test]
fn udesk_text_is_parsed() {
    let wrapped = json!({ "customer_info": serde_json::from_str::<serde_json::Value>(CUSTOMER_INFO).unwrap() });
    let stringified = json!({ "customer_info": CUSTOMER_INFO });
    for text in [CUSTOMER_INFO.to_owned(), wrapped.to_string(), stringified.to_string()] {
        let read = parse(&text);
        assert_eq!(
            found(&read),
            json!({
                "dialect": "udesk",
                "nickname": "小明",
                "avatar": "https://a.example/1.png",
                "partnerid": "test_token",
                "customer_fields": {"TextField_1": "普通文本", "SelectField_2": "0, 1", "NumberField_3": "5"},
                "params": {
                    "customer_name": "客户姓名",
                    "email": "test@example.com",
                    "generated_channel": "自定义渠道名",
                    "tags": "标签1,标签2",
                    "level": "vip",
                    "owner_id": 7,
                    "cellphones": [{"id": null, "cellphone": "13800000000"}],
                },
            }),
            "{text}"
        );
        assert_eq!(read.warnings, []);
        assert_eq!(read.params.unwrap().display_fields()["cellphones.0.cellphone"], "13800000000");
    }
}

#[test]
fn udesk_customer_name_replaces_missing_nickname() {
    let read = parse(r#"{"customer_name":"客户姓名","customer_token":10086}"#);
    assert_eq!(found(&read), json!({"dialect": "udesk", "nickname": "客户姓名", "partnerid": "10086"}));
}

#[test]
fn other_text_is_kept_as_scene() {
    for tag in [
        "order-42",
        "weapp",
        " 商品详情页 ",
        "from=home|id=3",
        r#"{"kefu":["kefuID"]}"#,
        r#"{"type":"vip","goodsid":"1"}"#,
        "[1,2]",
        "sobotics|a|b",
        "a%7Cb",
        "100%",
        "{\"nickName\":",
        "null|",
        "智齿",
    ] {
        let read = parse(tag);
        assert_eq!(found(&read), json!({"dialect": "raw", "extra": {"scene": tag}}), "{tag}");
        assert_eq!(read.warnings, [], "{tag}");
    }
}

#[test]
fn empty_text_or_placeholder_has_no_fields() {
    for text in ["", " ", "\u{feff}", "\n"] {
        let read = parse(text);
        assert_eq!((read.dialect, found(&read)), (Dialect::Empty, json!({"dialect": "empty"})), "{text:?}");
        assert_eq!(read.warnings, []);
    }
    for (text, warning) in [
        ("undefined", "not_a_value"),
        ("null", "not_a_value"),
        ("[object Object]", "not_a_value"),
        ("{{sessionFrom}}", "unresolved_placeholder"),
    ] {
        let read = parse(text);
        assert_eq!((read.dialect, warnings(&read)), (Dialect::Empty, vec![warning.to_owned()]), "{text}");
    }
}

#[test]
fn display_fields_flatten_params() {
    let read = parse(
        r#"sobot|||{"order":{"id":12345678901234567,"tags":["a","b"],"paid":true},"note":"","none":null,"bad":"undefined","url":"https://a.example/?u=%E5%BC%A0","name":"%E5%BC%A0%E4%B8%89","sum":"100%25"}"#,
    );
    let shown = read.params.as_ref().unwrap().display_fields();
    assert_eq!(
        serde_json::to_value(&shown).unwrap(),
        json!({
            "order.id": "12345678901234567",
            "order.tags": "a, b",
            "order.paid": "true",
            "url": "https://a.example/?u=%E5%BC%A0",
            "name": "张三",
            "sum": "100%25",
        })
    );
    assert_eq!(warnings(&read), ["not_a_value params.bad"]);
    let text = parse("sobot|||你好").params.unwrap().display_fields();
    assert_eq!(serde_json::to_value(&text).unwrap(), json!({"params": "你好"}));
}
