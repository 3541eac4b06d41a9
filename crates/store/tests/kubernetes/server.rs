//! A real API server with our definitions, the operator's rights, and stores over it.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use ovo_kube::{ADMIN, ApiServer, Audited};
use ovo_store::kubernetes::{
    AlwaysOpen, Gate, KubernetesOptions, KubernetesStore, Scope, SecretAccess, client,
};
use serde_json::{Value, json};

use crate::rights;
use crate::wire::Wire;

/// The user under which the store speaks to the server: it may do what the operator's role says and nothing else.
pub const OPERATOR: &str = "operator";
/// One that may do the same, and watch Secrets too.
pub const WATCHER: &str = "watching-operator";

/// How long a test waits for what comes by itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and the wires to it.
#[derive(Clone)]
pub struct Server {
    pub api: Arc<ApiServer>,
}

// === impl Server ===

impl Server {
    pub async fn start() -> Self {
        Self::build(|builder| builder).await
    }

    pub async fn build(
        change: impl FnOnce(ovo_kube::Builder) -> ovo_kube::Builder + Send + 'static,
    ) -> Self {
        let api = blocking(move || {
            let builder = ApiServer::builder().user(OPERATOR, &[]).user(WATCHER, &[]);
            let api = change(builder).start().unwrap();
            api.install_crds().unwrap();
            api
        })
        .await;
        let server = Self { api: Arc::new(api) };
        for object in rights::cluster_wide() {
            server.create(object).await;
        }
        server
    }

    /// Makes any object, as the administrator.
    pub async fn create(&self, object: Value) {
        self.kubectl(&["create", "-f", "-"], Some(object)).await;
    }

    /// Runs kubectl, which must succeed, and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str], stdin: Option<Value>) -> String {
        let (ok, out) = self.try_kubectl(arguments, stdin).await;
        assert!(ok, "kubectl {arguments:?}: {out}");
        out
    }

    /// Runs kubectl; whether it succeeded, and what it printed.
    pub async fn try_kubectl(&self, arguments: &[&str], stdin: Option<Value>) -> (bool, String) {
        let api = self.api.clone();
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        blocking(move || {
            let mut command = api.kubectl();
            command.args(arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            if stdin.is_some() {
                command.stdin(Stdio::piped());
            }
            let mut child = command.spawn().unwrap();
            if let (Some(document), Some(mut pipe)) = (stdin, child.stdin.take()) {
                serde_json::to_writer(&mut pipe, &document).unwrap();
            }
            let output = child.wait_with_output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8(text).unwrap())
        })
        .await
    }

    /// Something that blocks, done to the server.
    pub async fn act(&self, act: impl FnOnce(&ApiServer) -> std::io::Result<()> + Send + 'static) {
        let api = self.api.clone();
        blocking(move || act(&api).unwrap()).await;
    }

    /// A client of a user.
    pub async fn client(&self, user: &str) -> Client {
        let path = self.api.kubeconfig(user).unwrap();
        let kubeconfig = Kubeconfig::read_from(path).unwrap();
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        client(config.unwrap()).unwrap()
    }

    pub async fn admin(&self) -> Client {
        self.client(ADMIN).await
    }

    /// A store with the operator's rights, over a wire that can be tampered with.
    pub async fn store(&self) -> (KubernetesStore, Wire) {
        self.store_with(options(), AlwaysOpen).await
    }

    pub async fn store_with(
        &self,
        options: KubernetesOptions,
        gate: impl Gate,
    ) -> (KubernetesStore, Wire) {
        let user = match options.secrets {
            SecretAccess::Watch => WATCHER,
            SecretAccess::Get => OPERATOR,
        };
        let wire = Wire::default();
        let client = wire.client(self.client(user).await);
        let store = KubernetesStore::start(client, &options, gate);
        tokio::time::timeout(PATIENCE, store.synced())
            .await
            .unwrap();
        (store, wire)
    }

    /// The changes that the operator made and that were answered well, oldest first.
    pub async fn writes(&self) -> Vec<Audited> {
        let api = self.api.clone();
        let audited = blocking(move || api.audit().unwrap()).await;
        let ours = [OPERATOR, WATCHER];
        let audited = audited.into_iter();
        audited
            .filter(|line| ours.contains(&line.user.as_str()) && line.code < 300)
            .collect()
    }

    pub async fn namespace(&self, name: &str) -> String {
        let name: String = name.chars().take(63).collect();
        let name = name.trim_end_matches('-').to_owned();
        self.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .await;
        name
    }
}

/// The options of the tests: a busy machine must not make them fail, and a watch that dies must be noticed soon.
pub fn options() -> KubernetesOptions {
    KubernetesOptions {
        watch_timeout: Duration::from_secs(5),
        ..KubernetesOptions::new(Scope::AllNamespaces, "test")
    }
}

/// Waits until something holds.
pub async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "{what}: not within {PATIENCE:?}");
}

pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
