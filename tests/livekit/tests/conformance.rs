//! The model of LiveKit's server, held to the suite that a real one has to pass. With a real Redis.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ovo_livekit_model::conformance::{Process, Server, Target, run};

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
    running: Option<Running>,
}

impl Process for Model {
    fn start(&mut self) -> io::Result<()> {
        if self.runs()? {
            return Ok(());
        }
        let arguments = [
            "livekit".to_owned(),
            format!("--ip={}", self.api.ip()),
            format!("--port={}", self.api.port()),
            format!("--metrics-port={}", self.metrics.port()),
            format!("--redis={}", self.redis),
        ];
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

#[tokio::test(flavor = "multi_thread")]
async fn the_model_does_what_is_known_of_the_real_server() {
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
    let _redis = Running::start("redis-server", &arguments, &[]).unwrap();

    let addresses = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
    let (api, metrics) = (free(&addresses), free(&addresses));
    let server = |address: Ipv4Addr| {
        let (api, metrics) = ((address, api).into(), (address, metrics).into());
        let redis = (Ipv4Addr::LOCALHOST, port).into();
        Server {
            api,
            metrics,
            process: Box::new(Model {
                api,
                metrics,
                redis,
                running: None,
            }),
        }
    };
    let mut target = Target {
        servers: addresses.map(server),
        redis: format!("redis://:{PASSWORD}@127.0.0.1:{port}"),
        key: "key".to_owned(),
        secret: "secret".to_owned(),
    };
    let verdicts = run(&mut target).await;
    let failed: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| Some(format!("{}: {}", verdict.check, verdict.failure.as_ref()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(verdicts.len(), 10);
}
