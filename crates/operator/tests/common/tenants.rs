//! Namespaces with a cluster each, served by one operator for all of them; and the world behind them.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary takes what it needs of it"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ovo_kube::{ApiServer, Builder};
use ovo_model::Wall;
use ovo_provider_sim::SimJournal;
use ovo_world::{Deployment, Input, Script, World};
use serde_json::Value;

use crate::common::{V2, V2_SECRETS, V3, V3_SECRETS};
use crate::kube::{Bed, CLUSTER, PATIENCE, Serving};

/// Where the operator lives: as `deploy/cluster-wide` says.
pub const HOME: &str = "openvidu-system";
/// How much faster than real the world's time runs.
pub const SPEED: &str = "20";

const OBJECTS: &str = "/apis/openvidu.io/v1alpha1/namespaces";

/// A server, and the shipped rights of an operator for all namespaces.
pub fn cluster_wide(arguments: &[&str]) -> Bed {
    cluster_wide_on(ApiServer::builder(), arguments)
}

/// The same on a server that is like this.
pub fn cluster_wide_on(api: Builder, arguments: &[&str]) -> Bed {
    let fixed = ["--all-namespaces", "--simulate-speed", SPEED];
    let bed = Bed::on(api, HOME, &[&fixed, arguments].concat());
    for file in [
        "base/serviceaccount.yaml",
        "cluster-wide/clusterrole.yaml",
        "cluster-wide/role.yaml",
    ] {
        bed.apply(&format!("deploy/{file}"));
    }
    bed
}

/// The infrastructure id of the cluster in this namespace.
pub fn id(namespace: &str) -> String {
    let letters: String = namespace.chars().filter(char::is_ascii_lowercase).collect();
    format!("{letters:x<8.8}")
}

impl Bed {
    /// Makes an object.
    pub fn post(&self, path: &str, object: &Value) {
        let answer = self.api.request("POST", path, Some(object)).unwrap();
        assert!(
            (200..300).contains(&answer.code),
            "{path}: {:#}",
            answer.body
        );
    }

    /// Reads an object; `None` where there is none.
    pub fn read(&self, path: &str) -> Option<Value> {
        let answer = self.api.request("GET", path, None).unwrap();
        match answer.code {
            200 => Some(answer.body),
            404 => None,
            code => panic!("{path}: {code} {:#}", answer.body),
        }
    }

    /// A namespace with the Secrets of the example and its cluster, on machines of its own.
    pub fn settle(&self, number: usize, namespace: &str, change: impl FnOnce(&mut Value)) {
        self.api.ask(&["create", "namespace", namespace]).unwrap();
        self.secrets(namespace);
        self.post(
            &format!("{OBJECTS}/{namespace}/openviduclusters"),
            &manifest(number, namespace, change),
        );
    }

    /// The Secrets of the example.
    pub fn secrets(&self, namespace: &str) {
        for text in V3_SECRETS.split("\n---\n") {
            let mut secret: Value = serde_saphyr::from_str(text).unwrap();
            secret["metadata"]["namespace"] = namespace.into();
            self.post(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret);
        }
    }

    pub fn cluster_in(&self, namespace: &str) -> Option<Value> {
        self.read(&format!("{OBJECTS}/{namespace}/openviduclusters/{CLUSTER}"))
    }

    pub fn nodes_in(&self, namespace: &str) -> Vec<Value> {
        let list = self.read(&format!("{OBJECTS}/{namespace}/openvidunodes"));
        list.and_then(|l| l["items"].as_array().cloned())
            .unwrap_or_default()
    }

    pub fn secrets_in(&self, namespace: &str) -> Vec<Value> {
        let list = self.read(&format!("/api/v1/namespaces/{namespace}/secrets"));
        list.unwrap()["items"].as_array().unwrap().clone()
    }

    /// Changes the spec.
    pub fn patch(&self, namespace: &str, patch: &str) {
        let change = [
            "patch",
            "openviduclusters",
            CLUSTER,
            "--type=merge",
            "-p",
            patch,
        ];
        self.ask_in(namespace, &change);
    }

