//! Launch templates and their versions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::region::Region;
use crate::value::{Record, Value};
use crate::wire::Fault;

use super::{Tags, all_found, filters, listed, tag_set, tags};

#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    created: Timestamp,
    pub(crate) default: u64,
    latest: u64,
    pub(crate) versions: BTreeMap<u64, Version>,
    pub(crate) tags: Tags,
    /// The token of the request that made it: the same request again changes nothing.
    token: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    description: Option<String>,
    created: Timestamp,
    /// As the request had it.
    pub(crate) data: Record,
    token: Option<String>,
}

impl Template {
    /// The version of that name: a number, `$Default` or `$Latest`.
    pub(crate) fn version(&self, name: &str) -> Option<(u64, &Version)> {
        let number = match name {
            "$Default" => self.default,
            "$Latest" => self.latest,
            number => number.parse().ok()?,
        };
        self.versions.get(&number).map(|version| (number, version))
    }
}

impl Region {
    /// The id of the template that a record names by id or by name.
    ///
    /// # Errors
    /// As EC2 says it, for neither, both, or one that is not there.
    pub(crate) fn template_id(&self, input: &Record) -> Result<String, Fault> {
        let now = self.now();
        match (input.text("LaunchTemplateId"), input.text("LaunchTemplateName")) {
            (Some(id), None) => {
                self.templates.seen(id, now).ok_or_else(|| {
                    Fault::new(
                        "InvalidLaunchTemplateId.NotFound",
                        format!("The specified launch template, with template ID {id}, does not exist."),
                    )
                })?;
                Ok(id.to_owned())
            }
            (None, Some(name)) => self
                .templates
                .seen_all(now)
                .find(|(_, template)| template.name == name)
                .map(|(id, _)| id.to_owned())
                .ok_or_else(|| {
                    Fault::new(
                        "InvalidLaunchTemplateName.NotFoundException",
                        format!("The specified launch template, with template name {name}, does not exist."),
                    )
                }),
            _ => Err(Fault::new(
                "InvalidParameterCombination",
                "Exactly one of LaunchTemplateId and LaunchTemplateName must be specified.",
            )),
        }
    }

    fn creator(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }

    fn template_record(&self, id: &str) -> Option<Record> {
        let template = self.templates.get(id)?;
        Some(
            Record::new()
                .with("LaunchTemplateId", id)
                .with("LaunchTemplateName", &template.name)
                .with("CreateTime", template.created)
                .with("CreatedBy", self.creator())
                .with("DefaultVersionNumber", i64::try_from(template.default).ok())
                .with("LatestVersionNumber", i64::try_from(template.latest).ok())
                .with("Tags", tag_set(&template.tags)),
        )
    }

    fn version_record(&self, id: &str, number: u64) -> Option<Record> {
        let template = self.templates.get(id)?;
        let version = template.versions.get(&number)?;
        Some(
            Record::new()
                .with("LaunchTemplateId", id)
                .with("LaunchTemplateName", &template.name)
                .with("VersionNumber", i64::try_from(number).ok())
                .with("VersionDescription", version.description.clone())
                .with("CreateTime", version.created)
                .with("CreatedBy", self.creator())
                .with("DefaultVersion", number == template.default)
                .with("LaunchTemplateData", version.data.clone()),
        )
    }
}

fn data(input: &Record) -> Result<Record, Fault> {
    let data = input
        .record("LaunchTemplateData")
        .cloned()
        .unwrap_or_default();
    let empty = data.members().next().is_none();
    if empty {
        return Err(Fault::new(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateData",
        ));
    }
    // 16 KB before base64, as the instance would get it.
    let user_data = data.text("UserData").unwrap_or_default();
    match data_encoding::BASE64.decode(user_data.as_bytes()) {
        Ok(raw) if raw.len() <= 16 * 1024 => Ok(data),
        Ok(_) => Err(Fault::new(
            "InvalidParameterValue",
            "User data is limited to 16384 bytes",
        )),
        Err(_) => Err(Fault::new(
            "InvalidParameterValue",
            "Invalid BASE64 encoding of user data.",
        )),
    }
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("LaunchTemplateName");
    // The model has no limits for this member, other operations' models have.
    let length = name.chars().count();
    let known = |c: char| c.is_ascii_alphanumeric() || "().-/_".contains(c);
    if !(3..=128).contains(&length) || !name.chars().all(known) {
        return Err(Fault::new(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and ().-/_",
        ));
    }
    let token = input.text("ClientToken").map(str::to_owned);
    let same = region.templates.iter().find(|(_, t)| t.name == name);
    if let Some((id, template)) = same {
        if token.is_some() && template.token == token {
            let id = id.to_owned();
            return Ok(Record::new().with("LaunchTemplate", region.template_record(&id)));
        }
        return Err(Fault::new(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "Launch template name already in use.",
        ));
    }
    if region.templates.len() >= region.quotas.launch_templates {
        return Err(Fault::new(
            "LaunchTemplateLimitExceeded",
            "The maximum number of launch templates has been reached.",
        ));
    }
    let (created, tags, data) = (
        region.now(),
        tags::asked(input, "launch-template")?,
        data(input)?,
    );
    let version = Version {
        description: input.text("VersionDescription").map(str::to_owned),
        created,
        data,
        token: None,
    };
    let template = Template {
        name: name.to_owned(),
        created,
        default: 1,
        latest: 1,
        versions: BTreeMap::from([(1, version)]),
        tags,
        token,
    };
    let (id, seen_from) = (region.id("lt"), region.seen_from());
    region.templates.insert(&id, template, seen_from);
    Ok(Record::new().with("LaunchTemplate", region.template_record(&id)))
}

