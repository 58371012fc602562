//! Measures cold starts of release binaries without an AWS account.
//!
//! ```text
//! cargo build --release -p message-ingress
//! cargo build --release -p desk-api
//! cargo run --release -p bench --bin cold-start
//! ```
//!
//! Each binary is started as Lambda starts it, against the Lambda Runtime API on loopback. DynamoDB (dynoxide in this process)
//! and Secrets Manager are behind TLS on loopback. The runs of the programs alternate, so that other load on the machine affects
//! them equally. Network latency, the microVM and the download of the code are not part of the figures.
//!
//! | Program | Events | Check |
//! |---|---|---|
//! | `hello` | WeChat pushes | body `hello` |
//! | `message-ingress` | WeChat pushes, signed and encrypted with the credentials of a binding in the table | body `success`, and every message is in the table |
//! | `desk-api` | `GET /api/conversations` of the admin | status 200 with a list |
//!
//! `--baseline DIR` also measures the `message-ingress` and the `desk-api` in DIR, to compare two versions in one run.
//!
//! | Module | Content |
//! |---|---|
//! | [`options`] | the command line |
//! | [`measurement`] | which programs run, in which order |
//! | [`process`] | one function process: start, a hundred events, end |
//! | [`runtime_api`] | the Lambda Runtime API, with timestamps |
//! | [`aws`] | DynamoDB and Secrets Manager behind TLS |
//! | [`http_event`], [`push`] | the events |
//! | [`small_share`] | the CPU quota of a 128 MB function |
//! | [`report`] | medians |

mod aws;
mod error;
mod http_event;
mod measurement;
mod options;
mod process;
mod push;
mod report;
mod runtime_api;
mod small_share;

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    error::{BenchError, at},
    options::Options,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BenchError> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = std::env::temp_dir().join(format!("kefu-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(at(folder.to_string_lossy()))?;
    let report = measurement::measure(&options, &folder).await;
    // The folder holds only logs and a certificate of this run.
    let _ = fs::remove_dir_all(&folder);
    let report = report?;
    let mut stdout = io::stdout();
    if options.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?).map_err(at("output"))
    } else {
        report.print(&mut stdout).map_err(at("output"))
    }
}
