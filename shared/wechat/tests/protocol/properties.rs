//! What holds for every message, key and string.

use proptest::{collection::vec, prelude::*, string::string_regex};
use wechat::{
    Content, EncodingAesKey, Format, Inbound, PushCredentials, PushQuery, Token, crypto, envelope::Envelope, push,
    signature,
};

fn key() -> impl Strategy<Value = EncodingAesKey> {
    string_regex("[A-Za-z0-9]{43}").unwrap().prop_map(|text| EncodingAesKey::parse(&text).unwrap())
}

fn token() -> impl Strategy<Value = Token> {
    string_regex("[A-Za-z0-9]{3,32}").unwrap().prop_map(|text| Token::parse(&text).unwrap())
}

/// Text that XML can carry: all but the control characters it forbids.
fn writable() -> impl Strategy<Value = String> {
    string_regex("[^\\x00-\\x08\\x0B-\\x1F\u{FFFE}\u{FFFF}]{0,60}").unwrap()
}

/// How a field is written in XML.
#[derive(Debug, Clone, Copy)]
enum Dress {
    Cdata,
    Escaped,
    Mixed,
}

fn render_xml(fields: &[(String, String)], dress: Dress, gap: &str) -> String {
    let mut xml = format!("<xml>{gap}");
    for (name, value) in fields {
        let cdata = |text: &str| format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"));
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let value = match dress {
            Dress::Cdata => cdata(value),
            Dress::Escaped => escaped(value),
            Dress::Mixed => {
                let (left, right) = value.split_at(value.floor_char_boundary(value.len() / 2));
                cdata(left) + &escaped(right)
            }
        };
        xml.extend(["<", name, ">", &value, "</", name, ">", gap]);
    }
    xml + "</xml>"
}

fn render_json(fields: &[(String, String)]) -> String {
    let fields: serde_json::Map<String, serde_json::Value> =
        fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    serde_json::Value::Object(fields).to_string()
}

