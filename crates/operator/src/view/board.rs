//! What the rounds told, kept for whoever looks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovo_engine::{Observer, Report};
use ovo_model::Waiting;
use ovo_store::ObjectKey;
use ovo_store::directory::{Problem, Scan};
use tokio::sync::Notify;

use crate::metrics::Metrics;
use crate::view::{Change, Changes, Occupancies, Progress, under_way};

/// How many lines of logs are kept beside the table.
const LINES: usize = 50;

/// What one cluster is busy with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    pub(crate) under_way: Vec<String>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) trouble: Option<String>,
    pub(crate) occupancies: Occupancies,
}

/// The last word on everything.
#[derive(Debug, Default)]
pub(crate) struct Board {
    activities: Mutex<BTreeMap<ObjectKey, Activity>>,
    problems: Mutex<Vec<Problem>>,
    lines: Mutex<VecDeque<String>>,
    changed: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is only shown: half a change is no harm.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// What a cluster is busy with.
    pub(crate) fn activity(&self, key: &ObjectKey) -> Activity {
        lock(&self.activities).get(key).cloned().unwrap_or_default()
    }

    /// What is wrong with the files.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        lock(&self.problems).clone()
    }

    /// The last lines of logs, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.lines).iter().cloned().collect()
    }

    /// Adds a line of logs.
    pub(crate) fn line(&self, line: &str) {
        let mut lines = lock(&self.lines);
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
        self.changed.notify_one();
    }

    /// Says that there is something new to show.
    pub(crate) fn touch(&self) {
        self.changed.notify_one();
    }

    /// Waits until something changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes over what a look at the files found.
    pub(crate) fn scanned(&self, scan: &Scan) {
        let mut problems = lock(&self.problems);
        if *problems != scan.problems {
            problems.clone_from(&scan.problems);
            self.changed.notify_one();
        }
    }

    fn note(&self, key: &ObjectKey, report: &Report) {
        if report.gone {
            lock(&self.activities).remove(key);
        } else {
            let mut activities = lock(&self.activities);
            let activity = activities.entry(key.clone()).or_default();
            let refused: Vec<String> = report.refused.iter().map(ToString::to_string).collect();
            activity.trouble = match &report.error {
                Some(error) => Some(error.to_string()),
                None if refused.is_empty() => None,
                None => Some(format!("plan refused: {}", refused.join("; "))),
            };
            if let (Some(snapshot), Some(plan)) = (&report.snapshot, &report.plan) {
                activity.under_way = under_way(report);
                activity.waiting.clone_from(&plan.waiting);
                activity.occupancies = Occupancies::of(snapshot);
            }
        }
        self.changed.notify_one();
    }
}

/// Where changes are told.
pub(crate) type Tell = Box<dyn Fn(&ObjectKey, &Change) + Send + Sync>;

/// Hands every round to whoever wants to know.
pub(crate) struct Watch {
    pub(crate) board: Arc<Board>,
    pub(crate) metrics: Metrics,
    pub(crate) progress: Arc<Progress>,
    changes: Mutex<BTreeMap<ObjectKey, Changes>>,
    tell: Option<Tell>,
}

impl Watch {
    /// Tells changes to `tell`, if anybody wants them one by one.
    pub(crate) fn new(
        board: Arc<Board>,
        metrics: Metrics,
        progress: Arc<Progress>,
        tell: Option<Tell>,
    ) -> Self {
        Self {
            board,
            metrics,
            progress,
            changes: Mutex::default(),
            tell,
        }
    }
}

impl Observer for Watch {
    fn reconciled(&self, cluster: &ObjectKey, report: &Report) {
        self.metrics.count(cluster, report);
        self.progress.note(cluster, report);
        self.board.note(cluster, report);
        if let Some(tell) = &self.tell {
            let mut all = lock(&self.changes);
            for change in all.entry(cluster.clone()).or_default().next(report) {
                tell(cluster, &change);
            }
            if report.gone {
                all.remove(cluster);
            }
        }
    }
}
