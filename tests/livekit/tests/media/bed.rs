//! A deployment of models on addresses of its own: four masters with Redis and Sentinel, two media nodes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::profile::{OccupancySource, V3_HA_ON_PREM};
use ovo_livekit_model::client::Client;
use ovo_livekit_model::guest;
use ovo_media::LiveKit;
use ovo_model::{
    Container, MediaState, NodeName, ObservedNode, Occupancy, Presence, SecretKey, SharedStore,
};
use ovo_provider::{Answers, Media, SecretSource, Target};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::common::Running;
use crate::wire::Wire;

pub const MASTERS: [&str; 4] = ["m1", "m2", "m3", "m4"];
pub const MEDIA: [&str; 2] = ["w1", "w2"];
/// Also what must show nowhere.
pub const PASSWORD: &str = "redispasswordcanary";
const KEY: &str = "key";
const SECRET: &str = "secretoflivekit";

/// Longer than a failover of these sentinels, and than anything else that is waited for.
pub const SOON: Duration = Duration::from_mins(1);

/// Sixteen addresses that are this value's alone: whoever holds the listener has the block.
struct Block {
    first: u32,
    _held: TcpListener,
}

impl Block {
    fn take() -> Self {
        // 127.64.0.0 to 127.127.255.255, which the other tests of this crate do not use with these ports.
        loop {
            let first = u32::from(Ipv4Addr::new(127, 64, 0, 0)) | (fastrand::u32(0..1 << 18) << 4);
            let lock = SocketAddr::from((Ipv4Addr::from(first), 6999));
            if let Ok(held) = TcpListener::bind(lock) {
                return Self { first, _held: held };
            }
        }
    }

    fn address(&self, name: &str) -> Ipv4Addr {
        let all = MASTERS.iter().chain(&MEDIA);
        let number = all.zip(1..).find(|(each, _)| **each == name).unwrap().1;
        Ipv4Addr::from(self.first | number)
    }
}

/// Secrets as the engine hands them over.
#[derive(Clone, Copy)]
pub struct Secrets {
    pub redis_password: &'static str,
    pub api_secret: &'static str,
}

/// Those that the deployment was made with.
pub const RIGHT: Secrets = Secrets {
    redis_password: PASSWORD,
    api_secret: SECRET,
};

impl SecretSource for Secrets {
    fn get(&self, key: &SecretKey) -> Option<SecretString> {
        let value = match key.key.as_str() {
            "REDIS_PASSWORD" => self.redis_password,
            "LIVEKIT_API_KEY" => KEY,
            "LIVEKIT_API_SECRET" => self.api_secret,
            _ => return None,
        };
        (key.secret == "video-credentials").then(|| SecretString::from(value))
    }
}

pub struct Bed {
    block: Block,
    pub target: Target,
    pub wire: Arc<Wire>,
    running: Mutex<BTreeMap<String, Running>>,
    folder: TempDir,
}

impl Bed {
    /// Starts all of it, and waits until both media nodes are read as serving.
    pub async fn start() -> Self {
        let bed = Self::bare();
        for master in MASTERS {
            bed.start_redis(master);
            bed.start_sentinel(master);
            bed.start_service(master, "operator");
        }
        for node in MEDIA {
            for service in ["livekit", "egress", "ingress"] {
                bed.start_service(node, service);
            }
        }
        bed.until("all is read and at rest", |answers| {
            matches!(
                answers.shared_store,
                Some(SharedStore::Steady { voices: 4, .. })
            ) && MEDIA.iter().all(|node| occupancy(answers, node).is_some())
        })
        .await;
        bed
    }

