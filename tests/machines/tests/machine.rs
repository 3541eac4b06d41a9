//! The machines themselves: what tests that use them rely on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ovo_machines::{Equipment, Lab, Machine};

const SOON: Duration = Duration::from_secs(5);

fn banner(machine: &Machine) -> String {
    let stream = machine.connect(22, SOON).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn boots_with_systemd_and_sshd_and_keeps_its_disk_over_a_power_cut() {
    let mut machine = Machine::boot("m1").unwrap();
    assert_eq!(machine.ask("cat /proc/1/comm").unwrap(), "systemd");
    assert_eq!(machine.ask("hostname").unwrap(), "m1");
    assert_eq!(
        machine.ask("systemctl is-system-running").unwrap(),
        "running"
    );
    assert!(banner(&machine).starts_with("SSH-2.0-OpenSSH"));

    machine
        .ask("echo kept > /opt/kept; nohup sleep 1000 >/dev/null 2>&1 &")
        .unwrap();
    let boot = machine
        .ask("systemctl show -P UserspaceTimestampMonotonic")
        .unwrap();
    let key = machine.host_key().to_owned();
    machine.power_cut().unwrap();
    assert!(
        machine.run("true").is_err(),
        "a machine without power runs nothing"
    );
    machine.power_on().unwrap();

    assert_eq!(machine.ask("cat /opt/kept").unwrap(), "kept");
    assert_ne!(
        machine
            .ask("systemctl show -P UserspaceTimestampMonotonic")
            .unwrap(),
        boot
    );
    assert_eq!(
        machine.ask("pgrep -c sleep || true").unwrap(),
        "0",
        "nothing that ran goes on"
    );
    assert_eq!(
        machine
            .ask("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
            .unwrap(),
        key
    );
    assert!(banner(&machine).starts_with("SSH-2.0-OpenSSH"));
}

#[test]
fn a_lab_is_one_network_and_no_other() {
    let lab = Lab::new().unwrap();
    let (one, two) = (lab.boot("one").unwrap(), lab.boot("two").unwrap());
    assert_ne!(one.address(), two.address());
    assert_ne!(one.host_key(), two.host_key());
    let other = two.address();
    one.ask(&format!(
        "exec 3<>/dev/tcp/{other}/22 && read -r -t 5 line <&3 && [[ $line == SSH-* ]]"
    ))
    .unwrap();
    assert_eq!(
        one.ask("ip route show default").unwrap(),
        "",
        "there is a way out"
    );

    // The same name and address in another lab is another machine.
    let again = Machine::boot("one").unwrap();
    assert_eq!(again.address(), one.address());
    one.ask("touch /opt/first").unwrap();
    assert!(!again.run("test -e /opt/first").unwrap().status.success());
}

#[test]
fn faults_look_like_faults() {
    let machine = Machine::boot("m1").unwrap();

    machine.freeze("sshd").unwrap();
    let mut stream = machine.connect(22, SOON).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let silence = stream.read(&mut [0; 8]).unwrap_err();
    assert!(
        matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{silence}"
    );
    machine.thaw("sshd").unwrap();
    assert!(banner(&machine).starts_with("SSH-2.0"));

    machine.ask("systemctl stop ssh").unwrap();
    assert_eq!(
        machine.connect(22, SOON).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    machine.ask("systemctl start ssh").unwrap();

    machine.link(false).unwrap();
    assert_eq!(
        machine
            .connect(22, Duration::from_millis(300))
            .unwrap_err()
            .kind(),
        ErrorKind::TimedOut
    );
    machine.link(true).unwrap();
    assert!(banner(&machine).starts_with("SSH-2.0"));
}

#[test]
fn a_docker_engine_runs_containers_that_outlive_a_power_cut() {
    let lab = Lab::new().unwrap();
    let mut machine = lab.boot_with("d1", Equipment::Docker).unwrap();
    // A root file system of one program with its libraries: the shell's own `sleep` of this host.
    machine
        .ask(
            "cd / && tar -ch $(ldd /bin/sleep | grep -o '/[^ ]*') bin/sleep 2>/dev/null | docker import - sleep >/dev/null \
             && docker run --detach --network host --restart unless-stopped --name sleeper sleep /bin/sleep 1000",
        )
        .unwrap();
    let state = "docker inspect --format '{{.State.Status}} {{.RestartCount}}' sleeper";
    assert_eq!(machine.ask(state).unwrap(), "running 0");
    assert_eq!(
        machine.ask("cat /proc/1/comm").unwrap(),
        "systemd",
        "that of the machine, not of the container"
    );
    let started = "docker inspect --format '{{.State.StartedAt}}' sleeper";
    let before = machine.ask(started).unwrap();

    machine.power_cut().unwrap();
    machine.power_on().unwrap();
    assert_ne!(
        machine.ask(started).unwrap(),
        before,
        "it was started again"
    );
    assert_eq!(machine.ask(state).unwrap(), "running 0");
    machine
        .ask("docker container kill --signal=SIGKILL sleeper")
        .unwrap();
    let began = Instant::now();
    while machine.ask(state).unwrap() != "exited 0" {
        assert!(began.elapsed() < Duration::from_secs(10), "it still runs");
    }
}

/// Processes whose cgroup belongs to a lab of the process with this id.
fn left_over(owner: u32) -> usize {
    let mark = format!("/ovo-machines-{owner}-");
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("cgroup"))
                .is_ok_and(|groups| groups.contains(&mark))
        })
        .count()
}

#[test]
fn a_killed_process_leaves_no_machine_behind() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_hold-machine"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("192.0.2."), "{line:?}");
    let owner = holder.id();
    assert!(left_over(owner) > 2, "the machine runs");

    holder.kill().unwrap();
    holder.wait().unwrap();
    let began = Instant::now();
    while left_over(owner) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "still there: {}",
            left_over(owner)
        );
        std::thread::yield_now();
    }

    // Its empty cgroups go with the next lab.
    drop(Lab::new().unwrap());
    let mark = format!("ovo-machines-{owner}-");
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup")
        .unwrap()
        .filter_map(Result::ok)
    {
        let Ok(groups) = std::fs::read_dir(hierarchy.path()) else {
            continue;
        };
        for group in groups.filter_map(Result::ok) {
            assert!(
                !group.file_name().to_string_lossy().starts_with(&mark),
                "{}",
                group.path().display()
            );
        }
    }
}
