//! LiveKit's metrics, in the text format of Prometheus.

/// What a server's own gauges say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gauges {
    /// The id that this start of the server has in Redis.
    pub(crate) node_id: String,
    /// Rooms, also those in which nobody is.
    pub(crate) rooms: u32,
    /// People in them.
    pub(crate) participants: u32,
}

const ROOMS: &str = "livekit_room_total";
const PARTICIPANTS: &str = "livekit_participant_total";

impl Gauges {
    /// Reads them from a whole answer.
    ///
    /// # Errors
    /// What is missing or cannot be, in words for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // A line that was cut off would still look like one: 1 of 12.
        if !text.ends_with('\n') {
            return Err("its metrics break off".to_owned());
        }
        let (node_id, rooms) = gauge(text, ROOMS)?;
        let (other, participants) = gauge(text, PARTICIPANTS)?;
        if node_id != other {
            return Err("its metrics speak of two servers".to_owned());
        }
        if rooms == 0 && participants > 0 {
            return Err(format!(
                "its metrics say what cannot be: {participants} people in no room"
            ));
        }
        Ok(Self {
            node_id,
            rooms,
            participants,
        })
    }
}

/// The one series of a gauge: the id of its server, and its value.
fn gauge(text: &str, name: &str) -> Result<(String, u32), String> {
    let mut series = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then_some(rest)
    });
    let line = series
        .next()
        .ok_or_else(|| format!("its metrics lack {name}"))?;
    if series.next().is_some() {
        return Err(format!("its metrics have {name} twice"));
    }
    let broken = || format!("its metrics have a {name} that cannot be read");
    let (node_id, rest) = labelled(line).ok_or_else(broken)?;
    // A timestamp may follow.
    let value = rest.split_whitespace().next().ok_or_else(broken)?;
    let value = value.parse::<f64>().map_err(|_| broken())?;
    Ok((node_id, whole(value).ok_or_else(broken)?))
}

/// The value of the label `node_id`, and what follows the labels.
fn labelled(line: &str) -> Option<(String, &str)> {
    let mut rest = line.strip_prefix('{')?;
    let mut id = None;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((id.filter(|id: &String| !id.is_empty())?, after));
        }
        let (label, quoted) = rest.split_once("=\"")?;
        let end = closing(quoted)?;
        if label == "node_id" {
            // Ids are letters, digits and `_`: nothing in them is ever escaped.
            id = Some(quoted.get(..end)?.to_owned());
        }
        rest = quoted.get(end + 1..)?;
    }
}

/// Where a quoted value ends: at the first quote that no backslash escapes.
fn closing(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// A count, as a gauge has it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // only what fits comes here
fn whole(value: f64) -> Option<u32> {
    let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    fits.then_some(value as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WHOLE: &str = "# HELP livekit_room_total \n# TYPE livekit_room_total gauge\n\
        livekit_room_total{node_id=\"ND_a\",node_type=\"SERVER\",env=\"a \\\" b\"} 12\n\
        livekit_room_total_other{node_id=\"ND_a\"} 99\n\
        livekit_participant_total{env=\"x\",node_id=\"ND_a\"} 3.4e+01 1767225600000\n";

    #[test]
    fn a_whole_answer() {
        let gauges = Gauges::parse(WHOLE).unwrap();
        assert_eq!(
            (gauges.node_id.as_str(), gauges.rooms, gauges.participants),
            ("ND_a", 12, 34)
        );
    }

    #[test]
    fn no_part_of_an_answer_is_one() {
        for length in 0..WHOLE.len() {
            Gauges::parse(&WHOLE[..length]).unwrap_err();
        }
    }

    #[test]
    fn what_cannot_be_is_an_error_and_never_zero() {
        for (from, to) in [
            ("12\n", "NaN\n"),
            ("12\n", "+Inf\n"),
            ("12\n", "-1\n"),
            ("12\n", "1.5\n"),
            ("12\n", "1e99\n"),
            ("12\n", "\n"),
            ("12\n", "twelve\n"),
            ("12\n", "0\n"),
            ("livekit_room_total{", "livekit_rooms{"),
            ("livekit_room_total_other", "livekit_room_total"),
            ("env=\"x\",node_id=\"ND_a\"", "env=\"x\",node_id=\"ND_b\""),
            ("env=\"x\",node_id=\"ND_a\"", "env=\"x\",node_id=\"\""),
            ("env=\"x\",node_id=\"ND_a\"", "env=\"x\""),
            ("env=\"x\",node_id=\"ND_a\"", "env=\"x\",node_id=\"ND_a"),
        ] {
            let bent = WHOLE.replacen(from, to, 1);
            assert_ne!(bent, WHOLE, "{from}");
            assert!(Gauges::parse(&bent).is_err(), "{from} -> {to}");
        }
        Gauges::parse("<html>\n").unwrap_err();
        Gauges::parse("").unwrap_err();
    }
}
