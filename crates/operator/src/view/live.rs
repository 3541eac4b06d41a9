//! The live table: from records and rounds to a frame, again and again.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ovo_api::OpenViduNode;
use ovo_model::NodeName;
use ovo_store::ObjectKey;
use ovo_store::embedded::ClusterView;

use crate::local::Local;
use crate::logs;
use crate::view::board::Tell;
use crate::view::{Activity, Board, Change, Frame, Kind, Row, Screen, Style, age, render};

/// How often the table is drawn at most, and at least.
const FASTEST: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_secs(1);

/// What the table is made of.
pub(crate) struct Live {
    local: Local,
    board: Arc<Board>,
    address: Option<SocketAddr>,
    /// Lines above the table: the stage of a demonstration.
    head: Mutex<Vec<String>>,
}

impl Live {
    pub(crate) const fn new(local: Local, board: Arc<Board>, address: Option<SocketAddr>) -> Self {
        Self {
            local,
            board,
            address,
            head: Mutex::new(Vec::new()),
        }
    }

    pub(crate) const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Sets the lines above the table.
    pub(crate) fn head(&self, lines: Vec<String>) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = lines;
        self.board.touch();
    }

    /// Says that serving begins, and where.
    pub(crate) fn announce(&self, as_log: bool, table: bool) {
        let title = self.title();
        if as_log {
            tracing::info!("{title}");
        } else if !table {
            say(&title);
        }
    }

    /// Draws until it is dropped.
    pub(crate) async fn draw_until_dropped(&self) {
        let _screen = match Screen::take() {
            Ok(screen) => screen,
            Err(error) => {
                tracing::warn!(%error, "the terminal cannot be drawn on");
                return std::future::pending().await;
            }
        };
        let board = self.board.clone();
        logs::aside(Some(Box::new(move |line| board.line(line))));
        loop {
            let lines = render(&self.frame(), Screen::size(), style());
            if Screen::draw(&lines).is_err() {
                // The terminal is gone; the work goes on.
                return std::future::pending().await;
            }
            tokio::time::sleep(FASTEST).await;
            let _ = tokio::time::timeout(SLOWEST, self.board.changed()).await;
        }
    }

    /// Leaves the last table behind, for whoever scrolls back.
    pub(crate) fn print_last(&self) {
        for line in render(&self.frame(), (usize::MAX, 60), style()) {
            say(&line);
        }
    }

    fn title(&self) -> String {
        let mut title = format!(
            "openvidu-operator {}  {}",
            env!("CARGO_PKG_VERSION"),
            self.local.layout().root().display()
        );
        if self.local.door().is_some() {
            let now = self.local.clock().wall().to_time().0.to_string();
            let speed = self.local.clock().speed();
            let _ = write!(title, "  simulated, {speed} times as fast, {now}");
        }
        if let Some(address) = self.address {
            let _ = write!(title, "  http://{address}/metrics");
        }
        title
    }

    fn frame(&self) -> Frame {
        let now = self.local.clock().wall().0;
        let nodes = self.local.store().list_nodes();
        let clusters = self.local.store().list_clusters();
        let rows = clusters.iter().map(|view| {
            let key = ObjectKey::of(&*view.cluster);
            let mine: Vec<&OpenViduNode> = nodes
                .iter()
                .map(|n| &**n)
                .filter(|n| ObjectKey::of(*n).sibling(n.spec.cluster.clone()) == key)
                .collect();
            row(view, &key, &mine, &self.board.activity(&key), now)
        });
        let mut events: Vec<String> = Vec::new();
        for recorded in self.local.store().all_events().iter().rev().take(20).rev() {
            let event = &recorded.event;
            let ago = age(now - recorded.last.as_millisecond());
            events.push(format!(
                "{ago:>6} ago  {}  {}: {}",
                event.regarding.key.name, event.reason, event.note
            ));
        }
        events.extend(self.board.lines());
        events.extend(
            self.board
                .problems()
                .iter()
                .map(|problem| format!("file  {problem}")),
        );
        Frame {
            title: self.title(),
            head: self
                .head
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            clusters: rows.collect(),
            events,
        }
    }
}

fn row(
    view: &ClusterView,
    key: &ObjectKey,
    nodes: &[&OpenViduNode],
    activity: &Activity,
    now: i64,
) -> Row {
    let status = view.cluster.status.clone().unwrap_or_default();
    let masters = status.masters.clone().unwrap_or_default();
    let media = status.media.clone().unwrap_or_default();
    let ready = status
        .conditions
        .iter()
        .find(|c| c.type_ == "Ready")
        .map_or("Unknown", |c| c.status.as_str());
    let phase = match (view.unmanaged, status.phase) {
        (true, _) => "Unmanaged".to_owned(),
        (false, Some(phase)) => format!("{phase:?}"),
        (false, None) => "New".to_owned(),
    };
    let total = activity.occupancies.total;
    let load = media
        .average_load_percent
        .map_or_else(|| "-".to_owned(), |load| format!("{load} %"));
    Row {
        cells: [
            key.to_string(),
            phase,
            ready.to_owned(),
            format!("{}/{}", masters.ready, masters.desired),
            format!("{}/{}", media.ready, media.target),
            total.rooms.to_string(),
            total.participants.to_string(),
            load,
        ],
        now: activity.under_way.clone(),
        waits: activity
            .waiting
            .iter()
            .map(|w| format!("{}: waits for {}", w.step, w.for_what))
            .collect(),
        trouble: activity.trouble.iter().cloned().collect(),
        nodes: nodes
            .iter()
            .map(|node| node_cells(node, activity, now))
            .collect(),
    }
}

fn node_cells(node: &OpenViduNode, activity: &Activity, now: i64) -> [String; 8] {
    let status = node.status.clone().unwrap_or_default();
    let live = activity
        .occupancies
        .nodes
        .get(&NodeName::from(node.spec.machine.as_str()))
        .filter(|_| node.spec.role == ovo_api::Role::Media);
    let dash = || "-".to_owned();
    let load = live.and_then(|(_, load)| *load);
    [
        node.spec.machine.clone(),
        format!("{:?}", node.spec.role),
        format!("{:?}", status.phase),
        live.map_or_else(dash, |(o, _)| o.rooms.to_string()),
        live.map_or_else(dash, |(o, _)| o.participants.to_string()),
        load.map_or_else(dash, |permille| format!("{} %", permille / 10)),
        status
            .since
            .as_ref()
            .map_or_else(dash, |t| age(now - Timestamp::as_millisecond(t.0))),
        status.reason,
    ]
}

fn style() -> Style {
    let colours = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if colours {
        Style::Colours
    } else {
        Style::Plain
    }
}

/// Writes a line to standard output; a reader that went away is no reason to stop.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Tells changes as lines on standard output.
pub(crate) fn tell_lines() -> Tell {
    Box::new(|cluster: &ObjectKey, change: &Change| {
        let time = Timestamp::now().strftime("%H:%M:%S");
        say(&format!(
            "{time}  {cluster}  {:<7}  {}",
            change.kind,
            one_line(&change.text)
        ));
    })
}

/// Tells changes as logs.
pub(crate) fn tell_logs() -> Tell {
    Box::new(|cluster: &ObjectKey, change: &Change| {
        let (kind, text) = (change.kind.to_string(), &change.text);
        if change.kind == Kind::Warning {
            tracing::warn!(%cluster, kind, "{text}");
        } else {
            tracing::info!(%cluster, kind, "{text}");
        }
    })
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
