//! A directory of manifests about the machines of a bed, and whoever serves it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use openvidu_operator::local::{Client, Listing, Request, Response};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_machines::Machine;
use ovo_onprem::{Bed, until};
use tempfile::{NamedTempFile, TempDir};

/// The only cluster.
const CLUSTER: &str = "video";

/// What the machines of a bed cannot have: as many cores and as much disk as OpenVidu asks for, the internet, and a Docker
/// engine of the newest kind.
const LABORATORY: &str = "CPU, Memory, Disk, Internet, DockerVersion, OperatingSystem";

/// How long a program may take to answer.
const SOON: Duration = Duration::from_secs(30);

/// A bed, and a directory with a manifest that names its machines.
#[derive(Debug)]
pub struct Served {
    /// The machines.
    pub bed: Bed,
    operator: PathBuf,
    dir: TempDir,
}

impl Served {
    /// Machines with nothing on them, and no manifest yet. `operator` is the program that will serve.
    ///
    /// # Errors
    /// When a machine does not come up, or nothing can be written.
    pub fn boot(model: &Path, operator: &Path) -> io::Result<Self> {
        let served = Self {
            bed: Bed::boot(model)?,
            operator: operator.to_owned(),
            dir: tempfile::tempdir()?,
        };
        let key = fs::read_to_string(served.first().key_path())?;
        let key = key.trim_end().replace('\n', "\n    ");
        let secret = |name: &str, lines: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: video}}\nstringData:\n{lines}---\n"
            )
        };
        let mine = format!(
            "  REDIS_PASSWORD: {}\n  LIVEKIT_API_KEY: {}\n  LIVEKIT_API_SECRET: {}\n",
            Bed::REDIS_PASSWORD,
            Bed::KEY,
            Bed::SECRET
        );
        let secrets = [
            secret("ssh", &format!("  id: |\n    {key}\n")),
            secret("license", "  license: license\n"),
            secret("mine", &mine),
        ];
        served.put("secrets.yaml", &secrets.concat())?;
        Ok(served)
    }

    fn first(&self) -> &Machine {
        // A bed has four.
        &self.bed.masters[0]
    }

    /// Writes the manifest, or writes it anew: all masters, and these of the media machines, of which all are to serve.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn list(&self, media: &[&str]) -> io::Result<()> {
        let line = |machine: &Machine, role: &str| {
            let (name, address, key) = (machine.name(), machine.address(), machine.host_key());
            format!(
                "        - {{name: {name}, role: {role}, address: {address}, hostKey: {key}}}\n"
            )
        };
        let listed = self.bed.media.iter();
        let listed = listed.filter(|machine| media.contains(&machine.name()));
        let machines: String = (self.bed.masters.iter().map(|m| line(m, "Master")))
            .chain(listed.map(|m| line(m, "Media")))
            .collect();
        let (base, sha256) = (self.bed.server.base_url(), self.bed.server.sha256("3.8.0"));
        let replicas = media.len();
        let manifest = format!(
            "apiVersion: openvidu.io/v1alpha1
kind: OpenViduCluster
metadata: {{name: {CLUSTER}, namespace: video}}
spec:
  version: 3.8.0
  topology: HighAvailability
  domainName: openvidu.example.com
  license: {{secretKeyRef: {{name: license, key: license}}}}
  credentials: {{secretRef: {{name: mine}}}}
  modules: [Observability, Meet]
  turn: {{domainName: turn.example.com}}
  media: {{replicas: {replicas}, max: 2, autoscaling: {{mode: Manual}}}}
  loadBalancer: {{external: {{}}}}
  deletion: {{policy: Delete, protected: false}}
  infrastructure:
    onPrem:
      ssh: {{user: admin, privateKey: {{secretKeyRef: {{name: ssh, key: id}}}}}}
      installer: {{baseURL: \"{base}\", sha256: {sha256}}}
      preflight: {{ignore: [{LABORATORY}]}}
      machines:
{machines}"
        );
        self.put("video.yaml", &manifest)
    }

    /// Writes a file whole, for its owner only.
    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let fresh = self.dir.path().join(format!(".{name}.new"));
        fs::write(&fresh, text)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
        fs::rename(&fresh, self.dir.path().join(name))
    }

    /// Serves the directory, where the machines are reached. Returns when it answers.
    ///
    /// # Errors
    /// When it ends, or does not answer; with what it said.
    pub fn serve(&self) -> io::Result<Serving> {
        let log = NamedTempFile::new()?;
        let append = File::options().append(true).open(log.path())?;
        let mut command = Command::new(&self.operator);
        command
            .args(["serve", "--local"])
            .arg(self.dir.path())
            .args(["--listen", "127.0.0.1:0"])
            .args(["--log-format", "json"])
            .env_remove("OPENVIDU_OPERATOR_LOCAL")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::from(append.try_clone()?))
            .stderr(Stdio::from(append));
        let child = self.first().lab().inside(|| command.spawn())?;
        let mut serving = Serving { child, log };
        let answered = until("the socket to answer", SOON, || {
            let ended = serving.child.try_wait().is_ok_and(|ended| ended.is_some());
            (ended || self.client().is_some()).then_some(ended)
        })?;
        if answered {
            return Err(io::Error::other(format!("it ended: {}", serving.said())));
        }
        Ok(serving)
    }

    fn client(&self) -> Option<Client> {
        Client::server(self.dir.path()).ok().flatten()
    }

    /// What is stored. `None`: nobody serves.
    pub fn stored(&self) -> Option<Listing> {
        match self.client()?.ask(Request::List) {
            Ok(Response::List(listing)) => Some(*listing),
            _ => None,
        }
    }

    /// Asks whoever serves.
    ///
    /// # Errors
    /// When nobody serves, or it refuses.
    pub fn ask(&self, request: Request) -> io::Result<Response> {
        let client = self.client();
        let mut client = client.ok_or_else(|| io::Error::other("nobody serves"))?;
        client.ask(request).map_err(io::Error::other)
    }

    /// The cluster as stored.
    pub fn cluster(&self) -> Option<OpenViduCluster> {
        self.stored()?.clusters.into_iter().next()
    }

    /// The record of the node that stands for a machine.
    pub fn node(&self, machine: &str) -> Option<OpenViduNode> {
        let nodes = self.stored()?.nodes;
        nodes.into_iter().find(|n| n.spec.machine == machine)
    }

    /// Status, reason and message of a condition of the cluster.
    pub fn condition(&self, name: &str) -> (String, String, String) {
        let status = self.cluster().and_then(|c| c.status).unwrap_or_default();
        let condition = status.conditions.into_iter().find(|c| c.type_ == name);
        condition.map_or_else(Default::default, |c| (c.status, c.reason, c.message))
    }

    /// Whether the cluster is as the newest manifest says.
    pub fn is_ready(&self) -> bool {
        let newest = self.cluster().is_some_and(|cluster| {
            let seen = cluster.status.as_ref().and_then(|s| s.observed_generation);
            seen == cluster.metadata.generation
        });
        newest && self.condition("Ready").0 == "True"
    }
}

/// The program while it serves. Killed with this value.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    log: NamedTempFile,
}

impl Serving {
    /// All that it wrote so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// The sum of all metrics whose name and labels begin so.
    ///
    /// # Errors
    /// When there is no page of metrics.
    pub fn metric(&self, served: &Served, name: &str) -> io::Result<u64> {
        let said = self.said();
        let address = said
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .and_then(|address| address.parse::<SocketAddr>().ok())
            .ok_or_else(|| io::Error::other("it named no address"))?;
        let connect = || TcpStream::connect(address);
        let mut stream = served.first().lab().inside(connect)?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let lines = page.lines().filter(|line| line.starts_with(name));
        let numbers = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(numbers.sum())
    }

    /// SIGKILL, now.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
