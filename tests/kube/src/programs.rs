//! Where the programs are.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of etcd, kube-apiserver, kube-controller-manager and kubectl. Builds them if nobody has done so yet.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let script = repository().join("scripts/install-kube");
    let output = Command::new(&script)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", script.display())))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "scripts/install-kube: {}: {}",
            output.status,
            why.trim()
        )));
    }
    let mut path = output.stdout;
    path.truncate(path.trim_ascii_end().len());
    Ok(PathBuf::from(OsString::from_vec(path)))
}
