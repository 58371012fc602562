//! Requests to DynamoDB for each thing that happens, counted, with what they cost; and that neither their number nor their kind
//! changes with the conversations that wait, or with agents and groups that a decision does not concern.
//!
//! ```text
//! cargo run -p bench --bin requests            a table in Markdown
//! cargo run -p bench --bin requests -- --json  the same for programs
//! ```
//!
//! The table, IAM, the secrets and WeChat are those of the local bundle. The functions are the same code as there, called here one
//! record at a time with a meter for their AWS, in environments that are warm. It ends with 1 when a count differs between two
//! rounds, or between a small desk and a large one.
//!
//! | Module | What it is |
//! |---|---|
//! | [`meter`] | what is asked and billed |
//! | [`functions`], [`callback`] | the functions behind it |
//! | [`world`] | a desk of some size |
//! | [`steps`] | what is measured |
//! | [`report`] | counts and prices |

mod callback;
mod functions;
mod meter;
mod report;
mod steps;
mod world;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use bench::{Error, Result};

use crate::{
    report::Report,
    steps::Step,
    world::{Size, World},
};

const SMALL: Size = Size { waiting: 10, bystanders: 5 };
const LARGE: Size = Size { waiting: 1000, bystanders: 200 };

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut json = false;
    for argument in arguments {
        match argument.as_str() {
            "--json" => json = true,
            other => return Err(Error::Usage(format!("{other} is unknown\nusage: requests [--json]"))),
        }
    }
    let report = Report::new((SMALL, desk(SMALL).await?), (LARGE, desk(LARGE).await?));
    let mut stdout = io::stdout();
    if json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        report.print(&mut stdout)?;
    }
    if report.grown().is_empty() { Ok(()) } else { Err(Error::Other(report.grown().join("\n"))) }
}

async fn desk(size: Size) -> Result<Vec<Step>> {
    let mut world = Box::pin(World::of(size)).await?;
    Box::pin(steps::measure(&mut world, size.waiting)).await
}
