//! Four masters and two media machines, from bare to ready by one manifest; then one media machine leaves while somebody
//! talks on it, and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use openvidu_operator::local::Request;
use ovo_api::node::{DrainCause, NodePhase, OpenViduNode, SignalRecord, SignalState};
use ovo_deployment::{Served, Serving};
use ovo_livekit_model::client::Client;
use ovo_machines::Machine;
use ovo_onprem::until;

/// Two cores bring six machines from bare to installed and start about forty containers in this time, beside other tests.
const PATIENCE: Duration = Duration::from_mins(4);
const SOON: Duration = Duration::from_secs(30);

/// The containers that take the drain signal.
const TOLD: [&str; 3] = ["openvidu", "ingress", "egress"];

/// What of ours, and of OpenVidu's, is on a machine.
const LEFT: &str = "ls -d /opt/openvidu /etc/systemd/system/openvidu.service /var/lib/openvidu-operator/[a-z]*/ 2>/dev/null; \
                    docker ps --all --quiet; true";

struct Scene {
    served: Served,
    /// Whoever serves now.
    serving: Option<Serving>,
    kills: usize,
}

impl Scene {
    fn media(&self, name: &str) -> &Machine {
        let mut media = self.served.bed.media.iter();
        media.find(|m| m.name() == name).unwrap()
    }

    /// Waits, and tells all that is known when that is in vain.
    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        if let Err(error) = until(what, PATIENCE, || holds().then_some(())) {
            let stored = serde_json::to_string_pretty(&self.served.stored()).unwrap();
            let said = self.serving.as_ref().map(Serving::said);
            panic!("{error}\n{stored}\n{}", said.unwrap_or_default());
        }
    }

    /// Whoever serves dies at this moment, and another one goes on from what is stored.
    fn dies(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        self.until(what, || holds(self));
        self.serving.take().unwrap().kill().unwrap();
        self.serving = Some(self.served.serve().unwrap());
        self.kills += 1;
    }

    /// What whoever serves now has counted since it began.
    fn counted(&self, name: &str) -> io::Result<u64> {
        let serving = self.serving.as_ref().unwrap();
        serving.metric(&self.served, name)
    }

    /// Waits for a round of whoever serves now. It serves what is stored before it says where its metrics are.
    fn has_looked(&self) {
        self.until("a round", || {
            let rounds = self.counted("openvidu_operator_reconciles_total{");
            rounds.is_ok_and(|rounds| rounds > 0)
        });
    }

    fn drains(&self, name: &str) -> bool {
        let node = self.served.node(name).and_then(|n| n.status);
        let drain = node.and_then(|s| s.drain);
        drain.is_some_and(|d| d.cause == DrainCause::Removed && d.signals.len() == 3)
    }

    /// What the process of a container got so far: its log outlives it.
    fn signals(&self, machine: &str, container: &str) -> String {
        let log = format!("docker logs {container} 2>&1 | grep 'model: signal' || true");
        self.media(machine).ask(&log).unwrap()
    }

    async fn join(&self, machine: &Machine, room: &str, who: &str) -> Client {
        let deadline = Instant::now() + SOON;
        loop {
            match self.served.bed.join(machine.address(), room, who).await {
                Ok(client) => return client,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        }
    }

    /// Somebody in a room that is on this machine: rooms are made until one is.
    async fn somebody_on(&self, name: &str) -> (Client, String) {
        let machine = self.media(name);
        let (_, told) = self.served.bed.get(machine, 6789, "/model").unwrap();
        for number in 0..64 {
            let room = format!("{name}-room-{number}");
            let client = self.join(machine, &room, "ann").await;
            if told.contains(client.node()) {
                return (client, room);
            }
            client.leave().await;
        }
        panic!("64 rooms in a row on the other node");
    }
}

fn phase(node: Option<OpenViduNode>) -> Option<NodePhase> {
    Some(node?.status?.phase)
}

