//! Logs on standard output.
//!
//! `lambda_runtime` opens a span with the request id (`requestId`) around each invocation. Below it, each function opens a
//! span for each request, message, turn or send, and so do the public operations of `conversations`, `channel` and `robots`.
//! The fields of these spans say what is worked on: `app_id`, `cid`, and `uid`, the hash that stands for appid and openid. A
//! log entry therefore names the invocation and the conversation without an openid and without repeating them in its own
//! fields.
//!
//! # Metrics
//!
//! An entry with a field that [`METRICS`] names is a metric as well. It gets the members from which `CloudWatch` extracts the
//! metric (`CloudWatch` user guide, "Embedding metrics within logs"), so a metric needs no request of its own.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime as Rfc3339},
    },
    registry::LookupSpan,
};

/// The metrics, each a count of events. The alarms in `template.yaml` watch them, in the namespace `Kefu` with the table's
/// name as the dimension, because that name is another one in each stack.
///
/// - `PushesNotStored`: pushes that were answered with 500. WeChat repeats each, at most three times.
/// - `UnknownSends`: messages of which it is not known whether WeChat received them.
/// - `TokensExpired`: failed renewals of access tokens that have expired.
/// - `RobotCircuitsOpened`: robots that are not asked for a while, because their servers failed several times.
/// - `BudgetsExhausted`: turns whose language model was not asked, because its mini program has used up its budget of the day.
pub const METRICS: [&str; 5] =
    ["PushesNotStored", "UnknownSends", "TokensExpired", "RobotCircuitsOpened", "BudgetsExhausted"];

/// Fields of spans that are left out of the entries. X-Ray is not used (see `template.yaml`), and Lambda's own records
/// give the trace of a request id.
const OMITTED: [&str; 1] = ["xrayTraceId"];

/// Starts the log as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ask for (Lambda developer guide, "Configuring
/// advanced logging controls"). A JSON entry is one of [`json_logs`]; a text entry has no time, because Lambda adds it.
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

/// A log of one JSON object per entry: `timestamp` in RFC 3339 and `level`, by which Lambda filters, `message`, the entry's
/// own fields, and the fields of the spans around it. Each name is there once: the entry's own field comes before those of
/// its spans, and an inner span's before an outer span's. `table` is the dimension of the metrics.
pub fn json_logs<W>(writer: W, level: LevelFilter, table: &str) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(JsonEntry { table: table.to_owned() })
        .with_max_level(level)
        .with_writer(writer)
        .finish()
}

/// The format of [`json_logs`]. The crate's own JSON format writes the spans as a list beside the entry's fields.
struct JsonEntry {
    /// The dimension of the metrics.
    table: String,
}

impl JsonEntry {
    /// Adds the description of the metrics that an entry has, if it has any.
    fn describe_metrics(&self, fields: &mut Map<String, Value>) {
        let metrics = METRICS.iter().filter(|name| fields.contains_key(**name));
        let metrics: Vec<_> = metrics.map(|name| json!({ "Name": name, "Unit": "Count" })).collect();
        if metrics.is_empty() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let description = json!({
            "Timestamp": u64::try_from(now).unwrap_or_default(),
            "CloudWatchMetrics": [{ "Namespace": "Kefu", "Dimensions": [["TableName"]], "Metrics": metrics }],
        });
        fields.insert("_aws".to_owned(), description);
        fields.insert("TableName".to_owned(), self.table.clone().into());
    }
}

impl<S> FormatEvent<S, JsonFields> for JsonEntry
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields(mut fields) = fields;
        self.describe_metrics(&mut fields);
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(of_span) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
            // A span without fields has an empty text here.
            let of_span: Map<String, Value> = serde_json::from_str(&of_span.fields).unwrap_or_default();
            for (name, value) in of_span {
                if !OMITTED.contains(&name.as_str()) {
                    fields.entry(name).or_insert(value);
                }
            }
        }
        let mut timestamp = String::new();
        Rfc3339.format_time(&mut Writer::new(&mut timestamp))?;
        write!(writer, r#"{{"timestamp":"{timestamp}","level":"{}""#, event.metadata().level())?;
        if let Some(message) = fields.remove("message") {
            write!(writer, r#","message":{message}"#)?;
        }
        for (name, value) in fields {
            write!(writer, ",{}:{value}", Value::from(name))?;
        }
        writeln!(writer, "}}")
    }
}

/// The fields of an entry.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

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

    /// The text that is logged at INFO and above.
    fn logged(work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = json_logs(move || writer.clone(), LevelFilter::INFO, "kefu-Table");
        tracing::subscriber::with_default(subscriber, work);
        let written = buffer.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn json_entry_has_timestamp_level_and_each_field_of_its_spans_once() {
        let text = logged(|| {
            let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
            let invocation = tracing::info_span!("Lambda runtime invoke", requestId = "8476a536", xrayTraceId = trace);
            let _invocation = invocation.entered();
            let _message =
                tracing::info_span!("message", app_id = "wx00000000000000a1", uid = "u1", cid = "c1").entered();
            let _without_fields = tracing::info_span!("step").entered();
            let _send = tracing::info_span!("send", uid = "u1", cid = "c2", id = "r1").entered();
            tracing::warn!(code = "push.unbound", id = "r2", attempt = 2, error = %"\"no\"", "push refused");
            tracing::debug!("below the level");
        });
        assert!(text.starts_with(r#"{"timestamp":""#) && text.ends_with("}\n"), "{text}");
        let mut entry: Value = serde_json::from_str(&text).expect("one entry");
        let timestamp = entry["timestamp"].take();
        assert!(timestamp.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        let expected = json!({
            "timestamp": null,
            "level": "WARN",
            "message": "push refused",
            "code": "push.unbound",
            "attempt": 2,
            "error": "\"no\"",
            "id": "r2",
            "requestId": "8476a536",
            "app_id": "wx00000000000000a1",
            "uid": "u1",
            "cid": "c2",
        });
        assert_eq!(entry, expected);
        for name in ["requestId", "app_id", "uid", "cid"] {
            assert_eq!(text.matches(name).count(), 1, "{name} in {text}");
        }
    }

    #[test]
    fn field_that_a_span_records_later_is_in_its_entries() {
        let text = logged(|| {
            let span = tracing::info_span!("message", uid = tracing::field::Empty).entered();
            span.record("uid", "u1");
            tracing::info!("stored");
        });
        let entry: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&entry["uid"], &entry["message"]), (&json!("u1"), &json!("stored")));
    }

    #[test]
    fn entry_with_a_metric_has_its_description() {
        let text = logged(|| {
            let _span = tracing::info_span!("send", uid = "u1").entered();
            tracing::warn!(UnknownSends = 1, error = "a } in a text", "not known");
            tracing::warn!("without one");
        });
        let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), 2);
        assert!(entries[0]["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        let expected = json!([{
            "Namespace": "Kefu",
            "Dimensions": [["TableName"]],
            "Metrics": [{ "Name": "UnknownSends", "Unit": "Count" }],
        }]);
        assert_eq!(entries[0]["_aws"]["CloudWatchMetrics"], expected);
        assert_eq!((&entries[0]["UnknownSends"], &entries[0]["TableName"]), (&json!(1), &json!("kefu-Table")));
        assert_eq!((&entries[0]["error"], &entries[0]["uid"]), (&json!("a } in a text"), &json!("u1")));
        assert!(entries[1].get("_aws").is_none());
    }
}
