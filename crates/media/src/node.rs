//! One machine among LiveKit's servers: which record is its own, and what both say together.

use std::net::IpAddr;

use livekit_protocol::{Node, NodeState, NodeType};
use ovo_model::{MediaState, Occupancy};
use ovo_provider::SourceAnswer;

use crate::metrics::Gauges;
use crate::registry::Registry;

/// A record that is this old, in seconds, stands for nobody. LiveKit's own number.
const STALE_S: i64 = 5;

/// What Redis says of a machine's server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record<'r> {
    /// Written a moment ago.
    Fresh(&'r Node),
    /// There is none.
    Absent,
    /// There is one, of which nothing follows; why not.
    Unusable(String),
}

impl<'r> Record<'r> {
    /// The record of the server that has this id, by its own metrics; where those are silent, the one fresh record with an
    /// address of the machine. Each start has a new id, and a killed server leaves its record behind.
    pub(crate) fn find(registry: &'r Registry, id: Option<&str>, addresses: &[IpAddr]) -> Self {
        if let Some(id) = id {
            return match registry.nodes.get(id) {
                None => Self::Absent,
                Some(None) => Self::Unusable(format!("what Redis has under {id} is no record")),
                Some(Some(node)) => Self::of(registry, node),
            };
        }
        let here = |node: &&Node| {
            let ip = node.ip.parse::<IpAddr>();
            ip.is_ok_and(|ip| addresses.contains(&ip))
        };
        let mut fresh = Vec::new();
        let mut unusable = None;
        for node in registry.nodes.values().flatten().filter(here) {
            match Self::of(registry, node) {
                Self::Fresh(node) => fresh.push(node),
                other => unusable = Some(other),
            }
        }
        match fresh.as_slice() {
            [] => unusable.unwrap_or(Self::Absent),
            [one] => Self::Fresh(one),
            more => Self::Unusable(format!("{} servers have its address in Redis", more.len())),
        }
    }

    fn of(registry: &Registry, node: &'r Node) -> Self {
        let Some(stats) = &node.stats else {
            return Self::Unusable("its record in Redis has no time".to_owned());
        };
        let age = registry.now.saturating_sub(stats.updated_at);
        if node.r#type() != NodeType::Server {
            Self::Unusable("its record in Redis is of no server".to_owned())
        } else if age >= STALE_S {
            Self::Unusable(format!("its record in Redis is {age} s old"))
        } else if age <= -STALE_S {
            let ahead = age.saturating_neg();
            Self::Unusable(format!(
                "its record in Redis is {ahead} s ahead of Redis' clock"
            ))
        } else {
            Self::Fresh(node)
        }
    }

    /// Where the node stands, beside what the provider saw: whether its unit runs and its health is good. `None`: that
    /// stands.
    pub(crate) fn state(&self, seen: MediaState) -> Option<MediaState> {
        if seen == MediaState::Absent {
            return None;
        }
        let healthy = seen == MediaState::Serving;
        match self {
            Self::Fresh(node) => match node.state() {
                NodeState::ShuttingDown => Some(MediaState::Closed),
                NodeState::Serving if healthy => Some(MediaState::Serving),
                NodeState::Serving | NodeState::StartingUp => Some(MediaState::Launching),
                // It takes no rooms and may again: neither is a word on which anything is done.
                NodeState::Suspended => Some(MediaState::Unknown),
            },
            // Healthy means that it has written its record: somebody is wrong.
            Self::Absent if healthy => Some(MediaState::Unknown),
            Self::Absent => Some(MediaState::Launching),
            Self::Unusable(_) => Some(MediaState::Unknown),
        }
    }
}

