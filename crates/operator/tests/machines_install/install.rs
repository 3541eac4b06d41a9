//! From bare machines to a started OpenVidu.

use std::time::Duration;

use ovo_api::node::NodePhase;
use ovo_machines::Machine;
use ovo_onprem::{Order, Point};

use crate::bed::{Bed, LICENSE, REDIS, Serving};
use crate::common::until_within;

/// A busy host with two cores brings six machines from bare to installed within half a minute.
const PATIENCE: Duration = Duration::from_mins(3);
const KEPT: &str = "/var/lib/openvidu-stand-in";

fn until(serving: &Serving, bed: &Bed, what: &str, mut holds: impl FnMut() -> bool) {
    let holds = || holds();
    let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until_within(PATIENCE, what, holds);
    }));
    if let Err(panic) = waited {
        let status = serde_json::to_string_pretty(&bed.dir.cluster("video").unwrap().status);
        eprintln!("{}\n{}", status.unwrap(), serving.said());
        std::panic::resume_unwind(panic);
    }
}

/// The moments that the stand-in noted, in nanoseconds.
fn noted(machine: &Machine, what: &str) -> Vec<i128> {
    let text = machine.ask(&format!("cat {KEPT}/{what} 2>/dev/null || true"));
    text.unwrap().lines().map(|l| l.parse().unwrap()).collect()
}

/// What status says is waited for.
fn pending(bed: &Bed) -> String {
    let status = bed.dir.cluster("video").and_then(|c| c.status);
    let pending = status.unwrap_or_default().pending.into_iter();
    let lines: Vec<_> = pending
        .map(|p| format!("{}: {}", p.step, p.waits_for))
        .collect();
    lines.join("\n")
}

fn reason(bed: &Bed, machine: &str) -> String {
    let nodes = bed.dir.nodes("video").into_iter();
    let node = nodes.into_iter().find(|n| n.spec.machine == machine);
    node.and_then(|n| n.status).unwrap_or_default().reason
}

fn installed(bed: &Bed, machine: &str) -> bool {
    bed.machine(machine)
        .ask("cat /var/lib/openvidu-operator/*/resources/*/job/completed 2>/dev/null || true")
        .unwrap()
        .starts_with("3.8.0-")
}

/// Nobody who looks finds a secret, but in OpenVidu's own files and among the flags of its installer.
fn assert_secret(bed: &Bed, serving: &Serving) {
    // One that was generated; how it looks only OpenVidu's own file tells.
    let generated = bed
        .machine("m1")
        .ask("sed -n 's/^MONGO_ADMIN_PASSWORD=//p' /opt/openvidu/config/cluster/openvidu.env")
        .unwrap();
    assert_eq!(generated.len(), 32, "{generated:?}");
    let told = serde_json::to_string(&(&bed.dir.list().clusters, &bed.dir.list().nodes)).unwrap();
    let events = bed.run(["events", "--local", bed.dir.str()]);
    let said = serving.said() + &told + &String::from_utf8_lossy(&events.stdout);
    for secret in [LICENSE, REDIS, &generated] {
        assert!(!said.contains(secret), "told or logged");
        for machine in &bed.machines {
            let found = machine
                .ask(&format!(
                    "grep -rl {secret} /var/lib/openvidu-operator /run /var/log /tmp /etc 2>/dev/null || true; \
                     journalctl | grep -c {secret} || true"
                ))
                .unwrap();
            assert_eq!(found, "0", "{}", machine.name());
        }
    }
}

