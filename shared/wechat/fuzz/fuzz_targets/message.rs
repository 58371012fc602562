//! Any document: no panic, an identity that can be a key, and content that survives our JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wechat::{Content, Inbound};

fuzz_target!(|document: &[u8]| {
    let Ok(inbound) = Inbound::parse(document) else { return };
    let key = inbound.dedup_key().id;
    assert!((1..=100).contains(&key.len()));
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)));
    assert_eq!(Inbound::parse(document).map(|again| again.dedup_key()), Ok(inbound.dedup_key()));
    let again = Content::from_json(inbound.content.kind(), &inbound.content.to_json());
    assert!(again.is_some_and(|content| content == inbound.content));
});
