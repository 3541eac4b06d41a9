//! The operator's media client over SSH, on a deployment of real and modelled parts: real sshd, Docker, Redis, Sentinel and
//! Caddy; LiveKit's servers are models.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::profile::V3_HA_ON_PREM;
use ovo_machines::{Lab, Machine};
use ovo_media::LiveKit;
use ovo_model::{MediaState, Observation, ObservedNode, Occupancy, SecretKey, SharedStore};
use ovo_onprem::{Bed, until};
use ovo_provider::{Answers, Media, Provider, ScopeChoice, SecretSource, Target};
use ovo_provider_onprem::ssh::{Connect, Limits, Stream};
use ovo_provider_onprem::{Fleet, KeyAnswer, Keys};
use secrecy::SecretString;

/// Two cores, six machines, and a failover among them.
const SOON: Duration = Duration::from_mins(2);

/// The way into the machines' network.
struct Way(Arc<Lab>);

impl Connect for Way {
    fn connect<'a>(
        &'a self,
        address: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        let (lab, address) = (Arc::clone(&self.0), address.parse().unwrap());
        async move {
            let connect = move || lab.connect(address, port, Duration::from_secs(3));
            let stream = tokio::task::spawn_blocking(connect).await.unwrap()?;
            stream.set_nonblocking(true)?;
            Ok(Box::new(tokio::net::TcpStream::from_std(stream)?) as Box<dyn Stream>)
        }
        .boxed()
    }
}

struct Key(SecretString);

impl Keys for Key {
    fn get<'a>(&'a self, _: &'a str, _: &'a SecretKey) -> KeyAnswer<'a> {
        std::future::ready(Ok(Some(self.0.clone()))).boxed()
    }
}

/// The credentials that the deployment was installed with.
struct Credentials;

impl SecretSource for Credentials {
    fn get(&self, key: &SecretKey) -> Option<SecretString> {
        let value = match key.key.as_str() {
            "REDIS_PASSWORD" => Bed::REDIS_PASSWORD,
            "LIVEKIT_API_KEY" => Bed::KEY,
            "LIVEKIT_API_SECRET" => Bed::SECRET,
            _ => return None,
        };
        Some(SecretString::from(value))
    }
}

struct Reader {
    fleet: Arc<Fleet>,
    media: LiveKit<Arc<Fleet>>,
    target: Target,
}

impl Reader {
    fn of(bed: &Bed) -> Self {
        let machine = |role: &'static str| {
            move |machine: &Machine| {
                serde_json::json!({
                    "name": machine.name(), "role": role, "address": machine.address(),
                    "hostKey": machine.host_key(),
                })
            }
        };
        let masters = bed.masters.iter().map(machine("Master"));
        let machines: Vec<_> = masters
            .chain(bed.media.iter().map(machine("Media")))
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
        let first = &bed.masters[0];
        let key = SecretString::from(std::fs::read_to_string(first.key_path()).unwrap());
        let way = Arc::new(Way(Arc::clone(first.lab())));
        let fleet = Arc::new(Fleet::new(Arc::new(Key(key)), way, Limits::default()));
        let cluster = OpenViduCluster::new("video", serde_json::from_value(spec).unwrap());
        Self {
            media: LiveKit::new(Arc::clone(&fleet)),
            fleet,
            target: Target {
                cluster: Arc::new(cluster),
                profile: &V3_HA_ON_PREM,
                infrastructure_id: "a1b2c3d4".into(),
            },
        }
    }

    /// What is read until this holds, each time from the machines as they are then.
    async fn until(&self, what: &str, holds: impl Fn(&Answers) -> bool) -> Answers {
        let began = Instant::now();
        loop {
            let seen = self.fleet.observe(&self.target, &ScopeChoice::All).await;
            let nodes: Vec<&ObservedNode> = seen
                .values()
                .filter_map(|seen| match seen {
                    Observation::Known { nodes, .. } => Some(nodes.values()),
                    Observation::Unknown { .. } => None,
                })
                .flatten()
                .filter(|node| node.role == Role::Media)
                .collect();
            let answers = self.media.read(&self.target, &nodes, &Credentials).await;
            if holds(&answers) {
                return answers;
            }
            assert!(began.elapsed() < SOON, "not in time: {what}: {answers:#?}");
        }
    }
}