    /// Runs kubectl in a namespace.
    pub fn ask_in(&self, namespace: &str, arguments: &[&str]) -> String {
        let arguments = [&["--namespace", namespace], arguments].concat();
        self.api.ask(&arguments).unwrap()
    }

    /// The world, as it is known to be by what is on disk.
    pub fn world(&self) -> World {
        open(&self.world_dir(), self.dir.path()).0
    }

    /// Lets something happen in the world while nobody serves it.
    pub fn script(&self, scripts: &[(String, Script)]) {
        let dir = self.world_dir();
        let (mut world, mut journal) = open(&dir, &dir);
        for (id, script) in scripts {
            let input = Input::Script {
                deployment: id.as_str().into(),
                script: script.clone(),
            };
            journal.append(world.now(), &input).unwrap();
            world.apply(&input);
        }
    }

    /// Waits for many things at once; names those that did not come.
    pub fn until_all(&self, serving: &mut Serving, mut left: Vec<(String, Wanted<'_>)>) {
        let began = Instant::now();
        loop {
            left.retain_mut(|(_, holds)| !holds());
            if left.is_empty() {
                return;
            }
            if serving.child.try_wait().unwrap().is_some() || began.elapsed() > PATIENCE {
                let names: Vec<&str> = left.iter().map(|(name, _)| &**name).collect();
                let list = ["get", "openviduclusters,openvidunodes", "-A", "-o", "wide"];
                panic!(
                    "not reached: {names:?}\n{}\n{}",
                    serving.said(),
                    self.api.ask(&list).unwrap_or_default()
                );
            }
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Something that is waited for.
pub type Wanted<'a> = Box<dyn FnMut() -> bool + 'a>;

/// The example on AWS in this namespace, in its operator's own or another.
pub fn on_aws(bed: &Bed, namespace: &str, change: impl FnOnce(&mut Value)) {
    if namespace != HOME {
        bed.api.ask(&["create", "namespace", namespace]).unwrap();
    }
    for text in V2_SECRETS.split("\n---\n") {
        let mut secret: Value = serde_saphyr::from_str(text).unwrap();
        secret["metadata"]["namespace"] = namespace.into();
        bed.post(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret);
    }
    let mut cluster: Value = serde_saphyr::from_str(V2).unwrap();
    cluster["metadata"]["namespace"] = namespace.into();
    cluster["metadata"]["name"] = CLUSTER.into();
    cluster["spec"]["deletion"]["protected"] = false.into();
    change(&mut cluster);
    let path = format!("/apis/openvidu.io/v1alpha1/namespaces/{namespace}/openviduclusters");
    bed.post(&path, &cluster);
}

/// The example's cluster in another namespace, on machines of its own.
pub fn manifest(number: usize, namespace: &str, change: impl FnOnce(&mut Value)) -> Value {
    let text = V3.replace("10.5.0.", &format!("10.{number}.0."));
    let mut cluster: Value = serde_saphyr::from_str(&text).unwrap();
    cluster["metadata"]["namespace"] = namespace.into();
    cluster["metadata"]["annotations"]["openvidu.io/infrastructure-id"] = id(namespace).into();
    cluster["spec"]["deletion"]["protected"] = false.into();
    change(&mut cluster);
    cluster
}

/// Opens the world of a folder as it is now. Its file is written anew on opening, so a served one is copied first.
fn open(folder: &Path, scratch: &Path) -> (World, SimJournal) {
    let file = scratch.join("world");
    let file = if folder == scratch {
        file
    } else {
        let copy = scratch.join("world-copy");
        fs::copy(folder.join("world"), &copy).unwrap();
        copy
    };
    let anchor: Value = serde_json::from_slice(&fs::read(folder.join("time")).unwrap()).unwrap();
    let number = |name: &str| anchor[name].as_i64().unwrap();
    let real = jiff::Timestamp::now().as_millisecond();
    let now = number("simulated") + (real - number("real")) * number("speed");
    SimJournal::open(&file, Wall(now), || panic!("there is no world")).unwrap()
}

/// The deployment of the cluster in this namespace.
pub fn deployment<'w>(world: &'w World, namespace: &str) -> &'w Deployment {
    world.deployment(world.find(&id(namespace)).unwrap())
}
