//! How a machine leaves, with a real Docker engine: the drain signal, the stop, and what is taken away. What runs in the
//! containers is a shell that writes down which signals it got.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::act::{ActKind, Cuts, Role};
use ovo_machines::{Equipment, Lab, Machine};
use ovo_model::{
    Cause, Container, ContainerRef, Executor, MediaState, NodeName, Observation, ObservedNode,
    ObservedResource, Op, Outcome, ProviderError, ResourceId, Scope, SecretKey, Step,
};
use ovo_provider::{Call, Provider, ScopeChoice, Target};
use ovo_provider_onprem::install::job_id;
use ovo_provider_onprem::machine::{JobSpec, JobState};
use ovo_provider_onprem::{Fleet, KeyAnswer, Keys};
use secrecy::SecretString;

use crate::common::life::{Secrets, target as usual};
use crate::common::{LIMITS, Way, link, until};

/// Containers that this test starts, from an image with a shell alone.
const IMAGE: &str = "mkdir -p /root/image/bin && cp -L /bin/bash /bin/sleep /root/image/bin/ \
    && for p in /bin/bash /bin/sleep; do ldd $p; done | grep -o '/[^ ]*' | sort -u | while read -r l; do \
         mkdir -p /root/image$(dirname $l); cp -L $l /root/image$l; done \
    && tar -C /root/image -c . | docker import - shell >/dev/null";

/// Goes on whatever it is told, and writes it down.
const STAYS: &str = "trap 'echo QUIT' QUIT; while :; do sleep 0.1; done";
/// Goes when it is told to, as if it had failed.
const FAILS: &str = "trap 'echo QUIT; exit 1' QUIT; while :; do sleep 0.1; done";

struct OneKey(SecretString);

impl Keys for OneKey {
    fn get<'a>(&'a self, _: &'a str, _: &'a SecretKey) -> KeyAnswer<'a> {
        Box::pin(std::future::ready(Ok(Some(self.0.clone()))))
    }
}

struct Scene {
    machine: Machine,
    fleet: Fleet,
    target: Target,
}

fn scene() -> Scene {
    let lab = Lab::new().unwrap();
    let machine = lab.boot_with("w1", Equipment::Docker).unwrap();
    machine.ask(IMAGE).unwrap();
    let key = SecretString::from(std::fs::read_to_string(machine.key_path()).unwrap());
    let fleet = Fleet::new(Arc::new(OneKey(key)), Way::into(&lab), LIMITS);
    let mut target = usual("abcd1234");
    let mut cluster: OpenViduCluster = (*target.cluster).clone();
    let on_prem = cluster.spec.infrastructure.on_prem.as_mut().unwrap();
    on_prem.machines = serde_json::from_value(serde_json::json!([
        {"name": "w1", "role": "Media", "address": machine.address(), "hostKey": machine.host_key()},
    ]))
    .unwrap();
    target.cluster = Arc::new(cluster);
    Scene {
        machine,
        fleet,
        target,
    }
}

impl Scene {
    async fn act(&self, op: &Op, cause: Cause) -> Result<Outcome, ProviderError> {
        let step = Step {
            id: op.id(),
            op: op.clone(),
            act: ActKind::End,
            role: Some(Role::Media),
            cuts: Cuts::Node,
            cause,
            reason: String::new(),
            executor: Executor::Provider,
        };
        let call = Call {
            secrets: &Secrets,
            epoch: 1,
        };
        self.fleet.execute(&self.target, &step, call).await
    }

    /// Acts until it is done, as the engine would.
    async fn done(&self, op: &Op) {
        until("it to be done", async || {
            match self.act(op, Cause::ScaleIn).await.unwrap() {
                Outcome::Done => Some(()),
                Outcome::InProgress { .. } => None,
            }
        })
        .await;
    }

    async fn look(&self) -> (ObservedNode, BTreeMap<ResourceId, ObservedResource>) {
        let scope = Scope::from("machine/w1");
        let mut seen = self.fleet.observe(&self.target, &ScopeChoice::All).await;
        match seen.remove(&scope) {
            Some(Observation::Known {
                mut nodes,
                resources,
            }) => (nodes.pop_first().unwrap().1, resources),
            other => panic!("{other:?}"),
        }
    }

    async fn container(&self, name: &str) -> Container {
        let (node, _) = self.look().await;
        let list = node.containers.unwrap();
        list.into_iter().find(|c| c.name == name).unwrap()
    }

    async fn references(&self, names: &[&str]) -> Vec<ContainerRef> {
        let mut references = Vec::new();
        for name in names {
            references.push(self.container(name).await.reference());
        }
        references
    }

    fn run(&self, options: &str, name: &str, what: &str) {
        let command = format!(
            "docker run --detach --network host --name {name} {options} shell /bin/bash -c \"{what}\""
        );
        self.machine.ask(&command).unwrap();
    }

    /// How many signals a container wrote down.
    fn signals(&self, name: &str) -> String {
        let count = format!("docker logs {name} 2>&1 | grep -c QUIT || true");
        self.machine.ask(&count).unwrap()
    }

