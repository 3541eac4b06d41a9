//! The live table as lines of text.

use std::fmt::Write as _;

/// What is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// First line.
    pub(crate) title: String,
    /// Whatever leads the table: the stage of a demonstration.
    pub(crate) head: Vec<String>,
    /// Clusters with their nodes.
    pub(crate) clusters: Vec<Row>,
    /// What happened last, oldest first.
    pub(crate) events: Vec<String>,
}

/// One cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// NAME, PHASE, READY, MASTERS, MEDIA, ROOMS, PEOPLE, LOAD.
    pub(crate) cells: [String; 8],
    /// What is under way.
    pub(crate) now: Vec<String>,
    /// What is waited for.
    pub(crate) waits: Vec<String>,
    /// What is wrong.
    pub(crate) trouble: Vec<String>,
    /// NODE, ROLE, PHASE, ROOMS, PEOPLE, LOAD, SINCE, REASON of each node.
    pub(crate) nodes: Vec<[String; 8]>,
}

/// With colours or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Colours,
}

const CLUSTER_HEAD: [&str; 8] = [
    "CLUSTER", "PHASE", "READY", "MASTERS", "MEDIA", "ROOMS", "PEOPLE", "LOAD",
];
const NODE_HEAD: [&str; 8] = [
    "NODE", "ROLE", "PHASE", "ROOMS", "PEOPLE", "LOAD", "SINCE", "REASON",
];
const RIGHT: [bool; 8] = [false, false, false, true, true, true, false, false];
const CLUSTER_RIGHT: [bool; 8] = [false, false, false, true, true, true, true, true];

/// The frame as lines, none longer than `columns`, no more than `rows`. Where there is not room enough, nodes that
/// merely serve are left out first, then old events.
pub(crate) fn render(frame: &Frame, (columns, rows): (usize, usize), style: Style) -> Vec<String> {
    let mut lines: Vec<Text> = vec![Text::bold(&frame.title)];
    lines.extend(frame.head.iter().map(|line| Text::new(line, Paint::Cyan)));
    lines.push(Text::plain(""));
    let nodes: usize = frame.clusters.iter().map(|c| c.nodes.len()).sum();
    let fixed: usize = frame
        .clusters
        .iter()
        .map(|c| 4 + c.now.len() + c.waits.len() + c.trouble.len())
        .sum();
    let events = frame.events.len().min(6);
    let room = rows.saturating_sub(lines.len() + fixed + events + 2);
    for cluster in &frame.clusters {
        let share = if nodes <= room {
            cluster.nodes.len()
        } else {
            room * cluster.nodes.len() / nodes.max(1)
        };
        cluster_lines(cluster, share, &mut lines);
    }
    if frame.clusters.is_empty() {
        lines.push(Text::plain(
            "no clusters: put a manifest into the directory",
        ));
    }
    let left = rows.saturating_sub(lines.len() + 1);
    let shown = frame.events.len().min(left.max(3));
    if shown > 0 {
        lines.extend(
            frame
                .events
                .iter()
                .skip(frame.events.len() - shown)
                .map(|e| Text::new(e, Paint::Dim)),
        );
    }
    lines.truncate(rows.max(1));
    lines
        .into_iter()
        .map(|line| line.cut(columns, style))
        .collect()
}

fn cluster_lines(cluster: &Row, share: usize, lines: &mut Vec<Text>) {
    let widths = widths_of(&CLUSTER_HEAD, std::slice::from_ref(&cluster.cells));
    lines.push(Text::dim(&cells(
        &CLUSTER_HEAD.map(str::to_owned),
        &widths,
        CLUSTER_RIGHT,
    )));
    lines.push(Text::new(
        &cells(&cluster.cells, &widths, CLUSTER_RIGHT),
        phase_paint(&cluster.cells[1]),
    ));
    for (mark, list, paint) in [
        ("now  ", &cluster.now, Paint::Plain),
        ("waits", &cluster.waits, Paint::Yellow),
        ("!    ", &cluster.trouble, Paint::Red),
    ] {
        lines.extend(
            list.iter()
                .map(|text| Text::new(&format!("  {mark}  {text}"), paint)),
        );
    }
    let mut shown: Vec<&[String; 8]> = cluster.nodes.iter().collect();
    if share < shown.len() {
        // What merely serves or stands by is the least news.
        shown.sort_by_key(|node| matches!(node[2].as_str(), "Serving" | "Standby"));
        shown.truncate(share);
    }
    if !shown.is_empty() {
        let rows: Vec<[String; 8]> = shown.iter().map(|node| (*node).clone()).collect();
        let widths = widths_of(&NODE_HEAD, &rows);
        lines.push(Text::dim(&format!(
            "  {}",
            cells(&NODE_HEAD.map(str::to_owned), &widths, RIGHT)
        )));
        for row in &rows {
            lines.push(Text::new(
                &format!("  {}", cells(row, &widths, RIGHT)),
                phase_paint(&row[2]),
            ));
        }
    }
    if shown.len() < cluster.nodes.len() {
        lines.push(Text::dim(&format!(
            "  and {} more nodes",
            cluster.nodes.len() - shown.len()
        )));
    }
    lines.push(Text::plain(""));
}

