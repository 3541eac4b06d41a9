//! A server with our definitions and rights, and the clusters.

use std::fs;
use std::path::{Path, PathBuf};

use ovo_kube::ApiServer;
use ovo_world::{Span, Timings, WorldConfig};
use serde_json::{Value, json};

use crate::load;

/// Where the operator's clusters are.
pub(crate) const NAMESPACE: &str = "video";
/// Where the plain client's are.
pub(crate) const PLAIN: &str = "plain";
/// Machines of each role.
const EACH: usize = 4;
/// Nodes of a cluster.
pub(crate) const NODES: usize = 2 * EACH;
/// How many requests fill the server at once.
const AT_ONCE: usize = 8;

/// A server, and a folder for everything else.
pub(crate) struct Bed {
    pub(crate) api: ApiServer,
    dir: tempfile::TempDir,
}

impl Bed {
    /// # Errors
    /// When the server does not start or refuses what we ship.
    pub(crate) fn start() -> Result<Self, String> {
        let api = ApiServer::start().map_err(|e| e.to_string())?;
        api.install_crds().map_err(|e| e.to_string())?;
        let bed = Self {
            api,
            dir: tempfile::tempdir().map_err(|e| e.to_string())?,
        };
        for namespace in [NAMESPACE, PLAIN] {
            bed.kubectl(&["create", "namespace", namespace])?;
            for (name, key) in [("openvidu-license", "license"), ("ssh", "id")] {
                let value = format!("--from-literal={key}=made-up");
                bed.kubectl(&["create", "secret", "generic", name, &value, "-n", namespace])?;
            }
        }
        for file in ["base/serviceaccount.yaml", "namespaced/role.yaml"] {
            let file = root().join("deploy").join(file).display().to_string();
            bed.kubectl(&["apply", "--server-side", "-n", NAMESPACE, "-f", &file])?;
        }
        Ok(bed)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the simulated world is kept.
    pub(crate) fn world(&self) -> PathBuf {
        self.dir().join("world")
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.api.ask(arguments).map_err(|e| e.to_string())
    }

    /// A kubeconfig of the operator's service account.
    pub(crate) fn kubeconfig(&self) -> Result<PathBuf, String> {
        let token = self.kubectl(&[
            "create",
            "token",
            "openvidu-operator",
            "--duration=4h",
            "-n",
            NAMESPACE,
        ])?;
        let authority = self.dir().join("ca.crt");
        let pem = self.api.ca_pem().map_err(|e| e.to_string())?;
        write(&authority, &pem)?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.api.url(), "certificate-authority": authority}}],
            "users": [{"name": "u", "user": {"token": token.trim()}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
            "current-context": "x",
        });
        let path = self.dir().join("kubeconfig");
        write(&path, &config.to_string())?;
        Ok(path)
    }

    /// A world in which nothing takes time, and nobody comes or goes.
    pub(crate) fn world_config(&self) -> Result<PathBuf, String> {
        let none = Span::exactly(0);
        let config = WorldConfig {
            timings: Timings {
                install: none,
                start: none,
                join: none,
                boot: none,
                resource: none,
                slow_resource: none,
                ..Timings::default()
            },
            ..WorldConfig::default()
        };
        let path = self.dir().join("world.json");
        let text = serde_json::to_string(&config).map_err(|e| e.to_string())?;
        write(&path, &text)?;
        Ok(path)
    }

    /// Applies so many clusters.
    pub(crate) fn apply(&self, namespace: &str, clusters: usize) -> Result<(), String> {
        load::each(clusters, AT_ONCE, |n| {
            let path =
                format!("/apis/openvidu.io/v1alpha1/namespaces/{namespace}/openviduclusters");
            let answer = self.api.request("POST", &path, Some(&manifest(n)));
            let answer = answer.map_err(|e| e.to_string())?;
            if answer.code == 201 {
                Ok(())
            } else {
                Err(format!("{}: {}", answer.code, answer.body))
            }
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The name of a cluster.
pub(crate) fn name(n: usize) -> String {
    format!("c{n:04}")
}

/// OpenVidu 3 on machines.
fn manifest(n: usize) -> Value {
    let machine = |i: usize| {
        let (letter, role) = if i < EACH {
            ("m", "Master")
        } else {
            ("w", "Media")
        };
        json!({
            "name": format!("{letter}{}", i % EACH + 1),
            "role": role,
            "address": format!("10.{}.{}.{}", n / 250 + 1, n % 250, i + 1),
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUnghIaitOnLG7pIikxbPlvLMGmLTBk+OCrIJzpf26B",
        })
    };
    let machines: Vec<Value> = (0..NODES).map(machine).collect();
    json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduCluster",
        "metadata": {"name": name(n)},
        "spec": {
            "version": "3.8.0",
            "topology": "HighAvailability",
            "domainName": format!("{}.example.com", name(n)),
            "license": {"secretKeyRef": {"name": "openvidu-license", "key": "license"}},
            "masters": {},
            "media": {"replicas": EACH, "min": 1, "max": EACH},
            "loadBalancer": {"external": {}},
            "infrastructure": {"onPrem": {
                "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
                "machines": machines,
            }},
        },
    })
}

/// The root of the workspace, from which this was built.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
