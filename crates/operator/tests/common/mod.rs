//! Runs the built binary on directories of its own.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openvidu_operator::local::{Client, Listing, Request, Response, WorldView};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_world::Script;
use tempfile::TempDir;

/// How long anything may take. A loaded machine with two cores brings two clusters up in seconds.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub const V2: &str = include_str!("../../../../docs/examples/v2-aws.yaml");
pub const V3: &str = include_str!("../../../../docs/examples/v3-onprem.yaml");
pub const V2_SECRETS: &str = include_str!("../../../../docs/examples/secrets-v2-aws.yaml");
pub const V3_SECRETS: &str = include_str!("../../../../docs/examples/secrets-v3-onprem.yaml");

/// The binary with arguments.
pub fn operator<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openvidu-operator"));
    command
        .args(arguments)
        .env_remove("OPENVIDU_OPERATOR_LOCAL")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn run<const N: usize>(arguments: [&str; N]) -> Output {
    operator(arguments).output().unwrap()
}

/// Standard output and standard error together.
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A directory of manifests.
pub struct Dir(TempDir);

impl Dir {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The machines' example with its Secrets.
    pub fn v3() -> Self {
        let dir = Self::empty();
        dir.write("v3.yaml", V3);
        dir.write("secrets-v3.yaml", V3_SECRETS);
        dir
    }

    /// Both examples with their Secrets.
    pub fn both() -> Self {
        let dir = Self::v3();
        dir.write("v2.yaml", V2);
        dir.write("secrets-v2.yaml", V2_SECRETS);
        dir
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn str(&self) -> &str {
        self.path().to_str().unwrap()
    }

    /// Writes a file whole, for its owner only.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, fresh) = (
            self.path().join(name),
            self.path().join(format!(".{name}.new")),
        );
        fs::write(&fresh, text).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, &path).unwrap();
        path
    }

    pub fn state(&self, name: &str) -> PathBuf {
        self.path().join(".openvidu-operator").join(name)
    }

    /// Serves it, simulated, 20 times as fast as real.
    pub fn serve(&self) -> Serving<'_> {
        self.serve_with(&["--simulate-speed", "20"])
    }

    /// Serves it on the machines that it names.
    pub fn serve_real(&self) -> Serving<'_> {
        let mut command = operator(["serve", "--local", self.str(), "--listen", "127.0.0.1:0"]);
        Serving::spawn(self, &mut command)
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Serving<'_> {
        let mut command = operator([
            "serve",
            "--local",
            self.str(),
            "--simulate",
            "--listen",
            "127.0.0.1:0",
        ]);
        Serving::spawn(self, command.args(arguments))
    }

    /// Asks whoever serves.
    pub fn ask(&self, request: Request) -> Response {
        Client::server(self.path())
            .unwrap()
            .expect("somebody serves")
            .ask(request)
            .unwrap()
    }

    pub fn list(&self) -> Listing {
        match self.ask(Request::List) {
            Response::List(listing) => *listing,
            other => panic!("{other:?}"),
        }
    }

    pub fn world(&self) -> WorldView {
        match self.ask(Request::World) {
            Response::World(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    pub fn script(&self, cluster: &str, script: Script) {
        let script = Box::new(script);
        self.ask(Request::Simulate {
            cluster: cluster.to_owned(),
            script,
        });
    }

    pub fn cluster(&self, name: &str) -> Option<OpenViduCluster> {
        self.list()
            .clusters
            .into_iter()
            .find(|c| c.metadata.name.as_deref() == Some(name))
    }

    pub fn nodes(&self, cluster: &str) -> Vec<OpenViduNode> {
        self.list()
            .nodes
            .into_iter()
            .filter(|n| n.spec.cluster == cluster)
            .collect()
    }

    /// Whether the cluster is as its manifest says, and the status speaks of that manifest.
    pub fn ready(&self, name: &str) -> bool {
        self.cluster(name).is_some_and(|cluster| {
            let status = cluster.status.clone().unwrap_or_default();
            status.observed_generation == cluster.metadata.generation
                && condition(&cluster, "Ready") == "True"
        })
    }
}

/// The status of a condition; empty: it is not there.
pub fn condition(cluster: &OpenViduCluster, name: &str) -> String {
    let conditions = cluster.status.iter().flat_map(|s| &s.conditions);
    conditions
        .filter(|c| c.type_ == name)
        .map(|c| c.status.clone())
        .next()
        .unwrap_or_default()
}

/// Waits until a condition holds; looks often.
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(PATIENCE, what, holds);
}

pub fn until_within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < patience,
            "waited {patience:?} in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process that serves; ended with this.
pub struct Serving<'a> {
    dir: &'a Dir,
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl<'a> Serving<'a> {
    fn spawn(dir: &'a Dir, command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (
            Arc::<Mutex<String>>::default(),
            Arc::<Mutex<String>>::default(),
        );
        let readers = vec![
            gather(child.stdout.take().unwrap(), out.clone()),
            gather(child.stderr.take().unwrap(), err.clone()),
        ];
        let mut serving = Self {
            dir,
            child,
            out,
            err,
            readers,
        };
        until("the socket to answer", || {
            assert_eq!(
                serving.child.try_wait().unwrap(),
                None,
                "it ended: {}",
                serving.said()
            );
            Client::server(dir.path()).is_ok_and(|server| server.is_some())
        });
        serving
    }

    /// What it wrote so far.
    pub fn said(&self) -> String {
        format!("{}{}", self.out.lock().unwrap(), self.err.lock().unwrap())
    }

    pub fn errors(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it serves metrics.
    pub fn address(&self) -> SocketAddr {
        let mut found = None;
        until("the address", || {
            let said = self.said();
            let address = said
                .split("http://")
                .nth(1)
                .and_then(|rest| rest.split('/').next())
                .map(str::to_owned);
            found = address.and_then(|a| a.parse().ok());
            found.is_some()
        });
        found.unwrap()
    }

    /// Status and body of a page.
    pub fn page(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Asks it to stop, and waits until it has; its exit code and all that it wrote.
    pub fn stop(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut code = None;
        until("it to stop", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        for reader in std::mem::take(&mut self.readers) {
            reader.join().unwrap();
        }
        (code.unwrap().code(), self.said())
    }

    /// SIGKILL, now.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn dir(&self) -> &Dir {
        self.dir
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(
    from: impl std::io::Read + Send + 'static,
    to: Arc<Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            to.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}
