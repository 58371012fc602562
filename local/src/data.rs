//! The data folder: the table, the secrets, the admin token and the checkpoints of the streams.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LocalError;

/// The data folder, or memory if there is none.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(Option<PathBuf>);

impl DataDir {
    /// Opens or creates the folder. `fresh` deletes the data in it. `None` saves nothing.
    pub(crate) fn open(path: Option<&Path>, fresh: bool) -> Result<Self, LocalError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let failed = |source| LocalError::Data { path: path.to_owned(), source };
        if fresh {
            // Only the files of the bundle, because the folder can contain others.
            let entries = match fs::read_dir(path) {
                Ok(entries) => entries.collect::<Result<Vec<_>, _>>().map_err(failed)?,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(failed(error)),
            };
            for entry in entries.iter().filter(|entry| is_bundle_file(&entry.file_name().to_string_lossy())) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        fs::create_dir_all(path).map_err(failed)?;
        restrict(path, 0o700).map_err(failed)?;
        Ok(Self(Some(path.to_owned())))
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
/// The credentials of the demo mini program.
pub(crate) const DEMO: &str = "demo.json";

/// Whether a file belongs to the bundle. SQLite has additional files, and an interrupted write leaves a `.new`.
fn is_bundle_file(name: &str) -> bool {
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
