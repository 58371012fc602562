//! Logs on standard output.
//!
//! `lambda_runtime` opens a span with the request id (`requestId`) around each invocation. Below it, each function and each
//! entry point of `channel` and `robots` opens a span with what it works on: `app_id`, `cid`, and `uid`, the hash that
//! stands for appid and openid. A log entry therefore names the invocation and the conversation without an openid and
//! without repeating them in its own fields.

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;

/// Starts the log as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ask for (Lambda developer guide, "Configuring
/// advanced logging controls"). A JSON entry has `timestamp` in RFC 3339 and `level`, by which Lambda filters; a text
/// entry has no time, because Lambda adds it.
///
/// `lambda_runtime` has the same with a filter by module on top, whose regular expressions take a twentieth of a
/// function's binary.
pub fn init_logs() {
    let setting = |name| std::env::var(name).unwrap_or_default();
    let level = setting("AWS_LAMBDA_LOG_LEVEL").parse().unwrap_or(LevelFilter::INFO);
    if setting("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        // Fails only where a subscriber is set already.
        let _ = tracing::subscriber::set_global_default(json(std::io::stdout, level));
    } else {
        tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level).init();
    }
}

/// One JSON object per entry: `timestamp`, `level`, the entry's own fields, and `spans` from the invocation inwards.
fn json<W>(writer: W, level: LevelFilter) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .with_max_level(level)
        .with_writer(writer)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_entry_has_timestamp_level_and_fields_of_its_spans() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        tracing::subscriber::with_default(super::json(move || writer.clone(), LevelFilter::INFO), || {
            let invocation = tracing::info_span!("Lambda runtime invoke", requestId = "8476a536").entered();
            let _send = tracing::info_span!("send", app_id = "wx00000000000000a1", uid = "u1").entered();
            tracing::warn!(code = "push.unbound", "push refused");
            tracing::debug!("below the level");
            drop(invocation);
        });
        let written = buffer.0.lock().unwrap().clone();
        let mut entry: Value = serde_json::from_slice(&written).expect("one entry");
        let timestamp = entry["timestamp"].take();
        assert!(timestamp.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        let expected = json!({
            "timestamp": null,
            "level": "WARN",
            "message": "push refused",
            "code": "push.unbound",
            "spans": [
                { "name": "Lambda runtime invoke", "requestId": "8476a536" },
                { "name": "send", "app_id": "wx00000000000000a1", "uid": "u1" },
            ],
        });
        assert_eq!(entry, expected);
        assert!(written.len() < 300, "entries stay small");
    }
}