/// One deployment for all of it: to have one takes most of the time.
#[tokio::test(flavor = "multi_thread")]
async fn from_bare_to_ready_and_nobody_is_cut_off_when_a_machine_leaves() {
    let model = Path::new(env!("CARGO_BIN_EXE_deployment-model"));
    let operator = Path::new(env!("CARGO_BIN_EXE_deployment-operator"));
    let served = Served::boot(model, operator).unwrap();
    served.list(&["w1", "w2"]).unwrap();
    let serving = Some(served.serve().unwrap());
    let mut scene = Scene {
        served,
        serving,
        kills: 0,
    };
    becomes_ready(&mut scene).await;
    one_leaves(&mut scene).await;
    comes_back(&scene);
    a_signal_is_lost(&mut scene).await;
    all_goes(&scene);
}

async fn becomes_ready(scene: &mut Scene) {
    let served = &scene.served;
    scene.until("the cluster to be ready", || served.is_ready());
    scene.until("somebody to have been let in", || {
        served.condition("Accepted").0 == "True"
    });

    // Somebody talks, through a master, on a media machine.
    let through = scene.join(&served.bed.masters[3], "lobby", "zoe").await;
    let holds = |m: &Machine| {
        let (_, told) = served.bed.get(m, 6789, "/model").unwrap();
        told.contains(through.node())
    };
    assert!(served.bed.media.iter().any(holds));
    assert_eq!(through.leave().await, []);

    // A second plan is empty: whoever serves next carries nothing out, and writes nothing on any machine.
    let files = |scene: &Scene| -> Vec<String> {
        let list = "find /var/lib/openvidu-operator /opt/openvidu/config /etc/systemd -printf '%p %T@\n' | sort";
        let machines = scene
            .served
            .bed
            .masters
            .iter()
            .chain(&scene.served.bed.media);
        machines.map(|m| m.ask(list).unwrap()).collect()
    };
    let before = files(scene);
    scene.dies("the cluster to be ready still", |scene| {
        scene.served.is_ready()
    });
    scene.has_looked();
    let steps = scene.counted("openvidu_operator_steps_total{");
    assert_eq!(steps.unwrap(), 0);
    assert!(scene.served.is_ready());
    assert_eq!(files(scene), before);
}

async fn one_leaves(scene: &mut Scene) {
    let (ann, room) = scene.somebody_on("w2").await;
    let (neighbour, _) = scene.somebody_on("w1").await;
    scene.served.list(&["w1"]).unwrap();

    scene.dies("the drain to be on record", |scene| scene.drains("w2"));
    scene.dies("the first marker", |scene| {
        let markers = "ls /var/lib/openvidu-operator/*/signals 2>/dev/null || true";
        !scene.media("w2").ask(markers).unwrap().is_empty()
    });
    scene.dies("the signals to have been sent", |scene| {
        TOLD.iter().all(|c| !scene.signals("w2", c).is_empty())
    });

    // The room goes on and takes newcomers; new rooms are on the other machine.
    let bob = scene.join(scene.media("w2"), &room, "bob").await;
    assert_eq!(bob.node(), ann.node());
    for number in 0..4 {
        let master = &scene.served.bed.masters[number];
        let eve = scene.join(master, &format!("new-{number}"), "eve").await;
        assert_eq!(eve.node(), neighbour.node());
        assert_eq!(eve.leave().await, []);
    }
    let idle = |c: &str| format!("docker inspect --format '{{{{.State.Running}}}}' {c}");
    scene.until("idle egress and ingress to have exited", || {
        let runs = |c: &str| scene.media("w2").ask(&idle(c)).unwrap() == "true";
        !runs("egress") && !runs("ingress")
    });
    assert_eq!(scene.media("w2").ask(&idle("openvidu")).unwrap(), "true");
    assert_eq!(
        scene
            .media("w2")
            .ask("systemctl is-active openvidu")
            .unwrap(),
        "active"
    );
    assert_eq!(phase(scene.served.node("w2")), Some(NodePhase::Draining));

    // The last one leaves: it ends by itself, was told once, and whoever serves dies again on the way to nothing.
    assert_eq!(ann.leave().await, []);
    assert_eq!(bob.leave().await, []);
    scene.dies("openvidu to have exited", |scene| {
        scene.media("w2").ask(&idle("openvidu")).unwrap() == "false"
    });
    for container in TOLD {
        assert_eq!(
            scene.signals("w2", container),
            "model: signal 1 is SIGQUIT",
            "{container}"
        );
        assert_eq!(scene.signals("w1", container), "");
    }
    scene.dies("the stop to have begun", |scene| {
        let enabled = scene
            .media("w2")
            .ask("systemctl is-enabled openvidu 2>/dev/null || true");
        enabled.unwrap() != "enabled"
    });
    scene.dies("the removal to have begun", |scene| {
        let gone = "ls /var/lib/openvidu-operator/*/resources/*/job/completed 2>/dev/null || true";
        scene.media("w2").ask(gone).unwrap().is_empty()
    });
    scene.until("the record of w2 to go", || {
        let stored = scene.served.stored();
        stored.is_some_and(|s| !s.nodes.iter().any(|n| n.spec.machine == "w2"))
    });
    assert_eq!(scene.media("w2").ask(LEFT).unwrap(), "");
    assert_eq!(neighbour.leave().await, []);
    println!("whoever served was killed {} times", scene.kills);
}

