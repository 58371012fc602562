//! Functions of other libraries that store the same pushes, installed by `bench/peers/install.py`.

use std::{ffi::OsString, fs, path::Path};

use serde::Deserialize;

use crate::{
    aws::Aws,
    dynamodb::Endpoint,
    error::{BenchError, at},
    process::{Body, Kind, Program},
    push::{APP_ID, PushCredentials},
};

/// An entry of `peers.json`.
#[derive(Deserialize)]
struct Peer {
    name: String,
    /// The command that starts the function.
    function: Vec<String>,
}

/// The functions that are installed in the folder.
pub(crate) fn programs(folder: &Path, aws: &Aws, credentials: &PushCredentials) -> Result<Vec<Program>, BenchError> {
    let path = folder.join("peers.json");
    let peers: Vec<Peer> = serde_json::from_slice(&fs::read(&path).map_err(at(path.to_string_lossy()))?)?;
    let program = |peer: Peer| {
        let mut variables = aws.variables(Endpoint::Canned);
        // Unlike `message-ingress`, they have the credentials in their environment.
        variables.extend(
            [
                ("WECHAT_APP_ID", APP_ID),
                ("WECHAT_TOKEN", credentials.token.expose()),
                ("WECHAT_AES_KEY", credentials.key.expose()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Program {
            kind: Kind::Pushes,
            name: peer.name,
            endpoint: Endpoint::Canned,
            command: peer.function.into_iter().map(OsString::from).collect(),
            variables,
            body: Body::Equals(wechat::SUCCESS),
        }
    };
    Ok(peers.into_iter().map(program).collect())
}
