//! The data folder: the table, the secrets, the admin token and the checkpoints of the streams.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::LocalError;

/// The data folder, or memory if there is none.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(Option<PathBuf>);

impl DataDir {
    /// Opens or creates the folder. `fresh` deletes the data in it, if the bundle made the folder. A folder that was there before
    /// keeps its mode, and nothing in it is deleted: it must be empty or hold the table of an earlier start. `None` saves nothing.
    ///
    /// [`LocalError::InUse`] if another bundle has the folder; nothing is changed then. This one has it until the [`DataLock`] is dropped.
    /// `user` names it to others.
    pub(crate) fn open(path: Option<&Path>, fresh: bool, user: &str) -> Result<(Self, DataLock), LocalError> {
        let Some(path) = path else { return Ok((Self(None), DataLock(None))) };
        let failed = |source| LocalError::Data { path: path.to_owned(), source };
        if make(path).map_err(failed)? {
            return Ok((Self(Some(path.to_owned())), DataLock::take(path, user)?));
        }
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        let is_own = |entry: &&fs::DirEntry| is_bundle_file(&entry.file_name().to_string_lossy());
        let own: Vec<PathBuf> = entries.iter().filter(is_own).map(fs::DirEntry::path).collect();
        if !path.join(MADE).exists() && !own.is_empty() {
            if fresh {
                return Err(LocalError::NotMadeHere(path.to_owned()));
            }
            // Without a table, these are files of another program with the same names, and would be replaced.
            if !path.join(TABLE).exists() {
                return Err(LocalError::FilesOfOthers(path.to_owned()));
            }
        }
        let lock = DataLock::take(path, user)?;
        if fresh {
            own.into_iter().try_for_each(|path| remove(&path)).map_err(failed)?;
        }
        Ok((Self(Some(path.to_owned())), lock))
    }

    /// The path of a file; `None` without a folder.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|directory| directory.join(name))
    }

    /// Reads a file; `None` if it does not exist.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LocalError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LocalError::Data { path, source }),
        };
        let value = serde_json::from_slice(&text);
        value.map(Some).map_err(|error| LocalError::Data { path, source: error.into() })
    }

    /// Replaces a file atomically. Other users of the machine cannot read it.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), LocalError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        let write = || replace(&path, &serde_json::to_vec_pretty(value)?);
        write().map_err(|source| LocalError::Data { path: path.clone(), source })
    }
}

/// The right to use a data folder, until it is dropped or the process ends. No process keeps it beyond its end, however it ends.
#[derive(Debug)]
#[must_use]
pub(crate) struct DataLock(#[expect(dead_code, reason = "the open file is the lock")] Option<fs::File>);

impl DataLock {
    /// Takes the lock of a folder, and says in its file who has it.
    fn take(path: &Path, user: &str) -> Result<Self, LocalError> {
        let failed = |source| LocalError::Data { path: path.to_owned(), source };
        let mut file = create(&path.join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let by = fs::read_to_string(path.join(LOCK)).unwrap_or_default();
                let by = if by.is_empty() { "another bundle".to_owned() } else { by };
                return Err(LocalError::InUse { path: path.to_owned(), by });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let say = |file: &mut fs::File| file.set_len(0).and_then(|()| file.write_all(user.as_bytes()));
        say(&mut file).map_err(failed)?;
        Ok(Self(Some(file)))
    }
}

/// Creates the folder, which only this user can open, and its parents. `false` if it exists.
fn make(path: &Path) -> std::io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    create(&path.join(MADE))?;
    Ok(true)
}

/// Deletes a file of the bundle, or the folder of its objects.
fn remove(path: &Path) -> std::io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Creates a folder within the data, unless it exists.
pub(crate) fn make_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).create(path)
}

/// Replaces a file atomically with one that only this user can read.
pub(crate) fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension(format!("{}.new", Uuid::now_v7().simple()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    open_for_this_user(options, &new)?.write_all(content)?;
    fs::rename(&new, path)
}

/// Creates an empty file that only this user can read, or opens an existing one.
pub(crate) fn create(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true);
    open_for_this_user(options, path)
}

/// Opens a file. A file that this creates can only be read by this user.
fn open_for_this_user(mut options: fs::OpenOptions, path: &Path) -> std::io::Result<fs::File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Marks a folder that the bundle made.
const MADE: &str = ".made-by-kefu";
/// Locked by the bundle that uses the folder. Its text says which.
const LOCK: &str = ".in-use";
/// The database.
pub(crate) const TABLE: &str = "table.sqlite";
/// The definitions of the tables.
pub(crate) const TABLES: &str = "tables.json";
/// The secrets.
pub(crate) const SECRETS: &str = "secrets.json";
/// The checkpoints of the event source mappings.
pub(crate) const POSITIONS: &str = "positions.json";
/// The admin token.
pub(crate) const ADMIN_TOKEN: &str = "admin-token.json";
/// The state of the simulated WeChat.
pub(crate) const WECHAT: &str = "wechat.json";
/// The folder of the objects of all buckets.
pub(crate) const OBJECTS: &str = "objects";
/// The credentials of the demo mini program.
pub(crate) const DEMO: &str = "demo.json";
/// By how many seconds the clock is ahead.
pub(crate) const CLOCK: &str = "clock.json";

/// Whether a file belongs to the bundle. SQLite has additional files, and an interrupted write leaves a `.new`.
fn is_bundle_file(name: &str) -> bool {
    const FILES: [&str; 8] = [TABLES, SECRETS, POSITIONS, ADMIN_TOKEN, WECHAT, DEMO, CLOCK, OBJECTS];
    let stem = name.strip_suffix(".new").map(|name| name.split('.').next().unwrap_or_default());
    let name = stem.map_or_else(|| name.to_owned(), |stem| format!("{stem}.json"));
    name.starts_with(TABLE) || FILES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn second_bundle_is_told_who_has_the_folder_and_deletes_nothing() {
        let path = std::env::temp_dir().join(format!("kefu-lock-{}", Uuid::now_v7().simple()));
        let (data, lock) = DataDir::open(Some(&path), false, "the first").unwrap();
        data.write_json(TABLES, &1).unwrap();
        let before = names(&path);
        for fresh in [true, false] {
            let error = DataDir::open(Some(&path), fresh, "the second").unwrap_err();
            assert!(matches!(&error, LocalError::InUse { by, .. } if by == "the first"), "{error}");
            assert!(error.to_string().contains("is in use by the first"), "{error}");
            assert_eq!(names(&path), before);
        }
        drop(lock);
        let (_, lock) = DataDir::open(Some(&path), true, "the second").unwrap();
        assert_eq!(names(&path), [LOCK, MADE]);
        drop(lock);
        fs::remove_dir_all(path).unwrap();
    }
}
