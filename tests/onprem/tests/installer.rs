//! The stand-in installer, as whoever builds an installation on it relies on it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use ovo_machines::{Lab, Machine};
use ovo_onprem::{InstallerServer, Order, Point};

const SOON: Duration = Duration::from_secs(30);
const RECORD: &str = "/var/lib/openvidu-stand-in";

/// The flags of a master, with what differs between versions left out.
fn master(machine: &Machine) -> Vec<String> {
    let secrets = [
        "livekit-api-key",
        "livekit-api-secret",
        "dashboard-admin-user",
        "dashboard-admin-password",
        "redis-password",
        "minio-access-key",
        "minio-secret-key",
        "mongo-admin-user",
        "mongo-admin-password",
        "mongo-replica-set-key",
        "grafana-admin-user",
        "grafana-admin-password",
    ];
    let mut flags: Vec<_> = [
        "--no-tty",
        "--install",
        "--environment=on_premise",
        "--deployment-type=ha",
        "--node-role=master-node",
        "--openvidu-pro-license=given",
        "--domain-name=openvidu.example.com",
        "--rtc-engine=pion",
        "--external-load-balancer",
    ]
    .map(str::to_owned)
    .into();
    flags.extend(secrets.map(|name| format!("--{name}=secretof{}", name.replace('-', ""))));
    flags.push(format!(
        "--master-node-private-ip-list={},192.0.2.201,192.0.2.202,192.0.2.203",
        machine.address()
    ));
    flags
}

fn newer(machine: &Machine) -> Vec<String> {
    let mut flags = master(machine);
    flags.push("--enabled-modules=observability,openviduMeet".to_owned());
    flags.push("--meet-initial-admin-password=given".to_owned());
    flags
}

fn older(machine: &Machine) -> Vec<String> {
    let mut flags = master(machine);
    flags.push("--enabled-modules=observability,app".to_owned());
    for name in ["user", "password", "admin-user", "admin-password"] {
        flags.push(format!("--default-app-{name}=given"));
    }
    flags
}

/// The command that fetches and runs the installer, as OpenVidu's documentation has it.
fn command(server: &InstallerServer, version: &str, role: &str, flags: &[String]) -> String {
    format!(
        "curl -fsSL {}/pro/ha/{version}/install_ov_{role}_node.sh >/root/install.sh && sh /root/install.sh {}",
        server.base_url(),
        flags.join(" ")
    )
}

