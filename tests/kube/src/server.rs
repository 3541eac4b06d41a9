//! A server as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use ureq::Agent;

use crate::audit::{self, Audited};
use crate::client::{self, Answer};
use crate::daemon::Daemon;
use crate::user::{self, ADMIN, CONTROLLERS, User};
use crate::{controllers, etcd, flags, ports, programs};

/// It is ready after about four seconds; on a busy host it may take much longer.
const READY_LIMIT: Duration = Duration::from_mins(2);

/// How long one question whether it is ready waits for its answer: a connection that was made too early may never have one.
const READY_PATIENCE: Duration = Duration::from_secs(5);

/// How often another port is tried when somebody else took the chosen one first.
const ATTEMPTS: usize = 5;

/// A running API server with a store of its own.
#[derive(Debug)]
pub struct ApiServer {
    // In the order in which they end: who writes first, what is written to last.
    pub(crate) controllers: Mutex<Option<Daemon>>,
    pub(crate) apiserver: Mutex<Option<Daemon>>,
    pub(crate) etcd: Mutex<Daemon>,
    programs: PathBuf,
    port: u16,
    users: Vec<User>,
    flags: Vec<String>,
    agent: Agent,
    state: TempDir,
}

/// What a server is to be like.
#[derive(Debug)]
pub struct Builder {
    flags: Vec<String>,
    users: Vec<User>,
    controllers: bool,
    reads: bool,
    quota: Option<u64>,
}

// === impl Builder ===

impl Builder {
    /// Gives kube-apiserver a further flag, such as `--watch-cache=false`. It wins over those that are there.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Lets somebody else speak to the server. Without groups a user may do what RBAC allows, which is next to nothing.
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push(User::new(name, groups));
        self
    }

    /// Runs the controllers for garbage, namespaces and service accounts too.
    #[must_use]
    pub fn controllers(mut self) -> Self {
        self.controllers = true;
        self
    }

    /// Notes reads too, and requests for anything: see [`ApiServer::asked`].
    #[must_use]
    pub fn note_reads(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Lets its store be full at so many bytes. A server that has just started takes a few MiB.
    #[must_use]
    pub const fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// Starts the server and returns when it is ready.
    ///
    /// # Errors
    /// When the programs cannot be had, or one does not come up; with what it said.
    pub fn start(self) -> io::Result<ApiServer> {
        let programs = programs::folder()?;
        for _ in 1..ATTEMPTS {
            match self.attempt(&programs) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                other => return other,
            }
        }
        self.attempt(&programs)
    }

    fn attempt(&self, programs: &Path) -> io::Result<ApiServer> {
        let state = TempDir::with_prefix("ovo-kube-")?;
        let path = state.path();
        user::write_private(&path.join("tokens.csv"), &user::token_file(&self.users))?;
        let policy = audit::policy(self.reads).to_string();
        fs::write(path.join("audit-policy.json"), policy)?;
        service_account_key(&path.join("service-accounts.key"))?;

        let etcd = etcd::start(programs, path, self.quota)?;
        let port = ports::free()?;
        let apiserver = launch(programs, path, port, &self.flags, &self.users)?;
        let agent = client::agent(&fs::read(certificate(path))?, client::PATIENCE)?;
        let server = ApiServer {
            controllers: Mutex::new(None),
            apiserver: Mutex::new(Some(apiserver)),
            etcd: Mutex::new(etcd),
            programs: programs.to_owned(),
            port,
            users: self.users.clone(),
            flags: self.flags.clone(),
            agent,
            state,
        };
        server.write_kubeconfigs()?;
        if self.controllers {
            server.start_controllers()?;
        }
        Ok(server)
    }
}

// === impl ApiServer ===

impl ApiServer {
    /// Starts a server with one user, [`ADMIN`], and without controllers.
    ///
    /// # Errors
    /// See [`Builder::start`].
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// A server that can be made different before it starts.
    pub fn builder() -> Builder {
        Builder {
            flags: Vec::new(),
            users: vec![
                User::new(ADMIN, &["system:masters"]),
                User::new(CONTROLLERS, &[]),
            ],
            controllers: false,
            reads: false,
            quota: None,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The certificates that its own is to be checked by, in PEM.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ca_pem(&self) -> io::Result<String> {
        fs::read_to_string(certificate(self.state.path()))
    }

    /// The bearer token of a user.
    ///
    /// # Errors
    /// When the server was not started with such a user.
    pub fn token(&self, user: &str) -> io::Result<&str> {
        Ok(&self.user(user)?.token)
    }

    /// A kubeconfig of a user.
    ///
    /// # Errors
    /// When the server was not started with such a user.
    pub fn kubeconfig(&self, user: &str) -> io::Result<PathBuf> {
        Ok(self.kubeconfig_of(self.user(user)?))
    }

    /// `kubectl`, as [`ADMIN`], with a home and caches of its own.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(self.programs.join("kubectl"));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.state.path().join("home"))
            .stdin(Stdio::null());
        for user in self.users.iter().filter(|user| user.name == ADMIN) {
            command.env("KUBECONFIG", self.kubeconfig_of(user));
        }
        command
    }

    /// `kubectl`, as another user.
    ///
    /// # Errors
    /// When the server was not started with such a user.
    pub fn kubectl_as(&self, user: &str) -> io::Result<Command> {
        let mut command = self.kubectl();
        command.env("KUBECONFIG", self.kubeconfig(user)?);
        Ok(command)
    }

    /// Runs `kubectl` with arguments that must succeed: what it prints, without the white space around it.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn ask(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.kubectl().args(arguments).output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!(
                "kubectl {}: {}: {}",
                arguments.join(" "),
                output.status,
                why.trim()
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Sends a request as [`ADMIN`], `path` with its query, `body` as JSON.
    ///
    /// # Errors
    /// When no answer comes. A refusal is an answer.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        let url = format!("{}{path}", self.url());
        client::send(&self.agent, self.token(ADMIN)?, method, &url, body)
    }

