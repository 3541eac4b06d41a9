//! From the form to a record, by the table: types, limits, what is required, and nothing that the table does not know.

use crate::schema::{Kind, Limits, Protocol, Service, Structure};
use crate::value::{Record, Value};
use crate::wire::{Fault, Form};

/// Reads a structure. `path` leads the names in messages.
pub(crate) fn decode(
    service: &Service,
    structure: &Structure,
    form: &Form,
    path: &str,
) -> Result<Record, Fault> {
    let mut record = Record::of(structure);
    let mut known = 0;
    for member in &structure.members {
        let wire = member.asked(service.protocol);
        let at = format!("{path}{wire}");
        let Some(form) = form.below.get(&wire) else {
            if member.required {
                return Err(missing(service, &at));
            }
            continue;
        };
        known += 1;
        record.put(&member.name, value(service, &member.kind, form, &at)?);
    }
    if known < form.below.len() {
        let unknown = form.below.keys().find(|key| {
            !structure
                .members
                .iter()
                .any(|m| m.asked(service.protocol) == **key)
        });
        return Err(Fault::new(
            "NotImplemented",
            format!(
                "the simulator does not know {path}{} of {}",
                unknown.map_or("", String::as_str),
                structure.name
            ),
        ));
    }
    Ok(record)
}

fn value(service: &Service, kind: &Kind, form: &Form, at: &str) -> Result<Value, Fault> {
    match kind {
        Kind::Structure(name) => {
            let structure = service
                .structure(name)
                .ok_or_else(|| wrong(service, at, "no such structure"))?;
            Ok(Value::Record(decode(
                service,
                structure,
                form,
                &format!("{at}."),
            )?))
        }
        Kind::List(of, item, limits) => {
            let items = match service.protocol {
                Protocol::Ec2 => form.items(),
                // An empty list is sent as `Name=`.
                Protocol::Query if form.below.is_empty() => Some(Vec::new()),
                Protocol::Query => form
                    .below
                    .get(item.as_deref().unwrap_or("member"))
                    .and_then(Form::items),
            };
            let items = items.ok_or_else(|| wrong(service, at, "is not a list"))?;
            within(service, at, *limits, items.len(), "items")?;
            let values = items
                .into_iter()
                .map(|form| value(service, of, form, at))
                .collect::<Result<_, _>>()?;
            Ok(Value::List(values))
        }
        _ => {
            let text = form
                .value
                .as_deref()
                .ok_or_else(|| wrong(service, at, "is not a single value"))?;
            scalar(service, kind, text, at)
        }
    }
}

fn scalar(service: &Service, kind: &Kind, text: &str, at: &str) -> Result<Value, Fault> {
    match kind {
        Kind::Text(limits, pattern) => {
            within(service, at, *limits, text.chars().count(), "characters")?;
            if let Some(pattern) = pattern
                && !pattern.is_match(text)
            {
                return Err(wrong(service, at, &format!("must match {pattern}")));
            }
            // What the models say of most texts: XML's characters. User data and descriptions have line ends.
            if text
                .chars()
                .any(|c| c.is_control() && !"\r\n\t".contains(c))
            {
                return Err(wrong(service, at, "has control characters"));
            }
            Ok(Value::Text(text.to_owned()))
        }
        Kind::Choice(values) if !values.iter().any(|v| v == text) => Err(wrong(
            service,
            at,
            &format!("must be one of [{}]", values.join(", ")),
        )),
        Kind::Integer(limits) => {
            let number = text
                .parse()
                .map_err(|_| wrong(service, at, "is not a whole number"))?;
            if !limits.hold(number) {
                return Err(wrong(service, at, &format!("must be {}", said(*limits))));
            }
            Ok(Value::Integer(number))
        }
        Kind::Double => text
            .parse()
            .map(Value::Double)
            .map_err(|_| wrong(service, at, "is not a number")),
        Kind::Boolean => match text {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err(wrong(service, at, "is neither true nor false")),
        },
        Kind::Time => text
            .parse()
            .map(Value::Time)
            .map_err(|_| wrong(service, at, "is not a time")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

fn within(
    service: &Service,
    at: &str,
    limits: Limits,
    count: usize,
    of: &str,
) -> Result<(), Fault> {
    if i64::try_from(count).is_ok_and(|count| limits.hold(count)) {
        return Ok(());
    }
    Err(wrong(
        service,
        at,
        &format!("must have {} {of}", said(limits)),
    ))
}

fn said(limits: Limits) -> String {
    let bound = |bound: Option<i64>| bound.map(|b| b.to_string()).unwrap_or_default();
    format!("{}..{}", bound(limits.min), bound(limits.max))
}

fn missing(service: &Service, at: &str) -> Fault {
    match service.protocol {
        Protocol::Ec2 => Fault::new(
            "MissingParameter",
            format!("The request must contain the parameter {at}"),
        ),
        Protocol::Query => Fault::validation(format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: Member must not be null"
        )),
    }
}

fn wrong(service: &Service, at: &str, why: &str) -> Fault {
    match service.protocol {
        Protocol::Ec2 => Fault::new("InvalidParameterValue", format!("Value for {at} {why}")),
        Protocol::Query => Fault::validation(format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: {why}"
        )),
    }
}
