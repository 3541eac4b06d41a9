//! `plan`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::Path;
use std::process::ExitCode;

use ovo_api::Cuts;
use ovo_store::directory::Layout;

use crate::cli::{PlanArgs, PlanOutput};
use crate::commands::validate::read;
use crate::commands::{pretty, print, unexpected, wait};
use crate::failure::Failure;
use crate::local::{
    Client, Local, PlanFile, PlannedChange, PlannedCluster, PlannedStep, Request, Response,
    SimOptions, offline,
};

/// Exit code when there is something to do.
const CHANGES: u8 = 2;

pub(super) fn run(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let files: Vec<PlanFile> = args
        .files
        .iter()
        .map(|file| {
            Ok(PlanFile {
                file: file.clone(),
                text: read(file)?,
            })
        })
        .collect::<Result<_, Failure>>()?;
    let clusters = match &args.at.dir {
        _ if args.offline => wait(offline(&files))?,
        Some(dir) => against(dir, files)?,
        None => against_kubernetes(args, &files)?,
    };
    let text = match args.output {
        PlanOutput::Json => pretty(&clusters)?,
        PlanOutput::Text => clusters
            .iter()
            .map(|cluster| words(cluster, args.diff))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    print(&text)?;
    if let Some(refused) = clusters.iter().find(|c| !c.refused.is_empty()) {
        return Err(Failure::Server(format!(
            "{}: the checker refuses this plan: {}",
            refused.cluster,
            refused.refused.join("; ")
        )));
    }
    if let Some(stalled) = clusters.iter().find_map(|c| {
        c.stalled
            .as_ref()
            .map(|why| format!("{}: {why}", c.cluster))
    }) {
        return Err(Failure::Server(stalled));
    }
    let nothing = clusters
        .iter()
        .all(|c| c.steps.is_empty() && c.waiting.is_empty());
    Ok(if nothing {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(CHANGES)
    })
}

/// Plans against an API server, and the simulated world of whoever serves it.
#[cfg(feature = "kubernetes")]
fn against_kubernetes(args: &PlanArgs, files: &[PlanFile]) -> Result<Vec<PlannedCluster>, Failure> {
    let Some(folder) = &args.simulate_dir else {
        return Err(Failure::NotBuilt {
            what: "planning against real machines and AWS".to_owned(),
            instead: "name the folder of the operator's simulated world with --simulate-dir DIR, or plan from nothing \
                      with --offline"
                .to_owned(),
        });
    };
    wait(async {
        let remote = crate::remote::Remote::connect(&args.at.kube).await?;
        remote.plan(files, folder).await
    })
}

#[cfg(not(feature = "kubernetes"))]
fn against_kubernetes(_: &PlanArgs, _: &[PlanFile]) -> Result<Vec<PlannedCluster>, Failure> {
    Err(super::without_kubernetes())
}

/// Plans against a directory: by whoever serves it, else on a copy of its state.
fn against(dir: &Path, files: Vec<PlanFile>) -> Result<Vec<PlannedCluster>, Failure> {
    if let Some(mut server) = Client::server(dir)? {
        let Response::Plan { clusters } = server.ask(Request::Plan { files })? else {
            return Err(unexpected());
        };
        return Ok(clusters);
    }
    let layout = Layout::new(dir);
    if !layout.state().exists() {
        // Nothing was ever served here: as from nothing. The directory itself must be there.
        fs::read_dir(dir).map_err(Failure::file(dir))?;
        return wait(offline(&files));
    }
    let copy = tempfile::tempdir().map_err(Failure::file("a temporary directory"))?;
    copy_state(&layout, copy.path())?;
    if !layout.world().exists() {
        return Err(Failure::NotBuilt {
            what: "planning against real machines and AWS".to_owned(),
            instead: "plan with --offline".to_owned(),
        });
    }
    let local = Local::simulated(copy.path(), &SimOptions::default())?;
    wait(async {
        local.directory().rescan().await;
        match local.handle(Request::Plan { files }).await {
            Response::Plan { clusters } => Ok(clusters),
            Response::Refused { message } => Err(Failure::Server(message)),
            _ => Err(unexpected()),
        }
    })
}

/// Copies the records, and leads to the manifests and Secrets: planning must not write, and opening a database does.
fn copy_state(layout: &Layout, to: &Path) -> Result<(), Failure> {
    let state = layout.state();
    let target = Layout::new(to).state();
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&target)
        .map_err(Failure::file(&target))?;
    // Whoever serves would write while we copy.
    let lock = fs::File::open(layout.lock()).map_err(Failure::file(layout.lock()))?;
    lock.try_lock_shared().map_err(|error| Failure::Socket {
        dir: layout.root().to_owned(),
        source: error.into(),
    })?;
    for entry in fs::read_dir(&state).map_err(Failure::file(&state))? {
        let entry = entry.map_err(Failure::file(&state))?;
        let path = entry.path();
        let plain = entry.file_type().map_err(Failure::file(&path))?.is_file();
        if plain && entry.file_name() != "lock" {
            fs::copy(&path, target.join(entry.file_name())).map_err(Failure::file(&path))?;
        }
    }
    let root = fs::canonicalize(layout.root()).map_err(Failure::file(layout.root()))?;
    for entry in fs::read_dir(&root).map_err(Failure::file(&root))? {
        let entry = entry.map_err(Failure::file(&root))?;
        if entry.path() != root.join(state.file_name().unwrap_or_default()) {
            symlink(entry.path(), to.join(entry.file_name()))
                .map_err(Failure::file(entry.path()))?;
        }
    }
    Ok(())
}

fn words(cluster: &PlannedCluster, diff: bool) -> String {
    let mut text = cluster.cluster.clone();
    if cluster.new {
        text.push_str(" (new)");
    }
    let nothing =
        cluster.steps.is_empty() && cluster.waiting.is_empty() && cluster.stalled.is_none();
    text.push_str(if nothing { ": nothing to do\n" } else { "\n" });
    for (number, step) in cluster.steps.iter().enumerate() {
        let _ = writeln!(text, "  {:>3}. {}", number + 1, step.step);
        let _ = writeln!(text, "       because {}", step.reason);
        let _ = writeln!(text, "       cuts {}", cuts(step));
        if diff {
            for change in &step.changes {
                let _ = writeln!(text, "       {}", property(change));
            }
        }
    }
    for (step, for_what) in &cluster.waiting {
        let _ = writeln!(text, "    -  {step}\n       waits for {for_what}");
    }
    for refused in &cluster.refused {
        let _ = writeln!(text, "    !  refused: {refused}");
    }
    if let Some(stalled) = &cluster.stalled {
        let _ = writeln!(text, "    !  {stalled}");
    }
    text
}

fn cuts(step: &PlannedStep) -> &'static str {
    match step.cuts {
        Cuts::Nothing => "nothing",
        Cuts::Node => "what runs on the node",
        Cuts::Master => "what hangs on the master",
        Cuts::Cluster => "everything in the cluster",
    }
}

fn property(change: &PlannedChange) -> String {
    match &change.from {
        None => format!("+ {}: {}", change.property, change.to),
        Some(from) if *from == change.to => format!("  {}: {}", change.property, change.to),
        Some(from) => format!("~ {}: {from} -> {}", change.property, change.to),
    }
}
