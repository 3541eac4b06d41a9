//! Killed anywhere: whatever a change is made of, it ends wholly done or not at all, and done again it is whole.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ovo_machines::Machine;
use ovo_model::{Op, ProviderError, ResourceId, SecretKey};
use ovo_provider::{Provider, Target};
use ovo_provider_onprem::OnPrem;
use ovo_provider_onprem::desired::{Content, Contents, File, Job, Unit};
use ovo_provider_onprem::ssh::{Command, Link};

use crate::common::life::{LICENSE, act, converge, look, plan, remove, target};
use crate::common::{LIMITS, Way, access};

/// In one folder, in which nothing else may ever be found.
const FOLDER: &str = "/opt/ovo-crash";

/// What the machine should hold: file, unit and job each in a version, with another content, definition and script.
fn contents([text, unit, job]: [usize; 3]) -> Contents {
    let key = SecretKey {
        secret: "openvidu".to_owned(),
        key: "license".to_owned(),
    };
    let file = |name: &str, content, mode: &str| File {
        path: format!("{FOLDER}/{name}"),
        content,
        mode: mode.to_owned(),
        owner: "admin:admin".to_owned(),
    };
    let text = format!("version {text}\n").repeat(2_000);
    Contents {
        files: vec![
            file("text", Content::Text(text), "640"),
            file("secret", Content::Secret(key), "600"),
        ],
        units: vec![Unit {
            name: "ovo-crash.service".to_owned(),
            definition: format!(
                "[Unit]\nDescription=version {unit}\n[Service]\nExecStart=/bin/sleep infinity\n"
            ),
            enabled: false,
            active: true,
        }],
        jobs: vec![Job {
            name: "count".to_owned(),
            script: format!("echo {job} >> /opt/ovo-crash-runs\n"),
        }],
    }
}

/// Every file whole, of one of these versions, with its mode and owner; no job of one version run twice.
fn assert_whole(machine: &Machine, versions: &[usize]) {
    let found = machine
        .ask(&format!(
            "cd {FOLDER}; for f in text secret; do [ ! -e $f ] || echo $f $(stat -c '%a %U %s' $f) $(sort -u $f); done; \
             sort /opt/ovo-crash-runs 2>/dev/null | uniq -d | sed 's/^/twice /'; \
             sed -n 's/^Description=/unit /p' /etc/systemd/system/ovo-crash.service 2>/dev/null || true"
        ))
        .unwrap();
    let text = |v: &usize| {
        format!(
            "text 640 admin {} version {v}",
            format!("version {v}\n").len() * 2_000
        )
    };
    let mut expected: Vec<String> = versions.iter().map(text).collect();
    expected.extend(versions.iter().map(|v| format!("unit version {v}")));
    expected.push(format!("secret 600 admin {} {LICENSE}", LICENSE.len()));
    for line in found.lines() {
        assert!(
            expected.iter().any(|whole| whole == line),
            "{line:?} is none of {expected:?}"
        );
    }
}

/// Every file in the folder is one of ours in its final form: nothing staged stays behind.
fn assert_clean(machine: &Machine, expected: &str) {
    assert_eq!(machine.ask(&format!("ls -A {FOLDER}")).unwrap(), expected);
    assert_eq!(
        machine
            .ask("ls -d /run/openvidu-operator/in.* /etc/systemd/system/.*ovo* 2>/dev/null || true")
            .unwrap(),
        ""
    );
}

