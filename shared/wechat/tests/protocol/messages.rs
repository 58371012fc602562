//! Every kind of message and event, in both forms.

use serde_json::{Value, json};
use wechat::{Content, Error, Inbound};

fn xml(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>")).collect();
    format!("<xml>{}</xml>", fields.concat())
}

fn json(fields: &[(&str, &str)]) -> String {
    let object: serde_json::Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    Value::Object(object).to_string()
}

const COMMON: [(&str, &str); 3] =
    [("ToUserName", "gh_0a1b2c3d4e5f"), ("FromUserName", "oTEST-user_0001"), ("CreateTime", "1750000001")];

/// The content of the same fields in XML, in JSON, and each in the opposite order.
fn content(own: &[(&str, &str)]) -> Content {
    let mut fields = COMMON.to_vec();
    fields.extend(own);
    let first = Inbound::parse(&xml(&fields)).unwrap();
    let in_json = Inbound::parse(&json(&fields)).unwrap();
    fields.reverse();
    for other in [in_json, Inbound::parse(&xml(&fields)).unwrap(), Inbound::parse(&json(&fields)).unwrap()] {
        if !matches!(first.content, Content::Other { .. }) {
            assert!(other.content == first.content);
        }
        assert_eq!(other.content.kind(), first.content.kind());
        assert_eq!(other.from_user_name, first.from_user_name);
        assert_eq!(other.dedup_key(), first.dedup_key());
    }
    let again = Content::from_json(first.content.kind(), &first.content.to_json()).unwrap();
    assert!(again == first.content);
    first.content
}

#[test]
fn text_message_has_content() {
    let content =
        content(&[("MsgType", "text"), ("Content", "你好 <a href=\"x\">&amp;</a> 👩‍👩‍👧 \u{10FFFF}"), ("MsgId", "1")]);
    assert_eq!(content.kind(), "text");
    assert_eq!(content.to_json(), json!({"content": "你好 <a href=\"x\">&amp;</a> 👩‍👩‍👧 \u{10FFFF}"}));
}

