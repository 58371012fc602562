//! Logs on standard output.
//!
//! `lambda_runtime` opens a span with the request id (`requestId`) around each invocation. Below it, each function and each
//! entry point of `channel` and `robots` opens a span with what it works on: `app_id`, `cid`, and `uid`, the hash that
//! stands for appid and openid. A log entry therefore names the invocation and the conversation without an openid and
//! without repeating them in its own fields.
//!
//! # Metrics
//!
//! An entry with a field that [`METRICS`] names is a metric as well. It gets the members from which `CloudWatch` extracts the
//! metric (`CloudWatch` user guide, "Embedding metrics within logs"), so a metric needs no request of its own.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

/// The metrics, each a count of events. The alarms in `template.yaml` watch them, in the namespace `Kefu` with the table's
/// name as the dimension, because that name is another one in each stack.
///
/// - `PushesNotStored`: pushes that were answered with 500. WeChat repeats each, at most three times.
/// - `UnknownSends`: messages of which it is not known whether WeChat received them.
/// - `TokensExpired`: failed renewals of access tokens that have expired.
pub const METRICS: [&str; 3] = ["PushesNotStored", "UnknownSends", "TokensExpired"];

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
        let _ = tracing::subscriber::set_global_default(json_logs(std::io::stdout, level, &setting("TABLE_NAME")));
    } else {
        tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level).init();
    }
}

/// One JSON object per entry: `timestamp`, `level`, the entry's own fields, and `spans` from the invocation inwards.
/// `table` is the dimension of the metrics.
pub fn json_logs<W>(writer: W, level: LevelFilter, table: &str) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .map_event_format(|entry| WithMetrics { entry, table: table.to_owned() })
        .with_max_level(level)
        .with_writer(writer)
        .finish()
}

/// Adds the description of its metrics to an entry.
struct WithMetrics {
    entry: Format<Json>,
    table: String,
}

impl WithMetrics {
    /// The members that an entry with these metrics has besides its own.
    fn description(&self, metrics: &[&str]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let metrics: Vec<_> = metrics.iter().map(|name| json!({ "Name": name, "Unit": "Count" })).collect();
        let members = json!({
            "_aws": {
                "Timestamp": u64::try_from(now).unwrap_or_default(),
                "CloudWatchMetrics": [{ "Namespace": "Kefu", "Dimensions": [["TableName"]], "Metrics": metrics }],
            },
            "TableName": self.table,
        });
        members.to_string()
    }
}

impl<S, N> FormatEvent<S, N> for WithMetrics
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let fields = event.metadata().fields();
        let metrics: Vec<&str> =
            fields.iter().map(|field| field.name()).filter(|name| METRICS.contains(name)).collect();
        if metrics.is_empty() {
            return self.entry.format_event(context, writer, event);
        }
        let mut entry = String::new();
        self.entry.format_event(context, Writer::new(&mut entry), event)?;
        // Both are JSON objects: the members of the second one follow those of the first.
        let (entry, added) = (entry.trim_end(), self.description(&metrics));
        let own = entry.strip_suffix('}').unwrap_or(entry);
        writeln!(writer, "{own},{}", added.strip_prefix('{').unwrap_or(&added))
    }
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
        tracing::subscriber::with_default(json_logs(move || writer.clone(), LevelFilter::INFO, "kefu-Table"), || {
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

    #[test]
    fn entry_with_a_metric_has_its_description() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        tracing::subscriber::with_default(json_logs(move || writer.clone(), LevelFilter::INFO, "kefu-Table"), || {
            let _span = tracing::info_span!("send", uid = "u1").entered();
            tracing::warn!(UnknownSends = 1, error = "a } in a text", "not known");
            tracing::warn!("without one");
        });
        let written = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        let entries: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), 2);
        assert!(entries[0]["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        let expected = json!([{
            "Namespace": "Kefu",
            "Dimensions": [["TableName"]],
            "Metrics": [{ "Name": "UnknownSends", "Unit": "Count" }],
        }]);
        assert_eq!(entries[0]["_aws"]["CloudWatchMetrics"], expected);
        assert_eq!((&entries[0]["UnknownSends"], &entries[0]["TableName"]), (&json!(1), &json!("kefu-Table")));
        assert_eq!((&entries[0]["error"], &entries[0]["spans"][0]["uid"]), (&json!("a } in a text"), &json!("u1")));
        assert!(entries[1].get("_aws").is_none());
    }
}
