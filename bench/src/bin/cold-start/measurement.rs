//! Which programs run, in which order.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use function::Env;
use store::{NewBinding, SecretString, SystemClock, Thread, ThreadReader};

use crate::{
    aws::{Aws, SECRET},
    dynamodb::Endpoint,
    error::{BenchError, at},
    http_event,
    options::Options,
    peers,
    process::{Body, Kind, Program, Run},
    push::{APP_ID, PushCredentials, TEXT},
    report::Report,
    small_share::SmallShare,
};

const INGRESS: &str = "message-ingress";

/// Number of events that each process answers.
const EVENTS: usize = 100;

/// Starts every program as often as the options say and summarizes the runs.
pub(crate) async fn measure(options: &Options, folder: &Path) -> Result<Report, BenchError> {
    let measurement = Measurement::prepare(options, folder).await?;
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let mut small_share_skipped = None;
    for round in 0..options.full.max(options.throttled).max(options.peer_runs) {
        let own = measurement.programs.iter().filter(|_| round < options.full);
        let peers = measurement.peers.iter().filter(|_| round < options.peer_runs);
        for program in own.chain(peers) {
            let run = measurement.run(program, None, &format!("oBENCH-full-{round:05}-0123456789")).await?;
            runs.entry(program.name.clone()).or_default().push(run);
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
    threads: ThreadReader,
    credentials: PushCredentials,
    programs: Vec<Program>,
    peers: Vec<Program>,
    aws: Aws,
}

impl<'a> Measurement<'a> {
    async fn prepare(options: &Options, folder: &'a Path) -> Result<Self, BenchError> {
        let aws = Aws::start(folder).await?;
        let env: Env = aws.variables(Endpoint::Emulator).into_iter().collect();
        let clients = function::Aws::new(&env, function::CallLimits::FiveSeconds)?;
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
        table.binding_writer().create_binding(&clients.vault(SECRET, table.clock().clone()), binding).await?;
        let programs = programs(&aws, options.baseline.as_deref())?;
        let peers = match &options.peers {
            Some(folder) => peers::programs(folder, &aws, &credentials)?,
            None => Vec::new(),
        };
        Ok(Self { folder, threads: table.threads(), credentials, programs, peers, aws })
    }

    fn ingress(&self) -> Result<&Program, BenchError> {
        let found = self.programs.iter().find(|program| program.name == INGRESS);
        found.ok_or_else(|| BenchError::Usage("message-ingress is not measured".to_owned()))
    }

    /// One start of a program. Also checks that it stored every push.
    async fn run(&self, program: &Program, share: Option<&SmallShare>, visitor: &str) -> Result<Run, BenchError> {
        if program.kind == Kind::Lists {
            return program.run(self.folder, share, &conversation_lists()?).await;
        }
        // Each program writes into a thread of its own.
        let visitor = format!("{visitor}-{}", program.name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-"));
        let run = program.run(self.folder, share, &self.pushes(&visitor)?).await?;
        let stored = match (program.kind, program.endpoint) {
            (Kind::Pushes, Endpoint::Canned) => self.aws.canned().take_puts(&thread_key(&visitor), TEXT),
            (Kind::Pushes, Endpoint::Emulator) => self.stored_messages(&visitor).await?,
            (Kind::Hello | Kind::Lists, _) => return Ok(run),
        };
        if stored == EVENTS {
            return Ok(run);
        }
        let problem = format!("stored {stored} of {EVENTS} messages");
        Err(BenchError::Function { function: program.name.clone(), problem, log: String::new() })
    }

    fn pushes(&self, visitor: &str) -> Result<Vec<Bytes>, BenchError> {
        (0..EVENTS).map(|number| self.credentials.text_push(visitor, number)).collect()
    }

    async fn stored_messages(&self, visitor: &str) -> Result<usize, BenchError> {
        let thread = Thread::new(APP_ID, visitor);
        let limit = i32::try_from(EVENTS + 1).unwrap_or(i32::MAX);
        let stored = self.threads.thread_messages(&thread, None, limit).await?.items;
        Ok(stored.iter().filter(|message| message.kind == "text" && message.content["content"] == TEXT).count())
    }
}

fn thread_key(visitor: &str) -> String {
    format!("thread#{APP_ID}#{visitor}")
}

/// `hello` and the two functions, each function followed by its baseline if there is one.
fn programs(aws: &Aws, baseline: Option<&Path>) -> Result<Vec<Program>, BenchError> {
    let program = |kind, name: &str, path: PathBuf, endpoint, body| {
        let variables = if kind == Kind::Hello { Vec::new() } else { aws.variables(endpoint) };
        Program { kind, name: name.to_owned(), endpoint, command: vec![path.into()], variables, body }
    };
    let (stored, listed) = (Body::Equals(wechat::SUCCESS), Body::Contains("\"items\":["));
    let (canned, emulator) = (Endpoint::Canned, Endpoint::Emulator);
    let ingress = binary(INGRESS)?;
    let mut programs = vec![
        program(Kind::Hello, "hello", binary("hello")?, canned, Body::Equals("hello")),
        program(Kind::Pushes, INGRESS, ingress.clone(), canned, stored),
        program(Kind::Pushes, "message-ingress, emulator", ingress, emulator, stored),
        program(Kind::Lists, "desk-api", binary("desk-api")?, canned, listed),
    ];
    if let Some(folder) = baseline {
        let pushes = program(Kind::Pushes, "message-ingress, baseline", folder.join(INGRESS), canned, stored);
        programs.insert(2, pushes);
        programs.push(program(Kind::Lists, "desk-api, baseline", folder.join("desk-api"), canned, listed));
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
