//! Launch templates: found, looked at, made, changed, taken away. Instances that they launched are never touched.

use std::collections::BTreeSet;

use ovo_aws_ec2::{Fault, Find, Tags, Template, TemplateData};
use ovo_model::{Outcome, ProviderError, ResourceId, ResourceState, Scalar};
use ovo_provider::{Call, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::arguments::Arguments;
use crate::desired::desired;
use crate::desired::templates::{OTHER_LINES, ROOT_DEVICE};
use crate::desired::user_data::{SECRETS, survives};
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{CREATE_TAGS, CREATE_VERSION, TEMPLATE, USER_DATA};
use crate::observed::{Found, Seen};
use crate::provider::{AwsProvider, Site, absent, unknown_call};
use crate::user_data::{Lines, Note, Read, lines, text};

/// The lines that a template should have.
fn wanted(site: &Site<'_>, name: &str) -> BTreeSet<String> {
    let resources = desired(&site.target.cluster, site.target.profile).unwrap_or_default();
    resources
        .iter()
        .filter(|r| r.id.kind == TEMPLATE && r.id.name == name)
        .flat_map(|r| r.properties.keys())
        .filter_map(|property| property.strip_prefix(USER_DATA))
        .map(str::to_owned)
        .collect()
}

fn written(tags: &Tags) -> Vec<String> {
    tags.iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

fn seen(site: &Site<'_>, template: &Template, short: &str) -> Found {
    let data = &template.data;
    let disk = data.disk.clone().unwrap_or_default();
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut found = Found::new(TEMPLATE, short, site.names.ownership(&template.tags))
        .is("image", data.image.as_str())
        .is("instanceType", data.instance_type.as_str())
        .is("diskGiB", i64::from(disk.gib))
        .is("diskType", disk.kind)
        .is("diskGoesAlong", disk.goes_along)
        .is("metadataTokens", data.metadata_tokens.as_str())
        .is("metadataHops", i64::from(data.metadata_hops))
        .is("terminationRefused", data.termination_refused)
        .is("securityGroup", data.security_groups.join(","))
        .is("volumeTags", Scalar::List(written(&data.volume_tags)))
        .is("keyPair", of(&data.key_pair))
        .is("instanceProfile", of(&data.instance_profile))
        .tagged(&template.tags)
        .tells("id", template.id.as_str())
        .tells("version", template.version);
    let wanted = wanted(site, short);
    let empty = SecretString::from("");
    let user_data = data.user_data.as_ref().unwrap_or(&empty);
    let note = match Note::read(&template.description, user_data) {
        Read::Note(note) => note,
        Read::Nothing => Note::default(),
        Read::TooNew(format) => {
            return found.state(ResourceState::Failed(format!(
                "its newest version was written in format {format} by a newer release; run that one again"
            )));
        }
    };
    let mut others = Vec::new();
    for (key, value) in lines(user_data) {
        let property = format!("{USER_DATA}{key}");
        if !wanted.contains(&key) {
            others.push(key);
        } else if SECRETS.contains(&key.as_str()) {
            found = found.maybe(&property, note.digests.get(&key).map(String::as_str));
        } else {
            found = found.is(&property, value.expose_secret());
        }
    }
    found.is(OTHER_LINES, Scalar::List(others))
}

/// A version while it is put together.
struct Draft {
    data: TemplateData,
    lines: Lines,
    note: Note,
}

impl Draft {
    /// What a template says now.
    fn of(template: &Template, wanted: &BTreeSet<String>) -> Result<Self, ProviderError> {
        let data = template.data.clone();
        let empty = SecretString::from("");
        let user_data = data.user_data.as_ref().unwrap_or(&empty);
        let mut lines = lines(user_data);
        lines.retain(|key, _| wanted.contains(key));
        let mut note = match Note::read(&template.description, user_data) {
            Read::Note(note) => note,
            Read::Nothing => Note::default(),
            Read::TooNew(format) => {
                return Err(ProviderError::Conflict(format!(
                    "{} was written in format {format} by a newer release",
                    template.name
                )));
            }
        };
        note.digests.retain(|key, _| wanted.contains(key));
        Ok(Self { data, lines, note })
    }

    /// The same with what a step sets.
    fn with(
        mut self,
        arguments: Arguments<'_>,
        secrets: &dyn SecretSource,
    ) -> Result<Self, ProviderError> {
        let data = &mut self.data;
        let mut disk = data.disk.clone().unwrap_or_default();
        ROOT_DEVICE.clone_into(&mut disk.device);
        let word = |name: &str, to: &mut String| -> Result<(), ProviderError> {
            if let Some(text) = arguments.maybe(name, Arguments::text)? {
                text.clone_into(to);
            }
            Ok(())
        };
        word("image", &mut data.image)?;
        word("instanceType", &mut data.instance_type)?;
        word("metadataTokens", &mut data.metadata_tokens)?;
        word("diskType", &mut disk.kind)?;
        if let Some(gib) = arguments.maybe("diskGiB", Arguments::integer)? {
            disk.gib = gib;
        }
        if let Some(goes) = arguments.maybe("diskGoesAlong", Arguments::boolean)? {
            disk.goes_along = goes;
        }
        if let Some(hops) = arguments.maybe("metadataHops", Arguments::integer)? {
            data.metadata_hops = hops;
        }
        if let Some(refused) = arguments.maybe("terminationRefused", Arguments::boolean)? {
            data.termination_refused = refused;
        }
        if let Some(group) = arguments.maybe("securityGroup", Arguments::text)? {
            data.security_groups = vec![group.to_owned()];
        }
        for (name, to) in [
            ("keyPair", &mut data.key_pair),
            ("instanceProfile", &mut data.instance_profile),
        ] {
            if let Some(text) = arguments.maybe(name, Arguments::text)? {
                *to = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
        }
        if let Some(tags) = arguments.maybe("volumeTags", Arguments::list)? {
            data.volume_tags = tags
                .iter()
                .filter_map(|tag| tag.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
        }
        data.disk = Some(disk);
        for line in arguments.words(USER_DATA) {
            let (key, value) = line?;
            self.lines.insert(key.to_owned(), SecretString::from(value));
        }
        for (key, at, digest) in arguments.secrets(USER_DATA) {
            let value = secrets
                .get(at)
                .ok_or_else(|| ProviderError::Retryable(format!("Secret {at} is not there")))?;
            if !survives(value.expose_secret()) {
                return Err(ProviderError::Invalid {
                    field: format!("Secret {at}"),
                    message: "holds what the masters' boot script would spoil; it takes printable characters but \
                              = | \" ' and \\"
                        .to_owned(),
                });
            }
            self.lines.insert(key.to_owned(), value);
            if let Some(digest) = digest {
                self.note.digests.insert(key.to_owned(), digest.0.clone());
            }
        }
        Ok(self)
    }

    /// The data to send, and the note on it.
    fn done(mut self) -> (TemplateData, String) {
        let user_data = text(&self.lines);
        let note = self.note.written(&user_data);
        self.data.user_data = (!self.lines.is_empty()).then_some(user_data);
        (self.data, note)
    }
}

impl AwsProvider {
    async fn template(&self, site: &Site<'_>, short: &str) -> Result<Option<Template>, Fault> {
        let find = Find::Names(vec![site.full(short)]);
        Ok(self.ec2.templates(&find).await?.into_iter().next())
    }

    /// Adds a role's template to what is seen.
    pub(crate) async fn see_template(
        &self,
        site: &Site<'_>,
        short: &str,
        into: &mut Seen,
    ) -> Result<(), Fault> {
        if let Some(template) = self.template(site, short).await? {
            into.add(seen(site, &template, short));
        }
        Ok(())
    }

    pub(crate) async fn create_template(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        if let Some(template) = self.template(site, &id.name).await.map_err(classed)? {
            return site
                .ours(&id.to_string(), &template.tags)
                .map(|()| Outcome::Done);
        }
        let empty = Draft {
            data: TemplateData::default(),
            lines: Lines::new(),
            note: Note::default(),
        };
        let (data, note) = empty.with(arguments, call.secrets)?.done();
        let (name, tags) = (site.full(&id.name), site.tags(&arguments)?);
        let sent = self.ec2.create_template(&name, &data, &note, &tags);
        made(
            sent.await,
            &["InvalidLaunchTemplateName.AlreadyExistsException"],
        )
    }

    pub(crate) async fn set_template(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let template = self.template(site, &id.name).await.map_err(classed)?;
        let template = template.ok_or_else(|| absent(id))?;
        site.ours(&id.to_string(), &template.tags)?;
        match by {
            CREATE_TAGS => changed(self.ec2.tag(&template.id, &arguments.tags()?).await),
            CREATE_VERSION => {
                let draft = Draft::of(&template, &wanted(site, &id.name))?;
                let (data, note) = draft.with(arguments, call.secrets)?.done();
                let same = digest(&data) == digest(&template.data);
                if same && note == template.description {
                    return Ok(Outcome::Done);
                }
                // One version follows each version, however often it is asked for.
                let token = format!("{}-{}", template.version, digest(&data));
                let sent = self
                    .ec2
                    .create_template_version(&template.id, &data, &note, &token);
                changed(sent.await)
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    pub(crate) async fn delete_template(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let Some(template) = self.template(site, &id.name).await.map_err(classed)? else {
            return Ok(Outcome::Done);
        };
        site.ours(&id.to_string(), &template.tags)?;
        let gone = [
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateName.NotFoundException",
        ];
        deleted(self.ec2.delete_template(&template.id).await, &gone, &[])
    }
}

/// Tells one version's data from another's.
fn digest(data: &TemplateData) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &str| {
        hash.update(text.as_bytes());
        hash.update([0]);
    };
    // Without the user data, whose debug output says that it hides it.
    feed(&format!("{data:?}"));
    if let Some(user_data) = &data.user_data {
        feed(user_data.expose_secret());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}
