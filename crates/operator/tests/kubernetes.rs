//! The binary against a real API server, as its service account, over the simulated world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::operator;
use ovo_kube::ApiServer;
use serde_json::Value;

/// For what takes simulated minutes, sixty times as fast as real, on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(2);
const NAMESPACE: &str = "video";
const CLUSTER: &str = "openvidu-ha";

/// A server with our definitions, a namespace, the example with its Secrets, and our rights.
struct Bed {
    api: ApiServer,
    dir: tempfile::TempDir,
    served: std::cell::Cell<u32>,
}

impl Bed {
    fn start() -> Self {
        let api = ApiServer::builder().controllers().start().unwrap();
        api.install_crds().unwrap();
        let bed = Self {
            api,
            dir: tempfile::tempdir().unwrap(),
            served: std::cell::Cell::new(0),
        };
        bed.kubectl(&["create", "namespace", NAMESPACE]);
        for file in [
            "deploy/base/serviceaccount.yaml",
            "deploy/namespaced/role.yaml",
            "docs/examples/secrets-v3-onprem.yaml",
            "docs/examples/v3-onprem.yaml",
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(file);
            bed.kubectl(&["apply", "--server-side", "-f", path.to_str().unwrap()]);
        }
        bed
    }

    /// Runs kubectl as the administrator; what it printed.
    fn kubectl(&self, arguments: &[&str]) -> String {
        let arguments = [&["--namespace", NAMESPACE], arguments].concat();
        self.api.ask(&arguments).unwrap()
    }

    /// A kubeconfig of the operator's service account.
    fn kubeconfig(&self) -> PathBuf {
        let token = self.kubectl(&["create", "token", "openvidu-operator"]);
        let authority = self.dir.path().join("ca.crt");
        fs::write(&authority, self.api.ca_pem().unwrap()).unwrap();
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.api.url(), "certificate-authority": authority}}],
            "users": [{"name": "u", "user": {"token": token.trim()}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
            "current-context": "x",
        });
        let path = self.dir.path().join("kubeconfig");
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    fn serve(&self) -> Serving {
        self.served.set(self.served.get() + 1);
        let said = self.dir.path().join(format!("said-{}", self.served.get()));
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(&said)
            .unwrap();
        let mut command: Command = operator([
            "serve",
            "--simulate",
            "--simulate-speed",
            "60",
            "--listen",
            "127.0.0.1:0",
        ]);
        let child = command
            .arg("--simulate-dir")
            .arg(self.dir.path().join("world"))
            .env("KUBECONFIG", self.kubeconfig())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Serving { child, said }
    }

    fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    fn cluster(&self) -> Value {
        self.get(&["openviduclusters", CLUSTER])
    }

    fn until(&self, serving: &mut Serving, what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(
                serving.child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE,
                "{what}: not reached\n{}\n{}",
                serving.said(),
                self.kubectl(&["get", "openviduclusters,openvidunodes", "--output", "wide"])
            );
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn until_ready(&self, serving: &mut Serving, media: i64) {
        self.until(serving, &format!("{media} media nodes and Ready"), || {
            let cluster = self.cluster();
            let generation = &cluster["metadata"]["generation"];
            let ready = |c: &Value| {
                c["type"] == "Ready"
                    && c["status"] == "True"
                    && c["observedGeneration"] == *generation
            };
            cluster["status"]["media"]["ready"] == media
                && cluster["status"]["conditions"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(ready))
        });
    }
}

/// An operator that runs.
struct Serving {
    child: Child,
    said: PathBuf,
}

impl Serving {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Whether it said that it leads.
    fn leads(&self) -> bool {
        self.said().contains(&format!("-{} leads", self.child.id()))
    }

