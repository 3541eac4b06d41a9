//! A server, and the tools that speak to it.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ovo_kube::{ADMIN, ApiServer};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// A server with nothing of ours on it.
#[derive(Debug)]
pub struct Bed {
    /// The server.
    pub api: ApiServer,
    helm: PathBuf,
}

impl Bed {
    /// Starts one, with its controllers.
    ///
    /// # Errors
    /// When a program cannot be had or does not come up.
    pub fn start() -> io::Result<Self> {
        let helm = script("install-helm", "helm")?;
        let api = ApiServer::builder().controllers().start()?;
        Ok(Self { api, helm })
    }

    /// A file or folder under `deploy/`.
    pub fn deploy(path: &str) -> String {
        root().join("deploy").join(path).display().to_string()
    }

    /// Runs kubectl as the administrator: what it printed.
    ///
    /// # Errors
    /// When it failed, with what it said.
    pub fn kubectl(&self, words: &str) -> Result<String, String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        said(self.api.kubectl().args(words))
    }

    /// Runs kubectl with this on standard input.
    ///
    /// # Errors
    /// When it failed, with what it said.
    pub fn kubectl_with(&self, words: &str, input: &serde_json::Value) -> Result<String, String> {
        let file = self.api.state().join("input.json");
        std::fs::write(&file, input.to_string()).map_err(|error| error.to_string())?;
        self.kubectl(&format!("{words} --filename {}", file.display()))
    }

    /// Runs helm as the administrator: what it printed.
    ///
    /// # Errors
    /// When it failed, with what it said.
    pub fn helm(&self, words: &str) -> Result<String, String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let config = self
            .api
            .kubeconfig(ADMIN)
            .map_err(|error| error.to_string())?;
        // Nothing of the person who runs the tests: no repositories, no plugins.
        let home = self.api.state().join("helm");
        let mut helm = Command::new(self.helm.join("helm"));
        helm.args(words)
            .env("KUBECONFIG", config)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"));
        said(&mut helm)
    }

    /// Asks again and again until the answer is `Ok`.
    ///
    /// # Panics
    /// After a minute, with the last refusal.
    pub fn until<T>(&self, mut ask: impl FnMut() -> Result<T, String>) -> T {
        let began = Instant::now();
        loop {
            match ask() {
                Ok(answer) => return answer,
                Err(why) => assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {why}"),
            }
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder that one of the project's scripts prints; it installs what is missing.
fn script(name: &str, what: &str) -> io::Result<PathBuf> {
    let script = root().join("scripts").join(name);
    let printed = said(&mut Command::new(script))
        .map_err(|why| io::Error::other(format!("{what}: {why}")))?;
    Ok(PathBuf::from(printed.trim_end()))
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!(
            "{command:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}
