//! What is read while something is wrong: errors, and never zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::sys::signal::Signal;
use ovo_api::profile::OccupancySource::{self, Egress, Ingress, LiveKit};
use ovo_model::{MediaState, ProviderError, SharedStore};
use ovo_provider::{Answers, NoSecrets};

use crate::bed::{Bed, MEDIA, PASSWORD, RIGHT, SOON, Secrets, complaint, occupancy, primary};
use crate::wire::{Manner, server};

/// While Redis is not read nobody is known to be idle, nor to be open.
fn nothing_is_known(answers: &Answers) {
    for node in MEDIA {
        for source in [LiveKit, Ingress] {
            complaint(answers, node, source);
        }
        assert_eq!(answers.states.get(node), Some(&MediaState::Unknown));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_seen_and_nothing_is_known_until_it_is_over() {
    let bed = Bed::start().await;
    bed.sentinels_are_whole().await;
    bed.kill("redis m1");
    let began = Instant::now();
    let (mut unsure, mut changing) = (0, 0);
    let after = loop {
        let answers = bed.read().await;
        match &answers.shared_store {
            Some(SharedStore::Steady { primary, .. }) => {
                assert_ne!(&*primary.0, "m1", "nobody listens there");
                break answers;
            }
            Some(SharedStore::Changing { why }) => {
                assert!(!why.is_empty());
                changing += 1;
            }
            _ => unsure += 1,
        }
        nothing_is_known(&answers);
        assert!(began.elapsed() < SOON, "no failover: {answers:#?}");
    };
    assert!(changing > 0, "no failover was seen; {unsure} times nothing");
    let new = primary(&after).unwrap();
    // The servers write their records to the new primary, and then they are read again.
    let whole = bed
        .until("both are read from the new primary", |answers| {
            MEDIA.iter().all(|node| occupancy(answers, node).is_some())
        })
        .await;
    assert_eq!(primary(&whole), Some(new));
    assert_eq!(whole.states.get("w1"), Some(&MediaState::Serving));

    // The old one comes back, says for a while that it is the primary, and nobody who asks the sentinels believes it.
    bed.start_redis("m1");
    bed.until("all four are there", |answers| {
        assert_ne!(primary(answers).as_deref(), Some("m1"));
        matches!(
            answers.shared_store,
            Some(SharedStore::Steady { voices: 4, .. })
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_none_any_more_when_it_is_asked_tells_nothing() {
    let bed = Arc::new(Bed::start().await);
    let happened = Arc::new(AtomicBool::new(false));
    let (inside, flag) = (Arc::downgrade(&bed), Arc::clone(&happened));
    bed.wire.before(
        7000,
        Box::new(move || {
            let (bed, first) = (inside.upgrade(), !flag.swap(true, Ordering::SeqCst));
            Box::pin(async move {
                if let (Some(bed), true) = (bed, first) {
                    let other = bed.address("m2").to_string();
                    bed.redis("m1", &["REPLICAOF", &other, "7000"]).await;
                }
            })
        }),
    );
    let answers = bed.read().await;
    assert!(happened.load(Ordering::SeqCst));
    nothing_is_known(&answers);
    let Some(SharedStore::Unknown { why }) = &answers.shared_store else {
        panic!("{:?}", answers.shared_store);
    };
    assert!(why.contains("not the primary any more"), "{why}");
    bed.wire.straighten();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_not_waited_for() {
    let bed = Bed::start().await;
    // Sentinels of which half are stopped are no majority; the others do not answer for them.
    for sentinel in ["sentinel m3", "sentinel m4"] {
        bed.signal(sentinel, Signal::SIGSTOP);
    }
    let answers = bed.read().await;
    nothing_is_known(&answers);
    let Some(SharedStore::Unknown { why }) = &answers.shared_store else {
        panic!("{:?}", answers.shared_store);
    };
    assert!(
        why.contains("2 of 4") && why.contains("m3: sentinel"),
        "{why}"
    );
    for sentinel in ["sentinel m3", "sentinel m4"] {
        bed.signal(sentinel, Signal::SIGCONT);
    }

    let hung = server(Manner::Hangs).await;
    bed.wire.bend("m1", 7000, hung);
    let answers = bed.read().await;
    nothing_is_known(&answers);
    let why = complaint(&answers, "w1", LiveKit);
    assert!(why.contains("m1: Redis on port 7000"), "{why}");
    bed.wire.straighten();
    bed.until("all is read again", |answers| {
        MEDIA.iter().all(|node| occupancy(answers, node).is_some())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_named_and_no_password_is_ever_shown() {
    let bed = Bed::start().await;
    let nodes = || MEDIA.map(|name| bed.node(name)).to_vec();
    let wrong = Secrets {
        redis_password: "wrongpasswordcanary",
        ..RIGHT
    };
    let answers = bed.read_with(wrong, nodes()).await;
    nothing_is_known(&answers);
    let said = format!("{answers:?}");
    assert!(said.contains("does not take the password"), "{said}");
    assert!(said.contains("REDIS_PASSWORD"), "{said}");
    assert!(!said.contains("wrongpasswordcanary"), "{said}");

    // Some servers repeat what they do not understand.
    let parrot = server(Manner::Repeats).await;
    for (node, port) in [("m1", 7001), ("m2", 7001), ("m1", 7000)] {
        bed.wire.bend(node, port, parrot);
        let answers = bed.read().await;
        let said = format!("{answers:?} {:?}", answers.shared_store);
        assert!(!said.contains(PASSWORD), "{said}");
        if port == 7000 {
            nothing_is_known(&answers);
        }
        bed.wire.straighten();
    }
}

/// Whom an answer comes from, and what it is.
type Bent = (OccupancySource, u16, Manner);

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_an_error_of_that_source_of_that_node_alone() {
    let bed = Bed::start().await;
    let gauge = |rooms: &str, people: &str| {
        Manner::http(
            200,
            &format!(
                "livekit_room_total{{node_id=\"ND_x\"}} {rooms}\n\
                 livekit_participant_total{{node_id=\"ND_x\"}} {people}\n"
            ),
        )
    };
    let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nlivekit_room_total 1\n";
    let bent: [Bent; 14] = [
        (LiveKit, 6789, Manner::http(200, "")),
        (LiveKit, 6789, Manner::http(200, "<html></html>\n")),
        (LiveKit, 6789, Manner::http(500, "livekit_room_total 0\n")),
        (LiveKit, 6789, Manner::http(401, "")),
        (LiveKit, 6789, Manner::Says(whole.to_vec())),
        (
            LiveKit,
            6789,
            Manner::Says(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ),
        (LiveKit, 6789, Manner::Says(Vec::new())),
        (LiveKit, 6789, Manner::Hangs),
        (LiveKit, 6789, gauge("NaN", "0")),
        // Numbers of a server that has no record.
        (LiveKit, 6789, gauge("0", "0")),
        (Egress, 9091, Manner::http(200, "OK")),
        (Egress, 9091, Manner::http(503, "{\"CpuLoad\":0}")),
        (Ingress, 9092, Manner::http(200, "Unhealthy")),
        (Ingress, 9092, Manner::Hangs),
    ];
    for (source, port, manner) in bent {
        bed.wire.bend("w1", port, server(manner.clone()).await);
        let answers = bed.read().await;
        let why = complaint(&answers, "w1", source);
        assert!(why.contains("w1"), "{why}");
        for other in [LiveKit, Egress, Ingress] {
            if other != source {
                assert!(answers.nodes["w1"][&other].is_ok(), "{other:?}");
            }
        }
        assert!(occupancy(&answers, "w2").is_some(), "{answers:#?}");
        bed.wire.straighten();
    }
    // A record that is none.
    bed.redis("m1", &["HSET", "ingress", "IN_x", "garbage"])
        .await;
    let answers = bed.read().await;
    for node in MEDIA {
        let why = complaint(&answers, node, Ingress);
        assert!(why.contains("ingress"), "{why}");
        assert!(answers.nodes[node][&LiveKit].is_ok());
    }
    bed.redis("m1", &["HDEL", "ingress", "IN_x"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_password_and_without_masters_nobody_is_asked() {
    let bed = Bed::bare();
    let answers = bed.read().await;
    nothing_is_known(&answers);
    let Some(SharedStore::Unknown { why }) = &answers.shared_store else {
        panic!("{:?}", answers.shared_store);
    };
    assert!(why.contains("0 of 4 sentinels"), "{why}");
    let node = bed.node("w1");
    let client = bed.client();
    let answers = ovo_provider::Media::read(&client, &bed.target, &[&node], &NoSecrets).await;
    let error = answers.nodes["w1"][&LiveKit].as_ref().unwrap_err();
    assert!(matches!(error, ProviderError::Retryable(_)));
    let Some(SharedStore::Unknown { why }) = &answers.shared_store else {
        panic!("{:?}", answers.shared_store);
    };
    assert!(why.contains("REDIS_PASSWORD"), "{why}");
}