    fn remove_all(&self) {
        let all = "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null";
        self.machine.ask(all).unwrap();
    }
}

fn signal(containers: &[ContainerRef]) -> Op {
    Op::Signal {
        node: NodeName::from("w1"),
        containers: containers.to_vec(),
    }
}

#[tokio::test]
async fn a_signal_goes_once_to_each_start_and_a_machine_leaves_whole() {
    let scene = scene();
    once(&scene).await;
    cut_off_between_marker_and_signal(&scene).await;
    refused_by_name(&scene).await;
    stopped_when_it_is_over_and_taken_away(&scene).await;
}

async fn once(scene: &Scene) {
    // Something of ours is there, as on a machine that was installed.
    installed(scene).await;
    scene.machine.ask("systemctl start openvidu").unwrap();
    scene.run("--restart unless-stopped", "openvidu", STAYS);
    scene.run("--restart on-failure", "egress", FAILS);
    scene.run("--label openvidu-agent=true", "agent-speech", STAYS);
    scene.run("--restart always", "caddy", STAYS);
    assert_eq!(scene.look().await.0.media, MediaState::Launching);

    let names = ["openvidu", "egress", "agent-speech"];
    let references = scene.references(&names).await;
    let op = signal(&references);
    scene.done(&op).await;
    let told = async || (names.map(|name| scene.signals(name)) == ["1", "1", "1"]).then_some(());
    until("each to write its signal down", told).await;
    for name in ["openvidu", "agent-speech"] {
        let container = scene.container(name).await;
        assert!(container.running && container.drained, "{name}");
        assert!(container.marker.is_some(), "{name}");
    }
    let egress = async || (!scene.container("egress").await.running).then_some(());
    until("egress to have exited for good", egress).await;
    let caddy = scene.container("caddy").await;
    assert!(!caddy.drained && caddy.marker.is_none());
    // What its health says is the same while it drains: nobody can say by that.
    assert_eq!(scene.look().await.0.media, MediaState::Unknown);

    // Asked again, by somebody who knows of nothing, and with the job's record lost.
    scene.done(&op).await;
    let machine = ovo_provider_onprem::machine::Machine::new(
        link(&scene.machine, "admin"),
        "abcd1234".into(),
    );
    let job = ResourceId::new("Job", "signal");
    assert!(machine.remove_job(&job, 1).await.unwrap());
    scene.done(&op).await;
    let said = machine.job_output(&job, 0, 4096).await.unwrap();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(
        said.matches("has its marker: left alone").count(),
        3,
        "{said}"
    );

    // Another start of the same container counts afresh, and what was meant for the old one does not reach it.
    let restart = "docker kill openvidu >/dev/null; docker start openvidu >/dev/null";
    scene.machine.ask(restart).unwrap();
    assert_eq!(scene.container("openvidu").await.marker, None);
    assert!(machine.remove_job(&job, 1).await.unwrap());
    scene.done(&op).await;
    let again = scene.references(&["openvidu"]).await;
    scene.done(&signal(&again)).await;
    until("the new start to write its signal down", async || {
        (scene.signals("openvidu") == "2").then_some(())
    })
    .await;
    assert_eq!(scene.signals("agent-speech"), "1");
    scene.remove_all();
}

/// A client of Docker's that, called to send a signal, ends the whole job before it is sent.
const DEADLY: &str = r#"#!/bin/bash
if [ "$1 $2" = 'container kill' ]; then
  /usr/bin/rm /usr/local/sbin/docker
  systemctl kill --signal=KILL 'openvidu-operator-abcd1234-*.service'
  sleep infinity
fi
exec /usr/bin/docker "$@"
"#;

async fn cut_off_between_marker_and_signal(scene: &Scene) {
    scene.run("--restart unless-stopped", "openvidu", STAYS);
    scene.run("--restart unless-stopped", "ingress", STAYS);
    let put = format!(
        "cat >/usr/local/sbin/docker <<'EOF'\n{DEADLY}EOF\nchmod 755 /usr/local/sbin/docker"
    );
    scene.machine.ask(&put).unwrap();
    let op = signal(&scene.references(&["openvidu", "ingress"]).await);
    // The job dies; whoever comes next begins it again.
    scene.done(&op).await;
    until("the other one to write its signal down", async || {
        (scene.signals("ingress") == "1").then_some(())
    })
    .await;
    let container = scene.container("openvidu").await;
    assert!(container.running && container.marker.is_some());
    assert_eq!(scene.signals("openvidu"), "0", "a person decides");
    scene.remove_all();
}

