//! Measures cold starts of release binaries without an AWS account.
//!
//! ```text
//! cargo build --release -p message-ingress
//! cargo build --release -p desk-api
//! cargo run --release -p bench --bin cold-start
//! ```
//!
//! Each binary is started as Lambda starts it, against the Lambda Runtime API on loopback. DynamoDB and Secrets Manager are
//! behind TLS on loopback, in this process. DynamoDB gives prepared answers, so that a function does not wait for the work of an
//! emulator; beside it, `message-ingress` is measured with the emulator of `local` as well. The runs of the programs alternate, so
//! that other load on the machine affects them equally; CPU times, which it affects less, are beside the times. Network latency,
//! the microVM and the download of the code are not part of the figures.
//!
//! | Program | Events | Check |
//! |---|---|---|
//! | `hello` | WeChat pushes | body `hello` |
//! | `message-ingress` | WeChat pushes, signed and encrypted with the credentials of a binding in the table | body `success`, and every message is stored |
//! | `desk-api` | `GET /api/conversations` of the admin | status 200 with a list |
//!
//! `--baseline DIR` also measures the `message-ingress` and the `desk-api` in DIR, to compare two versions in one run.
//! `--peers DIR` also measures functions that store the same pushes with other libraries, installed by `bench/peers/install.py`.
//!
//! | Module | Content |
//! |---|---|
//! | [`options`] | the command line |
//! | [`measurement`] | which programs run, in which order |
//! | [`process`] | one function process: start, a hundred events, end |
//! | [`runtime_api`] | the Lambda Runtime API, with timestamps |
//! | [`peers`] | the functions that were installed to compare with |
//! | [`aws`], [`tls`] | DynamoDB and Secrets Manager behind TLS |
//! | [`dynamodb`] | the emulator and the prepared answers |
//! | [`http_event`], [`push`] | the events |
//! | [`small_share`] | the CPU quota of a 128 MB function |
//! | [`report`] | medians |

mod aws;
mod dynamodb;
mod error;
mod http_event;
mod measurement;
mod options;
mod peers;
mod process;
mod push;
mod report;
mod runtime_api;
mod small_share;
mod tls;

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
