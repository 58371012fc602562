//! The page `docs/scale.md`: what each key takes at a number of messages a second, from the counted requests.

use std::{collections::BTreeMap, fmt::Write as _};

use store::{CONVERSATION_LIST_SHARDS, DUE_SHARDS};

use crate::{meter::Tallies, steps::Step};

/// Messages of visitors a second.
const RATES: [u32; 3] = [1_000, 10_000, 100_000];

/// Write units of one partition key (DynamoDB, "Best practices for designing and using partition keys").
const KEY_UNITS: f64 = 1_000.0;

/// Write units a second of a new table in on-demand mode (DynamoDB, "On-demand capacity mode": initial throughput).
const INITIAL_UNITS: f64 = 4_000.0;

/// Read and write units a second of a table by default (DynamoDB, "Service quotas": per-table throughput).
const TABLE_QUOTA: f64 = 40_000.0;

/// A conversation of ten messages and ten replies: how often each step occurs.
const CONVERSATION: [(&str, f64); 4] =
    [("first_message_assigned", 1.0), ("message_to_agent", 9.0), ("agent_reply", 10.0), ("close_without_queue", 1.0)];
const MESSAGES: f64 = 10.0;

/// The steps of a queue, per conversation that waits.
const QUEUE: [(&str, f64); 2] = [("first_message_queued", 1.0), ("close_and_assign_next", 1.0)];

/// A kind of partition key.
struct Key {
    /// As the meter counts it.
    pattern: &'static str,
    name: &'static str,
    /// The number of keys; `None` where it grows with the traffic.
    shards: Option<u8>,
    /// What the key is one of.
    each: &'static str,
}

const KEYS: [Key; 8] = [
    Key { pattern: "thread#", name: "`thread#<appid>#<openid>`", shards: None, each: "visitor" },
    Key { pattern: "conversation#", name: "`conversation#<cid>`", shards: None, each: "conversation" },
    Key { pattern: "agent#", name: "`agent#<id>`", shards: None, each: "agent" },
    Key { pattern: "queue#", name: "`queue#<queue>`", shards: None, each: "queue" },
    Key { pattern: "watch#", name: "`watch#<queue>`", shards: None, each: "queue" },
    Key { pattern: "person#", name: "`person#<hash>`", shards: None, each: "person" },
    Key { pattern: "index due", name: "`due#<shard>` of the index `due`", shards: Some(DUE_SHARDS), each: "shard" },
    Key {
        pattern: "index lists",
        name: "`conversations#<shard>` of the index `lists`",
        shards: Some(CONVERSATION_LIST_SHARDS),
        each: "shard",
    },
];

/// Units and writes for one visitor's message.
#[derive(Default)]
struct PerMessage {
    writes: BTreeMap<String, f64>,
    read_units: f64,
    write_units: f64,
}

impl PerMessage {
    fn of(steps: &[Step], mix: &[(&str, f64)], per: f64) -> Self {
        let mut sum = Self::default();
        for (name, times) in mix {
            let Some(step) = steps.iter().find(|step| step.name == *name) else { continue };
            sum.add(&step.tallies, times / per);
        }
        sum
    }

    fn add(&mut self, tallies: &Tallies, times: f64) {
        for tally in tallies.values() {
            self.read_units += tally.read_units * times;
            self.write_units += tally.write_units * times;
            let writes = tally.writes.iter().map(|(key, count)| (key.clone(), f64::from(*count)));
            let indexed = tally.index_units.iter().map(|(index, units)| (format!("index {index}"), *units));
            for (key, count) in writes.chain(indexed) {
                *self.writes.entry(key).or_default() += count * times;
            }
        }
    }
}

/// The page.
pub(crate) fn page(steps: &[Step]) -> String {
    let message = PerMessage::of(steps, &CONVERSATION, MESSAGES);
    let waiting = PerMessage::of(steps, &QUEUE, 1.0);
    let mut page = String::from(INTRODUCTION);
    table_rows(&mut page, &message);
    page.push_str(KEYS_TEXT);
    key_rows(&mut page, &message, &waiting);
    page.push_str(REST);
    page
}

fn table_rows(page: &mut String, message: &PerMessage) {
    page.push_str("| Messages a second | Write units a second | Read units a second | Warm throughput to set | Quota to ask for |\n");
    page.push_str("|--:|--:|--:|---|---|\n");
    for rate in RATES {
        let (writes, reads) = (message.write_units * f64::from(rate), message.read_units * f64::from(rate));
        let warm = if writes <= INITIAL_UNITS {
            "none: a new table takes 4,000".to_owned()
        } else {
            format!("`WarmWriteUnitsPerSecond={}` `WarmReadUnitsPerSecond={}`", rounded(writes), rounded(reads))
        };
        let over = [("write", writes), ("read", reads)].into_iter().filter(|(_, units)| *units > TABLE_QUOTA);
        let asked: Vec<_> = over.map(|(kind, units)| format!("{} {kind} units", grouped(rounded(units)))).collect();
        let quota = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
        let (rate, writes, reads) = (grouped(rate.into()), grouped(round(writes)), grouped(round(reads)));
        let _ = writeln!(page, "| {rate} | {writes} | {reads} | {warm} | {quota} |");
    }
}

