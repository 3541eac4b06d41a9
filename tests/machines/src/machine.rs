//! One machine.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::lab::Lab;
use crate::proc::{self, Process};

const POWER_ON: &str = include_str!("../scripts/power-on.sh");

/// A machine boots in about two seconds; on a busy host it may take much longer.
const BOOT_LIMIT: Duration = Duration::from_mins(2);

/// What a machine has beside systemd and sshd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Equipment {
    /// Nothing.
    #[default]
    Plain,
    /// A Docker engine, for containers in the machine's own network, without limits of memory. Images cannot be pulled:
    /// they are imported.
    Docker,
}

/// A machine with systemd and sshd. Users: root, admin (may become root by sudo, no password), guest (may not).
#[derive(Debug)]
pub struct Machine {
    lab: Arc<Lab>,
    name: String,
    octet: u8,
    host_key: String,
    equipment: Equipment,
    /// The process that ends when the machine is off; `None` while it is.
    power: Option<Child>,
}

impl Machine {
    /// Boots a machine in a lab of its own.
    ///
    /// # Errors
    /// See [`Lab::new`] and [`Lab::boot`].
    pub fn boot(name: &str) -> io::Result<Self> {
        Lab::new()?.boot(name)
    }

    pub(crate) fn install(
        lab: Arc<Lab>,
        name: &str,
        octet: u8,
        equipment: Equipment,
    ) -> io::Result<Self> {
        let mut machine = Self {
            lab,
            name: name.to_owned(),
            octet,
            host_key: String::new(),
            equipment,
            power: None,
        };
        machine.power_on()?;
        machine.host_key = machine.read_host_key()?;
        Ok(machine)
    }

