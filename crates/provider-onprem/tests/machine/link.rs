//! F13: what can happen between us and a machine, each with its class and within its time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::common::{LIMITS, Way, access, link};
use ovo_machines::Machine;
use ovo_model::ProviderError;
use ovo_provider_onprem::ssh::{Command, Link, SshError};

/// What is said counts in the tests of commands, not how long a busy machine takes to say it.
const PATIENT: ovo_provider_onprem::ssh::Limits = ovo_provider_onprem::ssh::Limits {
    call: Duration::from_mins(1),
    ..LIMITS
};

fn said(output: &ovo_provider_onprem::ssh::Output) -> (u32, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (output.code, text(&output.stdout), text(&output.stderr))
}

/// All that a healthy machine does.
#[tokio::test]
async fn commands() {
    let machine = Machine::boot("m1").unwrap();
    let way = Way::into(machine.lab());
    let link = Link::new(access(&machine, "admin"), way.clone(), PATIENT);

    let odd = "it's \"$HOME\" `id` \\ \n ä *";
    let command = Command::new("id -un; printf %s \"$1\"; cat; echo no >&2; exit 7")
        .arg(odd)
        .reads(b"input".to_vec());
    let output = link.run(&command).await.unwrap();
    assert_eq!(said(&output), (7, &*format!("root\n{odd}input"), "no\n"));

    // Large both ways, more than fits into what lies between, and over the same connection.
    let large = vec![b'x'; 8 << 20];
    let output = link
        .run(&Command::new("cat").reads(large.clone()))
        .await
        .unwrap();
    assert_eq!(output.stdout, large);
    let (one, two) = tokio::join!(
        async {
            link.run(&Command::new("sleep 0.3; echo one"))
                .await
                .unwrap()
        },
        async { link.run(&Command::new("echo two")).await.unwrap() },
    );
    assert_eq!((said(&one).1, said(&two).1), ("one\n", "two\n"));
    assert_eq!(way.connections.load(Ordering::Relaxed), 1);

    // A command that does not care for what it is given.
    let output = link.run(&Command::new("exit 3").reads(large)).await;
    assert_eq!(output.unwrap().code, 3);

    // Too much to listen to.
    let error = link
        .run(&Command::new("head -c 20000000 /dev/zero"))
        .await
        .unwrap_err();
    assert!(matches!(error, SshError::TooLong { .. }), "{error}");
    // Ended from outside.
    let error = link.run(&Command::new("kill -KILL $$")).await;
    assert!(
        !matches!(error, Ok(ref output) if output.code == 0),
        "{error:?}"
    );
    assert!(matches!(
        link.run(&Command::new("true").arg("a\0b"))
            .await
            .unwrap_err(),
        SshError::Unspeakable { .. }
    ));

    // A connection that died unnoticed is made anew before anything is sent.
    machine.ask("pkill -KILL -f '[s]shd: admin'").unwrap();
    let before = way.connections.load(Ordering::Relaxed);
    crate::common::until("the next connection", async || {
        link.run(&Command::new("true"))
            .await
            .ok()
            .filter(|_| way.connections.load(Ordering::Relaxed) > before)
    })
    .await;
}

#[tokio::test]
async fn who_may_not_is_denied() {
    let machine = Machine::boot("m1").unwrap();
    let denied = |error: SshError| match ProviderError::from(error) {
        ProviderError::Denied(why) => why,
        other => panic!("{other}"),
    };

    let error = link(&machine, "guest")
        .run(&Command::new("touch /tmp/guest"))
        .await
        .unwrap_err();
    assert!(denied(error).contains("NOPASSWD"));
    let error = link(&machine, "nobody-here")
        .run(&Command::new("true"))
        .await
        .unwrap_err();
    assert!(denied(error).contains("authorized_keys"));

    let mut broken = access(&machine, "root");
    broken.private_key = "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"
        .to_owned()
        .into();
    let broken = Link::new(broken, Way::into(machine.lab()), LIMITS);
    let error = broken.run(&Command::new("true")).await.unwrap_err();
    assert!(
        !format!("{error} {broken:?}").contains("nonsense"),
        "the key shows"
    );
    assert!(
        matches!(ProviderError::from(error), ProviderError::Invalid { field, .. } if field.ends_with("privateKey"))
    );
    assert_eq!(
        machine.ask("ls /tmp/guest 2>&1 || true").unwrap(),
        "ls: cannot access '/tmp/guest': No such file or directory"
    );
}

