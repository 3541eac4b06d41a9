//! The store behind the API server.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::Daemon;

/// It answers after a fraction of a second; on a busy host it may take much longer.
const LIMIT: Duration = Duration::from_mins(1);

/// Starts it and returns when it listens. A socket in the folder of its state: no port that somebody else could take.
/// With a quota it takes no more than so many bytes.
pub(crate) fn start(programs: &Path, state: &Path, quota: Option<u64>) -> io::Result<Daemon> {
    // Nobody else will ever join, so nobody needs to know where this member would be found.
    let nowhere = "http://127.0.0.1:0";
    let mut arguments = vec![
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
    arguments.extend(quota.map(|bytes| format!("--quota-backend-bytes={bytes}")));
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

/// What its keeper does when it was full and something was deleted: forgets old revisions, gives their room back, and
/// lets it take writes again.
pub(crate) fn make_room(state: &Path) -> io::Result<()> {
    let ask = |path: &str, body: &Value| ask(state, path, body);
    let status = ask("maintenance/status", &json!({}))?;
    let now = &status["header"]["revision"];
    ask("kv/compaction", &json!({"revision": now, "physical": true}))?;
    ask("maintenance/defragment", &json!({}))?;
    let alarms = ask("maintenance/alarm", &json!({"action": "GET"}))?;
    for alarm in alarms["alarms"].as_array().into_iter().flatten() {
        let off = json!({
            "action": "DEACTIVATE",
            "memberID": alarm["memberID"],
            "alarm": alarm["alarm"],
        });
        ask("maintenance/alarm", &off)?;
    }
    Ok(())
}

/// Its own API, over its socket.
fn ask(state: &Path, path: &str, body: &Value) -> io::Result<Value> {
    let mut stream = UnixStream::connect(socket(state))?;
    stream.set_read_timeout(Some(LIMIT))?;
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "POST /v3/{path} HTTP/1.0\r\nHost: etcd\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let good = answer.split(' ').nth(1) == Some("200");
    let value = serde_json::from_str(body).ok().filter(|_| good);
    value.ok_or_else(|| io::Error::other(format!("etcd: {path}: {answer}")))
}
