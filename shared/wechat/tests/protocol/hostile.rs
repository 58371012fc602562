//! Bodies that were made to hurt. Each must be refused, and at a cost in proportion to its length; the bound on time is wide enough for
//! a slow machine and narrow enough for anything quadratic.

use std::time::{Duration, Instant};

use wechat::{
    Error, Inbound,
    envelope::{Envelope, MAX_BODY},
};

use crate::support::{encrypt, open_body};

fn refused(body: &str) -> Error {
    let start = Instant::now();
    let error = Envelope::parse(body.as_bytes()).unwrap_err();
    let as_message = Inbound::parse(body);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?} for {} bytes", start.elapsed(), body.len());
    assert!(as_message.is_err());
    error
}

/// `unit` as often as a body may hold it.
fn fill(unit: &str) -> String {
    unit.repeat((MAX_BODY - 200) / unit.len())
}

fn numbered(count: u32, before: &str, after: &str) -> String {
    (0..count).flat_map(|number| [before.to_owned(), number.to_string(), after.to_owned()]).collect()
}

#[test]
fn doctype_is_refused() {
    let good = encrypt("x");
    for body in [
        format!("<!DOCTYPE xml><xml><Encrypt>{good}</Encrypt></xml>"),
        format!("<!doctype xml><xml><Encrypt>{good}</Encrypt></xml>"),
        "<?xml version=\"1.0\"?>\n<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><Encrypt>&e;</Encrypt></xml>".to_owned(),
        "<!DOCTYPE xml [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><xml><Encrypt>&b;</Encrypt></xml>".to_owned(),
        "<!DOCTYPE xml [".to_owned(),
        "<!DOCTYPE".to_owned() + &fill("<!ENTITY a \"b\">"),
        format!("<xml><!DOCTYPE xml><Encrypt>{good}</Encrypt></xml>"),
    ] {
        assert_eq!(refused(&body), Error::Doctype, "{}", &body[..body.len().min(80)]);
    }
    assert!(matches!(refused("<!ENTITY a \"b\"><xml><Encrypt>x</Encrypt></xml>"), Error::Envelope(_)));
}

#[test]
fn body_over_limit_is_refused() {
    let good = encrypt("x");
    for length in [MAX_BODY + 1, 1024 * 1024] {
        let mut body = format!("<xml><Encrypt>{good}</Encrypt></xml>");
        body.push_str(&" ".repeat(length - body.len()));
        assert_eq!(open_body(&good, body.as_bytes()).unwrap_err(), Error::TooLarge);
    }
}

#[test]
fn body_with_invalid_utf8_is_refused() {
    let good = encrypt("x");
    for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xbd"] {
        let mut body = format!("<xml><Encrypt>{good}</Encrypt><A>").into_bytes();
        body.extend(bad);
        body.extend(b"</A></xml>");
        assert_eq!(open_body(&good, &body).unwrap_err(), Error::NotUtf8);
    }
}

#[test]
fn message_with_invalid_utf8_is_refused() {
    // Under a right signature and a right appid, a message with a broken character.
    let message = b"<xml><CreateTime>1</CreateTime><A>\xff</A></xml>";
    let mut padded = b"0123456789abcdef".to_vec();
    padded.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    padded.extend(message);
    padded.extend(crate::support::APP_ID.as_bytes());
    let pad = 32 - padded.len() % 32;
    padded.resize(padded.len() + pad, u8::try_from(pad).unwrap());
    let encrypt = crate::support::encrypt_padded(padded);
    assert_eq!(crate::support::open_signed(&encrypt).unwrap_err(), Error::NotUtf8);
}

#[test]
fn tag_over_limit_is_refused() {
    let attributes = numbered(9000, " a", "=''");
    assert_eq!(refused(&format!("<xml{attributes}><Encrypt/></xml>")), Error::Envelope("a tag is too long"));
    assert_eq!(refused(&format!("<xml><Encrypt{attributes}/></xml>")), Error::Envelope("a tag is too long"));
    let namespaces = numbered(4000, " xmlns:a", "='u'");
    assert!(matches!(refused(&format!("<xml{namespaces}/>")), Error::Envelope(_)));
    assert!(matches!(refused(&fill("<a b='c'>")), Error::Envelope(_)));
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(refused(&fill("<a>")), Error::Envelope("elements are nested too deeply"));
    assert!(matches!(refused(&format!("{{\"a\":{}", fill("["))), Error::Envelope(_)));
    assert!(matches!(refused(&fill("{\"a\":")), Error::Envelope(_)));
}

#[test]
fn many_entities_and_sections_parse_in_linear_time() {
    for unit in ["&amp;", "&#x41;", "<![CDATA[a]]>", "a<!---->", "<a/>"] {
        let start = Instant::now();
        let document =
            format!("<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>{}</Content></xml>", fill(unit));
        Inbound::parse(&document).unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{unit}: {:?}", start.elapsed());
    }
    assert_eq!(
        refused(&format!("<xml><Encrypt>{}</Encrypt></xml>", fill("&lol;"))),
        Error::Envelope("an unknown entity")
    );
    let events = format!("<xml><CreateTime>1</CreateTime><MsgType>event</MsgType>{}</xml>", fill("<a>b</a>"));
    let start = Instant::now();
    Inbound::parse(&events).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
    for unit in ["<", "&", "<!--", "<![CDATA[", "<?", "]]>", "\"", "<a ", "</", "<!"] {
        refused(&format!("<xml>{}", fill(unit)));
    }
}
