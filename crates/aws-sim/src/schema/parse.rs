//! The tables' language. A line is one of
//!
//! ```text
//! service NAME MODEL VERSION query|ec2 NAMESPACE
//! common CODE STATUS            an error that only the documentation names
//! fault CODE STATUS             an error that the model names
//! operation NAME [: CODE...]    then its members: `>` is taken, `<` is answered
//! structure NAME                then its members: `-`
//! ```
//!
//! A member is `NAME[!][=WIRE] KIND`, with `!` where it is required. A kind is `text`, `integer` (both with limits
//! like `1..255`, `text` also with a `/pattern/`), `open`, `enum A|B`, `double`, `boolean`, `time`, the name of a
//! structure, or `[KIND]` with limits and `@ITEM` for the name of an item on the wire. `#` begins a comment line.

use regex::Regex;

use super::{Kind, Limits, Member, Operation, Protocol, Service, Structure};

enum Open {
    Nothing,
    Operation(String),
    Structure(String),
}

pub(super) fn service(table: &str) -> Result<Service, String> {
    let mut service = Service {
        name: String::new(),
        model: String::new(),
        version: String::new(),
        protocol: Protocol::Query,
        namespace: String::new(),
        operations: std::collections::BTreeMap::new(),
        structures: std::collections::BTreeMap::new(),
        faults: std::collections::BTreeMap::new(),
        common: std::collections::BTreeMap::new(),
    };
    let mut open = Open::Nothing;
    for (number, line) in table.lines().enumerate() {
        read(&mut service, &mut open, line.trim())
            .map_err(|why| format!("line {}: {why}: {line}", number + 1))?;
    }
    check(&service)?;
    Ok(service)
}

fn read(service: &mut Service, open: &mut Open, line: &str) -> Result<(), String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let (word, rest) = line.split_once(' ').ok_or("one word alone")?;
    let rest = rest.trim();
    match word {
        "service" => {
            let words: Vec<_> = rest.split_whitespace().collect();
            let [name, model, version, protocol, namespace] = words[..] else {
                return Err("want NAME MODEL VERSION PROTOCOL NAMESPACE".to_owned());
            };
            (service.name, service.model) = (name.to_owned(), model.to_owned());
            (service.version, service.namespace) = (version.to_owned(), namespace.to_owned());
            service.protocol = match protocol {
                "query" => Protocol::Query,
                "ec2" => Protocol::Ec2,
                _ => return Err(format!("no protocol {protocol}")),
            };
        }
        "common" | "fault" => {
            let (code, status) = rest.split_once(' ').ok_or("want CODE STATUS")?;
            let status = status.trim().parse().map_err(|_| "no status")?;
            let codes = if word == "fault" {
                &mut service.faults
            } else {
                &mut service.common
            };
            codes.insert(code.to_owned(), status);
        }
        "operation" => {
            let (name, faults) = rest.split_once(':').unwrap_or((rest, ""));
            let name = name.trim().to_owned();
            let operation = Operation {
                name: name.clone(),
                input: named(format!("{name}Request")),
                output: named(format!("{name}Result")),
                faults: faults.split_whitespace().map(str::to_owned).collect(),
            };
            if service.operations.insert(name.clone(), operation).is_some() {
                return Err("twice".to_owned());
            }
            *open = Open::Operation(name);
        }
        "structure" => {
            let name = rest.to_owned();
            if service
                .structures
                .insert(name.clone(), named(name.clone()))
                .is_some()
            {
                return Err("twice".to_owned());
            }
            *open = Open::Structure(name);
        }
        ">" | "<" | "-" => {
            let into = match (&*open, word) {
                (Open::Operation(name), ">") => {
                    service.operations.get_mut(name).map(|o| &mut o.input)
                }
                (Open::Operation(name), "<") => {
                    service.operations.get_mut(name).map(|o| &mut o.output)
                }
                (Open::Structure(name), "-") => service.structures.get_mut(name),
                _ => None,
            };
            let member = member(rest)?;
            let into = into.ok_or("belongs to nothing")?;
            if into.member(&member.name).is_some() {
                return Err("twice".to_owned());
            }
            into.members.push(member);
        }
        _ => return Err(format!("no word {word}")),
    }
    Ok(())
}

fn named(name: String) -> Structure {
    Structure {
        name,
        members: Vec::new(),
    }
}

fn member(line: &str) -> Result<Member, String> {
    let (head, kind_text) = line.split_once(' ').ok_or("a member without a kind")?;
    let (head, wire) = match head.split_once('=') {
        Some((head, wire)) => (head, Some(wire.to_owned())),
        None => (head, None),
    };
    let name = head.trim_end_matches('!');
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
    if !word(name) || !wire.as_deref().is_none_or(word) {
        return Err(format!("{head} is no name"));
    }
    Ok(Member {
        name: name.to_owned(),
        wire,
        required: head.ends_with('!'),
        kind: kind(kind_text.trim())?,
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    if let Some(inner) = text.strip_prefix('[') {
        // The last one: a pattern inside may have brackets of its own.
        let (inner, rest) = inner.rsplit_once(']').ok_or("a list without its end")?;
        let mut wire = None;
        let mut bounds = Limits::default();
        for word in rest.split_whitespace() {
            match word.strip_prefix('@') {
                Some(name) => wire = Some(name.to_owned()),
                None => bounds = limits(word)?,
            }
        }
        return Ok(Kind::List(Box::new(kind(inner.trim())?), wire, bounds));
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    Ok(match word {
        "text" => {
            let (bounds, pattern) = match rest.split_once('/') {
                Some((bounds, pattern)) => {
                    let pattern = pattern.strip_suffix('/').ok_or("a pattern without end")?;
                    let whole = format!("^(?:{pattern})$");
                    let regex = Regex::new(&whole).map_err(|e| e.to_string())?;
                    (bounds.trim(), Some(regex))
                }
                None => (rest, None),
            };
            Kind::Text(limits(bounds)?, pattern)
        }
        "integer" => Kind::Integer(limits(rest)?),
        "open" => Kind::Open,
        "double" => Kind::Double,
        "boolean" => Kind::Boolean,
        "time" => Kind::Time,
        "enum" => Kind::Choice(rest.split('|').map(str::to_owned).collect()),
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
            Kind::Structure(name.to_owned())
        }
        _ => return Err(format!("no kind {word}")),
    })
}

fn limits(text: &str) -> Result<Limits, String> {
    if text.is_empty() {
        return Ok(Limits::default());
    }
    let (min, max) = text.split_once("..").ok_or("limits are MIN..MAX")?;
    let bound = |text: &str| match text {
        "" => Ok(None),
        _ => text
            .parse()
            .map(Some)
            .map_err(|_| format!("{text} is no number")),
    };
    Ok(Limits {
        min: bound(min)?,
        max: bound(max)?,
    })
}

/// Every structure that is named exists, and every code has a status.
fn check(service: &Service) -> Result<(), String> {
    for operation in service.operations.values() {
        for code in &operation.faults {
            if service.status(code).is_none() {
                return Err(format!("{}: no status for {code}", operation.name));
            }
        }
    }
    let all = service
        .operations
        .values()
        .flat_map(|o| [&o.input, &o.output])
        .chain(service.structures.values());
    for structure in all {
        for member in &structure.members {
            let mut kind = &member.kind;
            while let Kind::List(inner, ..) = kind {
                kind = inner;
            }
            if let Kind::Structure(name) = kind
                && service.structure(name).is_none()
            {
                return Err(format!("{}: no structure {name}", structure.name));
            }
        }
    }
    Ok(())
}