    fn until_leads(&mut self) {
        let began = Instant::now();
        while !self.leads() {
            assert!(
                self.child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE,
                "it does not lead: {}",
                self.said()
            );
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; its exit code.
    fn stop(mut self) -> Option<i32> {
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

#[test]
fn a_cluster_from_an_applied_manifest_to_its_deletion() {
    let bed = Bed::start();
    let mut serving = bed.serve();
    bed.until_ready(&mut serving, 2);
    let waited = bed.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "--timeout=60s",
        "openviduclusters/openvidu-ha",
    ]);
    assert!(waited.contains("condition met"), "{waited}");

    // Its node records are owned by it, and credentials that nobody gave were generated once.
    let nodes = bed.get(&["openvidunodes"]);
    let owners = |n: &Value| n["metadata"]["ownerReferences"][0]["name"] == CLUSTER;
    assert!(nodes["items"].as_array().unwrap().iter().all(owners));
    let credentials = bed.get(&["secret", "openvidu-ha-credentials"]);
    let version = credentials["metadata"]["resourceVersion"].clone();

    // Whoever applies the manifest again changes nothing.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/v3-onprem.yaml");
    let same = bed.kubectl(&["diff", "--server-side", "-f", manifest.to_str().unwrap()]);
    assert_eq!(same, "");

    // Killed and started again it finds what there is and makes nothing anew.
    serving.kill();
    let mut serving = bed.serve();
    bed.kubectl(&["scale", "openviduclusters/openvidu-ha", "--replicas=3"]);
    bed.until_ready(&mut serving, 3);
    let credentials = bed.get(&["secret", "openvidu-ha-credentials"]);
    assert_eq!(credentials["metadata"]["resourceVersion"], version);

    // A node that somebody deletes is drained, stopped and comes back as another object.
    let node = "openvidu-ha-w1";
    let uid = bed.get(&["openvidunodes", node])["metadata"]["uid"].clone();
    bed.kubectl(&["delete", "openvidunodes", node, "--wait=false"]);
    bed.until(&mut serving, "the node object to be another one", || {
        let nodes = bed.get(&["openvidunodes"]);
        let of = |n: &&Value| n["metadata"]["name"] == node;
        nodes["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(of)
            .is_some_and(|n| n["metadata"]["uid"] != uid)
    });
    let events = bed.kubectl(&["get", "events", "--output", "jsonpath={.items[*].reason}"]);
    for reason in ["NodeJoined", "NodeDraining"] {
        assert!(events.contains(reason), "{reason}: {events}");
    }
    assert_eq!(serving.stop(), Some(0));

    // Protected, it stays whatever kubectl says; then everything goes.
    let mut serving = bed.serve();
    bed.kubectl(&["delete", "openviduclusters", CLUSTER, "--wait=false"]);
    bed.until(&mut serving, "deletion to be blocked", || {
        let conditions = bed.cluster()["status"]["conditions"].clone();
        let blocked = |c: &Value| c["type"] == "DeletionBlocked" && c["reason"] == "Protected";
        conditions.as_array().unwrap().iter().any(blocked)
    });
    bed.kubectl(&[
        "patch",
        "openviduclusters",
        CLUSTER,
        "--type=merge",
        "-p",
        r#"{"spec":{"deletion":{"protected":false}}}"#,
    ]);
    bed.until(&mut serving, "everything to be gone", || {
        let left = bed.get(&["openviduclusters,openvidunodes"]);
        left["items"].as_array().unwrap().is_empty()
    });
    let said = serving.said();
    assert!(
        !said.contains("not-a-license") && !said.contains("this is no key"),
        "{said}"
    );
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn readiness_follows_the_api_server() {
    let bed = Bed::start();
    let mut serving = bed.serve();
    bed.until_ready(&mut serving, 2);
    let address = serving
        .said()
        .split_once("http://")
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0
        .to_owned();
    let ready = || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ready().starts_with("HTTP/1.1 200"), "{}", ready());
    bed.api.kill_apiserver().unwrap();
    let began = Instant::now();
    while !ready().contains("503") {
        assert!(began.elapsed() < PATIENCE, "ready without an API server");
        // The pause of a poll.
        std::thread::sleep(Duration::from_millis(200));
    }
    bed.api.start_apiserver().unwrap();
    bed.until(&mut serving, "readiness to come back", || {
        ready().starts_with("HTTP/1.1 200")
    });
}

#[test]
fn one_of_several_leads_and_another_takes_over() {
    use rustix::process::Signal;
    let bed = Bed::start();
    let mut first = bed.serve();
    bed.until_ready(&mut first, 2);
    assert!(first.leads());
    let holder = || bed.get(&["lease", "openvidu-operator"])["spec"]["holderIdentity"].clone();
    let mut second = bed.serve();
    let said = second.said.clone();
    bed.until(&mut second, "the second one to wait", || {
        fs::read_to_string(&said)
            .unwrap()
            .contains("serving namespace")
    });
    assert!(!second.leads());

    // Asked to stop it gives the Lease back: whoever comes next need not wait for its end.
    let mine = format!("-{}", first.child.id());
    assert_eq!(first.stop(), Some(0));
    assert!(!holder().as_str().unwrap_or_default().ends_with(&mine));
    second.until_leads();

    // Killed, its Lease ends by itself.
    let mut third = bed.serve();
    second.kill();
    third.until_leads();

    // Paused past the end of its Lease, it finds when it wakes up that another one leads, and ends.
    third.signal(Signal::STOP);
    let mut fourth = bed.serve();
    fourth.until_leads();
    bed.kubectl(&["scale", "openviduclusters/openvidu-ha", "--replicas=3"]);
    bed.until_ready(&mut fourth, 3);
    third.signal(Signal::CONT);
    let mut code = None;
    bed.until(&mut fourth, "the deposed one to end", || {
        code = third.child.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(1), "{}", third.said());
    assert!(third.said().contains("no longer leads"), "{}", third.said());
    bed.until_ready(&mut fourth, 3);
    assert_eq!(fourth.stop(), Some(0));
}
