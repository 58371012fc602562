//! The CPU share of a 128 MB function, as a quota of a Linux control group.
//!
//! Lambda gives a function one vCPU per 1769 MB (AWS Lambda developer guide, "Configure Lambda function memory"): 128 MB are
//! 0.0723 vCPU, here in periods of 20 ms. The group has the highest weight, so that other processes do not shorten its quota.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

const PERIOD_US: u32 = 20_000;
const QUOTA_US: u32 = 1_446;

const ROOT: &str = "/sys/fs/cgroup";

/// A control group with the quota. Dropping it removes the group, which must be empty by then.
pub(crate) struct SmallShare {
    folder: PathBuf,
}

impl SmallShare {
    /// Creates a group, one for each run, so that a run does not start with a used-up quota.
    pub(crate) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kefu-bench-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = Path::new(ROOT);
        if root.join("cgroup.controllers").exists() {
            fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
            let group = Self::create(root.join(name))?;
            fs::write(group.folder.join("cpu.max"), format!("{QUOTA_US} {PERIOD_US}"))?;
            fs::write(group.folder.join("cpu.weight"), "10000")?;
            Ok(group)
        } else {
            let group = Self::create(root.join("cpu").join(name))?;
            fs::write(group.folder.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
            fs::write(group.folder.join("cpu.cfs_quota_us"), QUOTA_US.to_string())?;
            fs::write(group.folder.join("cpu.shares"), "262144")?;
            Ok(group)
        }
    }

    fn create(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// Moves a process into the group.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string())
    }
}

impl Drop for SmallShare {
    fn drop(&mut self) {
        // An empty group that stays behind has no effect.
        let _ = fs::remove_dir(&self.folder);
    }
}
