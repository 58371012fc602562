//! Counts the requests to DynamoDB for each step of a conversation and calculates their cost. Checks that the counts do not depend
//! on the number of waiting conversations, nor on the number of agents and groups that a decision does not concern.
//!
//! ```text
//! cargo run -p bench --bin requests            a table in Markdown
//! cargo run -p bench --bin requests -- --json  JSON
//! ```
//!
//! The table, IAM, the secrets and WeChat are those of the local bundle. The functions are warm, get one record at a time and send
//! their AWS requests through a meter. The exit code is 1 if a count differs between two rounds, or between a small and a large
//! desk.
//!
//! | Module | Content |
//! |---|---|
//! | [`meter`] | counts requests and consumed capacity |
//! | [`functions`], [`callback`] | the functions whose requests are counted |
//! | [`world`] | a desk of a given size |
//! | [`steps`] | the steps |
//! | [`report`] | counts and prices |
//! | [`scale`] | the page `docs/scale.md` |

mod callback;
mod functions;
mod meter;
mod report;
#[cfg(test)]
mod scale;
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
            other => return Err(Error::Usage(format!("unknown argument {other}\nusage: requests [--json]"))),
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
    let mut world = Box::pin(World::start(size)).await?;
    Box::pin(steps::measure(&mut world, size.waiting)).await
}
