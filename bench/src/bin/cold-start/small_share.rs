//! The CPU share of a 128 MB function, by the kernel's own quota.
//!
//! Lambda gives one core per 1769 MB (AWS Lambda developer guide, "Configure Lambda function memory"): 128 MB are 0.0723 of
//! one, here in periods of 20 ms. Within its quota the group goes before whatever else the machine does, so that the quota is
//! measured and not the neighbours.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

const PERIOD_US: u32 = 20_000;
const QUOTA_US: u32 = 1_446;

const ROOT: &str = "/sys/fs/cgroup";

/// A control group with the quota; it goes away with this value, and must be empty by then.
pub(crate) struct SmallShare {
    folder: PathBuf,
}

impl SmallShare {
    /// A fresh group, so that no run inherits what another has used up.
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

    /// Puts a process under the quota.
    pub(crate) fn take(&self, pid: u32) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string())
    }
}

impl Drop for SmallShare {
    fn drop(&mut self) {
        // A group that stays behind limits nobody.
        let _ = fs::remove_dir(&self.folder);
    }
}