pub(super) fn create_version(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = region.template_id(input)?;
    let (created, data) = (region.now(), data(input)?);
    let token = input.text("ClientToken").map(str::to_owned);
    let mut number = 0;
    if let Some(template) = region.templates.get_mut(&id) {
        let same = template
            .versions
            .iter()
            .find(|(_, version)| token.is_some() && version.token == token)
            .map(|(number, _)| *number);
        number = same.unwrap_or(template.latest + 1);
        template.latest = template.latest.max(number);
        template.versions.entry(number).or_insert(Version {
            description: input.text("VersionDescription").map(str::to_owned),
            created,
            data,
            token,
        });
    }
    Ok(Record::new().with("LaunchTemplateVersion", region.version_record(&id, number)))
}

fn no_version(name: &str) -> Fault {
    Fault::new(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find launch template version {name}"),
    )
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = region.template_id(input)?;
    if let (Some(name), Some(template)) =
        (input.text("DefaultVersion"), region.templates.get_mut(&id))
    {
        let number = template.version(name).map(|(number, _)| number);
        template.default = number.ok_or_else(|| no_version(name))?;
    }
    Ok(Record::new().with("LaunchTemplate", region.template_record(&id)))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (ids, names) = (
        input.texts("LaunchTemplateIds"),
        input.texts("LaunchTemplateNames"),
    );
    let now = region.now();
    let seen = |id: &str| region.templates.seen(id, now).is_some();
    all_found(
        &ids,
        seen,
        "InvalidLaunchTemplateId.NotFound",
        "launch template",
    )?;
    let is_there = |name: &str| region.templates.seen_all(now).any(|(_, t)| t.name == name);
    let code = "InvalidLaunchTemplateName.NotFoundException";
    all_found(&names, is_there, code, "launch template")?;
    let mut items = Vec::new();
    for (id, template) in region.templates.seen_all(now) {
        let hit = filters::matches(input, &template.tags, |name| match name {
            "launch-template-name" => Some(vec![template.name.clone()]),
            _ => None,
        })?;
        if hit
            && (ids.is_empty() || ids.iter().any(|i| i == id))
            && (names.is_empty() || names.contains(&template.name))
            && let Some(record) = region.template_record(id)
        {
            items.push((id.to_owned(), record));
        }
    }
    let (templates, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("LaunchTemplates", templates)
        .with("NextToken", next))
}

pub(super) fn describe_versions(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = region.template_id(input)?;
    let template = region.templates.get(&id);
    let asked = input.texts("Versions");
    let numbers: Vec<u64> = match template {
        Some(template) if asked.is_empty() => template.versions.keys().copied().collect(),
        Some(template) => asked
            .iter()
            .map(|name| {
                template
                    .version(name)
                    .map(|v| v.0)
                    .ok_or_else(|| no_version(name))
            })
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let items: Vec<_> = numbers
        .into_iter()
        .filter_map(|number| Some((format!("{number:020}"), region.version_record(&id, number)?)))
        .collect();
    let (versions, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("LaunchTemplateVersions", versions)
        .with("NextToken", next))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = region.template_id(input)?;
    let record = region.template_record(&id);
    region.templates.remove(&id);
    Ok(Record::new().with("LaunchTemplate", record))
}

/// The tags that a template gives to what it launches, by type of resource.
pub(super) fn launch_tags(data: &Record, kind: &str) -> Tags {
    let mut tags = Tags::new();
    for specification in data.records("TagSpecifications") {
        if specification.text("ResourceType") == Some(kind)
            && let Some(Value::List(list)) = specification.get("Tags")
        {
            for tag in list {
                if let Value::Record(tag) = tag {
                    let text = |name: &str| tag.text(name).unwrap_or_default().to_owned();
                    tags.insert(text("Key"), text("Value"));
                }
            }
        }
    }
    tags
}