fn comes_back(scene: &Scene) {
    scene.served.list(&["w1", "w2"]).unwrap();
    scene.until("w2 to serve", || {
        phase(scene.served.node("w2")) == Some(NodePhase::Serving)
    });
    scene.until("the cluster to be ready again", || scene.served.is_ready());
}

/// A client of Docker's that, called to signal the media server, ends the whole job before it has done so.
const DEADLY: &str = r#"#!/bin/bash
if [ "$1 $2" = 'container kill' ] && [ "$(/usr/bin/docker inspect --format '{{.Name}}' "${!#}")" = /openvidu ]; then
  /usr/bin/rm /usr/local/sbin/docker
  systemctl kill --signal=KILL 'openvidu-operator-*.service'
  sleep infinity
fi
exec /usr/bin/docker "$@"
"#;

/// The job dies between the marker of the media server and its signal: nobody signals it again but a person.
async fn a_signal_is_lost(scene: &mut Scene) {
    let (ann, _) = scene.somebody_on("w2").await;
    let put = format!(
        "cat >/usr/local/sbin/docker <<'EOF'\n{DEADLY}EOF\nchmod 755 /usr/local/sbin/docker"
    );
    scene.media("w2").ask(&put).unwrap();
    scene.served.list(&["w1"]).unwrap();
    scene.dies("nobody to know whether it was signalled", |scene| {
        let status = scene.served.node("w2").and_then(|n| n.status);
        let signals = status
            .and_then(|s| s.drain)
            .map(|d| d.signals)
            .unwrap_or_default();
        let of = |s: &&SignalRecord| s.container == "openvidu";
        let server = signals.iter().find(of);
        server.is_some_and(|s| s.state == SignalState::Unconfirmed)
    });
    scene.has_looked();
    assert_eq!(scene.signals("w2", "openvidu"), "");
    for container in ["ingress", "egress"] {
        let told = scene.signals("w2", container);
        assert_eq!(told, "model: signal 1 is SIGQUIT", "{container}");
    }
    assert_eq!(ann.cuts(), []);

    // A person looks at its log, and sends it by hand: the drain goes on.
    let by_hand = "docker container kill --signal=SIGQUIT openvidu";
    scene.media("w2").ask(by_hand).unwrap();
    scene.until("w2 to be closed", || {
        let (_, told) = scene
            .served
            .bed
            .get(scene.media("w2"), 6789, "/model")
            .unwrap();
        told.contains("SIGQUIT")
    });
    assert_eq!(ann.leave().await, []);
    scene.until("the record of w2 to go", || {
        let stored = scene.served.stored();
        stored.is_some_and(|s| !s.nodes.iter().any(|n| n.spec.machine == "w2"))
    });
}

fn all_goes(scene: &Scene) {
    let name = "video/video".to_owned();
    scene.served.ask(Request::Delete { cluster: name }).unwrap();
    scene.until("the cluster to be gone", || {
        scene
            .served
            .stored()
            .is_some_and(|stored| stored.clusters.is_empty())
    });
    let bed = &scene.served.bed;
    for machine in bed.masters.iter().chain(&bed.media) {
        assert_eq!(machine.ask(LEFT).unwrap(), "", "{}", machine.name());
    }
}