#[test]
fn empty_or_missing_content_is_an_empty_text() {
    for own in [&[("MsgType", "text"), ("Content", "")][..], &[("MsgType", "text")]] {
        assert_eq!(content(own).to_json(), json!({"content": ""}));
    }
    let inbound = Inbound::parse("<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content/></xml>").unwrap();
    assert_eq!(inbound.content.to_json(), json!({"content": ""}));
    let inbound = Inbound::parse(r#"{"CreateTime":1,"MsgType":"text","Content":null,"MsgId":null}"#).unwrap();
    assert_eq!(inbound.content.to_json(), json!({"content": ""}));
    assert_eq!(inbound.msg_id, None);
}

#[test]
fn image_message_has_url_and_media_id() {
    let own = [
        ("MsgType", "image"),
        ("PicUrl", "https://mmbiz.example.invalid/p?a=1&b=2"),
        ("MediaId", "media-0001"),
        ("MsgId", "2"),
    ];
    let content = content(&own);
    assert_eq!(content.kind(), "image");
    assert_eq!(
        content.to_json(),
        json!({"pic_url": "https://mmbiz.example.invalid/p?a=1&b=2", "media_id": "media-0001"})
    );
}

#[test]
fn mini_program_page_has_all_fields() {
    let content = content(&[
        ("MsgType", "miniprogrampage"),
        ("MsgId", "3"),
        ("Title", "A card"),
        ("AppId", "wx00000000000000a1"),
        ("PagePath", "pages/item/item?id=7"),
        ("ThumbUrl", ""),
        ("ThumbMediaId", ""),
    ]);
    assert_eq!(content.kind(), "miniprogrampage");
    assert_eq!(
        content.to_json(),
        json!({"title": "A card", "appid": "wx00000000000000a1", "pagepath": "pages/item/item?id=7", "thumb_url": "", "thumb_media_id": ""})
    );
}

#[test]
fn enter_event_has_session_from() {
    for (own, session_from) in [
        (
            &[("MsgType", "event"), ("Event", "user_enter_tempsession"), ("SessionFrom", "order-42|昵称")][..],
            "order-42|昵称",
        ),
        (&[("MsgType", "event"), ("Event", "user_enter_tempsession"), ("SessionFrom", "")], ""),
        (&[("MsgType", "event"), ("Event", "user_enter_tempsession")], ""),
    ] {
        let content = content(own);
        assert_eq!(content.kind(), "event");
        assert_eq!(content.to_json(), json!({"event": "user_enter_tempsession", "session_from": session_from}));
    }
}

#[test]
fn unknown_kind_keeps_whole_document() {
    for msg_type in ["voice", "video", "shortvideo", "location", "link", "transfer_customer_service", "??", ""] {
        let document = xml(&[("CreateTime", "1"), ("MsgType", msg_type), ("MediaId", "m"), ("MsgId", "4")]);
        let content = Inbound::parse(&document).unwrap().content;
        assert_eq!(content.kind(), "raw");
        assert_eq!(content.to_json(), json!({"msg_type": msg_type, "raw": document}));
    }
    for event in ["kf_create_session", "wxa_media_check", "subscribe_msg_popup_event", "debug_demo", ""] {
        let document = json!({"CreateTime": 1, "MsgType": "event", "Event": event, "List": [{"a": [1, {"b": "]]>"}]}]})
            .to_string();
        let content = Inbound::parse(&document).unwrap().content;
        assert_eq!(content.kind(), "event");
        assert_eq!(content.to_json(), json!({"event": event, "raw": document}));
        assert!(Content::from_json("event", &content.to_json()).unwrap() == content);
    }
    let ticket = "<xml><AppId>wx1</AppId><CreateTime>1</CreateTime><InfoType>component_verify_ticket</InfoType></xml>";
    let inbound = Inbound::parse(ticket).unwrap();
    assert_eq!((inbound.from_user_name.as_str(), inbound.content.kind()), ("", "raw"));
    assert!(Content::from_json("hologram", &json!({})).is_none());
}

#[test]
fn xml_variants_parse_alike() {
    for (document, content) in [
        (
            "<xml><CreateTime>\n1\n</CreateTime><MsgType> text </MsgType><Content>a &lt;b&gt; &amp; &quot;c&quot; &#x4F60;&#22909;</Content></xml>",
            "a <b> & \"c\" 你好",
        ),
        (
            "<xml><CreateTime><![CDATA[1]]></CreateTime><MsgType>text</MsgType><Content>a<![CDATA[<b>]]>c<![CDATA[&amp;]]>&apos;</Content></xml>",
            "a<b>c&amp;'",
        ),
        (
            "<xml>\n\t<CreateTime>1</CreateTime>\r\n <MsgType>text</MsgType>\n<Content><![CDATA[ two\n lines\r\n]]></Content>\n</xml>\n",
            " two\n lines\r\n",
        ),
        (
            "<?xml version='1.0'?><!-- c --><xml a='1'><CreateTime>1</CreateTime><MsgType b=\"2\">text</MsgType><Content>x<!-- y -->z</Content><?pi?></xml>",
            "xz",
        ),
        // What a visitor types is text, whatever it looks like.
        (
            "<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content><![CDATA[<!DOCTYPE x [<!ENTITY y \"z\">]>&y;]]></Content></xml>",
            "<!DOCTYPE x [<!ENTITY y \"z\">]>&y;",
        ),
        (
            "<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>first</Content><Content>last</Content></xml>",
            "last",
        ),
        (
            "<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>flat</Content><List><Content>deep</Content><MsgType>event</MsgType></List></xml>",
            "flat",
        ),
    ] {
        let inbound = Inbound::parse(document).unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(inbound.content.to_json()["content"], content, "{document}");
        assert_eq!(inbound.create_time, 1);
    }
}

#[test]
fn json_variants_parse_alike() {
    for (document, content) in [
        (r#" {"MsgType":"text","CreateTime":"1","Content":"\u4f60\u597d\n\ud83d\ude00\/"} "#, "你好\n😀/"),
        (r#"{"CreateTime":1,"MsgType":"text","Content":1.50}"#, "1.50"),
        (r#"{"CreateTime":1,"MsgType":"text","Content":"a","Content":"b","Extra":{"Content":"c"}}"#, "b"),
        (r#"{"CreateTime":1,"MsgType":"text","Content":"\ud83d好\n"}"#, "\u{fffd}好\n"),
    ] {
        let inbound = Inbound::parse(document).unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(inbound.content.to_json()["content"], content, "{document}");
    }
}

#[test]
fn message_without_create_time_is_refused() {
    for time in ["", "x", "1.5", "1e9", "99999999999999999999"] {
        assert_eq!(Inbound::parse(&xml(&[("MsgType", "text"), ("CreateTime", time)])).unwrap_err(), Error::CreateTime);
    }
    assert_eq!(Inbound::parse("{}").unwrap_err(), Error::CreateTime);
}

#[test]
fn malformed_document_is_refused() {
    for document in [
        "",
        " ",
        "hello",
        "[]",
        "\"x\"",
        "{",
        "{]",
        "{} {}",
        "<",
        "<xml>",
        "<xml></xm>",
        "<xml/><xml/>",
        "</xml>",
        "<a>b</a>",
        "<xml>x<a/></xml>",
        "<xml><a>&nope;</a></xml>",
        "<xml><a>&#0;</a></xml>",
        "<xml><a>&</a></xml>",
        "<xml></xml>x",
        "x<xml></xml>",
        "<xml><a><![CDATA[</a></xml>",
        "<xml a",
        "<!--",
    ] {
        let error = Inbound::parse(document).unwrap_err();
        assert!(matches!(error, Error::Message(_)), "{document}: {error:?}");
    }
}

fn key(own: &[(&str, &str)]) -> String {
    let mut fields = vec![("FromUserName", "o1"), ("CreateTime", "1750000001")];
    fields.extend(own);
    let dedup_key = Inbound::parse(&xml(&fields)).unwrap().dedup_key();
    assert_eq!(dedup_key.create_time, 1_750_000_001);
    assert!((1..=100).contains(&dedup_key.id.len()), "{}", dedup_key.id);
    assert!(
        dedup_key.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)),
        "{}",
        dedup_key.id
    );
    dedup_key.id
}

#[test]
fn dedup_key_of_message_is_its_msg_id() {
    let of = |id: &str| key(&[("MsgType", "text"), ("Content", "x"), ("MsgId", id)]);
    assert_eq!(of("24567890123456789"), "m00024567890123456789");
    assert_eq!(of("18446744073709551615"), "m18446744073709551615");
    assert_eq!(of("99999999999999999999"), "m99999999999999999999");
    assert_eq!(
        of("49d72d67b16d115e7935ac386f2f0fa41535298877_1555684067"),
        "m49d72d67b16d115e7935ac386f2f0fa41535298877_1555684067"
    );
    assert_eq!(of(&"7".repeat(21)), format!("m{}", "7".repeat(21)));
    assert_eq!(of(&"a".repeat(64)), format!("m{}", "a".repeat(64)));
    for odd in ["a b", "你好", "a/b", "a#b", &"a".repeat(65), &"9".repeat(4000)] {
        assert_eq!(of(odd).len(), 41, "{odd}");
    }
    assert_ne!(of("a b"), of("a  b"));
    // Two deliveries may differ in dress; what they say decides.
    assert_eq!(key(&[("MsgId", "7"), ("MsgType", "text")]), key(&[("MsgType", "image"), ("MsgId", "7")]));
}

#[test]
fn msg_id_number_in_json_keeps_all_digits() {
    for (id, text) in [
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551616", "18446744073709551616"),
        (r#""x_1""#, "x_1"),
        ("-1", "-1"),
    ] {
        let inbound = Inbound::parse(&format!(r#"{{"CreateTime":1,"MsgType":"text","MsgId":{id}}}"#)).unwrap();
        assert_eq!(inbound.msg_id.as_deref(), Some(text));
    }
}

#[test]
fn dedup_key_of_event_covers_all_fields() {
    let enter = |own: &[(&str, &str)]| {
        let mut fields = vec![("MsgType", "event"), ("Event", "user_enter_tempsession")];
        fields.extend(own);
        key(&fields)
    };
    let first = enter(&[("SessionFrom", "order-42")]);
    assert!(first.starts_with("euser_enter_tempsession."), "{first}");
    assert_eq!(first, enter(&[("SessionFrom", "order-42")]));
    assert_ne!(first, enter(&[("SessionFrom", "order-43")]));
    assert_ne!(first, enter(&[]));
    assert_ne!(enter(&[("a", "bc")]), enter(&[("ab", "c")]));
    assert_ne!(enter(&[("trace_id", "1")]), enter(&[("trace_id", "2")]));
    let nested = |count: u8| {
        let document = format!(
            "<xml><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>e</Event><List><c>{count}</c></List></xml>"
        );
        Inbound::parse(&document).unwrap().dedup_key().id
    };
    assert_ne!(nested(1), nested(2));
    // Names that cannot stand in a key, or only in part.
    let odd = |event: &str| key(&[("MsgType", "event"), ("Event", event)]);
    assert!(odd("a/b c#你").starts_with("ea_b_c__."));
    assert_ne!(odd("a/b"), odd("a_b"));
    assert_ne!(odd(&"x".repeat(100)), odd(&"x".repeat(101)));
    // A message without an id is known by all it says, too.
    assert!(key(&[("MsgType", "text"), ("Content", "x")]).starts_with("etext."));
}

#[test]
fn debug_output_contains_no_content() {
    let inbound =
        Inbound::parse(&xml(&[("CreateTime", "1"), ("MsgType", "text"), ("Content", "私密"), ("MsgId", "1")])).unwrap();
    assert!(!format!("{inbound:?}").contains("私密"));
    let outbound = wechat::Outbound::Text { content: "私密".to_owned() };
    assert!(!format!("{outbound:?}").contains("私密"));
}