    /// Its name, which is also its host name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address in the lab's network.
    pub fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, self.octet)
    }

    /// Its public host key, as in `known_hosts`: type and base64.
    pub fn host_key(&self) -> &str {
        &self.host_key
    }

    /// The private key that its users accept.
    pub fn key_path(&self) -> PathBuf {
        self.lab.key_path()
    }

    /// The lab it lives in, for another machine beside it.
    pub fn lab(&self) -> &Arc<Lab> {
        &self.lab
    }

    /// Opens a TCP connection to one of its ports.
    ///
    /// # Errors
    /// As any connect: refused, timed out, unreachable.
    pub fn connect(&self, port: u16, timeout: Duration) -> io::Result<TcpStream> {
        self.lab.connect(self.address(), port, timeout)
    }

    /// Runs a shell script in the machine, as its root, past sshd: for looking behind the scenes.
    ///
    /// # Errors
    /// When the machine is off. What the script says and how it ends is in the output.
    pub fn run(&self, script: &str) -> io::Result<Output> {
        let systemd = self.systemd()?;
        Command::new("nsenter")
            .args(["--target", &systemd.pid.as_raw_nonzero().to_string()])
            .args([
                "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
            ])
            .args(["--", "/bin/bash", "-c", script])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
    }

    /// Like [`Machine::run`], for scripts that must succeed: what they print, without the white space around it.
    ///
    /// # Errors
    /// When the script fails; with what it said.
    pub fn ask(&self, script: &str) -> io::Result<String> {
        let output = self.run(script)?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(io::Error::other(format!(
                "{script:?} on {}: {}: {why}",
                self.name, output.status
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Stops the world for every process of this command, sshd for example: its port still answers, nobody is in.
    ///
    /// # Errors
    /// When there is none.
    pub fn freeze(&self, command: &str) -> io::Result<()> {
        self.signal(command, Signal::STOP)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// When there is none.
    pub fn thaw(&self, command: &str) -> io::Result<()> {
        self.signal(command, Signal::CONT)
    }

    /// Gives it another host key, as a machine that was installed anew has, and restarts sshd.
    ///
    /// # Errors
    /// When that fails in the machine.
    pub fn change_host_key(&mut self) -> io::Result<()> {
        self.ask(
            "rm /etc/ssh/ssh_host_ed25519_key* && systemctl stop ssh \
             && ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key && systemctl start ssh",
        )?;
        self.host_key = self.read_host_key()?;
        Ok(())
    }

    /// Pulls its network cable, or plugs it in again.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn link(&self, up: bool) -> io::Result<()> {
        if !up {
            return self.lab.ip(&["link", "set", &self.port(), "down"]);
        }
        self.lab.ip(&["link", "set", &self.port(), "up"])?;
        // A kernel that asked for the machine's hardware address while the cable was out says "no route to host" to
        // whoever connects until that question has timed out, a second later. It shall ask anew.
        let address = self.address().to_string();
        self.lab.ip(&["neigh", "flush", "to", &address])
    }

    /// Cuts the power: nothing is said on the network, nothing runs to its end, the disk stays as it is.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn power_cut(&mut self) -> io::Result<()> {
        let systemd = self.systemd()?;
        // Cable first, or the dying kernel's sockets would say good-bye.
        self.link(false)?;
        kill_process(systemd.pid, Signal::KILL)?;
        if let Some(mut power) = self.power.take() {
            power.wait()?;
        }
        // A namespace goes when the kernel gets round to it; its end of the cable must be gone now.
        self.lab.ip(&["link", "delete", &self.port()])?;
        self.lab.ip(&["netns", "delete", &self.name])
    }

    /// Switches it on and returns when it is up.
    ///
    /// # Errors
    /// When it is on, or does not come up; with what it said.
    pub fn power_on(&mut self) -> io::Result<()> {
        if self.power.is_some() {
            return Err(io::Error::other(format!("{} is on", self.name)));
        }
        let socket = self.lab.dir().join(format!("{}.ready", self.name));
        let _ = std::fs::remove_file(&socket);
        let ready = UnixDatagram::bind(&socket)?;
        ready.set_read_timeout(Some(Duration::from_millis(200)))?;
        let console = self.lab.dir().join(format!("{}.console", self.name));
        let output = File::create(&console)?;
        let mut power = self
            .lab
            .command("bash")
            .args([
                "-c",
                POWER_ON,
                "power-on",
                &self.name,
                &self.octet.to_string(),
            ])
            .arg(self.lab.cgroup())
            .arg(self.lab.key_path().with_extension("pub"))
            .arg(match self.equipment {
                Equipment::Plain => "",
                Equipment::Docker => "docker",
            })
            .env("NOTIFY_SOCKET", &socket)
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;

        let began = Instant::now();
        let mut message = [0; 4096];
        loop {
            let read = ready.recv(&mut message).unwrap_or(0);
            if message[..read]
                .split(|byte| *byte == b'\n')
                .any(|line| line == b"READY=1")
            {
                self.power = Some(power);
                return Ok(());
            }
            let ended = power.try_wait()?;
            if ended.is_some() || began.elapsed() > BOOT_LIMIT {
                let how =
                    ended.map_or_else(|| "not up in time".to_owned(), |status| status.to_string());
                let said = std::fs::read_to_string(&console).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "machine {}: {how}: {}",
                    self.name,
                    said.trim()
                )));
            }
        }
    }

    fn read_host_key(&self) -> io::Result<String> {
        self.ask("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    }

    fn port(&self) -> String {
        format!("port-{}", self.octet)
    }

    fn processes(&self) -> Vec<Process> {
        proc::under(&format!("{}/{}", self.lab.cgroup(), self.name))
    }

    fn systemd(&self) -> io::Result<Process> {
        self.processes()
            .into_iter()
            .filter(|process| process.inner == 1)
            .min_by_key(|process| process.depth)
            .ok_or_else(|| io::Error::other(format!("machine {} is off", self.name)))
    }

    fn signal(&self, command: &str, signal: Signal) -> io::Result<()> {
        let chosen: Vec<_> = self
            .processes()
            .into_iter()
            .filter(|process| process.command == command)
            .collect();
        if chosen.is_empty() {
            return Err(io::Error::other(format!("no {command} on {}", self.name)));
        }
        for process in chosen {
            kill_process(process.pid, signal)?;
        }
        Ok(())
    }
}
