//! Random schedules: many worlds of a thousand steps each.
//!
//! A failure prints its seed and its last steps, and writes them into `target/model-failure.txt` or the file that
//! `KEFU_MODEL_FAILURE` names.

use std::{
    collections::BTreeMap,
    env, fs,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{steps::Schedule, support::random::Random};

/// Steps of one world. Small worlds keep the table small, which is read whole every [`COMPARED`] steps.
const STEPS: u64 = 1000;

/// The number of steps after which the whole table is compared.
const COMPARED: u64 = 100;

/// How often each kind of event occurred.
type Seen = BTreeMap<&'static str, u64>;

#[test]
fn random_schedules_break_no_invariant() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("KEFU_MODEL_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let steps = number("KEFU_MODEL_STEPS").unwrap_or(20_000);
    eprintln!("{steps} steps from KEFU_MODEL_SEED={seed}");
    let mut random = Random::new(seed);
    // A single world uses the seed itself, so that a failure's seed reproduces it.
    let seeds: Vec<u64> = match steps.div_ceil(STEPS) {
        1 => vec![seed],
        worlds => (0..worlds).map(|_| random.next()).collect(),
    };
    let (next, total, begin) = (AtomicU64::new(0), Mutex::new(Seen::new()), Instant::now());
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            // Unoptimised futures need a large stack.
            let worker = thread::Builder::new().stack_size(32 << 20);
            worker
                .spawn_scoped(scope, || {
                    while let Some(seed) = seeds.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap()) {
                        let counted = match world(*seed, steps.min(STEPS)) {
                            Ok(counted) => counted,
                            Err(failure) => return failures.lock().unwrap().push(failure),
                        };
                        let mut total = total.lock().unwrap();
                        for (what, times) in counted {
                            *total.entry(what).or_default() += times;
                        }
                    }
                })
                .unwrap();
        }
    });
    if let Some(failure) = failures.into_inner().unwrap().first() {
        panic!("{failure}");
    }
    let total = total.into_inner().unwrap();
    eprintln!("{steps} steps from seed {seed} in {:.0?}: {total:?}", begin.elapsed());
    if steps >= 100_000 {
        for what in [
            "assigned",
            "assigned by hand",
            "queued",
            "message left",
            "robot",
            "robot's turn",
            "timers",
            "handed back",
            "moved on",
            "closed",
            "throttled",
            "real conflicts",
        ] {
            assert!(total.get(what) > Some(&100), "the schedules contain too few of {what}: {total:?}");
        }
    }
}

/// Runs a world. The error is the description of its failure, with the seed last.
fn world(seed: u64, steps: u64) -> Result<Seen, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut schedule = Schedule::new(seed).await;
        let mut next = COMPARED;
        while schedule.steps < steps {
            let mut law = schedule.step().await;
            if law.is_ok() && schedule.steps >= next {
                next += COMPARED;
                law = schedule.compare();
            }
            if let Err(broken) = law {
                return Err(failure(seed, &schedule, &broken));
            }
        }
        let steps = schedule.steps;
        if let Err(broken) = schedule.settle().await {
            return Err(failure(seed, &schedule, &broken));
        }
        let mut counted = std::mem::take(&mut schedule.world.watch().seen);
        counted.insert("steps", steps);
        counted.insert("real conflicts", schedule.world.database.conflicts());
        counted.insert("requests", schedule.world.database.calls().values().sum());
        Ok(counted)
    })
}

/// Describes a failure and writes it into the file.
fn failure(seed: u64, schedule: &Schedule, broken: &str) -> String {
    let log: Vec<&str> = schedule.log.iter().map(String::as_str).collect();
    let step = schedule.steps;
    let (world, watch) = (&schedule.world, schedule.world.watch());
    let again = format!("KEFU_MODEL_SEED={seed} KEFU_MODEL_STEPS={STEPS}");
    let failure = format!(
        "{:#?}\n{:?}\n{:?}\n{}\n{broken}\nstep {step} of the world with {again}",
        watch.table.groups,
        watch.table.lines,
        world.receptions,
        log.join("\n"),
    );
    let file = env::var_os("KEFU_MODEL_FAILURE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/model-failure.txt"), PathBuf::from);
    if let Err(error) = fs::write(&file, &failure) {
        eprintln!("{} was not written: {error}", file.display());
    }
    failure
}