    /// Addresses, and nothing on them.
    pub fn bare() -> Self {
        let block = Block::take();
        let machines = MASTERS.iter().map(|name| (name, "Master"));
        let machines = machines.chain(MEDIA.iter().map(|name| (name, "Media")));
        let machines: Vec<_> = machines
            .map(|(name, role)| {
                let address = block.address(name);
                serde_json::json!({"name": name, "role": role, "address": address})
            })
            .collect();
        let spec = serde_json::json!({
            "version": "3.8.0",
            "topology": "HighAvailability",
            "domainName": "openvidu.example.com",
            "license": {"secretKeyRef": {"name": "openvidu", "key": "license"}},
            "media": {"autoscaling": {"mode": "Manual"}},
            "loadBalancer": {"external": {}},
            "infrastructure": {"onPrem": {
                "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
                "machines": machines,
            }},
        });
        let cluster = OpenViduCluster::new("video", serde_json::from_value(spec).unwrap());
        let addresses = MASTERS.iter().chain(&MEDIA);
        let addresses = addresses.map(|name| (NodeName::from(*name), block.address(name)));
        Self {
            wire: Arc::new(Wire::new(addresses.collect())),
            target: Target {
                cluster: Arc::new(cluster),
                profile: &V3_HA_ON_PREM,
                infrastructure_id: "a1b2c3d4".into(),
            },
            block,
            running: Mutex::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn address(&self, name: &str) -> Ipv4Addr {
        self.block.address(name)
    }

    fn keep(&self, what: String, running: Running) {
        self.running.lock().unwrap().insert(what, running);
    }

    pub fn start_redis(&self, master: &str) {
        let own = self.address(master).to_string();
        let folder = self.folder.path().join(format!("redis-{master}"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut arguments = vec!["--port", "7000", "--bind", &own, "--save", ""];
        arguments.extend([
            "--replica-announce-ip",
            &own,
            "--dir",
            folder.to_str().unwrap(),
        ]);
        arguments.extend(["--requirepass", PASSWORD, "--masterauth", PASSWORD]);
        let first = format!("{} 7000", self.address(MASTERS[0]));
        if master != MASTERS[0] {
            arguments.extend(["--replicaof", &first]);
        }
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        let running = Running::start("redis-server", &arguments, &[]).unwrap();
        self.keep(format!("redis {master}"), running);
    }

    fn start_sentinel(&self, master: &str) {
        let (own, first) = (self.address(master), self.address(MASTERS[0]));
        let file = self.folder.path().join(format!("sentinel-{master}.conf"));
        let text = format!(
            "port 7001\nbind {own}\nrequirepass {PASSWORD}\nsentinel announce-ip {own}\n\
             sentinel monitor openvidu {first} 7000 2\nsentinel auth-pass openvidu {PASSWORD}\n\
             sentinel sentinel-pass {PASSWORD}\nsentinel down-after-milliseconds openvidu 1000\n\
             sentinel failover-timeout openvidu 5000\n"
        );
        std::fs::write(&file, text).unwrap();
        let arguments = [file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        let running = Running::start("redis-server", &arguments, &[]).unwrap();
        self.keep(format!("sentinel {master}"), running);
    }

    /// `livekit`, `egress` or `ingress` of a media node, or the `operator` of a master.
    pub fn start_service(&self, node: &str, service: &str) {
        let own = self.address(node);
        let sentinels = MASTERS.map(|master| format!("{}:7001", self.address(master)));
        let mut arguments = vec![service.to_owned()];
        match service {
            "livekit" => arguments.push(format!("--ip={own}")),
            "operator" => arguments.push(format!("--listen={own}:7880")),
            "egress" => arguments.push(format!("--listen={own}:9091")),
            _ => arguments.push(format!("--listen={own}:9092")),
        }
        let environment = [
            ("LIVEKIT_API_KEY", KEY.to_owned()),
            ("LIVEKIT_API_SECRET", SECRET.to_owned()),
            ("REDIS_SENTINELS", sentinels.join(",")),
            ("REDIS_PASSWORD", PASSWORD.to_owned()),
        ];
        let program = env!("CARGO_BIN_EXE_ovo-livekit-model");
        let running = Running::start(program, &arguments, &environment).unwrap();
        self.keep(format!("{service} {node}"), running);
    }

    /// Sends a signal to a program by its name: `redis m1`, `livekit w1`.
    pub fn signal(&self, program: &str, signal: Signal) {
        let running = self.running.lock().unwrap();
        running[program].signal(signal).unwrap();
    }

    /// Kills it, and forgets that it ran.
    pub fn kill(&self, program: &str) {
        drop(self.running.lock().unwrap().remove(program).unwrap());
    }

    pub async fn exited(&self, program: &str) {
        let began = Instant::now();
        while self
            .running
            .lock()
            .unwrap()
            .get_mut(program)
            .unwrap()
            .runs()
            .unwrap()
        {
            assert!(began.elapsed() < SOON, "{program} still runs");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the client says of both media nodes, with the right password.
    pub async fn read(&self) -> Answers {
        self.read_with(RIGHT, MEDIA.map(|name| self.node(name)).to_vec())
            .await
    }

    pub async fn read_with(&self, secrets: Secrets, nodes: Vec<ObservedNode>) -> Answers {
        let nodes: Vec<&ObservedNode> = nodes.iter().collect();
        self.client().read(&self.target, &nodes, &secrets).await
    }

    pub fn client(&self) -> LiveKit<Arc<Wire>> {
        LiveKit::new(Arc::clone(&self.wire))
    }

    /// A media node as the provider sees it while all is well there.
    pub fn node(&self, name: &str) -> ObservedNode {
        let container = |name: &str| Container {
            name: name.to_owned(),
            id: format!("id-of-{name}"),
            started_at: "2026-06-03T08:00:00Z".to_owned(),
            running: true,
            drained: true,
            revived_by_engine: false,
            marker: None,
        };
        ObservedNode {
            name: name.into(),
            role: Role::Media,
            group: None,
            presence: Presence::Running,
            protected: None,
            unit: None,
            containers: Some(["openvidu", "ingress", "egress"].map(container).to_vec()),
            media: MediaState::Serving,
            healthy: true,
            boot_id: "boot".to_owned(),
            address: self.address(name).to_string(),
            zone: None,
            version: None,
            epoch: 0,
            preflight: None,
        }
    }

    /// Reads until this holds; what was read then.
    pub async fn until(&self, what: &str, holds: impl Fn(&Answers) -> bool) -> Answers {
        let began = Instant::now();
        loop {
            let answers = self.read().await;
            if holds(&answers) {
                return answers;
            }
            assert!(began.elapsed() < SOON, "not in time: {what}: {answers:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Somebody joins a room through the server of this node.
    pub async fn join(&self, node: &str, room: &str, identity: &str) -> Client {
        let api = SocketAddr::from((self.address(node), 7880));
        let token = guest(KEY, SECRET, room, identity).unwrap();
        let stream = TcpStream::connect(api).await.unwrap();
        Client::join(stream, &api.to_string(), &token)
            .await
            .unwrap()
    }

    /// Begins or ends a job through the door of a model of egress or ingress.
    pub async fn job(&self, method: &'static str, node: &str, port: u16, id: &str) {
        let url = format!("http://{}:{port}/model/jobs/{id}", self.address(node));
        let asked = tokio::task::spawn_blocking(move || match method {
            "PUT" => ureq::put(url).send_empty().map(drop),
            _ => ureq::delete(url).call().map(drop),
        });
        asked.await.unwrap().unwrap();
    }

    /// Waits until a hash in the first Redis is empty.
    pub async fn emptied(&self, hash: &str) {
        let mut connection = self.connect(MASTERS[0], 7000).await;
        let began = Instant::now();
        loop {
            let mut question = redis::cmd("HLEN");
            let length: u32 = question
                .arg(hash)
                .query_async(&mut connection)
                .await
                .unwrap();
            if length == 0 {
                return;
            }
            assert!(began.elapsed() < SOON, "{length} left in {hash}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn connect(&self, master: &str, port: u16) -> redis::aio::MultiplexedConnection {
        let url = format!("redis://:{PASSWORD}@{}:{port}", self.address(master));
        let client = redis::Client::open(url).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Waits until every sentinel knows whom it could choose: one that does not cannot replace a primary that is lost.
    pub async fn sentinels_are_whole(&self) {
        let began = Instant::now();
        for master in MASTERS {
            let mut connection = self.connect(master, 7001).await;
            let mut question = redis::cmd("SENTINEL");
            question.arg("MASTER").arg("openvidu");
            loop {
                let told: BTreeMap<String, String> =
                    question.query_async(&mut connection).await.unwrap();
                let known = ["num-slaves", "num-other-sentinels"].map(|name| told[name].as_str());
                if known == ["3", "3"] {
                    break;
                }
                assert!(began.elapsed() < SOON, "{master} knows {known:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// One command for a Redis.
    pub async fn redis(&self, master: &str, command: &[&str]) {
        let mut connection = self.connect(master, 7000).await;
        let mut question = redis::cmd(command[0]);
        question.arg(&command[1..]);
        question.exec_async(&mut connection).await.unwrap();
    }
}

/// What runs on a node, if every source said so.
pub fn occupancy(answers: &Answers, node: &str) -> Option<Occupancy> {
    let said = answers.nodes.get(node)?;
    let sources = V3_HA_ON_PREM.occupancy;
    sources
        .iter()
        .try_fold(Occupancy::default(), |sum, source| {
            let answer = said.get(source)?.as_ref().ok()?;
            Some(sum.plus(&answer.occupancy))
        })
}

/// Why a source said nothing.
pub fn complaint(answers: &Answers, node: &str, source: OccupancySource) -> String {
    let said = &answers.nodes[node][&source];
    said.as_ref()
        .expect_err("a source that cannot be read says nothing")
        .to_string()
}

/// The master that the primary runs on, if that is sure.
pub fn primary(answers: &Answers) -> Option<String> {
    match &answers.shared_store {
        Some(SharedStore::Steady { primary, .. }) => Some(primary.to_string()),
        _ => None,
    }
}
