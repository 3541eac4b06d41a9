//! Six machines, and a deployment on them that is installed and runs.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovo_livekit_model::client::Client;
use ovo_livekit_model::guest;
use ovo_machines::{Equipment, Lab, Machine};
use tempfile::TempDir;

use crate::{InstallerServer, image};

/// The version that is installed.
const VERSION: &str = "3.8.0";

/// Two cores start about forty containers in this time, beside other tests.
const READY_LIMIT: Duration = Duration::from_mins(3);

/// Machines of a deployment, each with a Docker engine, and the server of the stand-in installer.
#[derive(Debug)]
pub struct Bed {
    /// The master nodes.
    pub masters: Vec<Machine>,
    /// The media nodes.
    pub media: Vec<Machine>,
    /// Where the installer comes from.
    pub server: InstallerServer,
    lab: Arc<Lab>,
    _folder: TempDir,
}

/// Waits until this answers.
///
/// # Errors
/// When the time is over, with what is waited for.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> io::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if began.elapsed() > limit {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("not within {limit:?}: {what}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Does this on every machine at once; all that failed, told together.
fn on_all<'a>(
    machines: impl IntoIterator<Item = &'a Machine>,
    act: impl Fn(&Machine) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let act = &act;
    let failed: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = machines
            .into_iter()
            .map(|machine| scope.spawn(move || act(machine)))
            .collect();
        all.into_iter()
            .filter_map(|each| match each.join() {
                Ok(done) => Some(done.err()?.to_string()),
                Err(_) => Some("a thread panicked".to_owned()),
            })
            .collect()
    });
    if failed.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(failed.join("\n")))
}

impl Bed {
    /// Key of the API of a deployment that [`Bed::install`] made.
    pub const KEY: &str = "livekitapikey";
    /// Its secret.
    pub const SECRET: &str = "secretoflivekit";
    /// Password of its Redis.
    pub const REDIS_PASSWORD: &str = "secretofredis";

    /// Boots four master and two media machines at once, with nothing on them. `model` is the program of the models.
    ///
    /// # Errors
    /// When a machine does not come up.
    pub fn boot(model: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let tar = folder.path().join("image.tar");
        image::make(model, &tar)?;
        let lab = Lab::new()?;
        let names = ["m1", "m2", "m3", "m4", "w1", "w2"];
        let mut machines = std::thread::scope(|scope| {
            let lab = &lab;
            let all = names.map(|name| scope.spawn(move || lab.boot_with(name, Equipment::Docker)));
            all.into_iter()
                .map(|each| {
                    let panicked = |_| Err(io::Error::other("a thread panicked"));
                    each.join().unwrap_or_else(panicked)
                })
                .collect::<io::Result<Vec<_>>>()
        })?;
        let media = machines.split_off(4);
        Ok(Self {
            masters: machines,
            media,
            server: InstallerServer::with_image(&lab, tar)?,
            lab,
            _folder: folder,
        })
    }

    /// Installs the stand-in on all machines at once, starts it, masters first, and returns when people can join.
    ///
    /// # Errors
    /// When something fails, or is not ready in time.
    pub fn install(&self) -> io::Result<()> {
        on_all(self.masters.iter().chain(&self.media), |machine| {
            machine.ask(&self.command(machine)).map(|_| ())
        })?;
        let start = |machine: &Machine| machine.ask("systemctl start openvidu").map(|_| ());
        on_all(&self.masters, start)?;
        on_all(&self.media, start)?;
        for machine in self.masters.iter().chain(&self.media) {
            let path = if self
                .masters
                .iter()
                .any(|master| master.name() == machine.name())
            {
                "/health/caddy"
            } else {
                "/"
            };
            until(&format!("{} is ready", machine.name()), READY_LIMIT, || {
                let (code, _) = self.get(machine, 7880, path).ok()?;
                (code == 200).then_some(())
            })?;
        }
        Ok(())
    }

    /// The addresses of the masters, as the installer wants them.
    pub fn master_list(&self) -> String {
        let addresses: Vec<_> = self
            .masters
            .iter()
            .map(|master| master.address().to_string())
            .collect();
        addresses.join(",")
    }

    fn command(&self, machine: &Machine) -> String {
        let (role, script, rest) = if self
            .media
            .iter()
            .any(|media| media.address() == machine.address())
        {
            ("media-node", "install_ov_media_node.sh", String::new())
        } else {
            let generated = [
                "dashboard-admin-user",
                "dashboard-admin-password",
                "minio-access-key",
                "minio-secret-key",
                "mongo-admin-user",
                "mongo-admin-password",
                "mongo-replica-set-key",
                "grafana-admin-user",
                "grafana-admin-password",
                "meet-initial-admin-password",
            ];
            let mut rest = format!(
                "--openvidu-pro-license=license --domain-name=openvidu.example.com --rtc-engine=pion \
                 --enabled-modules=openviduMeet --external-load-balancer \
                 --livekit-api-key={} --livekit-api-secret={}",
                Self::KEY,
                Self::SECRET
            );
            for name in generated {
                rest = format!("{rest} --{name}=secretof{}", name.replace('-', ""));
            }
            ("master-node", "install_ov_master_node.sh", rest)
        };
        format!(
            "curl -fsSL {}/pro/ha/{VERSION}/{script} >/root/install.sh && sh /root/install.sh --no-tty --install \
             --environment=on_premise --deployment-type=ha --node-role={role} --redis-password={} \
             --master-node-private-ip-list={} {rest}",
            self.server.base_url(),
            Self::REDIS_PASSWORD,
            self.master_list(),
        )
    }

    /// What a machine answers over HTTP to somebody outside of all machines: code and body.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, machine: &Machine, port: u16, path: &str) -> io::Result<(u16, String)> {
        let url = format!("http://{}:{port}{path}", machine.address());
        let output = self
            .lab
            .command("curl")
            .args([
                "-s",
                "--max-time",
                "5",
                "--write-out",
                "\n%{http_code}",
                &url,
            ])
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, code) = said.rsplit_once('\n').unwrap_or(("", ""));
        match code.parse() {
            Ok(code) if output.status.success() => Ok((code, body.to_owned())),
            _ => Err(io::Error::other(format!("{url}: curl: {}", output.status))),
        }
    }

    /// Somebody joins a room through port 7880 of this machine, a master or a media node.
    ///
    /// # Errors
    /// When the machine refuses, with what it said.
    pub async fn join(&self, address: Ipv4Addr, room: &str, identity: &str) -> io::Result<Client> {
        let lab = Arc::clone(&self.lab);
        let connect = move || lab.connect(address, 7880, Duration::from_secs(5));
        let stream = tokio::task::spawn_blocking(connect)
            .await
            .map_err(io::Error::other)??;
        stream.set_nonblocking(true)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let token = guest(Self::KEY, Self::SECRET, room, identity)?;
        Client::join(stream, &format!("{address}:7880"), &token)
            .await
            .map_err(io::Error::other)
    }
}
