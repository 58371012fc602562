use std::path::PathBuf;

use crate::template::TemplateError;

/// An error of the bundle.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The template is invalid or not supported.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function of the template has no package in this build.
    #[error("function {0} has no package in this build; its CodeUri must be a folder under functions/")]
    NoPackage(String),
    /// A port cannot be used.
    #[error("port {port} on 127.0.0.1 cannot be used: {source}. Choose another port with --port.")]
    Port {
        /// The port.
        port: u16,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("{}: {source}", path.display())]
    Data {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The data directory was there before the bundle used it.
    #[error("{} was not made by kefu, so --fresh deletes nothing in it. Delete its files yourself, or use another folder with --data.", .0.display())]
    NotMadeHere(PathBuf),
    /// The data directory holds files that have the names of the bundle's files, and no table of the bundle.
    #[error("{} holds files of another program with the names of kefu's files. Use another folder with --data.", .0.display())]
    FilesOfOthers(PathBuf),
    /// Another bundle uses the data directory.
    #[error("{} is in use by {by}. End that bundle first, or use another folder with --data.", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The bundle, in words.
        by: String,
    },
    /// dynoxide returned an error.
    #[error("dynoxide: {0}")]
    Database(String),
    /// The saved table has another definition than the template.
    #[error(
        "the definition of {0} in template.yaml has changed since the data was saved. Use --fresh, which deletes the data, or another folder with --data."
    )]
    TableChanged(String),
    /// A request or an answer of dynoxide cannot be converted.
    #[error("dynoxide: {0}")]
    Json(#[from] serde_json::Error),
    /// The template has no resource of this name.
    #[error("template.yaml has no {0}")]
    Unknown(String),
    /// The demo mini program cannot be set up.
    #[error("the demo mini program: {0}")]
    Demo(String),
}

impl From<dynoxide::DynoxideError> for LocalError {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Database(error.to_string())
    }
}