/// How busy a server is by all that is known of it: the larger number counts, and rooms in which nobody is do not.
///
/// # Errors
/// What cannot be, in words for people.
pub(crate) fn occupancy(
    gauges: &Gauges,
    record: &Record<'_>,
    registry: &Registry,
) -> Result<SourceAnswer, String> {
    let node = match record {
        Record::Fresh(node) => node,
        Record::Absent => return Err("it has no record in Redis".to_owned()),
        Record::Unusable(why) => return Err(why.clone()),
    };
    let stats = node.stats.clone().unwrap_or_default();
    let count = |value: i32| {
        u32::try_from(value).map_err(|_| "its record in Redis counts below zero".to_owned())
    };
    let participants = gauges.participants.max(count(stats.num_clients)?);
    let placed = registry.rooms.get(&node.id).copied().unwrap_or(0);
    let rooms = gauges.rooms.max(count(stats.num_rooms)?).max(placed);
    if rooms == 0 && participants > 0 {
        return Err(format!(
            "it says what cannot be: {participants} people in no room"
        ));
    }
    Ok(SourceAnswer {
        occupancy: Occupancy {
            rooms: rooms.min(participants),
            participants,
            ..Occupancy::default()
        },
        load_permille: Some(permille(stats.cpu_load)?),
    })
}

