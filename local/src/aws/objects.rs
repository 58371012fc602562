//! S3: the objects of the template's buckets, in a folder of the bundle's data or in memory. Requests name a bucket in their path.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;

use super::faults::Fault;
use super::{Aws, ConnectionClosed, OWN_KEY, access_key, permissions};
use crate::data::{self, DataDir};
use crate::iam::{self, AuthorizationRequest};

/// The objects of all buckets.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The folder; without one they are in memory.
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<String, Bytes>>,
}

impl Objects {
    pub(crate) fn open(data: &DataDir) -> Self {
        Self { folder: data.path(data::OBJECTS), memory: Mutex::default() }
    }

    /// The keys of all objects, each with its bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        let Some(folder) = &self.folder else {
            return self.memory.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        };
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut keys: Vec<_> = entries.map(|entry| path_of(&entry.file_name().to_string_lossy())).collect();
        keys.sort();
        keys
    }

    fn get(&self, path: &str) -> std::io::Result<Option<Bytes>> {
        let Some(folder) = &self.folder else {
            return Ok(self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned());
        };
        match fs::read(folder.join(file_of(path))) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put(&self, path: &str, bytes: Bytes) -> std::io::Result<()> {
        let Some(folder) = &self.folder else {
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), bytes);
            return Ok(());
        };
        data::make_folder(folder)?;
        data::replace(&folder.join(file_of(path)), &bytes)
    }

    fn delete(&self, path: &str) -> std::io::Result<()> {
        let Some(folder) = &self.folder else {
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
            return Ok(());
        };
        match fs::remove_file(folder.join(file_of(path))) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The name of the file of an object. [`is_key`] refuses keys with other characters, so that every file is in the folder.
fn file_of(path: &str) -> String {
    path.replace('/', "_")
}

fn path_of(file: &str) -> String {
    file.replace('_', "/")
}

fn is_key(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 200
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/".contains(&byte))
}

/// A request to S3, path-style.
pub(super) struct ObjectRequest {
    operation: &'static str,
    /// The bucket and the key.
    path: String,
}

impl ObjectRequest {
    /// Reads a request; `None` if it is one of another service.
    pub(super) fn of(method: &Method, headers: &HeaderMap, path: &str) -> Option<Self> {
        // The other services are called at the root, or at paths of their own.
        headers.get("x-amz-content-sha256")?;
        let operation = match *method {
            Method::PUT => "PutObject",
            Method::GET => "GetObject",
            Method::DELETE => "DeleteObject",
            _ => return None,
        };
        Some(Self { operation, path: path.trim_start_matches('/').to_owned() })
    }

    fn authorization(&self) -> AuthorizationRequest {
        AuthorizationRequest {
            action: format!("s3:{}", self.operation),
            resource: format!("arn:aws:s3:::{}", self.path),
            leading_keys: Vec::new(),
        }
    }
}

impl Aws {
    /// The same endpoint with these objects.
    pub(crate) fn with_objects(self, objects: Objects) -> Self {
        Self { objects, ..self }
    }

    /// Answers a request to S3.
    pub(super) fn answer_objects(
        &self,
        method: &Method,
        headers: &HeaderMap,
        request: &ObjectRequest,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let caller = access_key(headers).and_then(|key| self.access_keys.caller(key));
        let is_trusted = self.trusted_hosts.refusal(method, headers).is_none();
        let Some(caller) = caller.filter(|_| is_trusted && is_key(&request.path)) else {
            return Ok(respond(StatusCode::FORBIDDEN, Bytes::new()));
        };
        let permission = request.authorization();
        let statements = self.principals.get(caller);
        let is_allowed =
            caller == OWN_KEY || statements.is_some_and(|statements| iam::is_allowed(statements, &permission));
        permissions::record_object(caller, &permission, is_allowed);
        if !is_allowed {
            tracing::warn!(function = caller, action = permission.action, "not authorized for the object");
            return Ok(respond(StatusCode::FORBIDDEN, Bytes::new()));
        }
        self.requests.count(caller, request.operation);
        match self.faults.next(caller, request.operation) {
            None | Some(Fault::CloseAfter) => {}
            Some(Fault::CloseBefore) => return Err(ConnectionClosed),
            Some(Fault::ThrottleTable | Fault::ThrottleRequests) => {
                return Ok(respond(StatusCode::SERVICE_UNAVAILABLE, Bytes::new()));
            }
            Some(_) => return Ok(respond(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())),
        }
        let done = match request.operation {
            "PutObject" => self.objects.put(&request.path, body).map(|()| Some(Bytes::new())),
            "DeleteObject" => self.objects.delete(&request.path).map(|()| Some(Bytes::new())),
            // Without the permission to list the bucket.
            _ => self.objects.get(&request.path),
        };
        Ok(match done {
            Ok(Some(bytes)) => respond(StatusCode::OK, bytes),
            Ok(None) => respond(StatusCode::FORBIDDEN, Bytes::new()),
            Err(error) => {
                tracing::error!(%error, "an object could not be read or written");
                respond(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
            }
        })
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_that_could_leave_the_folder_is_refused() {
        assert!(is_key("kefu-pictures/u0123/abc-7"));
        for wrong in ["", "../x", "a/%2e%2e/b", "a\\b", "a_b", "a b", "a\0b"] {
            assert!(!is_key(wrong), "{wrong}");
        }
    }
}
