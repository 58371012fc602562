use std::path::PathBuf;

use crate::template::TemplateError;

/// Why the bundle cannot start or do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The template is not understood.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function of the template has no crate here.
    #[error("there is no code for the function {0} in this build; its CodeUri must be a folder under functions/")]
    NoCode(String),
    /// Somebody else listens there.
    #[error("port {port} on 127.0.0.1 cannot be used: {source}. Choose another one with --port.")]
    Port {
        /// The port.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("{}: {source}", path.display())]
    Data {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("dynoxide: {0}")]
    Database(String),
    /// The kept table is not the template's.
    #[error(
        "template.yaml defines {0} otherwise than the kept data. Start with --fresh, which throws the data away, or with another --data."
    )]
    TableChanged(String),
    /// dynoxide and this bundle do not agree on the form of a request.
    #[error("dynoxide: {0}")]
    Form(#[from] serde_json::Error),
    /// The template has nothing of that name.
    #[error("there is no {0} in template.yaml")]
    Unknown(String),
    /// The demo mini program could not be set up.
    #[error("the demo mini program: {0}")]
    Demo(String),
}

impl From<dynoxide::DynoxideError> for LocalError {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Database(error.to_string())
    }
}
