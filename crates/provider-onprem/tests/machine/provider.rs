//! A file, a unit and a job on a real machine: made, kept, changed, removed, and whose they are.

use std::sync::Arc;

use crate::common::life::{LICENSE, act, converge, look, plan, remove, target, try_look};
use crate::common::{LIMITS, Way, access, link, until};
use ovo_machines::Machine;
use ovo_model::{
    Op, Outcome, Ownership, ProviderError, ResourceId, ResourceState, Scalar, SecretKey,
};
use ovo_provider::Provider;
use ovo_provider_onprem::OnPrem;
use ovo_provider_onprem::desired::{Content, Contents, File, Job, Unit};
use ovo_provider_onprem::machine::{JobSpec, JobState};
use ovo_provider_onprem::ssh::Link;
use secrecy::SecretString;

fn contents() -> Contents {
    let key = SecretKey {
        secret: "openvidu".to_owned(),
        key: "license".to_owned(),
    };
    let file = |path: &str, content, mode: &str, owner: &str| File {
        path: path.to_owned(),
        content,
        mode: mode.to_owned(),
        owner: owner.to_owned(),
    };
    Contents {
        files: vec![
            file(
                "/opt/ovo-demo.conf",
                Content::Text("colour = \"grün\"\n".to_owned()),
                "644",
                "admin:admin",
            ),
            file(
                "/opt/ovo-demo license.env",
                Content::Secret(key),
                "600",
                "root:root",
            ),
        ],
        units: vec![Unit {
            name: "ovo-demo.service".to_owned(),
            definition:
                "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
                    .to_owned(),
            enabled: true,
            active: true,
        }],
        jobs: vec![Job {
            name: "count".to_owned(),
            script: "echo begun; echo run >> /opt/runs; cat /opt/ovo-demo.conf; echo ended\n"
                .to_owned(),
        }],
    }
}

fn provider(machine: &Machine, contents: Contents) -> OnPrem {
    OnPrem::new(link(machine, "admin"), contents)
}

fn job() -> ResourceId {
    ResourceId::new("Job", "count")
}

/// Nothing of ours is left: but for the empty folder and its lock, and the epoch in memory until the next boot.
fn assert_bare(machine: &Machine) {
    let left = machine
        .ask(
            "find /var/lib/openvidu-operator -mindepth 1 ! -name lock; find /opt /etc/systemd/system -name '*ovo-demo*'; \
             systemctl list-units --all --no-legend 'ovo-demo*' 'openvidu*'; ls /run/openvidu-operator | grep ^in || true",
        )
        .unwrap();
    assert_eq!(left, "");
}

