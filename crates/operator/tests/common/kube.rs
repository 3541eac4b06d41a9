//! A real API server with our definitions, and operators that serve it over a simulated world.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary takes what it needs of it"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ovo_kube::{ApiServer, Builder};
use serde_json::Value;

use crate::common::operator;

/// For what takes simulated minutes, many times as fast as real, on a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// The namespace that a namespaced operator serves.
pub const NAMESPACE: &str = "video";
/// The example's cluster.
pub const CLUSTER: &str = "openvidu-ha";

/// A server with our definitions, and rights for an operator that lives in `home`.
pub struct Bed {
    pub api: ApiServer,
    pub dir: tempfile::TempDir,
    home: &'static str,
    arguments: Vec<String>,
    served: AtomicU32,
}

impl Bed {
    /// An operator for one namespace, in which the example lies with its Secrets.
    pub fn start() -> Self {
        let bed = Self::empty(NAMESPACE, &["--simulate-speed", "60"]);
        for file in [
            "deploy/base/serviceaccount.yaml",
            "deploy/namespaced/role.yaml",
            "docs/examples/secrets-v3-onprem.yaml",
            "docs/examples/v3-onprem.yaml",
        ] {
            bed.apply(file);
        }
        bed
    }

    /// A server with our definitions and the operator's own namespace.
    pub fn empty(home: &'static str, arguments: &[&str]) -> Self {
        Self::on(ApiServer::builder(), home, arguments)
    }

    /// The same on a server that is like this.
    pub fn on(api: Builder, home: &'static str, arguments: &[&str]) -> Self {
        let api = api.controllers().start().unwrap();
        api.install_crds().unwrap();
        let bed = Self {
            api,
            dir: tempfile::tempdir().unwrap(),
            home,
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            served: AtomicU32::new(0),
        };
        bed.kubectl(&["create", "namespace", home]);
        bed
    }

    /// Applies a file of the repository.
    pub fn apply(&self, file: &str) {
        let path = repository(file);
        self.kubectl(&["apply", "--server-side", "-f", path.to_str().unwrap()]);
    }

    /// Runs kubectl as the administrator; what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let arguments = [&["--namespace", self.home], arguments].concat();
        self.api.ask(&arguments).unwrap()
    }

    /// Where the simulated world is kept.
    pub fn world_dir(&self) -> PathBuf {
        self.dir.path().join("world")
    }

    pub fn serve(&self) -> Serving {
        self.serve_world(&self.world_dir())
    }

    /// An operator over the world in this folder.
    pub fn serve_world(&self, world: &Path) -> Serving {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.serve_with(world, &arguments)
    }

    /// An operator over the world in this folder, with other arguments than this bed's.
    pub fn serve_with(&self, world: &Path, arguments: &[&str]) -> Serving {
        self.serve_as(&self.kubeconfig(), world, arguments)
    }

    /// The operator's credentials, with a token that is good for an hour.
    pub fn kubeconfig(&self) -> PathBuf {
        let number = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let token = self.kubectl(&["create", "token", "openvidu-operator"]);
        let config = self.dir.path().join(format!("kubeconfig-{number}"));
        write_kubeconfig(&self.api, &token, self.home, &config);
        config
    }

    /// An operator with these credentials; the API server need not be there.
    pub fn serve_as(&self, config: &Path, world: &Path, arguments: &[&str]) -> Serving {
        let number = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let mut command = operator(["serve", "--simulate", "--listen", "127.0.0.1:0"]);
        command
            .args(arguments)
            .arg("--simulate-dir")
            .arg(world)
            .env("KUBECONFIG", config);
        Serving::start(command, self.dir.path().join(format!("said-{number}")))
    }

    pub fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    pub fn cluster(&self) -> Value {
        self.get(&["openviduclusters", CLUSTER])
    }

    pub fn until(&self, serving: &mut Serving, what: &str, holds: impl FnMut() -> bool) {
        serving.until(what, holds, || {
            self.api
                .ask(&["get", "openviduclusters,openvidunodes", "-A", "-o", "wide"])
                .unwrap_or_default()
        });
    }

    pub fn until_ready(&self, serving: &mut Serving, media: i64) {
        self.until(serving, &format!("{media} media nodes and Ready"), || {
            is_ready(&self.cluster(), media)
        });
    }
}

/// Waits until something holds; what is told of it where the time is over.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool, tell: impl Fn() -> String) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < PATIENCE,
            "{what}: not reached\n{}",
            tell()
        );
        // The pause of a poll.
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Writes the kubeconfig of whoever has this token, with the namespace that it would have in a pod.
pub fn write_kubeconfig(api: &ApiServer, token: &str, namespace: &str, path: &Path) {
    let authority = path.with_extension("crt");
    fs::write(&authority, api.ca_pem().unwrap()).unwrap();
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": api.url(), "certificate-authority": authority}}],
        "users": [{"name": "u", "user": {"token": token.trim()}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        "current-context": "x",
    });
    fs::write(path, config.to_string()).unwrap();
}

/// Whether this cluster is as its newest spec says, with so many media nodes.
pub fn is_ready(cluster: &Value, media: i64) -> bool {
    let generation = &cluster["metadata"]["generation"];
    let ready = condition(cluster, "Ready");
    cluster["status"]["media"]["ready"] == media
        && ready["status"] == "True"
        && ready["observedGeneration"] == *generation
}

/// A condition of an object; null where it has none of this type.
pub fn condition(object: &Value, of: &str) -> Value {
    let all = object["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    all.find(|c| c["type"] == of).cloned().unwrap_or_default()
}

/// An operator that runs.
pub struct Serving {
    pub child: Child,
    pub said: PathBuf,
}

impl Serving {
    /// Starts one, with all that it says going to a file.
    pub fn start(mut command: Command, said: PathBuf) -> Self {
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(&said)
            .unwrap();
        let child = command
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, said }
    }

    /// Waits while it runs; `objects` are shown where the time is over.
    pub fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut() -> bool,
        objects: impl Fn() -> String,
    ) {
        let Self { child, said } = self;
        let tell = || format!("{}\n{}", fs::read_to_string(&*said).unwrap(), objects());
        let lives = || {
            let held = holds();
            let ended = !held && child.try_wait().unwrap().is_some();
            assert!(!ended, "{what}: it ended before\n{}", tell());
            held
        };
        wait_for(what, lives, tell);
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Where it answers over HTTP; empty as long as it has not said so.
    pub fn address(&self) -> String {
        let said = self.said();
        let after = said.split_once("127.0.0.1:").map_or("", |(_, after)| after);
        let port: String = after.chars().take_while(char::is_ascii_digit).collect();
        let told = after.len() > port.len();
        if told {
            format!("127.0.0.1:{port}")
        } else {
            String::new()
        }
    }

    /// Status and body of a page; status 0 where nobody answers.
    pub fn page(&self, path: &str) -> (u16, String) {
        let asked = || {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        let answer = asked().unwrap_or_default();
        let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (code.unwrap_or(0), body.to_owned())
    }

    /// Whether it said that it leads.
    pub fn leads(&self) -> bool {
        self.said().contains(&format!("-{} leads", self.child.id()))
    }

    pub fn until_leads(&mut self) {
        let (said, leads) = (self.said.clone(), format!("-{} leads", self.child.id()));
        let leads = || fs::read_to_string(&said).unwrap().contains(&leads);
        self.until("to lead", leads, String::new);
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // After `kill` and `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
