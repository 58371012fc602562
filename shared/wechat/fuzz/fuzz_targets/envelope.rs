//! Any body: no panic, and what is taken for `Encrypt` stands in the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wechat::envelope::Envelope;

fuzz_target!(|body: &[u8]| {
    if let Ok(envelope) = Envelope::parse(body) {
        assert!(!envelope.encrypt.is_empty());
        assert_eq!(envelope.encrypt.trim_ascii(), envelope.encrypt);
    }
});