#[tokio::test]
async fn a_whole_life() {
    let machine = Machine::boot("m1").unwrap();
    let (provider, target) = (provider(&machine, contents()), target("abcd1234"));

    assert!(look(&provider, &target).await.is_empty());
    converge(&provider, &target, 1).await;
    assert_eq!(
        machine
            .ask("cat /opt/ovo-demo.conf; stat -c '%a %U:%G' /opt/ovo-demo.conf")
            .unwrap(),
        "colour = \"grün\"\n644 admin:admin"
    );
    assert_eq!(
        machine
            .ask("cat '/opt/ovo-demo license.env'; stat -c ' %a %U' '/opt/ovo-demo license.env'")
            .unwrap(),
        format!("{LICENSE} 600 root")
    );
    assert_eq!(
        machine
            .ask("systemctl is-active ovo-demo; systemctl is-enabled ovo-demo; cat /opt/runs")
            .unwrap(),
        "active\nenabled\nrun"
    );
    let said = provider
        .machine("abcd1234".into())
        .job_output(&job(), 6, 1000)
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8(said).unwrap(),
        "colour = \"grün\"\nended\n"
    );

    // The value of a secret is in its file and nowhere else: not in records, logs or lists of processes.
    let seen = look(&provider, &target).await;
    assert!(!format!("{seen:?}").contains(LICENSE));
    let found = machine.ask(&format!("grep -rl {LICENSE} /var/lib/openvidu-operator /run /var/log /tmp || true; journalctl | grep -c {LICENSE} || true")).unwrap();
    assert_eq!(found, "0");

    // Health.
    let health = provider.machine("abcd1234".into()).health().await.unwrap();
    assert_eq!(health.systemd, "running");
    assert!(health.memory_available_kib > 0 && health.disk_available_kib > 0);

    // Somebody changes things by hand: each is seen and put back, the job is not run again.
    for change in [
        "echo more >> /opt/ovo-demo.conf",
        "chmod 600 /opt/ovo-demo.conf",
        "rm /opt/ovo-demo.conf",
        "chown root /opt/ovo-demo.conf",
        "echo x > '/opt/ovo-demo license.env'",
        "systemctl stop ovo-demo",
        "systemctl disable ovo-demo",
        "echo '[Service]\nExecStart=/bin/sleep 1' > /etc/systemd/system/ovo-demo.service; systemctl daemon-reload",
        "systemctl kill -s KILL ovo-demo; while systemctl is-active -q ovo-demo; do :; done",
    ] {
        machine.ask(change).unwrap();
        let desired = provider.desired(&target.cluster, target.profile).unwrap();
        let (ops, waits) = plan(&desired, &look(&provider, &target).await);
        assert!(!ops.is_empty() || waits, "{change:?} was not noticed");
        for _ in 0..3 {
            // A unit that had failed is started again, and said to have failed.
            let (ops, _) = plan(&desired, &look(&provider, &target).await);
            for op in ops {
                if let Err(error) = act(&provider, &target, &op, 1).await {
                    assert!(
                        matches!(error, ProviderError::Retryable(_)) && change.contains("KILL"),
                        "{error}"
                    );
                }
            }
        }
        assert_eq!(
            converge(&provider, &target, 1).await,
            seen_again(&provider, &target).await,
            "{change:?}"
        );
    }
    assert_eq!(machine.ask("cat /opt/runs").unwrap(), "run");

    remove(&provider, &target, 1).await;
    assert_bare(&machine);
}

