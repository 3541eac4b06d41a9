//! From a record to XML, by the table.

use quick_xml::escape::escape;

use crate::schema::{Kind, Operation, Protocol, Service, Structure};
use crate::value::{Record, Value};
use crate::wire::Fault;

/// The body of an answer.
///
/// # Panics
/// For a member that the table does not declare, or of another kind, or a required one that is not there: the
/// simulator would say what the service never says.
pub(crate) fn answer(
    service: &Service,
    operation: &Operation,
    record: &Record,
    request_id: &str,
) -> String {
    let (name, namespace) = (&operation.name, &service.namespace);
    let mut body = String::new();
    structure(service, &operation.output, record, &mut body);
    match service.protocol {
        Protocol::Ec2 => format!(
            "<{name}Response xmlns=\"{namespace}\"><requestId>{request_id}</requestId>{body}</{name}Response>"
        ),
        Protocol::Query => format!(
            "<{name}Response xmlns=\"{namespace}\"><{name}Result>{body}</{name}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
        ),
    }
}

/// The body of an error.
pub(crate) fn error(service: &Service, fault: &Fault, status: u16, request_id: &str) -> String {
    let (code, message) = (escape(&*fault.code), escape(&*fault.message));
    match service.protocol {
        Protocol::Ec2 => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
        ),
        Protocol::Query => {
            let kind = if status < 500 { "Sender" } else { "Receiver" };
            let namespace = &service.namespace;
            format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        }
    }
}

fn structure(service: &Service, shape: &Structure, record: &Record, out: &mut String) {
    for (name, value) in record.members() {
        let member = shape.member(name);
        assert!(member.is_some(), "{} has no {name}", shape.name);
        if let Some(member) = member {
            let wire = member.answered(service.protocol);
            element(service, &member.kind, value, &wire, out);
        }
    }
    for member in shape.members.iter().filter(|m| m.required) {
        assert!(
            record.get(&member.name).is_some(),
            "{} lacks {}",
            shape.name,
            member.name
        );
    }
}

fn element(service: &Service, kind: &Kind, value: &Value, wire: &str, out: &mut String) {
    out.extend(["<", wire, ">"]);
    match (kind, value) {
        (Kind::Structure(name), Value::Record(record)) => {
            let shape = service.structure(name);
            assert!(shape.is_some(), "no structure {name}");
            if let Some(shape) = shape {
                structure(service, shape, record, out);
            }
        }
        (Kind::List(of, item, _), Value::List(values)) => {
            let item = item.as_deref().unwrap_or(match service.protocol {
                Protocol::Query => "member",
                Protocol::Ec2 => "item",
            });
            for value in values {
                element(service, of, value, item, out);
            }
        }
        (Kind::Text(..) | Kind::Open, Value::Text(text)) => out.push_str(&escape(text.as_str())),
        (Kind::Choice(values), Value::Text(text)) => {
            assert!(values.contains(text), "{text} is not one of {values:?}");
            out.push_str(&escape(text.as_str()));
        }
        (Kind::Integer(_), Value::Integer(number)) => out.push_str(&number.to_string()),
        (Kind::Double, Value::Double(number)) => out.push_str(&number.to_string()),
        (Kind::Boolean, Value::Boolean(yes)) => out.push_str(&yes.to_string()),
        (Kind::Time, Value::Time(time)) => {
            out.push_str(&time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
        }
        _ => assert_eq!(format!("{kind:?}"), format!("{value:?}"), "{wire}"),
    }
    out.extend(["</", wire, ">"]);
}
