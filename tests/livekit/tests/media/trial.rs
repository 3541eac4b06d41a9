//! Trying the deployment out: through the masters' entrance, behind which the model of OpenVidu's operator stands.

use std::time::{Duration, Instant};

use ovo_provider::Media;

use crate::bed::{Bed, MASTERS, MEDIA, RIGHT, SOON, Secrets, occupancy};
use crate::wire::{Manner, server};

/// Waits until the entrances have found the media nodes.
async fn entered(bed: &Bed) {
    let began = Instant::now();
    for master in MASTERS {
        let others = MASTERS.iter().filter(|other| **other != master);
        for other in others {
            bed.wire
                .bend(other, 7880, server(Manner::http(502, "")).await);
        }
        while let Err(error) = bed.client().try_out(&bed.target, &RIGHT).await {
            assert!(began.elapsed() < SOON, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bed.wire.straighten();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_made_and_joined_and_nothing_is_left_of_it() {
    let bed = Bed::start().await;
    let client = bed.client();
    assert!(client.tries_out());
    entered(&bed).await;
    // A master through which nobody gets in holds nothing up: a balancer goes round it.
    bed.wire.bend("m1", 7880, server(Manner::Hangs).await);
    bed.wire
        .bend("m2", 7880, server(Manner::http(502, "")).await);
    client.try_out(&bed.target, &RIGHT).await.unwrap();
    bed.wire.straighten();
    bed.until("nobody is counted", |answers| {
        MEDIA
            .iter()
            .all(|node| occupancy(answers, node).is_some_and(|o| o.is_zero()))
    })
    .await;
    for hash in ["rooms", "room_node_map"] {
        bed.emptied(hash).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_without_any_secret() {
    let bed = Bed::start().await;
    let client = bed.client();
    entered(&bed).await;
    let wrong = Secrets {
        api_secret: "wrongsecretcanary",
        ..RIGHT
    };
    let error = client.try_out(&bed.target, &wrong).await.unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(
        said.contains("CreateRoom") && said.contains("LIVEKIT_API_SECRET"),
        "{said}"
    );
    for master in MASTERS {
        assert!(said.contains(master), "{said}");
        bed.wire.bend(master, 7880, server(Manner::Repeats).await);
    }
    assert!(!said.contains("wrongsecretcanary"), "{said}");
    let error = client.try_out(&bed.target, &RIGHT).await.unwrap_err();
    // Tokens are told to nobody, either: they begin alike.
    assert!(!format!("{error:?}").contains("eyJ"), "{error}");
    bed.wire.straighten();

    for node in MEDIA {
        bed.kill(&format!("livekit {node}"));
    }
    let error = client.try_out(&bed.target, &RIGHT).await.unwrap_err();
    assert!(error.to_string().contains("m4, port 7880"), "{error}");
}