#[tokio::test]
async fn a_changed_host_key_is_denied_and_nothing_is_sent() {
    let mut machine = Machine::boot("m1").unwrap();
    let link = link(&machine, "root");
    link.run(&Command::new("true")).await.unwrap();
    let pinned = access(&machine, "root").host_key.fingerprint();
    machine.change_host_key().unwrap();
    let shown = access(&machine, "root").host_key.fingerprint();
    link.close().await;

    let error = link
        .run(&Command::new("touch /tmp/sent"))
        .await
        .unwrap_err();
    let ProviderError::Denied(why) = ProviderError::from(error) else {
        panic!("not denied")
    };
    for part in [
        pinned.as_str(),
        shown.as_str(),
        "m1",
        "hostKey",
        "ssh-keygen -lf",
    ] {
        assert!(why.contains(part), "{part} is missing in: {why}");
    }
    assert_eq!(
        machine.ask("ls /tmp/sent 2>/dev/null || echo no").unwrap(),
        "no"
    );
    // Not even our user name: sshd tells whom it was about to let in, if it knows. By the name that it logs under: of a
    // process that is gone again the journal cannot tell the unit.
    let log = crate::common::until("sshd's word on it", async || {
        let log = machine
            .ask("journalctl -t sshd -t sshd-session -o cat | grep preauth || true")
            .unwrap();
        (!log.is_empty()).then_some(log)
    })
    .await;
    assert!(!log.contains("user root"), "{log}");
}

/// Each of them `Retryable`, each within its limit.
#[tokio::test]
async fn a_machine_that_does_not_answer_costs_bounded_time() {
    let mut machine = Machine::boot("m1").unwrap();
    let fails = async |link: &Arc<Link>, what: &str, limit: Duration| {
        let began = Instant::now();
        let error = link
            .run(&Command::new("touch /tmp/applied; sleep 60"))
            .await
            .unwrap_err();
        let took = began.elapsed();
        assert!(
            took < limit + Duration::from_secs(2),
            "{what}: took {took:?}"
        );
        assert!(error.to_string().starts_with("m1: "), "{what}: {error}");
        assert!(
            matches!(ProviderError::from(error), ProviderError::Retryable(_)),
            "{what}"
        );
    };

    // Refused.
    machine.ask("systemctl stop ssh").unwrap();
    fails(&link(&machine, "root"), "refused", Duration::ZERO).await;
    machine.ask("systemctl start ssh").unwrap();

    // Half-open: TCP connects, no banner.
    machine.freeze("sshd").unwrap();
    fails(&link(&machine, "root"), "no banner", LIMITS.connect).await;
    machine.thaw("sshd").unwrap();

    // Silent.
    machine.link(false).unwrap();
    fails(&link(&machine, "root"), "cable pulled", LIMITS.connect).await;
    machine.link(true).unwrap();
    assert_eq!(
        machine
            .ask("ls /tmp/applied 2>/dev/null || echo no")
            .unwrap(),
        "no",
        "nothing was begun"
    );

    // Slow: the command outlasts the call. It had its effect, and the error says it may.
    // Connected before, so that on a busy machine the limit is spent on the command.
    let slow = link(&machine, "root");
    slow.run(&Command::new("true")).await.unwrap();
    fails(&slow, "slow", LIMITS.call).await;
    machine.ask("rm /tmp/applied").unwrap();

    // Frozen and gone in mid-command: keep-alives notice before the call's limit.
    let long = Arc::new(Link::new(
        access(&machine, "root"),
        Way::into(machine.lab()),
        ovo_provider_onprem::ssh::Limits {
            call: Duration::from_mins(1),
            ..LIMITS
        },
    ));
    long.run(&Command::new("true")).await.unwrap();
    let lost = Command::new("touch /tmp/begun; sleep 60");
    let cutting = async {
        crate::common::until("the command to begin", async || {
            let begun = machine.run("test -e /tmp/begun").unwrap();
            begun.status.success().then_some(())
        })
        .await;
        machine.power_cut().unwrap();
        Instant::now()
    };
    let (result, began) = tokio::join!(long.run(&lost), cutting);
    let error = result.unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    assert!(matches!(
        ProviderError::from(error),
        ProviderError::Retryable(_)
    ));

    // And all is well again.
    machine.power_on().unwrap();
    assert_eq!(long.run(&Command::new("true")).await.unwrap().code, 0);
}
