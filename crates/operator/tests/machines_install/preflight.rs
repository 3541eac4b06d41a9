//! What stands in the way is named: which machine, what, and what to do; and nothing is changed anywhere.

use std::collections::BTreeMap;

use crate::bed::{Bed, Manifest};
use crate::common::{said, until_within};

/// What a machine that was only asked still has.
const UNTOUCHED: &str = "ls /var/lib/openvidu-operator /run/openvidu-operator 2>/dev/null; \
    systemctl list-units --all --no-legend 'openvidu*'; ls -d /opt/openvidu 2>/dev/null || true";

/// The lines about each machine.
fn by_machine(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut machines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some((name, _)) = line
            .strip_prefix("  ")
            .filter(|l| !l.starts_with(' '))
            .and_then(|l| l.split_once(':'))
        {
            current = name;
        }
        machines.entry(current).or_default().push(line.trim());
    }
    machines
}

#[test]
fn every_fault_is_named_with_its_machine_and_the_way_out() {
    let mut bed = Bed::new(3);
    // Something else has a port of OpenVidu's.
    bed.machine("m1")
        .ask("systemd-run --unit=other systemd-socket-activate -l 7000 /bin/sleep infinity")
        .unwrap();
    // An OpenVidu that somebody installed by hand.
    bed.machine("m2")
        .ask("mkdir -p /opt/openvidu/data")
        .unwrap();
    // A clock that is a minute and a half fast, for whoever comes by SSH.
    bed.machine("m3")
        .ask(
            "echo \"LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1)\" >/etc/wrong-clock; \
             echo 'FAKETIME=+90s' >>/etc/wrong-clock; \
             echo 'Defaults env_file=/etc/wrong-clock, env_keep += \"LD_PRELOAD FAKETIME\"' >>/etc/sudoers.d/admin",
        )
        .unwrap();
    // Sudo that asks for a password.
    bed.machine("m4")
        .ask("echo 'admin ALL=(ALL) ALL' >/etc/sudoers.d/admin")
        .unwrap();
    // No disk, and a firewall that rejects what comes from a master.
    let m1 = bed.machine("m1").address();
    bed.machine("w1")
        .ask(&format!(
            "mount -t tmpfs -o size=1M tmpfs /opt; ip route add unreachable {m1}"
        ))
        .unwrap();
    // A disk that is large enough.
    bed.machine("w2")
        .ask("mount -t tmpfs -o size=12G tmpfs /opt")
        .unwrap();
    // Switched off.
    bed.machine_mut("w3").power_cut().unwrap();
    let unreached = format!("Reach: cannot reach {}:22", bed.machine("w3").address());

    let usual = bed.usual();
    bed.write(&Manifest {
        ignore: "CPU, Memory, Internet, DockerVersion, OperatingSystem",
        ..usual
    });
    let files = [
        bed.dir.str().to_owned() + "/video.yaml",
        bed.dir.str().to_owned() + "/secrets.yaml",
    ];
    let output = bed.run(["preflight", "-f", &files[0], "-f", &files[1]]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    let machines = by_machine(&text);
    let has = |machine: &str, words: &[&str]| {
        let lines = machines[machine].join("\n");
        for words in words {
            assert!(lines.contains(words), "{machine}: {words:?} in {text}");
        }
    };
    has(
        "m1",
        &[
            "m1: NOT fit",
            "Ports: TCP ports that OpenVidu needs are taken: 7000 by systemd-socket",
            "-> stop what listens there",
        ],
    );
    has(
        "m2",
        &[
            "m2: NOT fit",
            "Foreign: an OpenVidu that is not ours is there: /opt/openvidu",
            "-> use another machine",
        ],
    );
    has(
        "m3",
        &[
            "m3: NOT fit",
            "Clock: its clock is ",
            " s fast",
            "-> let it follow a time server",
        ],
    );
    has(
        "m4",
        &[
            "m4: NOT fit",
            "Root: user admin may not become root without a password",
            "NOPASSWD",
        ],
    );
    has(
        "w1",
        &[
            "w1: NOT fit",
            "Disk: 0 GB of disk are free under /opt, OpenVidu needs 10",
            "-> give it more, or list Disk in spec.infrastructure.onPrem.preflight.ignore",
        ],
    );
    has("w3", &["w3: NOT fit", &unreached, "-> switch it on"]);
    // From w1 the way to m1 is closed, and m1 is named as the one that is not reached.
    has("m1", &["Ports: w1 is refused at TCP 3100, 4443"]);
    // A laboratory's own lacks are told, and do not count.
    has("w2", &["w2: fit", "ignored CPU: 2 cores"]);
    assert!(
        text.contains("NotTested: what comes from the internet, and UDP"),
        "{text}"
    );
    for name in ["m1", "m3", "w1", "w2"] {
        let left = bed.machine(name).ask(UNTOUCHED).unwrap();
        assert_eq!(left, "", "{name}");
    }

    // Served, the same stands in status, and nothing is installed on any machine, fit or not.
    let serving = bed.serve();
    until_within(
        std::time::Duration::from_mins(1),
        "the preflight to fail",
        || bed.condition("PreflightPassed").0 == "False",
    );
    let (_, reason, message) = bed.condition("PreflightPassed");
    assert_eq!(reason, "Failed");
    for words in [
        "m1: Ports: ",
        "m2: Foreign: ",
        "w1: Disk: 0 GB",
        "w3: ",
        "m4: ",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(
        bed.condition("Stalled").1,
        "PreflightFailed",
        "{}",
        serving.said()
    );
    for name in ["m1", "m3", "w1", "w2"] {
        let left = bed.machine(name).ask("ls /opt/openvidu /var/lib/openvidu-stand-in /var/lib/openvidu-operator 2>/dev/null || true");
        assert_eq!(left.unwrap(), "", "{name}");
    }
}
