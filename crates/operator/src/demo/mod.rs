//! `demo`: both example clusters on the simulated world, through a day's trouble in a minute, with nobody cut.

mod script;
mod stage;
mod summary;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ovo_engine::Policy;
use ovo_model::Wall;
use ovo_world::WorldConfig;
use tokio::sync::oneshot;

use crate::cli::{DemoArgs, LogArgs};
use crate::commands::example::{V2_AWS, V2_AWS_SECRETS, V3_ONPREM, V3_ONPREM_SECRETS};
use crate::commands::{Server, Shown, runtime, signalled, simulated_options};
use crate::demo::stage::Stage;
use crate::failure::Failure;
use crate::local::{Local, SimOptions};
use crate::view::say;

/// How much faster than real the demonstration's time runs: a meeting of six minutes is over in half a one.
const SPEED: u32 = 12;
/// 2026-01-05T09:00:00Z, a Monday morning: the same in every demonstration.
const MORNING: Wall = Wall(1_767_603_600_000);
/// How long the last table stays.
const CURTAIN: Duration = Duration::from_secs(2);

/// The files of the demonstration.
pub(crate) const V2_FILE: &str = "v2-aws.yaml";
pub(crate) const V3_FILE: &str = "v3-onprem.yaml";

pub(crate) fn run(args: &DemoArgs, logs: LogArgs) -> Result<ExitCode, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("openvidu-demo-")
        .tempdir()
        .map_err(Failure::file("a temporary directory"))?;
    for (name, text) in [
        (V2_FILE, V2_AWS),
        (V3_FILE, V3_ONPREM),
        ("secrets-v2-aws.yaml", V2_AWS_SECRETS),
        ("secrets-v3-onprem.yaml", V3_ONPREM_SECRETS),
    ] {
        put(&folder.path().join(name), text)?;
    }
    let shown = Shown::choose(args.view, logs);
    let began = Instant::now();
    runtime()?.block_on(async {
        let interrupted = signalled()?;
        let config = WorldConfig::demo();
        let options = SimOptions {
            seed: Some(args.seed),
            speed: SPEED,
            start: Some(MORNING),
            config,
        };
        let local = Local::simulated(folder.path(), &options)?;
        let settings = simulated_options(8, Policy::default())?;
        let server = Server::start(local.clone(), None, settings, shown).await?;
        let stage = Stage::new(
            local,
            server.live.clone(),
            shown,
            began + Duration::from_secs(args.seconds),
        );
        let (over, is_over) = oneshot::channel::<()>();
        let play = async {
            let played = tokio::select! {
                played = script::play(&stage) => played,
                () = interrupted => Err(Failure::Demo("interrupted".to_owned())),
            };
            if shown == Shown::Table && played.is_ok() {
                tokio::time::sleep(CURTAIN).await;
            }
            drop(over);
            played
        };
        let stop = async {
            // An error says that the sender is gone, which is the sign.
            let _ = is_over.await;
        };
        let (played, ()) = tokio::join!(play, server.run(stop));
        let summary = summary::Summary::of(&stage, began.elapsed());
        say("");
        for line in summary.lines() {
            say(&line);
        }
        played?;
        summary.verdict()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Writes a file whole; its owner alone may read it.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    };
    write().map_err(Failure::file(path))
}