/// What runs on a node, if every source said so.
fn occupancy(answers: &Answers, node: &str) -> Option<Occupancy> {
    let said = answers.nodes.get(node)?;
    let mut sources = V3_HA_ON_PREM.occupancy.iter();
    sources.try_fold(Occupancy::default(), |sum, source| {
        Some(sum.plus(&said.get(source)?.as_ref().ok()?.occupancy))
    })
}

/// Waits until every sentinel knows whom it could choose: one that does not cannot replace a primary that is lost.
fn sentinels_are_whole(bed: &Bed) {
    let ask = format!(
        "redis-cli --no-auth-warning -a {} -p 7001 sentinel master openvidu",
        Bed::REDIS_PASSWORD
    );
    for master in &bed.masters {
        until(
            "a sentinel knows three replicas and three others",
            SOON,
            || {
                let said = master.ask(&ask).ok()?;
                let field = |name: &str| said.lines().skip_while(|line| *line != name).nth(1);
                let known = [field("num-slaves"), field("num-other-sentinels")];
                (known == [Some("3"), Some("3")]).then_some(())
            },
        )
        .unwrap();
    }
}

/// One deployment for all: it takes most of the time to have one.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_read_over_ssh_through_a_drain_and_a_lost_master() {
    let mut bed = Bed::boot(Path::new(env!("CARGO_BIN_EXE_onprem-model"))).unwrap();
    bed.install().unwrap();
    let reader = Reader::of(&bed);
    let idle = Some(Occupancy::default());
    reader
        .until("both nodes serve and are idle", |answers| {
            ["w1", "w2"].iter().all(|node| {
                occupancy(answers, node) == idle
                    && answers.states.get(*node) == Some(&MediaState::Serving)
            })
        })
        .await;
    let began = Instant::now();
    while let Err(error) = reader.media.try_out(&reader.target, &Credentials).await {
        assert!(began.elapsed() < SOON, "{error}");
    }

    let ann = bed
        .join(bed.masters[3].address(), "hall", "ann")
        .await
        .unwrap();
    let people = Occupancy {
        rooms: 1,
        participants: 1,
        ..Occupancy::default()
    };
    let busy = reader
        .until(
            "she is counted on one node, and nobody else is",
            |answers| {
                let both = ["w1", "w2"].map(|node| occupancy(answers, node));
                both.contains(&Some(people)) && both.contains(&idle)
            },
        )
        .await;
    let on = usize::from(occupancy(&busy, "w1") != Some(people));
    let node = ["w1", "w2"][on];
    bed.media[on]
        .ask("docker container kill --signal=SIGQUIT openvidu")
        .unwrap();
    let closed = reader
        .until("it says that it is closed", |answers| {
            answers.states.get(node) == Some(&MediaState::Closed)
        })
        .await;
    assert_eq!(occupancy(&closed, node), Some(people));
    assert_eq!(ann.leave().await, vec![]);
    // The container exits by itself. Then nobody has to be asked who could be in it.
    reader
        .until("nobody is left", |answers| occupancy(answers, node) == idle)
        .await;

    let Some(SharedStore::Steady { primary, .. }) = closed.shared_store else {
        panic!("{:?}", closed.shared_store);
    };
    sentinels_are_whole(&bed);
    let lost = bed
        .masters
        .iter()
        .position(|m| *m.name() == *primary.0)
        .unwrap();
    bed.masters[lost].power_cut().unwrap();
    let other = ["w2", "w1"][on];
    let after = reader
        .until("the other node is read from another primary", |answers| {
            matches!(&answers.shared_store, Some(SharedStore::Steady { primary: now, .. }) if *now != primary)
                && occupancy(answers, other) == idle
        })
        .await;
    assert_eq!(after.states.get(other), Some(&MediaState::Serving));
    let Some(SharedStore::Steady { voices, of, .. }) = after.shared_store else {
        panic!("{:?}", after.shared_store);
    };
    assert_eq!((voices, of), (3, 4));
}