fn widths_of(head: &[&str; 8], rows: &[[String; 8]]) -> [usize; 8] {
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn cells(row: &[String; 8], widths: &[usize; 8], right: [bool; 8]) -> String {
    let mut line = String::new();
    for ((cell, width), right) in row.iter().zip(widths).zip(right) {
        if right {
            let _ = write!(line, "{cell:>width$}  ");
        } else {
            let _ = write!(line, "{cell:<width$}  ");
        }
    }
    line.truncate(line.trim_end().len());
    line
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
    Cyan,
}

fn phase_paint(phase: &str) -> Paint {
    match phase {
        "Running" | "Serving" => Paint::Green,
        "Degraded" | "Failed" | "Unreachable" | "Stalled" | "Gone" => Paint::Red,
        "Standby" | "Pending" => Paint::Dim,
        _ => Paint::Yellow,
    }
}

struct Text {
    text: String,
    paint: Paint,
}

impl Text {
    fn new(text: &str, paint: Paint) -> Self {
        // What comes from elsewhere must not move the cursor.
        Self {
            text: text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
            paint,
        }
    }

    fn plain(text: &str) -> Self {
        Self::new(text, Paint::Plain)
    }

    fn bold(text: &str) -> Self {
        Self::new(text, Paint::Bold)
    }

    fn dim(text: &str) -> Self {
        Self::new(text, Paint::Dim)
    }

    fn cut(self, columns: usize, style: Style) -> String {
        let mut text: String = self.text.chars().take(columns).collect();
        if text.chars().count() < self.text.chars().count() && columns > 1 {
            text.pop();
            text.push('~');
        }
        let code = match self.paint {
            Paint::Plain => return text,
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Green => "32",
            Paint::Yellow => "33",
            Paint::Red => "31",
            Paint::Cyan => "36",
        };
        if style == Style::Plain {
            text
        } else {
            format!("\x1b[{code}m{text}\x1b[0m")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, phase: &str) -> [String; 8] {
        [name, "Media", phase, "3", "12", "8 %", "4m", "as wanted"].map(str::to_owned)
    }

    fn frame(nodes: usize) -> Frame {
        let mut all: Vec<_> = (0..nodes)
            .map(|n| node(&format!("w{n}"), "Serving"))
            .collect();
        all.push(node("sick", "Failed"));
        Frame {
            title: "openvidu-operator".to_owned(),
            head: Vec::new(),
            clusters: vec![Row {
                cells: ["video/a", "Running", "True", "4/4", "2/2", "3", "12", "8 %"]
                    .map(str::to_owned),
                now: vec!["Machine/w1: installing, 43 %".to_owned()],
                waits: vec!["apply the configuration: cuts 3 rooms".to_owned()],
                trouble: Vec::new(),
                nodes: all,
            }],
            events: (0..30).map(|n| format!("event {n}")).collect(),
        }
    }

    #[test]
    fn fits_the_terminal() {
        for (columns, rows) in [(20, 5), (80, 24), (200, 60)] {
            let lines = render(&frame(40), (columns, rows), Style::Plain);
            assert!(lines.len() <= rows, "{} > {rows}", lines.len());
            assert!(lines.iter().all(|line| line.chars().count() <= columns));
        }
    }

    #[test]
    fn a_sick_node_is_shown_when_there_is_no_room_for_all() {
        let text = render(&frame(40), (80, 24), Style::Plain).join("\n");
        assert!(text.contains("sick"), "{text}");
        assert!(text.contains("more nodes"), "{text}");
        assert!(
            text.contains("cuts 3 rooms") && text.contains("43 %"),
            "{text}"
        );
    }

    #[test]
    fn nothing_from_elsewhere_moves_the_cursor() {
        let mut frame = frame(1);
        frame.events.push("\x1b[2Jgotcha".to_owned());
        assert!(
            !render(&frame, (80, 40), Style::Plain)
                .iter()
                .any(|line| line.contains('\x1b'))
        );
    }
}
