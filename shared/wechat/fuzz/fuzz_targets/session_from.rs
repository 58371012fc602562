//! Any text: no panic, bounded fields, and what was read and can be built is read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wechat::session_from::{build, parse};

fuzz_target!(|text: &str| {
    let read = parse(text);
    assert!(read.partnerid.as_ref().is_none_or(|partnerid| partnerid.chars().count() <= 100));
    assert!(read.avatar.as_ref().is_none_or(|avatar| avatar.contains("//")));
    assert!(serde_json::to_string(&read).is_ok());
    let fields = read.fields();
    if let Ok(built) = build(&fields) {
        assert_eq!(parse(&built.text).fields(), fields);
    }
});