    /// The changing requests that were answered so far, oldest first: on our own kinds, Secrets, events and leases, by
    /// anybody but Kubernetes itself. A line may be written a moment after the answer was read.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit(&self) -> io::Result<Vec<Audited>> {
        let mut changes = self.asked()?;
        changes.retain(Audited::is_change);
        Ok(changes)
    }

    /// As [`Self::audit`], with reads and with all other kinds, where the server was started with
    /// [`Builder::note_reads`]. A watch is there twice: when it begins, and when it has ended.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn asked(&self) -> io::Result<Vec<Audited>> {
        audit::read(&self.state.path().join("audit.log"))
    }

    /// The folder with everything that the server keeps: what its processes say is in `<program>.log`.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    pub(crate) fn launch(&self) -> io::Result<Daemon> {
        let state = self.state.path();
        launch(&self.programs, state, self.port, &self.flags, &self.users)
    }

    fn start_controllers(&self) -> io::Result<()> {
        let kubeconfig = self.kubeconfig(CONTROLLERS)?;
        let mut daemon = controllers::start(&self.programs, self.state.path(), &kubeconfig)?;
        // The last of them to do something that can be seen.
        daemon.until("at work", controllers::LIMIT, || {
            self.request(
                "GET",
                "/api/v1/namespaces/default/serviceaccounts/default",
                None,
            )
            .is_ok_and(|answer| answer.code == 200)
        })?;
        *lock(&self.controllers) = Some(daemon);
        Ok(())
    }

    fn write_kubeconfigs(&self) -> io::Result<()> {
        let ca = certificate(self.state.path());
        for user in &self.users {
            user::write_private(
                &self.kubeconfig_of(user),
                &user.kubeconfig(&self.url(), &ca),
            )?;
        }
        Ok(())
    }

    fn user(&self, name: &str) -> io::Result<&User> {
        self.users
            .iter()
            .find(|user| user.name == name)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("the server has no user {name}: name it to ApiServer::builder().user"),
                )
            })
    }

    fn kubeconfig_of(&self, user: &User) -> PathBuf {
        let name = user.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.state.path().join(format!("{name}.kubeconfig"))
    }
}

/// Starts kube-apiserver and returns when it is ready.
fn launch(
    programs: &Path,
    state: &Path,
    port: u16,
    extra: &[String],
    users: &[User],
) -> io::Result<Daemon> {
    let arguments = flags::apiserver(state, port, extra);
    let mut daemon = Daemon::spawn("kube-apiserver", programs, state, &arguments)?;
    let token = users.first().map_or("", |admin| &admin.token);
    let ready = format!("{}/readyz", url(port));
    daemon.until("ready", READY_LIMIT, || {
        // Read anew each time: it writes its certificate while it starts, and half a file may be a whole certificate.
        fs::read(certificate(state))
            .and_then(|pem| client::agent(&pem, READY_PATIENCE))
            .and_then(|agent| client::send(&agent, token, "GET", &ready, None))
            .is_ok_and(|answer| answer.code == 200)
    })?;
    Ok(daemon)
}

fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// The server's own certificate, with the one that signed it.
fn certificate(state: &Path) -> PathBuf {
    state.join("pki/apiserver.crt")
}

/// Makes the key that signs tokens of service accounts.
fn service_account_key(path: &Path) -> io::Result<()> {
    let made = Command::new("ssh-keygen")
        .args([
            "-q", "-t", "ecdsa", "-b", "256", "-m", "PEM", "-N", "", "-C", "ovo-kube", "-f",
        ])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("ssh-keygen: {error}")))?;
    if made.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("ssh-keygen: {made}")))
    }
}

/// A test that panics with a lock in hand leaves nothing half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