/// A part of one, in thousandths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // only what is between 0 and 1 comes there
fn permille(load: f32) -> Result<u32, String> {
    if (0.0..=1.0).contains(&load) {
        Ok((load * 1_000.0).round() as u32)
    } else {
        Err(format!("its record in Redis says that its load is {load}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use livekit_protocol::NodeStats;

    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn server(id: &str, ip: &str, age: i64) -> Node {
        Node {
            id: id.to_owned(),
            ip: ip.to_owned(),
            stats: Some(NodeStats {
                updated_at: NOW - age,
                cpu_load: 0.25,
                ..NodeStats::default()
            }),
            r#type: NodeType::Server.into(),
            state: NodeState::Serving.into(),
            ..Node::default()
        }
    }

    fn registry(nodes: impl IntoIterator<Item = Node>) -> Registry {
        Registry {
            now: NOW,
            nodes: nodes
                .into_iter()
                .map(|node| (node.id.clone(), Some(node)))
                .collect(),
            rooms: BTreeMap::new(),
            ingresses: Ok(0),
        }
    }

    fn gauges(rooms: u32, participants: u32) -> Gauges {
        Gauges {
            node_id: "ND_new".to_owned(),
            rooms,
            participants,
        }
    }

    fn here() -> Vec<IpAddr> {
        vec!["192.0.2.7".parse().unwrap()]
    }

    #[test]
    fn its_id_leads_to_its_record_whatever_address_is_in_it() {
        let registry = registry([
            server("ND_old", "192.0.2.7", 3),
            server("ND_new", "203.0.113.7", 1),
        ]);
        let Record::Fresh(node) = Record::find(&registry, Some("ND_new"), &here()) else {
            panic!("no record");
        };
        assert_eq!(node.id, "ND_new");
        assert_eq!(
            Record::find(&registry, Some("ND_next"), &here()),
            Record::Absent
        );
    }

    #[test]
    fn without_id_its_address_leads_to_one_fresh_record_or_to_none() {
        let left_behind = server("ND_old", "192.0.2.7", 60);
        let other = server("ND_other", "192.0.2.8", 1);
        let found = registry([
            left_behind.clone(),
            other.clone(),
            server("ND_new", "192.0.2.7", 1),
        ]);
        assert!(
            matches!(Record::find(&found, None, &here()), Record::Fresh(n) if n.id == "ND_new")
        );
        let stale = registry([left_behind, other.clone()]);
        assert!(matches!(
            Record::find(&stale, None, &here()),
            Record::Unusable(why) if why.contains("60 s old")
        ));
        let none = registry([other]);
        assert_eq!(Record::find(&none, None, &here()), Record::Absent);
        let two = registry([
            server("ND_a", "192.0.2.7", 1),
            server("ND_b", "192.0.2.7", 1),
        ]);
        assert!(matches!(
            Record::find(&two, None, &here()),
            Record::Unusable(_)
        ));
    }

    #[test]
    fn a_record_counts_for_less_than_five_seconds_either_way() {
        for (age, fresh) in [
            (4, true),
            (5, false),
            (-4, true),
            (-5, false),
            (i64::MAX, false),
        ] {
            let registry = registry([server("ND_new", "192.0.2.7", age.min(NOW))]);
            let found = Record::find(&registry, Some("ND_new"), &[]);
            assert_eq!(matches!(found, Record::Fresh(_)), fresh, "{age}: {found:?}");
        }
        let mut broken = registry([]);
        broken.nodes.insert("ND_new".to_owned(), None);
        let found = Record::find(&broken, Some("ND_new"), &[]);
        assert!(matches!(found, Record::Unusable(_)));
    }

    #[test]
    fn it_is_closed_by_its_own_word_and_unknown_without() {
        use MediaState::{Absent, Closed, Launching, Serving, Unknown};
        let with = |state: NodeState| Node {
            state: state.into(),
            ..server("ND_new", "192.0.2.7", 1)
        };
        let (closing, serving) = (with(NodeState::ShuttingDown), with(NodeState::Serving));
        let (starting, held) = (with(NodeState::StartingUp), with(NodeState::Suspended));
        let why = || Record::Unusable("old".to_owned());
        for (record, seen, state) in [
            (Record::Fresh(&closing), Serving, Some(Closed)),
            (Record::Fresh(&closing), Launching, Some(Closed)),
            (Record::Fresh(&serving), Serving, Some(Serving)),
            (Record::Fresh(&serving), Launching, Some(Launching)),
            (Record::Fresh(&starting), Serving, Some(Launching)),
            (Record::Fresh(&held), Serving, Some(Unknown)),
            (Record::Absent, Launching, Some(Launching)),
            (Record::Absent, Serving, Some(Unknown)),
            (why(), Serving, Some(Unknown)),
            (why(), Launching, Some(Unknown)),
            (Record::Fresh(&closing), Absent, None),
            (why(), Absent, None),
        ] {
            assert_eq!(record.state(seen), state, "{record:?} {seen:?}");
        }
    }

    #[test]
    fn the_larger_number_counts_and_empty_rooms_do_not() {
        let mut node = server("ND_new", "192.0.2.7", 1);
        let stats = node.stats.as_mut().unwrap();
        (stats.num_rooms, stats.num_clients) = (1, 3);
        let mut all = registry([node]);
        all.rooms.insert("ND_new".to_owned(), 2);
        let ask = |rooms, people| {
            let record = Record::find(&all, Some("ND_new"), &[]);
            let answer = occupancy(&gauges(rooms, people), &record, &all).unwrap();
            (answer.occupancy.rooms, answer.occupancy.participants)
        };
        assert_eq!(ask(0, 0), (2, 3));
        assert_eq!(ask(5, 9), (5, 9));

        let mut empty = registry([server("ND_new", "192.0.2.7", 1)]);
        empty.rooms.insert("ND_new".to_owned(), 4);
        let record = Record::find(&empty, Some("ND_new"), &[]);
        let answer = occupancy(&gauges(4, 0), &record, &empty).unwrap();
        assert!(answer.occupancy.is_zero());
        assert_eq!(answer.load_permille, Some(250));
    }

    #[test]
    fn what_cannot_be_is_an_error_and_never_zero() {
        for bend in [
            (|s| s.num_clients = -1) as fn(&mut NodeStats),
            |s| s.num_rooms = i32::MIN,
            |s| s.num_clients = 2,
            |s| s.cpu_load = f32::NAN,
            |s| s.cpu_load = 1.5,
            |s| s.cpu_load = -0.1,
        ] {
            let mut node = server("ND_new", "192.0.2.7", 1);
            bend(node.stats.as_mut().unwrap());
            let all = registry([node]);
            let record = Record::find(&all, Some("ND_new"), &[]);
            assert!(occupancy(&gauges(0, 0), &record, &all).is_err());
        }
        for record in [Record::Absent, Record::Unusable("old".to_owned())] {
            assert!(occupancy(&gauges(0, 0), &record, &registry([])).is_err());
        }
    }
}
