//! Walks a table and the model side by side.

use ovo_aws_sim::schema::{Kind, Limits, Member, Operation, Protocol, Service, Structure};
use serde_json::Value;

use crate::model::Model;

/// XML's own characters: the models say it of most texts, and the simulator holds it of all.
const XML: &str = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*";

/// What was compared, and what disagrees.
#[derive(Default)]
pub(crate) struct Walk {
    pub(crate) operations: usize,
    pub(crate) members: usize,
    codes: usize,
    codes_of_the_documentation: usize,
    pub(crate) wrong: Vec<String>,
}

/// Which names count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Walk {
    pub(crate) fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.members += other.members;
        self.codes += other.codes;
        self.codes_of_the_documentation += other.codes_of_the_documentation;
        self.wrong.extend(other.wrong);
    }

    pub(crate) fn summary(&self) -> String {
        format!(
            "{} operations, {} members and {} error codes compared, {} wrong; {} error codes are not in the model",
            self.operations,
            self.members,
            self.codes,
            self.wrong.len(),
            self.codes_of_the_documentation
        )
    }

    fn check(&mut self, right: bool, at: &str, what: impl FnOnce() -> String) {
        if !right {
            self.wrong.push(format!("{at}: {}", what()));
        }
    }

    pub(crate) fn service(&mut self, service: &Service, model: &Model) {
        let name = service.name.clone();
        let protocol = match service.protocol {
            Protocol::Query => "query",
            Protocol::Ec2 => "ec2",
        };
        for (what, ours, theirs) in [
            (
                "version",
                service.version.as_str(),
                model.metadata("apiVersion"),
            ),
            ("protocol", protocol, model.metadata("protocol")),
            ("endpoint", name.as_str(), model.metadata("endpointPrefix")),
        ] {
            self.check(ours == theirs, &name, || {
                format!("{what} is {ours}, not {theirs}")
            });
        }
        let theirs = model.metadata("xmlNamespace").trim_end_matches('/');
        let ours = service.namespace.trim_end_matches('/');
        self.check(ours == theirs, &name, || {
            format!("namespace is {ours}, not {theirs}")
        });
        let errors = model.errors();
        for (code, status) in &service.faults {
            let theirs = errors
                .iter()
                .find(|(c, _)| c == code)
                .map(|(_, status)| *status);
            self.codes += 1;
            self.check(theirs == Some(u64::from(*status)), &name, || {
                format!("error {code} has status {status}, the model has {theirs:?}")
            });
        }
        self.codes_of_the_documentation += service.common.len();
        for operation in service.operations.values() {
            self.operation(service, operation, model);
        }
    }

    fn operation(&mut self, service: &Service, operation: &Operation, model: &Model) {
        let at = format!("{} {}", service.name, operation.name);
        let theirs = model.operation(&operation.name);
        self.operations += 1;
        if theirs.is_null() {
            self.wrong.push(format!("{at}: no such operation"));
            return;
        }
        let declared: Vec<String> = theirs["errors"]
            .as_array()
            .map(|errors| errors.iter().map(|e| model.error(&e["shape"]).0).collect())
            .unwrap_or_default();
        for code in &operation.faults {
            self.codes += 1;
            self.check(declared.contains(code), &at, || {
                format!("does not fail with {code}")
            });
        }
        let input = model.shape(&theirs["input"]["shape"]);
        self.structure(
            service,
            &operation.input,
            input,
            model,
            (&format!("{at} >"), Way::In),
        );
        if operation.output.members.is_empty() {
            return;
        }
        let output = model.shape(&theirs["output"]["shape"]);
        self.structure(
            service,
            &operation.output,
            output,
            model,
            (&format!("{at} <"), Way::Out),
        );
    }

    fn structure(
        &mut self,
        service: &Service,
        ours: &Structure,
        theirs: &Value,
        model: &Model,
        (at, way): (&str, Way),
    ) {
        let empty = Vec::new();
        let required: Vec<_> = theirs["required"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        for name in &required {
            self.check(ours.member(name).is_some(), at, || {
                format!("{name} is required, and not in the table")
            });
        }
        for member in &ours.members {
            let at = format!("{at} {}", member.name);
            let named = &theirs["members"][&member.name];
            self.members += 1;
            if named.is_null() {
                self.wrong.push(format!("{at}: no such member"));
                continue;
            }
            let needed = required.contains(&member.name.as_str());
            self.check(member.required == needed, &at, || {
                format!("required is {}, not {needed}", member.required)
            });
            self.wire(service.protocol, member, named, &at, way);
            let shape = model.shape(&named["shape"]);
            self.kind(service, &member.kind, shape, model, (&at, way));
        }
    }

    /// The name on the wire: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and its neighbour for EC2.
    fn wire(&mut self, protocol: Protocol, member: &Member, named: &Value, at: &str, way: Way) {
        let location = named["locationName"].as_str();
        let (ours, theirs) = match (protocol, way) {
            (Protocol::Ec2, Way::In) => {
                let name = named["queryName"].as_str().map(str::to_owned);
                let name = name.unwrap_or_else(|| {
                    let mut chars = location.unwrap_or(&member.name).chars();
                    let first = chars.next().map(|c| c.to_ascii_uppercase());
                    first.into_iter().chain(chars).collect()
                });
                (member.asked(protocol), name)
            }
            (_, Way::In) => (
                member.asked(protocol),
                location.unwrap_or(&member.name).to_owned(),
            ),
            (_, Way::Out) => (
                member.answered(protocol),
                location.unwrap_or(&member.name).to_owned(),
            ),
        };
        self.check(ours == theirs, at, || {
            format!("is {ours} on the wire, not {theirs}")
        });
    }

    fn kind(
        &mut self,
        service: &Service,
        kind: &Kind,
        shape: &Value,
        model: &Model,
        (at, way): (&str, Way),
    ) {
        let theirs = shape["type"].as_str().unwrap_or_default();
        let types: &[&str] = match kind {
            Kind::Text(..) | Kind::Open | Kind::Choice(_) => &["string"],
            Kind::Integer(_) => &["integer", "long"],
            Kind::Double => &["double", "float"],
            Kind::Boolean => &["boolean"],
            Kind::Time => &["timestamp"],
            Kind::List(..) => &["list"],
            Kind::Structure(_) => &["structure"],
        };
        self.check(types.contains(&theirs), at, || {
            format!("is a {types:?}, not a {theirs}")
        });
        if !types.contains(&theirs) {
            return;
        }
        let values: Vec<_> = shape["enum"]
            .as_array()
            .map(|values| values.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        match kind {
            Kind::Text(limits, pattern) => {
                self.limits(*limits, shape, at);
                self.check(values.is_empty(), at, || format!("is one of {values:?}"));
                let ours = pattern.as_ref().map(|p| {
                    let whole = p.as_str();
                    whole
                        .strip_prefix("^(?:")
                        .and_then(|p| p.strip_suffix(")$"))
                        .unwrap_or(whole)
                        .to_owned()
                });
                let theirs = shape["pattern"].as_str().filter(|p| *p != XML);
                self.check(ours.as_deref() == theirs, at, || {
                    format!("pattern is {ours:?}, not {theirs:?}")
                });
            }
            Kind::Open => self.check(!values.is_empty(), at, || {
                "is not an enumeration".to_owned()
            }),
            Kind::Choice(ours) => {
                let mut ours: Vec<_> = ours.iter().map(String::as_str).collect();
                let mut theirs = values.clone();
                ours.sort_unstable();
                theirs.sort_unstable();
                self.check(ours == theirs, at, || {
                    format!("is one of {ours:?}, not {theirs:?}")
                });
            }
            Kind::Integer(limits) => self.limits(*limits, shape, at),
            Kind::List(of, item, limits) => {
                self.limits(*limits, shape, at);
                // EC2's requests number the items without a name, and lists that are flattened have none either.
                let flat = shape["flattened"].as_bool().unwrap_or(false);
                if !(flat || (service.protocol == Protocol::Ec2 && way == Way::In)) {
                    let default = if service.protocol == Protocol::Ec2 {
                        "item"
                    } else {
                        "member"
                    };
                    let ours = item.as_deref().unwrap_or(default);
                    let theirs = shape["member"]["locationName"].as_str().unwrap_or("member");
                    self.check(ours == theirs, at, || {
                        format!("items are {ours}, not {theirs}")
                    });
                }
                self.check(!flat, at, || {
                    "is a flattened list, which the simulator has none of".to_owned()
                });
                let inner = model.shape(&shape["member"]["shape"]);
                self.kind(service, of, inner, model, (&format!("{at} []"), way));
            }
            Kind::Structure(name) => {
                if let Some(ours) = service.structure(name) {
                    self.structure(service, ours, shape, model, (at, way));
                }
            }
            Kind::Double | Kind::Boolean | Kind::Time => {}
        }
    }

    fn limits(&mut self, ours: Limits, shape: &Value, at: &str) {
        let theirs = Limits {
            min: shape["min"].as_i64(),
            max: shape["max"].as_i64(),
        };
        self.check(ours == theirs, at, || {
            format!("limits are {ours:?}, not {theirs:?}")
        });
    }
}
