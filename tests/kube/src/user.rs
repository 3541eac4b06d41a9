//! Who may speak to the server.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

/// May do everything, as member of `system:masters`.
pub const ADMIN: &str = "admin";

/// The controllers' own name: the server has their rights bound to it.
pub(crate) const CONTROLLERS: &str = "system:kube-controller-manager";

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) token: String,
}

impl User {
    pub(crate) fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            // Of this server alone, so that one test cannot speak to the server of another by mistake.
            token: std::iter::repeat_with(fastrand::alphanumeric)
                .take(32)
                .collect(),
        }
    }

    /// A line for `--token-auth-file`.
    fn line(&self) -> String {
        let Self {
            name,
            groups,
            token,
        } = self;
        format!("{token},{name},{name},\"{}\"\n", groups.join(","))
    }

    /// A kubeconfig, in JSON, which needs no quoting rules of its own.
    pub(crate) fn kubeconfig(&self, url: &str, ca: &Path) -> String {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": ca}}],
            "users": [{"name": self.name, "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": self.name}}],
            "current-context": "test",
        })
        .to_string()
    }
}

/// The text of `--token-auth-file`.
pub(crate) fn token_file(users: &[User]) -> String {
    users.iter().map(User::line).collect()
}

/// Writes what only we may read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}