fn key_rows(page: &mut String, message: &PerMessage, waiting: &PerMessage) {
    page.push_str("| Partition key | Writes per message | Writes per conversation that waits | Ceiling |\n");
    page.push_str("|---|--:|--:|---|\n");
    for key in KEYS {
        let of = |counted: &PerMessage| counted.writes.get(key.pattern).copied().unwrap_or_default();
        let (per_message, per_waiting) = (of(message), of(waiting));
        let ceiling = match key.shards {
            Some(shards) => {
                let most = KEY_UNITS * f64::from(shards) / per_message;
                let needed = RATES.map(|rate| (f64::from(rate) * per_message / KEY_UNITS).ceil());
                format!(
                    "{} shards: {} messages a second; {} are needed at {}",
                    shards,
                    grouped(round(most)),
                    needed.map(|shards| shards.to_string()).join(", "),
                    RATES.map(|rate| grouped(rate.into())).join(", "),
                )
            }
            None => format!("{} transactional writes of 1 kB a second for one {}", KEY_UNITS / 2.0, key.each),
        };
        let _ = writeln!(page, "| {} | {per_message:.2} | {per_waiting:.2} | {ceiling} |", key.name);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of units, far below 2^53")]
fn round(units: f64) -> u64 {
    units.round() as u64
}

/// Rounded up to thousands.
fn rounded(units: f64) -> u64 {
    round((units / 1000.0).ceil()) * 1000
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const INTRODUCTION: &str = "\
# Scale

What the table takes at a number of visitors' messages a second, calculated from counted requests. A test compares this page
with the counts (`cargo test --workspace --bin requests`; `UPDATE_SCALE=1` writes it). One message stands for a tenth of a
conversation of ten messages and ten replies: assigned at once, answered by an agent, closed. Texts have 40 characters, groups ten
agents. Nothing here was measured in AWS: the units follow from DynamoDB's rules and the sizes of the items.

## The table

";

const KEYS_TEXT: &str = "
A table in on-demand mode doubles what it took before within 30 minutes; warm throughput is for traffic that comes at once.
The quota is per table, 40,000 units of each kind by default (DynamoDB, \"Service quotas\").

## Keys

A partition key takes 1,000 write units and 3,000 read units a second. A write of up to 1 kB in a transaction takes two
units; a write of an index entry takes one.

";

const REST: &str = "
The shards of `due` and of the list of conversations are constants of the crate `store` (`DUE_SHARDS`,
`CONVERSATION_LIST_SHARDS`); more of them cost reads: the tick reads each shard of `due` once a minute, and a page of
conversations reads each shard of the list.

A queue is the narrowest key: each arrival changes one item in a transaction, and transactions on one item exclude each
other. Conversations join one queue one after the other, at an estimated few tens a second; a conflict is written again.
Departures are spread over 32 items. A first message that is assigned at once changes no queue. Divide a skill group whose
queue grows faster.

Everything that the traffic creates by itself (visitors, conversations, agents) has keys of its own and grows with it.

## Functions

`message-ingress` needs `messages a second × seconds per push` executions at once: 100 at 10,000 a second and 10 ms. The readers
of the stream take `ParallelizationFactor` executions for each shard; DynamoDB adds a shard for about each partition of the
table. A new account may have only 10 executions in all (Service Quotas, AWS Lambda, \"Concurrent executions\").

## After an outage

300,000 messages that no function has processed, and 10,000 agents, at the moment when the minute tick works again: the functions that
are deployed, on the emulated table, with a clock by hand. By this clock each request takes 5 ms, and 3 ms of its invocation's
processor; 20 invocations run at once (`BacklogConcurrency`). Counted by
`cargo run --release -p bench --bin backlog -- --agents 10000 --messages 300000`, which takes an hour of one processor and is not
repeated by a test.

| Minute | Messages left | Agents overdue | Invocations so far | Requests so far |
|--:|--:|--:|--:|--:|
| 1 | 247,432 | 6,223 | 65 | 384,183 |
| 2 | 189,499 | 5,817 | 130 | 768,245 |
| 3 | 149,376 | 3,448 | 195 | 1,152,352 |
| 4 | 96,221 | 1,177 | 239 | 1,540,062 |
| 5 | 39,704 | 144 | 262 | 1,924,431 |
| 6 | 3,542 | 0 | 285 | 2,161,087 |
| 7 | 712 | 0 | 287 | 2,179,475 |
| 8 | 0 | 0 | 289 | 2,184,240 |
";

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use crate::{SMALL, desk, report};

    #[tokio::test]
    async fn scale_page_has_the_counts_of_today() {
        let steps = Box::pin(desk(SMALL)).await.unwrap();
        // Shown with `--nocapture`.
        for step in &steps {
            println!("{}", report::line(step));
        }
        let page = super::page(&steps);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scale.md");
        if env::var_os("UPDATE_SCALE").is_some() {
            fs::write(&path, &page).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "run with UPDATE_SCALE=1 and read the changes");
    }
}
