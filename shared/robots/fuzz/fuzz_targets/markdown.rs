//! Any Markdown of a model.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| robots::fuzzing::markdown(text));