async fn refused_by_name(scene: &Scene) {
    scene.run("--restart unless-stopped", "openvidu", STAYS);
    scene.run("--restart always", "ingress", STAYS);
    scene.run(
        "--restart on-failure --stop-signal SIGTERM",
        "egress",
        FAILS,
    );
    let names = ["openvidu", "ingress", "egress"];
    let op = signal(&scene.references(&names).await);
    let mut revived = Vec::new();
    for name in names {
        revived.push(scene.container(name).await.revived_by_engine);
    }
    assert_eq!(revived, [false, true, true]);
    let error = until("an answer", async || {
        scene.act(&op, Cause::ScaleIn).await.err()
    })
    .await;
    assert!(matches!(error, ProviderError::Conflict(_)), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("w1: Docker would start ingress egress again; nothing was sent"),
        "{said}"
    );
    assert_eq!(names.map(|name| scene.signals(name)), ["0", "0", "0"]);
    assert_eq!(scene.container("openvidu").await.marker, None);

    // It is as we say: told by a signal that is not its own to stop, a container that fails is started again; those that we
    // do not refuse are not, however they end.
    scene.remove_all();
    scene.run("--restart on-failure", "one", FAILS);
    scene.run(
        "--restart unless-stopped --stop-signal SIGTERM",
        "two",
        FAILS,
    );
    scene.run("--restart on-failure --stop-signal SIGTERM", "three", FAILS);
    let all =
        "for c in one two three; do docker container kill --signal=SIGQUIT $c >/dev/null; done";
    scene.machine.ask(all).unwrap();
    until("Docker to start it again", async || {
        let count = scene
            .machine
            .ask("docker inspect --format '{{.RestartCount}}' three");
        (count.unwrap() != "0").then_some(())
    })
    .await;
    for name in ["one", "two"] {
        let state =
            format!("docker inspect --format '{{{{.State.Status}}}} {{{{.RestartCount}}}}' {name}");
        assert_eq!(scene.machine.ask(&state).unwrap(), "exited 0", "{name}");
    }
    scene.remove_all();
}

/// Makes what an installation leaves behind: our record, OpenVidu's folder, a unit, a container of its own.
async fn installed(scene: &Scene) {
    let unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    let put = format!(
        "mkdir -p /opt/openvidu/data; printf '{unit}' >/etc/systemd/system/openvidu.service; \
         systemctl daemon-reload; systemctl enable --quiet openvidu"
    );
    scene.machine.ask(&put).unwrap();
    let machine = ovo_provider_onprem::machine::Machine::new(
        link(&scene.machine, "admin"),
        "abcd1234".into(),
    );
    let job = JobSpec {
        script: ": >began; : >completed",
    };
    let record = br#"{"formatVersion":1,"applied":{"installed":{"Known":"3.8.0-1-x"}}}"#;
    until("the record of an installation", async || {
        let state = machine.start_job(&job_id(), job, record, 1).await.unwrap();
        (state == JobState::Done).then_some(())
    })
    .await;
}

async fn stopped_when_it_is_over_and_taken_away(scene: &Scene) {
    let node = || NodeName::from("w1");
    let (stop, uninstall) = (Op::Stop { node: node() }, Op::Uninstall { node: node() });
    let ours = "--label com.docker.compose.project.working_dir=/opt/openvidu";
    scene.run(
        &format!("--restart unless-stopped {ours}"),
        "openvidu",
        FAILS,
    );
    scene.run("", "somebody-elses", STAYS);

    // As long as it runs, it is neither stopped nor taken away, whoever asks.
    for (op, words) in [
        (&stop, "not stopped: openvidu still runs"),
        (&uninstall, "openvidu.service runs"),
    ] {
        let error = until("an answer", async || {
            scene.act(op, Cause::ScaleIn).await.err()
        })
        .await;
        assert!(error.to_string().contains(words), "{error}");
    }
    let units = "systemctl is-enabled openvidu; systemctl is-active openvidu; true";
    assert_eq!(scene.machine.ask(units).unwrap(), "enabled\nactive");
    assert!(scene.container("openvidu").await.running);
    assert_eq!(scene.look().await.0.version.as_deref(), Some("3.8.0"));

    let op = signal(&scene.references(&["openvidu"]).await);
    scene.done(&op).await;
    until("it to have exited", async || {
        (!scene.container("openvidu").await.running).then_some(())
    })
    .await;
    scene.done(&stop).await;
    assert_eq!(scene.machine.ask(units).unwrap(), "disabled\ninactive");
    let (seen, resources) = scene.look().await;
    assert_eq!(seen.version.as_deref(), Some("3.8.0"));
    assert_eq!(seen.media, MediaState::Absent);
    assert_eq!(resources.len(), 1);

    scene.done(&uninstall).await;
    let left = "ls -d /opt/openvidu /etc/systemd/system/openvidu.service /var/lib/openvidu-operator/abcd1234 2>/dev/null; \
                docker ps --all --format '{{.Names}}'";
    assert_eq!(scene.machine.ask(left).unwrap(), "somebody-elses");
    let (seen, resources) = scene.look().await;
    assert_eq!((seen.version, resources.len()), (None, 0));
    // Once more, by somebody who had not heard of it.
    scene.done(&uninstall).await;
    assert!(scene.look().await.1.is_empty());
}
