//! An API server with our definitions, the example of machines, and the binary that serves it.
#![allow(dead_code, unreachable_pub)]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use ovo_kube::{ADMIN, ApiServer};
use serde_json::Value;

use crate::common::operator;

/// For what takes simulated minutes, sixty times as fast as real, on a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(2);
pub const NAMESPACE: &str = "video";
pub const CLUSTER: &str = "openvidu-ha";

pub struct Bed {
    pub api: ApiServer,
    dir: tempfile::TempDir,
    serving: RefCell<Option<Child>>,
}

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

impl Bed {
    /// A server that knows nothing of us.
    pub fn bare() -> Self {
        Self {
            api: ApiServer::builder().controllers().start().unwrap(),
            dir: tempfile::tempdir().unwrap(),
            serving: RefCell::new(None),
        }
    }

    /// With the definitions, the namespace and the example's Secrets.
    pub fn start() -> Self {
        let bed = Self::bare();
        bed.api.install_crds().unwrap();
        bed.api.ask(&["create", "namespace", NAMESPACE]).unwrap();
        bed.apply("docs/examples/secrets-v3-onprem.yaml");
        bed
    }

    pub fn apply(&self, path: &str) {
        let path = file(path);
        self.kubectl(&["apply", "--server-side", "-f", path.to_str().unwrap()]);
    }

    /// Runs kubectl as the administrator; what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.api
            .ask(&[&["--namespace", NAMESPACE], arguments].concat())
            .unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn world(&self) -> PathBuf {
        self.path("world")
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.api.kubeconfig(ADMIN).unwrap()
    }

    /// The binary as somebody with the administrator's kubeconfig runs it.
    pub fn ours(&self, arguments: &[&str]) -> Output {
        let mut command: Command = operator([]);
        command
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            .output()
            .unwrap()
    }

    pub fn serve(&self) {
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("said"))
            .unwrap();
        let mut command: Command = operator(["serve", "--simulate", "--simulate-speed", "60"]);
        let child = command
            .args(["--namespace", NAMESPACE, "--listen", "127.0.0.1:0"])
            .arg("--simulate-dir")
            .arg(self.world())
            .env("KUBECONFIG", self.kubeconfig())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        self.serving.replace(Some(child));
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// Where the operator answers over HTTP.
    pub fn address(&self) -> String {
        let said = self.said();
        let after = said.split_once("http://").unwrap().1;
        after.split_once('/').unwrap().0.to_owned()
    }

    pub fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(
                began.elapsed() <= PATIENCE,
                "{what}: not reached\n{}",
                self.said()
            );
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub fn until_ready(&self, media: i64) {
        self.until(&format!("{media} media nodes and Ready"), || {
            let cluster = self.get(&["openviduclusters", CLUSTER]);
            let generation = &cluster["metadata"]["generation"];
            let ready = |c: &Value| {
                c["type"] == "Ready"
                    && c["status"] == "True"
                    && c["observedGeneration"] == *generation
            };
            let conditions = cluster["status"]["conditions"].as_array();
            cluster["status"]["media"]["ready"] == media
                && conditions.is_some_and(|all| all.iter().any(ready))
        });
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(mut child) = self.serving.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
