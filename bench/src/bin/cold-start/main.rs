//! Cold starts, measured on the release binary of `message-ingress` without an AWS account.
//!
//! ```text
//! cargo build --release -p message-ingress
//! cargo run --release -p bench --bin cold-start
//! ```
//!
//! The binary is started as Lambda starts it, against the Lambda Runtime API on loopback, and is handed real pushes: signed and
//! encrypted with the credentials of a binding in the table. The table is dynoxide in this process, behind TLS; so is Secrets
//! Manager. Every answer must be `success` and every message must be in the table afterwards. Beside each run, in turn with
//! it, a hello-world function. Nothing is modelled of the network's delay, of the microVM and of the download of the code.
//!
//! | Module | What it is |
//! |---|---|
//! | [`runtime_api`] | what the function polls and answers to; the times are taken there |
//! | [`aws`] | DynamoDB and Secrets Manager behind TLS |
//! | [`push`] | the events |
//! | [`process`] | one start, a hundred events, one end |
//! | [`small_share`] | the CPU quota of a 128 MB function |
//! | [`report`] | medians |

mod aws;
mod error;
mod process;
mod push;
mod report;
mod runtime_api;
mod small_share;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use bytes::Bytes;
use function::Env;
use store::{NewBinding, SecretString, SystemClock, Table, Thread};

use crate::{
    aws::{Aws, SECRET, TABLE},
    error::{BenchError, at},
    process::{Program, Run},
    push::{APP_ID, Agreement},
    report::Report,
    small_share::SmallShare,
};

/// Events that each process is asked.
const EVENTS: usize = 100;

struct Options {
    json: bool,
    full: usize,
    throttled: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("kefu-bench-{}", std::process::id()));
    let done = match options(std::env::args().skip(1)) {
        Ok(options) => measure(&options, &folder).await,
        Err(error) => Err(error),
    };
    // It holds logs and a certificate of this run alone.
    let _ = fs::remove_dir_all(&folder);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, BenchError> {
    let mut options = Options { json: false, full: 41, throttled: 21 };
    while let Some(name) = arguments.next() {
        let mut number = || {
            let value = arguments.next().and_then(|text| text.parse().ok());
            value.ok_or_else(|| BenchError::Usage(format!("{name} needs a number")))
        };
        match name.as_str() {
            "--json" => options.json = true,
            "--full" => options.full = number()?,
            "--throttled" => options.throttled = number()?,
            other => return Err(BenchError::Usage(format!("{other} is unknown"))),
        }
    }
    Ok(options)
}

/// A release binary, beside this one.
fn binary(name: &str) -> Result<PathBuf, BenchError> {
    let own = std::env::current_exe().map_err(at("this program"))?;
    let path = own.with_file_name(name);
    if path.exists() {
        Ok(path)
    } else {
        let command = format!("build it first: cargo build --release -p message-ingress -p bench ({})", path.display());
        Err(BenchError::Usage(command))
    }
}

async fn measure(options: &Options, folder: &Path) -> Result<(), BenchError> {
    fs::create_dir_all(folder).map_err(at(folder.to_string_lossy()))?;
    let aws = Aws::start(folder).await?;
    let env: Env = aws.variables().into_iter().collect();
    let clients = function::Aws::new(&env)?;
    let agreement = Agreement::new()?;
    let table = clients.table(TABLE, Arc::new(SystemClock));
    let binding = NewBinding {
        app_id: APP_ID.to_owned(),
        name: "bench".to_owned(),
        app_secret: SecretString::from("0123456789abcdef0123456789abcdef"),
        token: SecretString::from(agreement.token.expose()),
        encoding_aes_key: SecretString::from(agreement.key.expose()),
        auto_reply: None,
        reception: serde_json::Value::Null,
    };
    table.create_binding(&clients.vault(SECRET), binding).await?;

    let hello = Program { name: "hello", path: binary("hello")?, variables: vec![], body: "hello" };
    let ingress = Program {
        name: "message-ingress",
        path: binary("message-ingress")?,
        variables: aws.variables(),
        body: wechat::SUCCESS,
    };
    let bench = Bench { folder, table, agreement };

    let (mut hellos, mut full, mut throttled) = (Vec::new(), Vec::new(), Vec::new());
    let mut skipped = None;
    // In turn, so that whatever else the machine does meets all of them alike.
    for round in 0..options.full.max(options.throttled) {
        if round < options.full {
            let visitor = format!("oBENCH-full-{round:05}-0123456789");
            hellos.push(hello.run(folder, None, &bench.events(&visitor)?).await?);
            full.push(bench.visit(&ingress, None, &visitor).await?);
        }
        if round < options.throttled && skipped.is_none() {
            match SmallShare::new() {
                Ok(share) => {
                    let visitor = format!("oBENCH-small-{round:05}-012345678");
                    throttled.push(bench.visit(&ingress, Some(&share), &visitor).await?);
                }
                Err(error) => skipped = Some(format!("this machine gives no control group ({error})")),
            }
        }
    }
    let report = Report::new(&hellos, &full, &throttled, skipped);
    let mut stdout = io::stdout();
    if options.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?).map_err(at("output"))
    } else {
        report.print(&mut stdout).map_err(at("output"))
    }
}

struct Bench<'a> {
    folder: &'a Path,
    table: Table,
    agreement: Agreement,
}

impl Bench<'_> {
    fn events(&self, visitor: &str) -> Result<Vec<Bytes>, BenchError> {
        (0..EVENTS).map(|number| self.agreement.event(visitor, number)).collect()
    }

    /// One start of `message-ingress`, and a look into the table: a push that was refused is worth no measurement.
    async fn visit(&self, ingress: &Program, share: Option<&SmallShare>, visitor: &str) -> Result<Run, BenchError> {
        let run = ingress.run(self.folder, share, &self.events(visitor)?).await?;
        let thread = Thread::new(APP_ID, visitor);
        let limit = i32::try_from(EVENTS + 1).unwrap_or(i32::MAX);
        let kept = self.table.thread_messages(&thread, None, limit).await?.items;
        let whole = kept.iter().filter(|message| message.kind == "text" && message.content["content"].is_string());
        match whole.count() {
            EVENTS => Ok(run),
            count => Err(BenchError::Function {
                function: ingress.name,
                what: format!("kept {count} of {EVENTS} messages: {:?}", kept.first().map(|message| &message.content)),
                log: String::new(),
            }),
        }
    }
}
