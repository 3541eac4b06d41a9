//! A deployment of real and modelled parts, and a drain in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use ovo_livekit_model::client::Client;
use ovo_machines::Machine;
use ovo_onprem::{Bed, until};

const SOON: Duration = Duration::from_secs(30);
/// How often the model looks whether somebody is left.
const TICKER: Duration = Duration::from_secs(5);

fn redis(machine: &Machine, port: u16, question: &str) -> String {
    let ask = format!(
        "redis-cli --no-auth-warning -a {} -p {port} {question}",
        Bed::REDIS_PASSWORD
    );
    machine.ask(&ask).unwrap()
}

/// One field of what Sentinel says of the primary.
fn sentinel(machine: &Machine, field: &str) -> String {
    let said = redis(machine, 7001, "sentinel master openvidu");
    let mut lines = said.lines().skip_while(|line| *line != field);
    lines.nth(1).unwrap_or_default().to_owned()
}

fn inspect(machine: &Machine, container: &str, format: &str) -> String {
    machine
        .ask(&format!("docker inspect --format '{format}' {container}"))
        .unwrap()
}

/// Somebody in a room that is on this machine, joined there: rooms are made until one is.
async fn somebody_on(bed: &Bed, machine: &Machine) -> (Client, String) {
    let (_, told) = bed.get(machine, 6789, "/model").unwrap();
    for number in 0..64 {
        let room = format!("room-{number}");
        let client = bed.join(machine.address(), &room, "ann").await.unwrap();
        if told.contains(client.node()) {
            return (client, room);
        }
        client.leave().await;
    }
    panic!("64 rooms in a row on the other node");
}

/// One deployment for both: it takes half of the time to have one.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_one_signal_and_neither_it_nor_a_lost_master_cuts_anybody_off() {
    let mut bed = Bed::boot(Path::new(env!("CARGO_BIN_EXE_onprem-model"))).unwrap();
    bed.install().unwrap();
    drain_by_docker(&bed).await;
    lose_the_primary(&mut bed).await;
}

