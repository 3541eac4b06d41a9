//! A server with one of the shipped overlays, and the operator as the account and with the arguments that it ships.

use std::path::PathBuf;
use std::time::Duration;

use ovo_kube::{ApiServer, Audited};
use serde_json::{Value, json};

use crate::common::operator;
use crate::kube::{Serving, is_ready, write_kubeconfig};

pub(crate) use crate::kube::{CLUSTER, NAMESPACE};

/// For a line of a log, which is written after the answer.
pub(crate) const MOMENT: Duration = Duration::from_secs(10);
/// The pause of a poll.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

pub(crate) struct Bed {
    api: ApiServer,
    dir: tempfile::TempDir,
    /// The operator's own namespace.
    pub(crate) home: &'static str,
}

fn repository(path: &str) -> String {
    crate::kube::repository(path).display().to_string()
}

// === impl Bed ===

impl Bed {
    pub(crate) fn start(overlay: &str, home: &'static str) -> Self {
        let api = ApiServer::builder().controllers().note_reads();
        let bed = Self {
            api: api.start().unwrap(),
            dir: tempfile::tempdir().unwrap(),
            home,
        };
        bed.kubectl(&["apply", "--server-side", "-k", &repository("deploy/setup")]);
        bed.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd/openviduclusters.openvidu.io",
            "crd/openvidunodes.openvidu.io",
        ]);
        bed.kubectl(&["create", "namespace", NAMESPACE]);
        let overlay = repository(&format!("deploy/{overlay}"));
        // Given beside the overlay's own, another namespace would be refused.
        let apply = [
            "apply",
            "--server-side",
            "-k",
            &overlay,
            "--namespace",
            home,
        ];
        bed.api.ask(&apply).unwrap();
        bed
    }

    pub(crate) fn apply_example(&self) {
        for file in ["secrets-v3-onprem.yaml", "v3-onprem.yaml"] {
            let file = repository(&format!("docs/examples/{file}"));
            self.kubectl(&["apply", "--server-side", "-f", &file]);
        }
    }

    /// Runs kubectl as the administrator, in the cluster's namespace; what it printed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let arguments = [&["--namespace", NAMESPACE], arguments].concat();
        self.api.ask(&arguments).unwrap()
    }

    pub(crate) fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output=json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn node(&self, name: &str) -> Option<Value> {
        let nodes = self.get(&["openvidunodes"]);
        let mut nodes = nodes["items"].as_array().unwrap().iter();
        nodes.find(|node| node["metadata"]["name"] == name).cloned()
    }

    /// Makes the record of machine `ha-w3` of a cluster `openvidu` that is not there: `openvidu-ha-w3`.
    pub(crate) fn take_name(&self, name: &str) {
        let path = format!("/apis/openvidu.io/v1alpha1/namespaces/{NAMESPACE}/openvidunodes");
        let record = json!({
            "apiVersion": "openvidu.io/v1alpha1",
            "kind": "OpenViduNode",
            "metadata": {"name": name},
            "spec": {"cluster": "openvidu", "machine": "ha-w3", "role": "Media"},
        });
        let answer = self.api.request("POST", &path, Some(&record)).unwrap();
        assert_eq!(answer.code, 201, "{}", answer.body);
    }

    /// Where all that the operator says goes.
    pub(crate) fn said(&self) -> PathBuf {
        self.dir.path().join("said")
    }

    /// All that the operator's account asked.
    pub(crate) fn asked(&self) -> Vec<Audited> {
        let account = format!("system:serviceaccount:{}:openvidu-operator", self.home);
        let mut asked = self.api.asked().unwrap();
        asked.retain(|a| a.user == account);
        asked
    }

    /// The program with the arguments of the shipped Deployment, but for the port, over the simulated world.
    pub(crate) fn serve(&self) -> Serving {
        let deployment = self.get(&["deployment", "openvidu-operator", "--namespace", self.home]);
        let shipped = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let shipped = shipped
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a.as_str().unwrap());
        let token = [
            "create",
            "token",
            "openvidu-operator",
            "--namespace",
            self.home,
        ];
        let config = self.dir.path().join("kubeconfig");
        write_kubeconfig(&self.api, &self.kubectl(&token), self.home, &config);
        let mut command = operator([]);
        command
            .args(shipped.filter(|argument| !argument.starts_with("--listen")))
            .args([
                "--listen=127.0.0.1:0",
                "--log-level=info",
                "--simulate",
                "--simulate-speed=60",
            ])
            .arg("--simulate-dir")
            .arg(self.dir.path().join("world"))
            .env("KUBECONFIG", config)
            // The shipped pod's root is read-only: it has one folder to write to.
            .env("TMPDIR", self.dir.path().join("not-there"));
        Serving::start(command, self.said())
    }

    pub(crate) fn until(&self, serving: &mut Serving, what: &str, holds: impl FnMut() -> bool) {
        serving.until(what, holds, || {
            self.kubectl(&["get", "openviduclusters,openvidunodes", "--output=wide"])
        });
    }

    pub(crate) fn until_ready(&self, serving: &mut Serving, media: i64) {
        self.until(serving, &format!("{media} media nodes and Ready"), || {
            is_ready(&self.get(&["openviduclusters", CLUSTER]), media)
        });
    }
}