/// Programs that scripts run are found first in `/usr/sbin`: there, a stand-in counts them and at the right one kills
/// the script, and sudo above it, before the program has run.
const STAND_IN: &str = r#"#!/bin/bash
at=/run/crash-at
if [ -e $at ]; then
  mine=() pid=$PPID
  while grep -qzx openvidu-operator /proc/$pid/cmdline; do
    mine+=($pid)
    pid=$(/usr/bin/awk '$1 == "PPid:" { print $2 }' /proc/$pid/status)
  done
  if [ ${#mine[@]} -gt 0 ]; then
    left=$(($(<$at) - 1))
    echo $left >$at
    if [ $left -eq 0 ]; then
      /usr/bin/rm $at
      kill -KILL "${mine[@]}"
      exit 1
    fi
  fi
fi
exec /usr/bin/"${0##*/}" "$@"
"#;

const PROGRAMS: &str = "basename chmod chown cp cut find flock head mkdir mktemp mv rm rmdir sha256sum stat sync systemctl \
                        systemd-run tail";

fn install_stand_ins(machine: &Machine) {
    machine
        .ask(&format!(
            "cat > /usr/local/stand-in <<'EOF'\n{STAND_IN}EOF\nchmod 755 /usr/local/stand-in\n\
             for p in {PROGRAMS}; do ln -s /usr/local/stand-in /usr/sbin/$p; done; mkdir {FOLDER}"
        ))
        .unwrap();
}

/// Runs a step, killed at its first program, run again, killed at its second, and so on until it gets through.
/// The number of kills.
async fn kill_everywhere(
    machine: &Machine,
    provider: &OnPrem,
    target: &Target,
    op: &Op,
    versions: &[usize],
) -> usize {
    for point in 1.. {
        assert!(point < 200, "{op:?} does not end");
        machine
            .ask(&format!("echo {point} > /run/crash-at"))
            .unwrap();
        let result = act(provider, target, op, 1).await;
        machine.ask("/usr/bin/rm -f /run/crash-at").unwrap();
        assert_whole(machine, versions);
        match result {
            Ok(_) => return point - 1,
            Err(ProviderError::Retryable(_)) => {}
            Err(other) => panic!("{op:?} at {point}: {other}"),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_script_killed_at_any_of_its_programs() {
    let machine = Machine::boot("m1").unwrap();
    install_stand_ins(&machine);
    let target = target("abcd1234");
    let provider = |version| {
        let link = Link::new(access(&machine, "admin"), Way::into(machine.lab()), LIMITS);
        OnPrem::new(Arc::new(link), contents([version; 3]))
    };
    let mut kills = 0;

    // Made, then changed.
    for version in [1, 2] {
        let provider = provider(version);
        let desired = provider.desired(&target.cluster, target.profile).unwrap();
        loop {
            let (mut ops, waits) = plan(&desired, &look(&provider, &target).await);
            if ops.is_empty() && !waits {
                break;
            }
            if !ops.is_empty() {
                kills += kill_everywhere(
                    &machine,
                    &provider,
                    &target,
                    &ops.remove(0),
                    &[version - 1, version],
                )
                .await;
            }
        }
        assert_whole(&machine, &[version]);
        assert_clean(&machine, "secret\ntext");
        let runs: Vec<_> = (1..=version).map(|v| v.to_string()).collect();
        assert_eq!(
            machine.ask("cat /opt/ovo-crash-runs").unwrap(),
            runs.join("\n"),
            "each job once"
        );
    }

    // Taken away.
    let provider = provider(2);
    for (kind, name) in [
        ("Job", "count".to_owned()),
        ("Unit", "ovo-crash.service".to_owned()),
        ("File", format!("{FOLDER}/text")),
        ("File", format!("{FOLDER}/secret")),
    ] {
        let delete = Op::Delete {
            resource: ResourceId::new(kind, name),
            call: String::new(),
        };
        kills += kill_everywhere(&machine, &provider, &target, &delete, &[2]).await;
    }
    remove(&provider, &target, 1).await;
    assert_clean(&machine, "");
    assert_eq!(
        machine.ask("ls -A /var/lib/openvidu-operator").unwrap(),
        "lock"
    );
    println!("killed {kills} times");
    assert!(
        kills > 100,
        "only {kills} kills: the stand-ins are not in the way"
    );
}

/// The connection breaks after each of so many bytes, on the way out and on the way back.
#[tokio::test]
async fn a_connection_broken_at_any_byte() {
    let machine = Machine::boot("m1").unwrap();
    machine.ask(&format!("mkdir {FOLDER}")).unwrap();
    let target = target("abcd1234");
    let way = Way::into(machine.lab());
    let link = Arc::new(Link::new(access(&machine, "admin"), way.clone(), LIMITS));
    let first = OnPrem::new(Arc::clone(&link), contents([0; 3]));
    converge(&first, &target, 1).await;

    let (mut versions, mut breaks) = ([0; 3], 0);
    for (which, kind) in ["File", "Unit", "Job"].into_iter().enumerate() {
        for allowance in [&way.out, &way.back] {
            // Further apart each time: beginnings of scripts and answers are where most happens.
            let mut bytes = 1;
            loop {
                let before = versions[which];
                versions[which] += 1;
                let provider = OnPrem::new(Arc::clone(&link), contents(versions));
                let desired = provider.desired(&target.cluster, target.profile).unwrap();
                let (ops, _) = plan(&desired, &look(&provider, &target).await);
                let [op] = &ops[..] else {
                    panic!("{kind} alone changes: {ops:?}")
                };

                link.run(&Command::new("true")).await.unwrap();
                allowance.store(bytes, Relaxed);
                let result = act(&provider, &target, op, 1).await;
                let broke = allowance.swap(usize::MAX, Relaxed) == 0;
                match result {
                    Ok(_) => {}
                    Err(ProviderError::Retryable(_)) => assert!(broke, "it broke by itself"),
                    Err(other) => panic!("{other}"),
                }
                assert_whole(&machine, &[&[before], &versions[..]].concat());
                // Who comes next, over a connection of its own.
                converge(&provider, &target, 1).await;
                assert_whole(&machine, &versions);
                if !broke {
                    break;
                }
                breaks += 1;
                bytes *= 2;
            }
        }
    }
    let runs: Vec<_> = (0..=versions[2]).map(|v| v.to_string()).collect();
    assert_eq!(
        machine.ask("cat /opt/ovo-crash-runs").unwrap(),
        runs.join("\n"),
        "each job once"
    );
    assert_clean(&machine, "secret\ntext");
    println!("broke {breaks} times");
    assert!(breaks > 40, "only {breaks} breaks");
    remove(&first, &target, 1).await;
}
