//! Machines, the stand-in installer's server, and a directory with manifests that name both.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Output, Stdio};
use std::sync::Arc;

use openvidu_operator::local::Client;
use ovo_machines::{Lab, Machine};
use ovo_onprem::InstallerServer;
use tempfile::NamedTempFile;

use crate::common::{Dir, operator, until};

/// Values that nobody may ever see, in Secrets of the user's.
pub(crate) const LICENSE: &str = "canaryLicense7f3a";
pub(crate) const REDIS: &str = "canaryRedis91bc";

/// What the test bed's machines cannot have: as many cores and as much disk as OpenVidu asks for, the internet, and a
/// Docker engine of the newest kind.
const LABORATORY: &str = "CPU, Memory, Disk, Internet, DockerVersion, OperatingSystem";

pub(crate) struct Bed {
    pub(crate) server: InstallerServer,
    pub(crate) machines: Vec<Machine>,
    pub(crate) dir: Dir,
    pub(crate) lab: Arc<Lab>,
}

/// A manifest to be written.
pub(crate) struct Manifest {
    pub(crate) ignore: &'static str,
    pub(crate) user: &'static str,
    pub(crate) sha256: String,
}

impl Bed {
    /// Four masters, `m1` to `m4`, and so many media machines, `w1` and so on.
    pub(crate) fn new(media: usize) -> Self {
        let lab = Lab::new().unwrap();
        let server = InstallerServer::start(&lab).unwrap();
        let names = (1..=4)
            .map(|n| format!("m{n}"))
            .chain((1..=media).map(|n| format!("w{n}")));
        let names: Vec<String> = names.collect();
        // Two at a time: more only wait for each other's cores.
        let mut machines = Vec::new();
        for pair in names.chunks(2) {
            std::thread::scope(|scope| {
                let booting: Vec<_> = pair
                    .iter()
                    .map(|name| scope.spawn(|| lab.boot(name).unwrap()))
                    .collect();
                machines.extend(booting.into_iter().map(|b| b.join().unwrap()));
            });
        }
        let bed = Self {
            server,
            machines,
            dir: Dir::empty(),
            lab,
        };
        let key = fs::read_to_string(bed.machines[0].key_path()).unwrap();
        let secret = |name: &str, key: &str, value: &str| {
            let value = value.replace('\n', "\n    ");
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: video}}\nstringData:\n  {key}: |-\n    {value}\n---\n"
            )
        };
        let secrets = [
            secret("ssh", "id", key.trim_end()).replace("|-", "|"),
            secret("license", "license", LICENSE),
            secret("mine", "REDIS_PASSWORD", REDIS),
        ];
        bed.dir.write("secrets.yaml", &secrets.concat());
        bed
    }

    pub(crate) fn machine(&self, name: &str) -> &Machine {
        self.machines.iter().find(|m| m.name() == name).unwrap()
    }

    pub(crate) fn machine_mut(&mut self, name: &str) -> &mut Machine {
        self.machines.iter_mut().find(|m| m.name() == name).unwrap()
    }

    /// The manifest that a laboratory would write.
    pub(crate) fn usual(&self) -> Manifest {
        Manifest {
            ignore: LABORATORY,
            user: "admin",
            sha256: self.server.sha256("3.8.0"),
        }
    }

    pub(crate) fn write(&self, manifest: &Manifest) {
        let machine = |machine: &Machine| {
            let role = if machine.name().starts_with('m') {
                "Master"
            } else {
                "Media"
            };
            let (name, address, key) = (machine.name(), machine.address(), machine.host_key());
            format!(
                "        - {{name: {name}, role: {role}, address: {address}, hostKey: {key}}}\n"
            )
        };
        let machines: String = self.machines.iter().map(machine).collect();
        let Manifest {
            ignore,
            user,
            sha256,
        } = manifest;
        let base = self.server.base_url();
        self.dir.write(
            "video.yaml",
            &format!(
                "apiVersion: openvidu.io/v1alpha1
kind: OpenViduCluster
metadata: {{name: video, namespace: video}}
spec:
  version: 3.8.0
  topology: HighAvailability
  domainName: openvidu.example.com
  license: {{secretKeyRef: {{name: license, key: license}}}}
  credentials: {{secretRef: {{name: mine}}}}
  modules: [Observability, Meet]
  turn: {{domainName: turn.example.com}}
  media: {{replicas: 1, max: 2, autoscaling: {{mode: Manual}}}}
  loadBalancer: {{external: {{}}}}
  infrastructure:
    onPrem:
      ssh: {{user: {user}, privateKey: {{secretKeyRef: {{name: ssh, key: id}}}}}}
      installer: {{baseURL: \"{base}\", sha256: {sha256}, extraFlags: [--force-utc-timezone]}}
      preflight: {{ignore: [{ignore}]}}
      machines:
{machines}"
            ),
        );
    }

    /// Runs the program where it reaches the machines.
    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.lab.inside(|| operator(arguments).output()).unwrap()
    }

    /// Serves the directory, where the machines are reached.
    pub(crate) fn serve(&self) -> Serving {
        // Appended to, and read through another door: the program writes while we read.
        let log = NamedTempFile::new().unwrap();
        let append = fs::File::options().append(true).open(log.path()).unwrap();
        let arguments = [
            "serve",
            "--local",
            self.dir.str(),
            "--listen",
            "127.0.0.1:0",
        ];
        let mut command = operator(arguments);
        command
            .args(["--log-format", "json", "--log-level", "debug"])
            .stdout(Stdio::from(append.try_clone().unwrap()))
            .stderr(Stdio::from(append));
        let child = self.lab.inside(|| command.spawn()).unwrap();
        let mut serving = Serving { child, log };
        until("the socket to answer", || {
            let ended = serving.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", serving.said());
            Client::server(self.dir.path()).is_ok_and(|server| server.is_some())
        });
        serving
    }

    /// Status, reason and message of a condition of the cluster.
    pub(crate) fn condition(&self, name: &str) -> (String, String, String) {
        let cluster = self.dir.cluster("video");
        let status = cluster.and_then(|c| c.status).unwrap_or_default();
        let condition = status.conditions.into_iter().find(|c| c.type_ == name);
        condition.map_or_else(Default::default, |c| (c.status, c.reason, c.message))
    }
}

/// The program while it serves.
pub(crate) struct Serving {
    child: Child,
    log: NamedTempFile,
}

impl Serving {
    /// All that it wrote so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// The page of metrics.
    pub(crate) fn metrics(&self, bed: &Bed) -> String {
        let said = self.said();
        let address = said
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("it named no address: {said}"));
        let address: SocketAddr = address.parse().unwrap();
        let mut stream = bed.lab.inside(|| TcpStream::connect(address)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    /// SIGKILL, now.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