fn content() -> impl Strategy<Value = (Content, Vec<(&'static str, String)>)> {
    let strings = vec(writable(), 5);
    (0..4, strings).prop_map(|(kind, mut strings)| {
        let mut next = || strings.pop().unwrap_or_default();
        match kind {
            0 => {
                let content = next();
                (Content::Text { content: content.clone() }, vec![("MsgType", "text".to_owned()), ("Content", content)])
            }
            1 => {
                let (pic_url, media_id) = (next(), next());
                let fields =
                    vec![("MsgType", "image".to_owned()), ("PicUrl", pic_url.clone()), ("MediaId", media_id.clone())];
                (Content::Image { pic_url, media_id }, fields)
            }
            2 => {
                let (title, app_id, page_path, thumb_url, thumb_media_id) = (next(), next(), next(), next(), next());
                let fields = vec![
                    ("MsgType", "miniprogrampage".to_owned()),
                    ("Title", title.clone()),
                    ("AppId", app_id.clone()),
                    ("PagePath", page_path.clone()),
                    ("ThumbUrl", thumb_url.clone()),
                    ("ThumbMediaId", thumb_media_id.clone()),
                ];
                (Content::MiniProgramPage { title, app_id, page_path, thumb_url, thumb_media_id }, fields)
            }
            _ => {
                let session_from = next();
                let fields = vec![
                    ("MsgType", "event".to_owned()),
                    ("Event", "user_enter_tempsession".to_owned()),
                    ("SessionFrom", session_from.clone()),
                ];
                (Content::EnterTempSession { session_from }, fields)
            }
        }
    })
}

proptest! {
    #[test]
    fn decrypt_is_inverse_of_encrypt(key in key(), app_id in "[ -~]{1,40}", message in any::<String>(), random in any::<[u8; 16]>()) {
        let encrypt = crypto::encrypt_with(&key, &app_id, &message, random).unwrap();
        let plaintext = crypto::decrypt(&key, &encrypt).unwrap();
        prop_assert_eq!(plaintext.message(), message.as_bytes());
        prop_assert_eq!(plaintext.app_id(), app_id.as_bytes());
    }

    #[test]
    fn only_the_signed_values_verify(token in token(), other in token(), timestamp in ".{0,12}", nonce in ".{0,12}", encrypt in ".{0,80}") {
        let right = signature::msg_signature(&token, &timestamp, &nonce, &encrypt);
        prop_assert!(signature::matches(signature::as_str(&right), &right));
        let url = signature::url_signature(&token, &timestamp, &nonce);
        prop_assert!(push::verify_url(&token, signature::as_str(&url), &timestamp, &nonce));
        prop_assert_eq!(token == other, push::verify_url(&other, signature::as_str(&url), &timestamp, &nonce));
        // The order of the parts is that of their bytes, so that two of them may change places.
        prop_assert_eq!(right, signature::msg_signature(&token, &encrypt, &timestamp, &nonce));
    }

    #[test]
    fn parse_is_inverse_of_render(
        (content, own) in content(),
        create_time in any::<i64>(),
        msg_id in proptest::option::of("[0-9a-f_]{1,30}"),
        seed in any::<u64>(),
        dress in prop_oneof![Just(Dress::Cdata), Just(Dress::Escaped), Just(Dress::Mixed)],
        gap in "[ \n\t]{0,3}",
    ) {
        let mut fields: Vec<(String, String)> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        fields.push(("CreateTime".to_owned(), create_time.to_string()));
        fields.push(("FromUserName".to_owned(), "oTEST".to_owned()));
        fields.extend(msg_id.clone().map(|id| ("MsgId".to_owned(), id)));
        let turn = usize::try_from(seed % u64::try_from(fields.len()).unwrap()).unwrap();
        fields.rotate_left(turn);

        let from_xml = Inbound::parse(&render_xml(&fields, dress, &gap)).unwrap();
        let from_json = Inbound::parse(&render_json(&fields)).unwrap();
        prop_assert!(from_xml.content == content);
        prop_assert_eq!(from_xml.create_time, create_time);
        prop_assert_eq!(&from_xml.from_user_name, "oTEST");
        prop_assert_eq!(&from_xml.msg_id, &msg_id);
        prop_assert_eq!(from_xml.dedup_key(), from_json.dedup_key());
        prop_assert!(from_xml == from_json);
        prop_assert!(Content::from_json(content.kind(), &content.to_json()).unwrap() == content);
    }

    #[test]
    fn encrypted_and_signed_push_opens(key in key(), token in token(), text in writable(), json in any::<bool>()) {
        let fields = [("MsgType", "text"), ("CreateTime", "1"), ("Content", text.as_str())].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let message = if json { render_json(&fields) } else { render_xml(&fields, Dress::Cdata, "") };
        let encrypt = crypto::encrypt(&key, "wx1", &message).unwrap();
        let body = if json { format!(r#"{{"Encrypt":"{encrypt}"}}"#) } else { format!("<xml><Encrypt>{encrypt}</Encrypt></xml>") };
        let right = signature::msg_signature(&token, "1", "2", &encrypt);
        let query = PushQuery { msg_signature: Some(signature::as_str(&right)), timestamp: "1", nonce: "2", ..PushQuery::default() };
        let opened = push::open(&PushCredentials::new(token, key), "wx1", &query, body.as_bytes()).unwrap();
        prop_assert_eq!(opened.format == Format::Json, json);
        let expected = Content::Text { content: text };
        prop_assert!(opened.inbound.content == expected);
    }

    #[test]
    fn any_body_parses_without_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Envelope::parse(&bytes);
    }

    #[test]
    fn any_document_parses_without_panic(document in prop_oneof![
        any::<String>(),
        "(<xml>|</xml>|<Content>|</Content>|<!\\[CDATA\\[|\\]\\]>|&amp;|&x;|&#65;|<!--|-->|<\\?|\\?>|<CreateTime>1</CreateTime>|text|<a/>|<!DOCTYPE|[ -~]){0,30}",
        "\\{(\"MsgType\":|\"CreateTime\":|\"text\"|1|,|\\{|\\}|\\[|\\]|null|\\\\u|[ -~]){0,30}",
    ]) {
        if let Ok(inbound) = Inbound::parse(&document) {
            let key = inbound.dedup_key().id;
            prop_assert!((1..=100).contains(&key.len()));
            prop_assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)));
        }
        let _ = Envelope::parse(document.as_bytes());
    }

    #[test]
    fn any_ciphertext_decrypts_without_panic(key in key(), bytes in vec(any::<u8>(), 0..200), text in "[A-Za-z0-9+/=]{0,200}") {
        let _ = crypto::decrypt(&key, &base64_simd::STANDARD.encode_to_string(bytes));
        let _ = crypto::decrypt(&key, &text);
    }
}