async fn seen_again(provider: &OnPrem, target: &ovo_provider::Target) -> crate::common::life::Seen {
    look(provider, target).await
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let machine = Machine::boot("m1").unwrap();
    let target = target("abcd1234");
    let provider = provider(&machine, contents());
    let desired = provider.desired(&target.cluster, target.profile).unwrap();
    let conflict = |result: Result<Outcome, ProviderError>| match result {
        Err(ProviderError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    };

    // Somebody's file and unit under our names.
    machine.ask("echo theirs > /opt/ovo-demo.conf; echo '[Service]\nExecStart=/bin/true' > /etc/systemd/system/ovo-demo.service").unwrap();
    let seen = look(&provider, &target).await;
    assert_eq!(seen.len(), 2);
    assert!(
        seen.values()
            .all(|resource| resource.ownership == Ownership::Unowned)
    );
    for resource in desired
        .iter()
        .filter(|resource| seen.contains_key(&resource.id))
    {
        let (ops, _) = plan(
            std::slice::from_ref(resource),
            &crate::common::life::Seen::new(),
        );
        // A plan made before it was there.
        let without = Op::Create {
            resource: resource.id.clone(),
            call: String::new(),
            properties: match ops.into_iter().next() {
                Some(Op::Create { properties, .. }) => properties,
                // A unit waits for its files.
                _ => resource
                    .properties
                    .iter()
                    .filter_map(|(n, p)| match &p.value {
                        ovo_model::Value::Known(_) => Some((n.clone(), p.value.clone())),
                        _ => None,
                    })
                    .collect(),
            },
        };
        assert!(conflict(act(&provider, &target, &without, 1).await).contains("not ours"));
        let delete = Op::Delete {
            resource: resource.id.clone(),
            call: String::new(),
        };
        assert!(conflict(act(&provider, &target, &delete, 1).await).contains("not ours"));
    }
    assert_eq!(
        machine
            .ask("cat /opt/ovo-demo.conf; head -n 1 /etc/systemd/system/ovo-demo.service")
            .unwrap(),
        "theirs\n[Service]"
    );
    machine
        .ask("rm /opt/ovo-demo.conf /etc/systemd/system/ovo-demo.service")
        .unwrap();

    // Another deployment's.
    converge(&provider, &target, 1).await;
    let other = crate::common::life::target("zzzz9999");
    let seen = look(&provider, &other).await;
    assert_eq!(seen.len(), 4);
    assert!(seen.values().all(
        |r| r.ownership == Ownership::Foreign("abcd1234".to_owned()) && r.properties.is_empty()
    ));
    let (ops, _) = plan(&desired, &crate::common::life::Seen::new());
    assert!(conflict(act(&provider, &other, &ops[0], 9).await).contains("abcd1234"));
    let delete = Op::Delete {
        resource: job(),
        call: String::new(),
    };
    assert!(conflict(act(&provider, &other, &delete, 9).await).contains("abcd1234"));
    assert_eq!(look(&provider, &target).await.len(), 4);
    converge(&provider, &target, 1).await;
    assert_eq!(machine.ask("cat /opt/runs").unwrap(), "run");
}

#[tokio::test]
async fn an_older_leader_and_an_older_version_do_nothing() {
    let machine = Machine::boot("m1").unwrap();
    let (provider, target) = (provider(&machine, contents()), target("abcd1234"));
    let on_machine = provider.machine("abcd1234".into());
    converge(&provider, &target, 4).await;
    assert_eq!(on_machine.inventory(&[]).await.unwrap().epoch, 4);

    let desired = provider.desired(&target.cluster, target.profile).unwrap();
    let (create, _) = plan(&desired, &crate::common::life::Seen::new());
    let delete = Op::Delete {
        resource: job(),
        call: String::new(),
    };
    let before = machine
        .ask("find /opt/*ovo-demo* /opt/runs /var/lib/openvidu-operator -type f ! -name lock -printf '%p %T@\n' | sort")
        .unwrap();
    for op in [&create[0], &create[1], &delete] {
        match act(&provider, &target, op, 3).await {
            Err(ProviderError::Conflict(why)) => assert!(why.contains("epoch 4"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        machine
            .ask("find /opt/*ovo-demo* /opt/runs /var/lib/openvidu-operator -type f ! -name lock -printf '%p %T@\n' | sort")
            .unwrap(),
        before
    );
    // A newer one may, and is remembered; also when all is gone.
    act(&provider, &target, &create[0], 5).await.unwrap();
    assert_eq!(on_machine.inventory(&[]).await.unwrap().epoch, 5);
    remove(&provider, &target, 6).await;
    assert_bare(&machine);
    assert!(matches!(
        act(&provider, &target, &create[0], 5).await,
        Err(ProviderError::Conflict(_))
    ));
    assert_bare(&machine);

    converge(&provider, &target, 6).await;
    machine
        .ask("echo 2 > /var/lib/openvidu-operator/abcd1234/format")
        .unwrap();
    assert!(
        try_look(&provider, &target)
            .await
            .unwrap_err()
            .contains("FormatTooNew")
    );
    match act(&provider, &target, &create[0], 7).await {
        Err(ProviderError::Conflict(why)) => assert!(why.contains("FormatTooNew"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// Nothing but one job.
fn a_job(script: &str) -> Contents {
    Contents {
        jobs: vec![Job {
            name: "count".to_owned(),
            script: script.to_owned(),
        }],
        ..Contents::default()
    }
}

/// A job that ends between two looks at it, both within one question.
#[tokio::test]
async fn a_job_that_ends_while_it_is_asked_for_is_not_run_again() {
    let machine = Machine::boot("m1").unwrap();
    let target = target("abcd1234");
    let script = "echo run >> /opt/runs; echo begun; until [ -e /opt/go ]; do sleep 0.05; done";
    let contents = a_job(script);
    let provider = provider(&machine, contents);
    let desired = provider.desired(&target.cluster, target.profile).unwrap();
    let op = plan(&desired, &look(&provider, &target).await).0.remove(0);
    act(&provider, &target, &op, 1).await.unwrap();
    until("the job to begin", async || {
        let runs = machine.ask("cat /opt/runs 2>/dev/null || true").unwrap();
        (runs == "run").then_some(())
    })
    .await;
    // Whoever asks whether it runs gets the answer when it has just ended.
    let late = "#!/bin/sh\ntouch /opt/go\nwhile /usr/bin/systemctl is-active --quiet 'openvidu-operator-*.service'; \
                do sleep 0.05; done\nexec /usr/bin/systemctl \"$@\"\n";
    machine
        .ask(&format!(
            "cat > /usr/sbin/systemctl <<'END'\n{late}END\nchmod 755 /usr/sbin/systemctl"
        ))
        .unwrap();
    assert_eq!(act(&provider, &target, &op, 1).await, Ok(Outcome::Done));
    assert_eq!(machine.ask("cat /opt/runs").unwrap(), "run");
}

/// Everything that we are on the machine is killed in the middle of a job, and so are we; who comes after finds the
/// job, follows it, and does not start it again.
#[test]
fn a_job_outlives_us_and_runs_once() {
    let machine = Machine::boot("m1").unwrap();
    let target = target("abcd1234");
    let script =
        "echo run >> /opt/runs; echo begun; until [ -e /opt/go ]; do sleep 0.05; done; echo ended";
    let contents = a_job(script);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };

    let first = runtime();
    let op = first.block_on(async {
        let provider = provider(&machine, contents.clone());
        let desired = provider.desired(&target.cluster, target.profile).unwrap();
        let op = plan(&desired, &look(&provider, &target).await).0.remove(0);
        assert!(matches!(
            act(&provider, &target, &op, 1).await,
            Ok(Outcome::InProgress { .. })
        ));
        let seen = until("the job to begin", async || {
            let seen = look(&provider, &target).await.remove(&job()).unwrap();
            seen.progress
                .as_deref()
                .is_some_and(|progress| progress.contains("begun"))
                .then_some(seen)
        })
        .await;
        assert_eq!(seen.state, ResourceState::Pending);
        // The call that would ask next dies half-way.
        let asking = act(&provider, &target, &op, 1);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(1), asking)
                .await
                .is_err()
        );
        op
    });
    first.shutdown_background();
    machine
        .ask("systemctl restart ssh; pkill -KILL -f '[s]shd: admin' || true")
        .unwrap();

    runtime().block_on(async {
        let provider = provider(&machine, contents.clone());
        let on_machine = provider.machine("abcd1234".into());
        assert_eq!(
            look(&provider, &target).await[&job()].state,
            ResourceState::Pending
        );
        assert!(matches!(
            act(&provider, &target, &op, 2).await,
            Ok(Outcome::InProgress { .. })
        ));
        assert_eq!(
            on_machine.job_output(&job(), 0, 100).await.unwrap(),
            b"begun\n"
        );
        machine.ask("touch /opt/go").unwrap();
        until("the job to end", async || {
            (act(&provider, &target, &op, 2).await == Ok(Outcome::Done)).then_some(())
        })
        .await;
        // From where the first of us had stopped reading.
        assert_eq!(
            on_machine.job_output(&job(), 6, 100).await.unwrap(),
            b"ended\n"
        );
        assert_eq!(act(&provider, &target, &op, 2).await, Ok(Outcome::Done));
        assert_eq!(
            look(&provider, &target).await[&job()].properties["script"],
            Scalar::from(script)
        );
        assert_eq!(
            machine.ask("cat /opt/runs").unwrap(),
            "run",
            "the job ran once"
        );
    });
}

#[tokio::test]
async fn a_job_that_fails_is_told_once_and_tried_again() {
    let mut machine = Machine::boot("m1").unwrap();
    let target = target("abcd1234");
    let script = "echo run >> /opt/runs; [ -e /opt/ready ] || { echo 'not ready' >&2; exit 3; }";
    let contents = a_job(script);
    let provider = provider(&machine, contents);
    let desired = provider.desired(&target.cluster, target.profile).unwrap();
    let op = plan(&desired, &crate::common::life::Seen::new())
        .0
        .remove(0);

    let failure = until("the job to fail", async || {
        act(&provider, &target, &op, 1).await.err()
    })
    .await;
    let ProviderError::Retryable(why) = failure else {
        panic!("{failure}")
    };
    assert!(
        why.contains("exit code 3") && why.contains("not ready"),
        "{why}"
    );
    let seen = look(&provider, &target).await.remove(&job()).unwrap();
    assert!(
        !seen.properties.contains_key("script"),
        "it has not been done"
    );
    assert_eq!(seen.outputs["exitCode"], Scalar::from("3"));
    assert!(seen.progress.unwrap().contains("not ready"));

    machine.ask("touch /opt/ready").unwrap();
    converge(&provider, &target, 1).await;
    assert_eq!(machine.ask("wc -l < /opt/runs").unwrap(), "2");

    // What was done stays done over a power cut, and what was cut off is begun again.
    machine.power_cut().unwrap();
    machine.power_on().unwrap();
    assert_eq!(act(&provider, &target, &op, 1).await, Ok(Outcome::Done));
    assert_eq!(machine.ask("wc -l < /opt/runs").unwrap(), "2");

    let longer = Contents {
        jobs: vec![Job {
            name: "count".to_owned(),
            script: "echo long >> /opt/runs; [ -e /opt/go ] || sleep infinity".to_owned(),
        }],
        ..Contents::default()
    };
    let again = OnPrem::new(
        Arc::new(Link::new(
            access(&machine, "root"),
            Way::into(machine.lab()),
            LIMITS,
        )),
        longer,
    );
    let desired = again.desired(&target.cluster, target.profile).unwrap();
    let op = plan(&desired, &look(&again, &target).await).0.remove(0);
    act(&again, &target, &op, 1).await.unwrap();
    until("the job to begin", async || {
        machine
            .ask("tail -n 1 /opt/runs")
            .unwrap()
            .eq("long")
            .then_some(())
    })
    .await;
    machine.power_cut().unwrap();
    machine.power_on().unwrap();
    machine.ask("touch /opt/go").unwrap();
    let seen = look(&again, &target).await.remove(&job()).unwrap();
    assert_eq!(
        (seen.state, seen.properties.len()),
        (ResourceState::Ready, 0),
        "neither done nor running"
    );
    converge(&again, &target, 1).await;
    assert_eq!(machine.ask("grep -c long /opt/runs").unwrap(), "2");
    remove(&again, &target, 1).await;
    assert_bare(&machine);
}

#[tokio::test]
async fn a_job_may_say_its_secrets_and_nobody_reads_them() {
    let machine = Machine::boot("m1").unwrap();
    let ours = provider(&machine, Contents::default()).machine("abcd1234".into());
    let spec = JobSpec {
        script: "cat \"$OPENVIDU_OPERATOR_SECRET\"; echo said\n",
    };
    // One begins like the other: masked in this order, it would leave the end of the longer one behind.
    let secrets = SecretString::from("--short=canary\n--long=canary-and-its-end\n");
    until("the job to end", async || {
        let state = ours
            .start_job_with_secrets(&job(), spec, &secrets, b"{}", 1)
            .await;
        (state.unwrap() == JobState::Done).then_some(())
    })
    .await;
    let said = ours.job_output(&job(), 0, 1000).await.unwrap();
    assert_eq!(
        String::from_utf8(said).unwrap(),
        "--short=***\n--long=***\nsaid\n"
    );
    let found = "grep -rl canary /var/lib/openvidu-operator /run /var/log /tmp || true";
    assert_eq!(machine.ask(found).unwrap(), "");
}
