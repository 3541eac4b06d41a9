//! kubectl, as people type it.
#![allow(dead_code, reason = "each test uses some of them")]

use std::path::{Path, PathBuf};

use ovo_kube::ApiServer;
use serde_json::Value;

/// A server with the project's kinds and a namespace `video`.
pub(crate) fn server() -> ApiServer {
    let server = ApiServer::start().unwrap();
    server.install_crds().unwrap();
    server.ask(&["create", "namespace", "video"]).unwrap();
    server
}

/// A manifest of `docs/examples`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/examples/{name}.yaml"))
}

/// Runs `kubectl --namespace=video` with words, and arguments that may hold spaces: what it prints, or what it says when it fails.
pub(crate) fn kubectl(server: &ApiServer, words: &str, more: &[&str]) -> Result<String, String> {
    let mut arguments = vec!["--namespace=video"];
    arguments.extend(words.split_whitespace());
    arguments.extend(more);
    server.ask(&arguments).map_err(|error| error.to_string())
}

/// Like [`kubectl`], and must succeed.
pub(crate) fn run(server: &ApiServer, words: &str) -> String {
    kubectl(server, words, &[]).unwrap()
}

/// Applies a manifest of `docs/examples` on the server's side, as a GitOps tool does.
pub(crate) fn apply(server: &ApiServer, name: &str) -> Result<String, String> {
    let file = example(name).display().to_string();
    kubectl(
        server,
        "apply --server-side --field-manager=gitops --filename",
        &[&file],
    )
}

/// Writes a status, as the operator does.
pub(crate) fn patch_status(server: &ApiServer, object: &str, status: &Value) {
    let patch = serde_json::json!({ "status": status }).to_string();
    let words = format!("patch {object} --subresource=status --type=merge --patch");
    kubectl(server, &words, &[&patch]).unwrap();
}
