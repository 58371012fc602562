//! What a push costs: verified, decrypted and parsed into its full type. Beside it, in the same run, what bounds it: SHA-1 over the
//! bytes that are signed, and AES-256-CBC over the bytes that are encrypted, by the same crates.
//!
//! And what it costs to read the `session-from` that a visitor enters with. Beside it, the JSON in it read alone.

#![expect(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::hint::black_box;

use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use base64_simd::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha1::{Digest, Sha1};
use wechat::{EncodingAesKey, Format, PushCredentials, PushQuery, Token, crypto, push, session_from, signature};

const APP_ID: &str = "wx00000000000000a1";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const TOKEN: &str = "k4J8mP2xQ7vT9wZ3";
const TIMESTAMP: &str = "1750000000";
const NONCE: &str = "77001122";
const SIZE: usize = 600;

/// A visitor's text of [`SIZE`] bytes in all.
fn message(format: Format) -> String {
    let render = |content: &str| match format {
        Format::Xml => format!(
            "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[oTEST-user_0001-abcdefghijklm]]>\
             </FromUserName><CreateTime>1750000001</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]>\
             </Content><MsgId>24567890123456789</MsgId></xml>"
        ),
        Format::Json => format!(
            "{{\"ToUserName\":\"gh_0a1b2c3d4e5f\",\"FromUserName\":\"oTEST-user_0001-abcdefghijklm\",\"CreateTime\":1750000001,\
             \"MsgType\":\"text\",\"Content\":\"{content}\",\"MsgId\":24567890123456789}}"
        ),
    };
    let room = SIZE - render("").len();
    let mut content = "你好，请问这个订单什么时候发货？".repeat(20);
    content.truncate(content.floor_char_boundary(room));
    content.push_str(&"!".repeat(room - content.len()));
    render(&content)
}

fn benches(criterion: &mut Criterion) {
    let key = EncodingAesKey::parse(KEY).unwrap();
    let credentials = PushCredentials::new(Token::parse(TOKEN).unwrap(), key.clone());
    let mut group = criterion.benchmark_group("push");
    group.throughput(Throughput::Elements(1));

    for (name, format) in [("open_xml", Format::Xml), ("open_json", Format::Json)] {
        let encrypt = crypto::encrypt_with(&key, APP_ID, &message(format), *b"0123456789abcdef").unwrap();
        let body = match format {
            Format::Xml => format!(
                "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>"
            ),
            Format::Json => format!("{{\"ToUserName\":\"gh_0a1b2c3d4e5f\",\"Encrypt\":\"{encrypt}\"}}"),
        };
        let right = signature::msg_signature(&credentials.token, TIMESTAMP, NONCE, &encrypt);
        let query = PushQuery {
            msg_signature: Some(signature::as_str(&right)),
            timestamp: TIMESTAMP,
            nonce: NONCE,
            encrypt_type: Some("aes"),
            openid: Some("oTEST-user_0001-abcdefghijklm"),
            ..PushQuery::default()
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| push::open(&credentials, APP_ID, black_box(&query), black_box(body.as_bytes())).unwrap());
        });
    }

    let encrypt = crypto::encrypt_with(&key, APP_ID, &message(Format::Xml), *b"0123456789abcdef").unwrap();
    let signed = [NONCE, TIMESTAMP, &encrypt, TOKEN].concat();
    let cipher_text = STANDARD.decode_to_vec(&encrypt).unwrap();
    let sha1 = |signed: &str| Sha1::digest(signed);
    let aes = |buffer: &mut [u8]| {
        let (blocks, _) = Array::slice_as_chunks_mut(buffer);
        cbc::Decryptor::<aes::Aes256Dec>::new(&[7; 32].into(), &[7; 16].into()).decrypt_blocks(blocks);
    };
    let mut buffer = cipher_text.clone();
    group.bench_function("bound", |bencher| {
        bencher.iter(|| {
            buffer.copy_from_slice(black_box(&cipher_text));
            aes(black_box(&mut buffer));
            sha1(black_box(&signed))
        });
    });
    group.bench_function("bound_sha1", |bencher| bencher.iter(|| sha1(black_box(&signed))));
    group.bench_function("bound_aes", |bencher| bencher.iter(|| aes(black_box(&mut buffer))));
    group.bench_function("base64", |bencher| {
        bencher.iter(|| STANDARD.decode_to_vec(black_box(&encrypt)).unwrap());
    });
    group.finish();
}

/// Four levels, a merchant, free fields and a signature: about as long as WeChat lets it be.
fn entering(criterion: &mut Criterion) {
    let level = |number: usize| {
        format!(r#"{{"actionType":"to_group","deciId":"g{number:012x}","optionId":"3","spillId":"7"}}"#)
    };
    let levels = format!("[{}]", (0..4).map(level).collect::<Vec<_>>().join(","));
    let params = r#"{"name":"小明","level":"gold","order":"20261122093001","page":"pages/order/index"}"#;
    let fields = r#"{"ddb35f065d4b44ec870f58b87c1a52db":"2026-11-22"}"#;
    let platform = r#"{"customerCode":"shop-0017","flowGroupId":"g00000000abcd"}"#;
    let sig = "0123456789abcdef".repeat(4);
    let text = format!(
        "sobot|小明|https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132|{params}|transfer_action={levels}\
         |platform_action={platform}|customer_fields={fields}|partnerid=u-0123456789|robotid=1|ts=1763800000|sig={sig}"
    );
    assert_eq!(session_from::parse(&text).warnings, []);
    assert_eq!(session_from::parse(&text).transfer_action.len(), 4);
    let mut group = criterion.benchmark_group("session_from");
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse", |bencher| bencher.iter(|| session_from::parse(black_box(&text))));
    group.bench_function("json", |bencher| {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        bencher.iter(|| [params, &levels, platform, fields].map(|text| read(black_box(text))));
    });
    group.finish();
}

criterion_group!(group, benches, entering);
criterion_main!(group);
