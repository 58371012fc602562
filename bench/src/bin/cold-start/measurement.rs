//! Which programs run, in which order.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use function::Env;
use store::{NewBinding, SecretString, SystemClock, Table, Thread};

use crate::{
    aws::{Aws, SECRET},
    error::{BenchError, at},
    http_event,
    options::Options,
    process::{Body, Program, Run},
    push::{APP_ID, PushCredentials},
    report::Report,
    small_share::SmallShare,
};

/// Number of events that each process answers.
const EVENTS: usize = 100;

/// Starts every program as often as the options say and summarizes the runs.
pub(crate) async fn measure(options: &Options, folder: &Path) -> Result<Report, BenchError> {
    let measurement = Measurement::prepare(options, folder).await?;
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let mut small_share_skipped = None;
    for round in 0..options.full.max(options.throttled) {
        if round < options.full {
            for program in &measurement.programs {
                let run = measurement.run(program, None, &format!("oBENCH-full-{round:05}-0123456789")).await?;
                runs.entry(program.name.clone()).or_default().push(run);
            }
        }
        if round < options.throttled && small_share_skipped.is_none() {
            match SmallShare::new() {
                Ok(share) => {
                    let visitor = format!("oBENCH-small-{round:05}-012345678");
                    let run = measurement.run(measurement.ingress()?, Some(&share), &visitor).await?;
                    runs.entry("message-ingress, 128 MB share".to_owned()).or_default().push(run);
                }
                Err(error) => small_share_skipped = Some(format!("cannot create a control group ({error})")),
            }
        }
    }
    Ok(Report::new(&runs, small_share_skipped))
}

/// The programs, and what they need to run.
struct Measurement<'a> {
    folder: &'a Path,
    table: Table,
    credentials: PushCredentials,
    programs: Vec<Program>,
    /// Keeps the endpoints alive that the programs call.
    _aws: Aws,
}

impl<'a> Measurement<'a> {
    async fn prepare(options: &Options, folder: &'a Path) -> Result<Self, BenchError> {
        let aws = Aws::start(folder).await?;
        let env: Env = aws.variables().into_iter().collect();
        let clients = function::Aws::new(&env)?;
        let credentials = PushCredentials::generate()?;
        let table = clients.table(aws.table(), Arc::new(SystemClock));
        let binding = NewBinding {
            app_id: APP_ID.to_owned(),
            name: "bench".to_owned(),
            app_secret: SecretString::from("0123456789abcdef0123456789abcdef"),
            token: SecretString::from(credentials.token.expose()),
            encoding_aes_key: SecretString::from(credentials.key.expose()),
            auto_reply: None,
            reception: None,
        };
        table.create_binding(&clients.vault(SECRET), binding).await?;
        let programs = programs(&aws, options.baseline.as_deref())?;
        Ok(Self { folder, table, credentials, programs, _aws: aws })
    }

    fn ingress(&self) -> Result<&Program, BenchError> {
        let found = self.programs.iter().find(|program| program.name == "message-ingress");
        found.ok_or_else(|| BenchError::Usage("message-ingress is not measured".to_owned()))
    }

    /// One start of a program. For `message-ingress` it also checks that the table holds every message.
    async fn run(&self, program: &Program, share: Option<&SmallShare>, visitor: &str) -> Result<Run, BenchError> {
        if program.package == "desk-api" {
            return program.run(self.folder, share, &conversation_lists()?).await;
        }
        // Each program writes into a thread of its own.
        let visitor = format!("{visitor}-{}", program.name.replace(", ", "-"));
        let run = program.run(self.folder, share, &self.pushes(&visitor)?).await?;
        if program.package == "message-ingress" {
            self.check_messages(&visitor, program).await?;
        }
        Ok(run)
    }

    fn pushes(&self, visitor: &str) -> Result<Vec<Bytes>, BenchError> {
        (0..EVENTS).map(|number| self.credentials.text_push(visitor, number)).collect()
    }

    async fn check_messages(&self, visitor: &str, program: &Program) -> Result<(), BenchError> {
        let thread = Thread::new(APP_ID, visitor);
        let limit = i32::try_from(EVENTS + 1).unwrap_or(i32::MAX);
        let stored = self.table.thread_messages(&thread, None, limit).await?.items;
        let texts = stored.iter().filter(|message| message.kind == "text" && message.content["content"].is_string());
        match texts.count() {
            EVENTS => Ok(()),
            count => Err(BenchError::Function {
                function: program.name.clone(),
                problem: format!(
                    "stored {count} of {EVENTS} messages: {:?}",
                    stored.first().map(|message| &message.content)
                ),
                log: String::new(),
            }),
        }
    }
}

/// `hello` and the two functions, each function followed by its baseline if there is one.
fn programs(aws: &Aws, baseline: Option<&Path>) -> Result<Vec<Program>, BenchError> {
    let program = |package, name: String, path, body| {
        let variables = if package == "hello" { Vec::new() } else { aws.variables() };
        Program { package, name, path, variables, body }
    };
    let mut programs = vec![program("hello", "hello".to_owned(), binary("hello")?, Body::Equals("hello"))];
    for (package, body) in
        [("message-ingress", Body::Equals(wechat::SUCCESS)), ("desk-api", Body::Contains("\"items\":["))]
    {
        programs.push(program(package, package.to_owned(), binary(package)?, body));
        if let Some(folder) = baseline {
            programs.push(program(package, format!("{package}, baseline"), folder.join(package), body));
        }
    }
    Ok(programs)
}

/// The release binary of a package, in the folder of this program.
fn binary(package: &str) -> Result<PathBuf, BenchError> {
    let own = std::env::current_exe().map_err(at("this program"))?;
    let path = own.with_file_name(package);
    if path.exists() {
        Ok(path)
    } else {
        let command = format!("{} is missing: run cargo build --release -p {package}", path.display());
        Err(BenchError::Usage(command))
    }
}

fn conversation_lists() -> Result<Vec<Bytes>, BenchError> {
    (0..EVENTS).map(|_| http_event::admin_get("/api/conversations")).collect()
}