#[test]
fn from_bare_to_started_whatever_happens_on_the_way() {
    let mut bed = Bed::new(2);
    bed.write(&bed.usual());

    // Other bytes than the manifest's: nothing is run anywhere, and each machine is named.
    bed.server.tamper(true);
    let serving = bed.serve();
    until(&serving, &bed, "the checksum to be refused", || {
        let pending = pending(&bed);
        ["m1", "m2", "m3", "m4", "w1", "w2"].iter().all(|name| {
            pending.lines().any(|line| {
                line.starts_with(&format!("install Machine/{name}: "))
                    && line.contains("has SHA-256")
            })
        })
    });
    for machine in &bed.machines {
        assert_eq!(noted(machine, "begun"), [], "{}", machine.name());
        assert_eq!(
            machine
                .ask("ls -d /opt/openvidu 2>/dev/null || true")
                .unwrap(),
            "",
            "{}",
            machine.name()
        );
    }
    assert_eq!(bed.condition("PreflightPassed").1, "PassedWithIgnored");
    assert!(bed.condition("PreflightPassed").2.contains("m1: CPU: "));
    serving.kill();

    // All six at once: none goes on before all have begun. Two are held up then, and one is told that its license is no good.
    bed.server.tamper(false);
    bed.server.gather(Point::Begin, 6);
    for name in ["m2", "w2"] {
        let address = bed.machine(name).address();
        bed.server.order(address, Point::Middle, Order::Wait);
    }
    let m3 = bed.machine("m3").address();
    bed.server.order(m3, Point::Middle, Order::RefuseLicense);
    let serving = bed.serve();
    for name in ["m2", "w2"] {
        let address = bed.machine(name).address();
        let waiting = bed.server.await_waiting(address, Point::Middle, PATIENCE);
        waiting.unwrap_or_else(|error| {
            panic!("{name}: {error}: {}\n{}", pending(&bed), serving.said())
        });
    }
    until(&serving, &bed, "the license to be refused", || {
        pending(&bed).contains("install Machine/m3: the installation ended with exit code 1: [stand-in installer] error: the license was refused")
    });
    bed.server.order(m3, Point::Middle, Order::Go);
    until(&serving, &bed, "m3 to be installed", || {
        installed(&bed, "m3")
    });
    until(&serving, &bed, "progress", || {
        reason(&bed, "m2").contains("installing: ")
    });
    // In the list of processes secrets stand among the flags of OpenVidu's installer, which knows no other way.
    // In brackets, so that the one who looks does not see itself.
    let pattern = format!("[{}]{}", &LICENSE[..1], &LICENSE[1..]);
    let seen = bed
        .machine("m2")
        .ask(&format!(
            "for p in /proc/[0-9]*; do if grep -qs '{pattern}' $p/cmdline; then tr '\\0' ' ' <$p/cmdline | cut -d ' ' -f 1,2; fi; done; \
             stat -c '%a %U' /run/openvidu-operator/secret.*"
        ))
        .unwrap();
    assert_eq!(seen, "/bin/sh ./installer\n600 root");
    assert_eq!(
        noted(bed.machine("m1"), "started"),
        [],
        "not before all masters are installed"
    );

    // The operator dies. Its successor attaches to what runs.
    let log = serving.kill();
    assert!(!log.contains(LICENSE) && !log.contains(REDIS));
    let serving = bed.serve();
    until(&serving, &bed, "progress to be told again", || {
        reason(&bed, "m2").contains("installing: ")
    });
    let m2 = bed.machine("m2").address();
    bed.server.order(m2, Point::Middle, Order::Go);
    until(&serving, &bed, "m2 to be installed", || {
        installed(&bed, "m2")
    });

    // A machine loses its power in the middle.
    let w2 = bed.machine("w2").address();
    bed.machine_mut("w2").power_cut().unwrap();
    bed.server.order(w2, Point::Middle, Order::Go);
    bed.machine_mut("w2").power_on().unwrap();
    until(&serving, &bed, "w2 to be installed", || {
        installed(&bed, "w2")
    });

    until(&serving, &bed, "the masters to be started", || {
        ["m1", "m2", "m3", "m4"]
            .iter()
            .all(|name| noted(bed.machine(name), "started").len() == 1)
    });
    let all = |what: &str, names: &[&str]| -> Vec<i128> {
        let of = |name: &&str| noted(bed.machine(name), what);
        names.iter().flat_map(of).collect()
    };
    let masters = ["m1", "m2", "m3", "m4"];
    let machines = ["m1", "m2", "m3", "m4", "w1", "w2"];
    // Each ran once, but those that failed or lost their power in the middle.
    let runs: Vec<_> = machines
        .map(|name| noted(bed.machine(name), "begun").len())
        .into();
    assert_eq!(runs[0..2], [1, 1]);
    assert!(runs[2] >= 2, "{runs:?}");
    assert_eq!(runs[3..], [1, 1, 2]);
    let first = |name: &str| noted(bed.machine(name), "begun")[0];
    let latest_begin = machines.map(first).into_iter().max();
    assert!(
        latest_begin < all("ended", &machines).into_iter().min(),
        "they overlap"
    );
    assert!(all("ended", &masters).into_iter().max() < all("started", &masters).into_iter().min());

    // Media machines wait for a quorum of healthy masters. OpenVidu's own door is Caddy, and this is one.
    assert_eq!(all("started", &["w1", "w2"]), []);
    for name in masters {
        bed.machine(name)
            .ask("systemd-run --quiet --unit=door /usr/bin/caddy respond --listen :7880")
            .unwrap();
    }
    until(&serving, &bed, "one media machine to be started", || {
        all("started", &["w1", "w2"]).len() == 1
    });
    until(&serving, &bed, "the masters to be ready", || {
        bed.condition("MastersReady").0 == "True"
    });
    until(&serving, &bed, "the other one to stand by", || {
        let phases = bed.dir.nodes("video").into_iter();
        let standby = phases.filter(|n| {
            n.status
                .as_ref()
                .is_some_and(|s| s.phase == NodePhase::Standby)
        });
        standby.map(|n| n.spec.machine).eq(["w2".to_owned()])
    });
    let units = |name: &str| {
        bed.machine(name)
            .ask("systemctl is-enabled openvidu; systemctl is-active openvidu; true")
            .unwrap()
    };
    assert_eq!(units("m4"), "enabled\nactive");
    assert_eq!(units("w1"), "enabled\nactive");
    assert_eq!(units("w2"), "disabled\ninactive");

    // A second plan is empty: round after round no step is carried out, and nothing on any machine is written any more.
    let files = || -> Vec<String> {
        let list = "find /var/lib/openvidu-operator /opt /etc/systemd -printf '%p %T@\n' | sort";
        bed.machines.iter().map(|m| m.ask(list).unwrap()).collect()
    };
    let count = |serving: &Serving, name: &str| {
        let page = serving.metrics(&bed);
        let lines = page.lines().filter(|l| l.starts_with(name));
        lines
            .filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>()
    };
    let (rounds, steps) = (
        "openvidu_operator_reconciles_total{",
        "openvidu_operator_steps_total{",
    );
    let (files_before, steps_before) = (files(), count(&serving, steps));
    let rounds_before = count(&serving, rounds);
    until_within(PATIENCE, "three more rounds", || {
        count(&serving, rounds) >= rounds_before + 3
    });
    assert_eq!(count(&serving, steps), steps_before, "{}", pending(&bed));
    assert_eq!(files(), files_before);
    assert_secret(&bed, &serving);
}