/// Runs it; its exit code and what it said on standard error.
fn install(
    machine: &Machine,
    server: &InstallerServer,
    version: &str,
    flags: &[String],
) -> (i32, String) {
    let output = machine
        .run(&command(server, version, "master", flags))
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn flags_are_those_of_the_version_and_wrong_ones_touch_nothing() {
    let machine = Machine::boot("m1").unwrap();
    let server = InstallerServer::start(machine.lab()).unwrap();
    let refused = |version: &str, flags: &[String], word: &str| {
        let (code, said) = install(&machine, &server, version, flags);
        assert_eq!(code, 2, "{version} {word}: {said}");
        assert!(said.contains(word), "{version}: {word:?} is not in {said}");
        assert_eq!(
            machine
                .ask(&format!("ls -d /opt/openvidu {RECORD} 2>/dev/null | wc -l"))
                .unwrap(),
            "0"
        );
    };
    let (new, old) = (newer(&machine), older(&machine));
    let without = |word: &str| -> Vec<String> {
        let kept = new.iter().filter(|flag| !flag.contains(word));
        kept.cloned().collect()
    };
    let with = |flag: &str| -> Vec<String> {
        let own = [flag.to_owned()];
        new.iter().chain(&own).cloned().collect()
    };

    refused("3.8.0", &old, "--default-app-user");
    refused("3.8.0", &old, "no module app");
    refused("3.3.0", &new, "--meet-initial-admin-password");
    refused("3.8.0", &without("redis-password"), "--redis-password");
    refused("3.8.0", &without("no-tty"), "--no-tty");
    refused("3.8.0", &without("external-load"), "--certificate-type");
    refused(
        "3.8.0",
        &with("--certificate-type=selfsigned"),
        "exclude each other",
    );
    refused("3.8.0", &with("--no-such=1"), "--no-such");
    refused(
        "3.8.0",
        &with("--experimental-turn-tls-with-main-domain"),
        "--experimental",
    );
    refused("3.8.0", &with("--domain-name=other.example.com"), "twice");
    refused("3.8.0", &with("--private-ip=192.0.2.99"), "192.0.2.99");
    let mut unsafe_secret = without("minio-secret-key");
    unsafe_secret.push("--minio-secret-key=a%b".to_owned());
    refused("3.8.0", &unsafe_secret, "letters and digits");
    let mut three = without("ip-list");
    three.push(format!(
        "--master-node-private-ip-list={},192.0.2.201,192.0.2.202",
        machine.address()
    ));
    refused("3.8.0", &three, "4 addresses");

    let (code, said) = install(&machine, &server, "3.3.0", &old);
    assert_eq!(code, 0, "{said}");
    let version = machine
        .ask("grep version: /opt/openvidu/deployment-info.yaml")
        .unwrap();
    assert_eq!(version, "version: 3.3.0");
    let unknown = machine
        .run(&command(&server, "3.9.9", "master", &new))
        .unwrap();
    assert_eq!(unknown.status.code(), Some(22), "curl's code for 404");
}

#[test]
fn lays_down_what_the_real_one_does_and_runs_once() {
    let lab = Lab::new().unwrap();
    let (one, two) = (lab.boot("m1").unwrap(), lab.boot("w1").unwrap());
    let server = InstallerServer::start(&lab).unwrap();
    server.gather(Point::Begin, 2);
    let media = [
        "--no-tty --install --environment=on_premise --deployment-type=ha --node-role=media-node --redis-password=given"
            .to_owned(),
        format!("--master-node-private-ip-list={},192.0.2.201,192.0.2.202,192.0.2.203", one.address()),
    ];
    std::thread::scope(|scope| {
        // Neither goes on before both are there.
        let master = scope.spawn(|| one.ask(&command(&server, "3.8.0", "master", &newer(&one))));
        let media = scope.spawn(|| two.ask(&command(&server, "3.8.0", "media", &media)));
        master.join().unwrap().unwrap();
        media.join().unwrap().unwrap();
    });
    let when = |machine: &Machine, file: &str| -> u64 {
        machine
            .ask(&format!("cat {RECORD}/{file}"))
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(when(&one, "begun") < when(&two, "ended"));
    assert!(when(&two, "begun") < when(&one, "ended"));

    assert_eq!(
        one.ask("cd /opt/openvidu && ls -A && ls config/node")
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>(),
        [
            ".env",
            "backups",
            "config",
            "data",
            "deployment-info.yaml",
            "docker-compose.override.yml",
            "docker-compose.yml",
            "owncert",
            "stand-in",
            "master_node.env"
        ]
    );
    one.ask(
        "grep -qx LIVEKIT_API_KEY=secretoflivekitapikey /opt/openvidu/config/cluster/openvidu.env",
    )
    .unwrap();
    assert_eq!(
        two.ask("ls /opt/openvidu/config /opt/openvidu/config/node")
            .unwrap()
            .split_whitespace()
            .last(),
        Some("media_node.env")
    );
    assert_eq!(
        one.ask("sha256sum </root/install.sh | cut -d ' ' -f 1")
            .unwrap(),
        server.sha256("3.8.0")
    );
    assert_eq!(server.fetched().len(), 2);

    assert_eq!(one.ask("systemctl is-enabled openvidu").unwrap(), "enabled");
    assert_eq!(
        one.run("systemctl is-active openvidu")
            .unwrap()
            .status
            .code(),
        Some(3),
        "nobody started it"
    );
    one.ask("systemctl start openvidu && systemctl is-active openvidu && systemctl stop openvidu")
        .unwrap();
    assert!(when(&one, "started") <= when(&one, "stopped"));

    let (code, said) = install(&one, &server, "3.8.0", &newer(&one));
    assert_eq!(code, 1);
    assert!(said.contains("installed already"), "{said}");
    // What could be read by anybody holds no value of a flag.
    let readable = one.run("grep -rl secretof /var/lib/openvidu-stand-in; find /opt/openvidu -type f -perm /044 -exec grep -l secretof {} +").unwrap();
    assert_eq!(String::from_utf8_lossy(&readable.stdout), "");
}

#[test]
fn fails_waits_and_goes_on_as_told() {
    let mut machine = Machine::boot("m1").unwrap();
    let server = InstallerServer::start(machine.lab()).unwrap();
    let flags = newer(&machine);

    server.order_all(Point::Begin, Order::RefuseLicense);
    let (code, said) = install(&machine, &server, "3.8.0", &flags);
    assert_eq!(code, 1);
    assert!(said.contains("license"), "{said}");
    machine.ask("test ! -e /opt/openvidu").unwrap();

    server.order_all(Point::Begin, Order::Go);
    server.order(machine.address(), Point::Middle, Order::DiskFull);
    let (code, said) = install(&machine, &server, "3.8.0", &flags);
    assert_eq!(code, 1);
    assert!(said.contains("No space left on device"), "{said}");
    machine
        .ask("test -e /opt/openvidu/config && test ! -e /opt/openvidu/deployment-info.yaml")
        .unwrap();

    // A machine that lost its power in the middle keeps what was written; the next run goes on over it.
    server.order(machine.address(), Point::Middle, Order::Wait);
    let line = command(&server, "3.8.0", "master", &flags);
    machine
        .ask(&format!("systemd-run --quiet sh -c {}", quoted(&line)))
        .unwrap();
    server
        .await_waiting(machine.address(), Point::Middle, SOON)
        .unwrap();
    machine.power_cut().unwrap();
    machine.power_on().unwrap();
    server.order(machine.address(), Point::Middle, Order::Go);
    let (code, said) = install(&machine, &server, "3.8.0", &flags);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        machine
            .ask(&format!("wc -l <{RECORD}/begun; wc -l <{RECORD}/ended"))
            .unwrap(),
        "4\n1"
    );

    server.tamper(true);
    machine
        .ask(&command(&server, "3.8.0", "master", &[]))
        .unwrap_err();
    assert_ne!(
        machine
            .ask("sha256sum </root/install.sh | cut -d ' ' -f 1")
            .unwrap(),
        server.sha256("3.8.0")
    );
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}
