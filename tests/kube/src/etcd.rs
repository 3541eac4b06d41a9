//! The store behind the API server.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::daemon::Daemon;

/// It answers after a fraction of a second; on a busy host it may take much longer.
const LIMIT: Duration = Duration::from_mins(1);

/// Starts it and returns when it listens. A socket in the folder of its state: no port that somebody else could take.
pub(crate) fn start(programs: &Path, state: &Path) -> io::Result<Daemon> {
    // Nobody else will ever join, so nobody needs to know where this member would be found.
    let nowhere = "http://127.0.0.1:0";
    let arguments = [
        format!("--data-dir={}", state.join("etcd").display()),
        format!("--listen-client-urls={}", url(state)),
        format!("--advertise-client-urls={nowhere}"),
        format!("--listen-peer-urls={nowhere}"),
        format!("--initial-advertise-peer-urls={nowhere}"),
        "--name=only".to_owned(),
        format!("--initial-cluster=only={nowhere}"),
        // The host goes on when a process is killed, and what was written with it.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    let mut daemon = Daemon::spawn("etcd", programs, state, &arguments)?;
    let socket = socket(state);
    daemon.until("listening", LIMIT, || UnixStream::connect(&socket).is_ok())?;
    Ok(daemon)
}

/// Where the API server finds it.
pub(crate) fn url(state: &Path) -> String {
    format!("unix://{}", socket(state).display())
}

fn socket(state: &Path) -> PathBuf {
    state.join("etcd.sock")
}
