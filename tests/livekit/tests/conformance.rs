//! The model of LiveKit's server, held to the suite that a real one has to pass. With a real Redis.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};

use common::Running;
use nix::sys::signal::Signal;
use ovo_livekit_model::conformance::{Check, Process, Server, Target};

const PASSWORD: &str = "redispassword";

/// The model on one address.
struct Model {
    api: SocketAddr,
    metrics: SocketAddr,
    redis: SocketAddr,
    defect: Option<&'static str>,
    running: Option<Running>,
}

impl Process for Model {
    fn start(&mut self) -> io::Result<()> {
        if self.runs()? {
            return Ok(());
        }
        let mut arguments = vec![
            "livekit".to_owned(),
            format!("--ip={}", self.api.ip()),
            format!("--port={}", self.api.port()),
            format!("--metrics-port={}", self.metrics.port()),
            format!("--redis={}", self.redis),
        ];
        arguments.extend(self.defect.map(|defect| format!("--defect={defect}")));
        let environment = [
            ("LIVEKIT_API_KEY", "key".to_owned()),
            ("LIVEKIT_API_SECRET", "secret".to_owned()),
            ("REDIS_PASSWORD", PASSWORD.to_owned()),
        ];
        self.running = Some(Running::start(
            env!("CARGO_BIN_EXE_ovo-livekit-model"),
            &arguments,
            &environment,
        )?);
        Ok(())
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        let running = self.running.as_ref();
        running
            .ok_or_else(|| io::Error::other("not running"))?
            .signal(signal)
    }

    fn runs(&mut self) -> io::Result<bool> {
        let Some(running) = &mut self.running else {
            return Ok(false);
        };
        let runs = running.runs()?;
        if !runs {
            self.running = None;
        }
        Ok(runs)
    }
}

/// Addresses that are this process's alone, and ports that are none of those which the kernel gives to outgoing
/// connections: nobody can take one while a server is down.
fn places(target: u16) -> ([Ipv4Addr; 3], [u16; 3]) {
    // A process id has at most 22 bits, 127.0.0.0/8 leaves 24.
    let [_, high, middle, low] = (std::process::id() << 2).to_be_bytes();
    let addresses = [1, 2, 3].map(|number| Ipv4Addr::new(127, high, middle, low | number));
    (
        addresses,
        [10_000, 11_000, 12_000].map(|port| port + target),
    )
}

static TARGETS: AtomicU16 = AtomicU16::new(0);

/// Two models with a Redis of their own, both with this defect.
fn target(defect: Option<&'static str>) -> (Target, Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let ([redis_ip, one, two], [port, api, metrics]) =
        places(TARGETS.fetch_add(1, Ordering::Relaxed));
    let arguments = [
        "--port",
        &port.to_string(),
        "--bind",
        &redis_ip.to_string(),
        "--save",
        "",
        "--requirepass",
        PASSWORD,
        "--dir",
        folder.path().to_str().unwrap(),
    ]
    .map(str::to_owned);
    let redis = Running::start("redis-server", &arguments, &[]).unwrap();

    let server = |address: Ipv4Addr| {
        let (api, metrics) = ((address, api).into(), (address, metrics).into());
        Server {
            api,
            metrics,
            process: Box::new(Model {
                api,
                metrics,
                redis: (redis_ip, port).into(),
                defect,
                running: None,
            }),
        }
    };
    let target = Target {
        servers: [one, two].map(server),
        redis: format!("redis://:{PASSWORD}@{redis_ip}:{port}"),
        key: "key".to_owned(),
        secret: "secret".to_owned(),
    };
    (target, redis, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_does_what_is_known_of_the_real_server() {
    let (mut target, _redis, _folder) = target(None);
    let mut failed = Vec::new();
    for check in Check::ALL {
        if let Err(failure) = check.run(&mut target).await {
            failed.push(format!("{check:?}: {failure}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Defects, the check that is about each, and words of what it then says.
const DEFECTS: [(&str, Check, &str); 10] = [
    ("believes-anybody", Check::Tokens, "a forged token"),
    ("always-healthy", Check::Silence, "unhealthy while Redis"),
    ("hides-drain", Check::Drain, "shows as shutting down"),
    ("cuts-at-once", Check::SecondSignal, "first signal cut"),
    ("waits-for-rooms", Check::EmptyRoom, "the server has ended"),
    ("waits-for-ever", Check::SecondSignal, "it is cut off"),
    ("says-nothing", Check::SecondSignal, "Broken"),
    ("drains-on-hang-up", Check::HangUp, "the server has ended"),
    (
        "leaves-record",
        Check::SecondSignal,
        "record is still there",
    ),
    ("keeps-id", Check::Kill, "a start clears up"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_defect_is_noticed_by_its_check() {
    // They wait most of the time: all at once.
    let asked = DEFECTS.map(async |(defect, check, words)| {
        let (mut target, _redis, _folder) = target(Some(defect));
        match check.run(&mut target).await {
            Err(failure) if failure.to_string().contains(words) => None,
            Err(failure) => Some(format!("{defect}: {check:?} says {failure}")),
            Ok(()) => Some(format!("{defect}: {check:?} passes")),
        }
    });
    let missed: Vec<_> = futures::future::join_all(asked)
        .await
        .into_iter()
        .flatten()
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}
