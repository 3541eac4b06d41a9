//! The model of LiveKit's server, held to the suite that a real one has to pass. With a real Redis.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ovo_livekit_model::conformance::{Check, Process, Server, Target};

const PASSWORD: &str = "redispassword";

/// A program that ends with this value, or with the test, however that ends.
struct Running(Child);

impl Running {
    fn start(
        program: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> io::Result<Self> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
        let running = self
            .running
            .as_ref()
            .ok_or_else(|| io::Error::other("not running"))?;
        let pid = i32::try_from(running.0.id()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    fn runs(&mut self) -> io::Result<bool> {
        let Some(running) = &mut self.running else {
            return Ok(false);
        };
        let runs = running.0.try_wait()?.is_none();
        if !runs {
            self.running = None;
        }
        Ok(runs)
    }
}

/// A port that is free on each of these addresses: nodes are told apart by address, all have the same port.
fn free(addresses: &[Ipv4Addr]) -> u16 {
    loop {
        let first = TcpListener::bind((addresses[0], 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if addresses[1..]
            .iter()
            .all(|address| TcpListener::bind((*address, port)).is_ok())
        {
            return port;
        }
    }
}

/// Two models with a Redis of their own, both with this defect.
fn target(defect: Option<&'static str>) -> (Target, Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let port = free(&[Ipv4Addr::LOCALHOST]);
    let arguments = [
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--requirepass",
        PASSWORD,
        "--dir",
        folder.path().to_str().unwrap(),
    ]
    .map(str::to_owned);
    let redis = Running::start("redis-server", &arguments, &[]).unwrap();

    let addresses = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
    let (api, metrics) = (free(&addresses), free(&addresses));
    let server = |address: Ipv4Addr| {
        let (api, metrics) = ((address, api).into(), (address, metrics).into());
        Server {
            api,
            metrics,
            process: Box::new(Model {
                api,
                metrics,
                redis: (Ipv4Addr::LOCALHOST, port).into(),
                defect,
                running: None,
            }),
        }
    };
    let target = Target {
        servers: addresses.map(server),
        redis: format!("redis://:{PASSWORD}@127.0.0.1:{port}"),
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