async fn drain_by_docker(bed: &Bed) {
    // Real Redis, a real Sentinel on each master, which know each other.
    for master in &bed.masters {
        until(
            "every sentinel knows three replicas and three others",
            SOON,
            || {
                let known = [
                    sentinel(master, "num-slaves"),
                    sentinel(master, "num-other-sentinels"),
                ];
                (known == ["3", "3"]).then_some(())
            },
        )
        .unwrap();
    }
    assert_eq!(redis(&bed.masters[0], 7000, "hlen nodes"), "2");

    // What OpenVidu's containers are known to be, before anything is sent to them.
    let media = &bed.media[0];
    for container in ["openvidu", "ingress", "egress"] {
        assert_eq!(
            inspect(
                media,
                container,
                "{{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}} {{.Config.StopSignal}}"
            ),
            "host unless-stopped"
        );
    }

    // A room made through any master, over real Caddy, is on a media node.
    let through = bed
        .join(bed.masters[3].address(), "lobby", "zoe")
        .await
        .unwrap();
    let ids: Vec<_> = bed
        .media
        .iter()
        .map(|each| bed.get(each, 6789, "/model").unwrap().1)
        .collect();
    assert!(
        ids.iter().any(|told| told.contains(through.node())),
        "{ids:?}"
    );
    assert_eq!(through.leave().await, []);

    let (client, room) = somebody_on(bed, media).await;
    // It may have been started more than once: until the masters had its keys it ended at once.
    let starts = inspect(media, "openvidu", "{{.RestartCount}}");
    media
        .ask("docker container kill --signal=SIGQUIT openvidu")
        .unwrap();
    let signalled = Instant::now();
    until("the signal is counted", SOON, || {
        bed.get(media, 6789, "/model")
            .unwrap()
            .1
            .contains("SIGQUIT")
            .then_some(())
    })
    .unwrap();

    // The room goes on and takes newcomers; new rooms are on the other node.
    let late = bed.join(media.address(), &room, "bob").await.unwrap();
    assert_eq!(late.node(), client.node());
    for number in 0..6 {
        let other = bed
            .join(bed.masters[0].address(), &format!("new-{number}"), "eve")
            .await
            .unwrap();
        assert_ne!(other.node(), client.node());
        assert_eq!(other.leave().await, []);
    }
    until("two tickers are over", TICKER * 4, || {
        (signalled.elapsed() > TICKER * 2).then_some(())
    })
    .unwrap();
    assert_eq!(inspect(media, "openvidu", "{{.State.Status}}"), "running");
    assert_eq!(bed.get(media, 7880, "/").unwrap().0, 200);
    let (_, told) = bed.get(media, 6789, "/model").unwrap();
    assert!(told.ends_with(r#""signals":["SIGQUIT"]}"#), "{told}");

    // The last one leaves: it ends, is not started again, and nothing else has ended.
    assert_eq!(client.leave().await, []);
    assert_eq!(late.leave().await, []);
    until("the container has exited", SOON, || {
        (inspect(media, "openvidu", "{{.State.Status}} {{.State.ExitCode}}") == "exited 0")
            .then_some(())
    })
    .unwrap();
    assert_eq!(inspect(media, "openvidu", "{{.RestartCount}}"), starts);
    assert_eq!(
        media
            .ask("docker logs openvidu 2>&1 | grep -c 'model: signal'")
            .unwrap(),
        "1"
    );
    assert_eq!(redis(&bed.masters[0], 7000, "hlen nodes"), "1");
    for container in ["ingress", "egress"] {
        assert_eq!(inspect(media, container, "{{.State.Status}}"), "running");
    }
    assert_eq!(media.ask("systemctl is-active openvidu").unwrap(), "active");
    media.ask("systemctl stop openvidu").unwrap();
    eprintln!("{}", media.ask("journalctl -u openvidu --no-pager; docker ps -a; journalctl -u docker --no-pager | tail -30; cat /var/lib/openvidu-stand-in/stopped; bash -x /opt/openvidu/stand-in/down 2>&1; docker ps -a").unwrap());
    assert_eq!(media.ask("docker ps --quiet | wc -l").unwrap(), "0");
}

async fn lose_the_primary(bed: &mut Bed) {
    let (client, room) = somebody_on(bed, &bed.media[1]).await;
    let primary = bed.masters[0].address().to_string();
    assert_eq!(sentinel(&bed.masters[1], "ip"), primary);
    bed.masters[0].power_cut().unwrap();

    let chosen = until("the sentinels have chosen another primary", SOON, || {
        let ip = sentinel(&bed.masters[1], "ip");
        (ip != primary).then_some(ip)
    })
    .unwrap();
    // The servers follow: records are written there, and people still find the room, through any master that is left.
    until("the media node is healthy", SOON, || {
        let (code, _) = bed.get(&bed.media[1], 7880, "/").ok()?;
        (code == 200).then_some(())
    })
    .unwrap();
    let deadline = Instant::now() + SOON;
    let late = loop {
        match bed.join(bed.masters[1].address(), &room, "bob").await {
            Ok(late) => break late,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    assert_eq!(late.node(), client.node());
    assert_eq!(late.leave().await, []);

    // The lost one comes back with its containers, as a replica.
    bed.masters[0].power_on().unwrap();
    until("the old primary follows the new one", SOON * 2, || {
        let ask = format!(
            "redis-cli --no-auth-warning -a {} -p 7000 info replication",
            Bed::REDIS_PASSWORD
        );
        let said = bed.masters[0].ask(&ask).ok()?;
        (said.contains(&format!("master_host:{chosen}")) && said.contains("master_link_status:up"))
            .then_some(())
    })
    .unwrap();
    assert_eq!(client.leave().await, []);
}
