//! The namespaces that machines live in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::cgroup;
use crate::machine::{Equipment, Machine};

const LAB: &str = include_str!("../scripts/lab.sh");

/// Where the programs of the machines' host are: a test may run with a shorter `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static LABS: AtomicUsize = AtomicUsize::new(0);

/// A network of machines, cut off from everything else, that lives as long as this value and its machines.
#[derive(Debug)]
pub struct Lab {
    /// `unshare`, whose child is the PID 1 of the lab. Closing its standard input ends all.
    keeper: Child,
    dir: TempDir,
    cgroup: String,
    next: AtomicU8,
}

impl Lab {
    /// The address of the bridge that its machines are plugged into.
    pub const HUB: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// Makes the namespaces and the key with which machines are reached.
    ///
    /// # Errors
    /// Without root, or when a program is missing.
    pub fn new() -> io::Result<Arc<Self>> {
        cgroup::remove_stale();
        let cgroup = cgroup::name(LABS.fetch_add(1, Ordering::Relaxed))?;
        let dir = TempDir::with_prefix(format!("{cgroup}-"))?;
        let key = dir.path().join("id");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "ovo-machines", "-f"])
            .arg(&key)
            .stdin(Stdio::null())
            .status()?;
        if !made.success() {
            return Err(io::Error::other(format!("ssh-keygen: {made}")));
        }
        let keeper = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["bash", "-c", LAB, "lab"])
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("unshare: {error}")))?;
        let serial = LABS.fetch_add(1, Ordering::Relaxed);
        let mut lab = Self {
            keeper,
            dir,
            cgroup: cgroup::name(serial)?,
            next: AtomicU8::new(11),
        };
        lab.await_ready()?;
        Ok(Arc::new(lab))
    }

    fn await_ready(&mut self) -> io::Result<()> {
        let mut line = String::new();
        if let Some(stdout) = self.keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line == "ready\n" {
            return Ok(());
        }
        let mut why = String::new();
        if let Some(mut stderr) = self.keeper.stderr.take() {
            stderr.read_to_string(&mut why)?;
        }
        Err(io::Error::other(format!(
            "no namespaces for machines (is this root?): {}",
            why.trim()
        )))
    }

    /// Boots a machine and returns when systemd in it says that it is up, sshd included.
    ///
    /// # Errors
    /// When it does not come up; with what it said.
    pub fn boot(self: &Arc<Self>, name: &str) -> io::Result<Machine> {
        self.boot_with(name, Equipment::Plain)
    }

    /// Boots a machine that has this beside systemd and sshd, and returns when all of it is up.
    ///
    /// # Errors
    /// When it does not come up; with what it said.
    pub fn boot_with(self: &Arc<Self>, name: &str, equipment: Equipment) -> io::Result<Machine> {
        let octet = self.next.fetch_add(1, Ordering::Relaxed);
        Machine::install(Arc::clone(self), name, octet, equipment)
    }

    /// Opens a TCP connection from the bridge to one of its machines. The socket belongs to the lab's network
    /// wherever it is used; nothing passes through the network of the host.
    ///
    /// # Errors
    /// As any connect: refused, timed out, unreachable.
    pub fn connect(
        &self,
        address: Ipv4Addr,
        port: u16,
        timeout: Duration,
    ) -> io::Result<TcpStream> {
        self.inside(|| TcpStream::connect_timeout(&SocketAddr::from((address, port)), timeout))
    }

    /// Listens on the hub's own address, [`Lab::HUB`], where the machines of this lab can connect and nobody else.
    /// Port 0: one that is free.
    ///
    /// # Errors
    /// As any bind: the port is taken.
    pub fn listen(&self, port: u16) -> io::Result<TcpListener> {
        self.inside(|| TcpListener::bind((Self::HUB, port)))
    }

    /// Runs this in the lab's network. Sockets made in it belong there wherever they are used.
    ///
    /// # Errors
    /// When the lab is gone; and those of `act`.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        let network = File::open(self.namespace("net"))?;
        // A thread of its own: it changes over to the lab's network and does not come back.
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                    act()
                })
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread in the lab panicked")))
        })
    }

    /// The private key that root, admin and guest on every machine accept.
    pub fn key_path(&self) -> PathBuf {
        self.dir.path().join("id")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn cgroup(&self) -> &str {
        &self.cgroup
    }

    /// A command that runs in the lab, outside of all machines: a program that must reach them by their addresses.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount={}", self.namespace("mnt")))
            .arg(format!("--net={}", self.namespace("net")))
            .arg(format!("--pid={}", self.namespace("pid_for_children")))
            .arg("--")
            .arg(program)
            .env("PATH", PATH)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null());
        command
    }

    /// Runs `ip` in the lab.
    pub(crate) fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        let output = self.command("ip").args(arguments).output()?;
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(io::Error::other(format!(
            "ip {}: {why}",
            arguments.join(" ")
        )))
    }

    fn namespace(&self, kind: &str) -> String {
        format!("/proc/{}/ns/{kind}", self.keeper.id())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // `unshare --kill-child` takes PID 1 with it, PID 1 takes the rest; only cgroups are left to us.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        for _ in 0..100 {
            cgroup::remove(&self.cgroup);
            if !cgroup::exists(&self.cgroup) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
