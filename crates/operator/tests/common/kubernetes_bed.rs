//! An API server with our definitions, the example of machines, and the binary that serves it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary takes what it needs of it"
)]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use ovo_kube::{ADMIN, ApiServer};
use serde_json::Value;

use crate::common::operator;
use crate::kube::{Serving, is_ready, wait_for};

pub use crate::kube::{CLUSTER, NAMESPACE, repository as file};

pub struct Bed {
    pub api: ApiServer,
    dir: tempfile::TempDir,
    serving: RefCell<Option<Serving>>,
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
        let mut command: Command = operator(["serve", "--simulate", "--simulate-speed", "60"]);
        command
            .args(["--namespace", NAMESPACE, "--listen", "127.0.0.1:0"])
            .arg("--simulate-dir")
            .arg(self.world())
            .env("KUBECONFIG", self.kubeconfig());
        self.serving
            .replace(Some(Serving::start(command, self.path("said"))));
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

    /// Waits, whether one serves or not.
    pub fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        wait_for(what, holds, || self.said());
    }

    pub fn until_ready(&self, media: i64) {
        self.until(&format!("{media} media nodes and Ready"), || {
            is_ready(&self.get(&["openviduclusters", CLUSTER]), media)
        });
    }
}
