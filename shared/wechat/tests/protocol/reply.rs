//! Encrypted answers; the known ones are among the vectors.

use wechat::{Format, crypto, envelope::Envelope, reply::Reply};

use crate::support::{APP_ID, credentials};

#[test]
fn reply_opens_like_a_push() {
    let credentials = credentials();
    for format in [Format::Xml, Format::Json] {
        let reply =
            Reply::seal(&credentials.token, &credentials.current, APP_ID, "好", 1_750_000_000, "77001122").unwrap();
        let body = reply.render(format);
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.format, format);
        assert_eq!(crypto::decrypt(&credentials.current, &envelope.encrypt).unwrap().message(), "好".as_bytes());
    }
}

#[test]
fn nonce_cannot_end_its_cdata_section() {
    let nonce = "1]]></Nonce><Encrypt>evil</Encrypt><Nonce><![CDATA[";
    let reply = Reply::sign(&credentials().token, "good".to_owned(), 1, nonce);
    for format in [Format::Xml, Format::Json] {
        let body = reply.render(format);
        assert_eq!(Envelope::parse(body.as_bytes()).unwrap().encrypt, "good", "{body}");
    }
}
