//! What outlives a run: one directory with the table, the secrets, the admin token and the streams' positions.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LocalError;

/// The directory, or nowhere: then everything ends with the process.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(Option<PathBuf>);

impl DataDir {
    /// Opens the directory, empty if `fresh`. `None` keeps nothing.
    pub(crate) fn open(path: Option<&Path>, fresh: bool) -> Result<Self, LocalError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let failed = |source| LocalError::Data { path: path.to_owned(), source };
        if fresh {
            // Only what we put there: the directory may be anybody's.
            let entries = match fs::read_dir(path) {
                Ok(entries) => entries.collect::<Result<Vec<_>, _>>().map_err(failed)?,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(failed(error)),
            };
            for entry in entries.iter().filter(|entry| is_ours(&entry.file_name().to_string_lossy())) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        fs::create_dir_all(path).map_err(failed)?;
        restrict(path, 0o700).map_err(failed)?;
        Ok(Self(Some(path.to_owned())))
    }

    /// Where a file of that name is, if anything is kept.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|directory| directory.join(name))
    }

    /// What the file holds; nothing if there is none.
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

    /// Replaces the file in one step, so that a crash leaves the old or the new. Others on the machine cannot read it.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), LocalError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        let write = || {
            let new = path.with_extension("new");
            let mut file = fs::File::create(&new)?;
            restrict(&new, 0o600)?;
            file.write_all(&serde_json::to_vec_pretty(value)?)?;
            fs::rename(&new, &path)
        };
        write().map_err(|source| LocalError::Data { path: path.clone(), source })
    }
}

/// The table.
pub(crate) const TABLE: &str = "table.sqlite";
/// How the table was created.
pub(crate) const TABLES: &str = "tables.json";
/// The secrets.
pub(crate) const SECRETS: &str = "secrets.json";
/// How far each stream has been read.
pub(crate) const POSITIONS: &str = "positions.json";
/// The admin token.
pub(crate) const ADMIN_TOKEN: &str = "admin-token.json";
/// The state of the simulated WeChat.
pub(crate) const WECHAT: &str = "wechat.json";
/// The credentials of the demo mini program.
pub(crate) const DEMO: &str = "demo.json";

/// SQLite keeps files beside its own, and a write that was cut short leaves a `.new`.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(".new").map_or_else(|| name.to_owned(), |stem| format!("{stem}.json"));
    name.starts_with(TABLE) || [TABLES, SECRETS, POSITIONS, ADMIN_TOKEN, WECHAT, DEMO].contains(&name.as_str())
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
