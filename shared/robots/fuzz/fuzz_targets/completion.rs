//! Any body of a model's response.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| robots::fuzzing::completion(body));
