//! Instances, by requests that are written and signed here: the SDK of EC2 is larger than all others together, and one request
//! is all that is wanted of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use reqwest::Url;

use super::scaling::members;
use super::{Accounts, Trouble};
use crate::model::host::{Host, Instance, Waiting};
use crate::model::name::Name;
use crate::model::tags::Tags;
use crate::providers::instances::{Found, Keys, Wanted, agent};

/// What the request needs.
const PERMISSION: &str = "ec2:DescribeInstances";

/// The interface that is meant.
const VERSION: &str = "2016-11-15";

/// One filter has at most so many values.
const VALUES: usize = 200;

/// So many instances are answered at a time.
const PAGE: &str = "1000";

/// What is there, and may come back: all but those that are terminated. Those that are stopped are members that fail.
const STATES: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// An instance as EC2 describes it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Described {
    id: String,
    address: Option<IpAddr>,
    zone: Option<String>,
    tags: Tags,
}

impl Accounts {
    /// Looks for instances.
    ///
    /// # Errors
    /// Which service did not say, and why.
    pub(crate) async fn instances(
        &self,
        wanted: &Wanted,
    ) -> Result<Found, (&'static str, Trouble)> {
        let ec2 = |trouble| ("EC2", trouble);
        let session = self.session(Some(&wanted.account), None).await;
        let session = session.map_err(ec2)?;
        let scaled = members(&session, &wanted.groups).await;
        let scaled = scaled.map_err(|trouble| ("Auto Scaling", trouble))?;
        let http = client().map_err(ec2)?;
        let mut all: BTreeMap<String, Described> = BTreeMap::new();
        for filter in filters(wanted, &scaled.known) {
            let found = describe(&http, &session, &filter).await.map_err(ec2)?;
            all.extend(found.into_iter().map(|one| (one.id.clone(), one)));
        }
        let missing = wanted.groups.difference(&scaled.known);
        let hosts = all.into_values().filter_map(|one| {
            let group = scaled.serving.get(&one.id).cloned();
            let waits = scaled.waiting.get(&one.id).cloned();
            host(one, wanted, group, waits)
        });
        Ok(Found {
            hosts: hosts.collect(),
            missing: missing.cloned().collect(),
        })
    }
}

/// The host that an instance is.
fn host(
    described: Described,
    wanted: &Wanted,
    group: Option<String>,
    waits: Option<Waiting>,
) -> Option<Host> {
    let name: Name = described.id.parse().ok()?;
    let address = described
        .address
        .map(|address| agent(address, wanted.port))
        .unwrap_or_default();
    Some(Host {
        name,
        address,
        tags: Tags::new(),
        zone: described.zone,
        endpoints: BTreeMap::new(),
        provisioned: None,
        instance: Some(Instance {
            account: wanted.account.clone(),
            tags: described.tags,
            auto_scaling_group: group,
            waits,
        }),
    })
}

/// A filter besides the states, by its name and its values.
type Filter = Option<(&'static str, Vec<String>)>;

/// One question each: filters of one question narrow each other.
fn filters(wanted: &Wanted, groups: &BTreeSet<String>) -> Vec<Filter> {
    let keys = match &wanted.keys {
        Keys::Any => return vec![None],
        Keys::Of(keys) => keys,
    };
    let mut filters = Vec::new();
    for (name, values) in [
        ("tag-key", keys),
        ("tag:aws:autoscaling:groupName", groups),
        ("instance-id", &wanted.ids),
    ] {
        let values: Vec<String> = values.iter().map(|value| literally(value)).collect();
        let parts = values.chunks(VALUES);
        filters.extend(parts.map(|part| Some((name, part.to_vec()))));
    }
    filters
}

/// A value of a filter that means itself alone.
fn literally(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// The instances that a filter lets through, page by page.
async fn describe(
    http: &reqwest::Client,
    session: &SdkConfig,
    filter: &Filter,
) -> Result<Vec<Described>, Trouble> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let text = ask(http, session, &question(filter, next.as_deref())).await?;
        let (page, token) = read(&text).map_err(|error| {
            Trouble::refused(format!(
                "what it answered is no list of instances ({error})"
            ))
        })?;
        all.extend(page);
        next = token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// The fields of a question.
fn question(filter: &Filter, next: Option<&str>) -> Vec<(String, String)> {
    let mut fields = vec![
        ("Action".to_owned(), "DescribeInstances".to_owned()),
        ("Version".to_owned(), VERSION.to_owned()),
        ("MaxResults".to_owned(), PAGE.to_owned()),
    ];
    let states = STATES.map(str::to_owned).to_vec();
    let own = Some(("instance-state-name", states));
    for (index, (name, values)) in own.iter().chain(filter).enumerate() {
        let place = format!("Filter.{}", index + 1);
        fields.push((format!("{place}.Name"), (*name).to_owned()));
        for (index, value) in values.iter().enumerate() {
            fields.push((format!("{place}.Value.{}", index + 1), value.clone()));
        }
    }
    fields.extend(next.map(|token| ("NextToken".to_owned(), token.to_owned())));
    fields
}

fn client() -> Result<reqwest::Client, Trouble> {
    reqwest::Client::builder()
        // What is signed is for whom it was signed for.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Trouble::refused(format!("the HTTP client can't be set up: {error}")))
}

/// Where EC2 is in a region.
fn endpoint(session: &SdkConfig, region: &str) -> String {
    let elsewhere = session
        .endpoint_url()
        .map(|url| format!("{}/", url.trim_end_matches('/')));
    elsewhere.unwrap_or_else(|| {
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://ec2.{region}.amazonaws.com{china}/")
    })
}

/// Asks once, and answers what was said.
async fn ask(
    http: &reqwest::Client,
    session: &SdkConfig,
    fields: &[(String, String)],
) -> Result<String, Trouble> {
    let region = session
        .region()
        .map(ToString::to_string)
        .unwrap_or_default();
    let url = endpoint(session, &region);
    let unsent = |error: &dyn std::fmt::Display| {
        Trouble::refused(format!("the request can't be written: {error}"))
    };
    // A query is written as a form is.
    let written = Url::parse_with_params(&url, fields).map_err(|error| unsent(&error))?;
    let body = written.query().unwrap_or_default().to_owned();
    let provider = session.credentials_provider().ok_or_else(nobody)?;
    let credentials = provider.provide_credentials().await;
    let identity = credentials
        .map_err(|error| Trouble::before_an_answer(&error))?
        .into();
    let now = session.time_source().map(|source| source.now());
    let now = now.ok_or_else(|| unsent(&"there is no clock"))?;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("ec2")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsent(&error))?;
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let signable = SignableRequest::new(
        "POST",
        url.as_str(),
        std::iter::once(kind),
        SignableBody::Bytes(body.as_bytes()),
    );
    let signable = signable.map_err(|error| unsent(&error))?;
    let signed = sign(signable, &params.into()).map_err(|error| unsent(&error))?;
    let mut request = http.post(&url).header(kind.0, kind.1);
    for (name, value) in signed.into_parts().0.headers() {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.map_err(unanswered)?;
    let status = answer.status();
    let text = answer.text().await.map_err(unanswered)?;
    if status.is_success() {
        return Ok(text);
    }
    let said = |name| between(&text, name).unwrap_or_default();
    let (code, message) = (said("Code"), said("Message"));
    Err(Trouble::said(status.as_u16(), &code, &message, PERMISSION))
}

fn nobody() -> Trouble {
    Trouble::refused("it has no credentials: give the account a `profile` in `connections.aws`, or set AWS_PROFILE".to_owned())
}

fn unanswered(error: reqwest::Error) -> Trouble {
    Trouble::before_an_answer(&error.without_url())
}

/// The text of the first element of this name, wherever it is.
fn between(text: &str, name: &str) -> Option<String> {
    let mut document = Document::new(text);
    while let Some(start) = document.next_start_element() {
        if start.local() == name {
            let mut element = document.scoped_to(start);
            return try_data(&mut element).ok().map(Cow::into_owned);
        }
    }
    None
}

/// The instances of an answer, and what the next page is asked for by.
fn read(text: &str) -> Result<(Vec<Described>, Option<String>), XmlDecodeError> {
    // Whoever reads tag by tag takes one that was cut off for one that ends there.
    if !text.trim_end().ends_with("</DescribeInstancesResponse>") {
        return Err(XmlDecodeError::custom("it has no end"));
    }
    if let Some(broken) = Document::new(text).find_map(Result::err) {
        return Err(broken);
    }
    let mut document = Document::new(text);
    let mut root = document.root_element()?;
    if root.start_el().local() != "DescribeInstancesResponse" {
        return Err(XmlDecodeError::custom("another element"));
    }
    let (mut instances, mut next) = (Vec::new(), None);
    while let Some(mut element) = root.next_tag() {
        match element.start_el().local() {
            "reservationSet" => {
                while let Some(mut reservation) = element.next_tag() {
                    while let Some(mut part) = reservation.next_tag() {
                        if part.start_el().local() == "instancesSet" {
                            while let Some(mut item) = part.next_tag() {
                                instances.push(instance(&mut item)?);
                            }
                        }
                    }
                }
            }
            "nextToken" => next = Some(try_data(&mut element)?.into_owned()),
            _ => {}
        }
    }
    Ok((instances, next.filter(|token| !token.is_empty())))
}

fn instance(item: &mut ScopedDecoder<'_, '_>) -> Result<Described, XmlDecodeError> {
    let mut described = Described::default();
    while let Some(mut field) = item.next_tag() {
        match field.start_el().local() {
            "instanceId" => described.id = try_data(&mut field)?.into_owned(),
            "privateIpAddress" => described.address = try_data(&mut field)?.parse().ok(),
            "placement" => {
                while let Some(mut part) = field.next_tag() {
                    if part.start_el().local() == "availabilityZone" {
                        described.zone = Some(try_data(&mut part)?.into_owned());
                    }
                }
            }
            "tagSet" => {
                while let Some(mut pair) = field.next_tag() {
                    let (key, value) = tag(&mut pair)?;
                    described.tags.insert(key, value);
                }
            }
            _ => {}
        }
    }
    Ok(described)
}

fn tag(item: &mut ScopedDecoder<'_, '_>) -> Result<(String, String), XmlDecodeError> {
    let mut pair = (String::new(), String::new());
    while let Some(mut part) = item.next_tag() {
        let into = match part.start_el().local() {
            "key" => &mut pair.0,
            "value" => &mut pair.1,
            _ => continue,
        };
        *into = try_data(&mut part)?.into_owned();
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r</requestId>
  <reservationSet>
    <item><reservationId>r-1</reservationId><groupSet/><instancesSet>
      <item><instanceId>i-1</instanceId><privateIpAddress>10.0.0.7</privateIpAddress>
        <placement><availabilityZone>eu-west-1a</availabilityZone><tenancy>default</tenancy></placement>
        <networkInterfaceSet><item><privateIpAddress>10.0.0.8</privateIpAddress></item></networkInterfaceSet>
        <tagSet><item><key>role</key><value>a &amp; b</value></item><item><key>empty</key><value/></item></tagSet></item>
      <item><instanceId>i-2</instanceId></item>
    </instancesSet></item>
    <item><instancesSet><item><instanceId>i-3</instanceId></item></instancesSet></item>
  </reservationSet>
  <nextToken>more</nextToken>
</DescribeInstancesResponse>"#;

    #[test]
    fn instances_are_read_page_by_page() {
        let (instances, next) = read(PAGE).unwrap();
        let ids: Vec<&str> = instances.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["i-1", "i-2", "i-3"]);
        assert_eq!(instances[0].address, Some([10, 0, 0, 7].into()));
        assert_eq!(instances[0].zone.as_deref(), Some("eu-west-1a"));
        assert_eq!(instances[0].tags["role"], "a & b");
        assert_eq!(instances[0].tags["empty"], "");
        assert_eq!(instances[1].address, None);
        assert_eq!(next.as_deref(), Some("more"));
        let last = PAGE.replace("<nextToken>more</nextToken>", "<nextToken/>");
        assert_eq!(read(&last).unwrap().1, None);
        assert!(read(&PAGE[..PAGE.len() / 2]).is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn what_is_asked_for_narrows_and_means_itself() {
        let wanted = Wanted {
            account: "prod".to_owned(),
            port: 7420,
            keys: Keys::Of(["a*".to_owned()].into()),
            groups: BTreeSet::new(),
            ids: ["i-1".to_owned()].into(),
        };
        let filters = filters(&wanted, &["pool".to_owned()].into());
        let fields = question(&filters[0], Some("more"));
        let field = |name: &str| {
            let mut all = fields.iter();
            let found = all.find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(field("Filter.1.Name"), Some("instance-state-name"));
        assert_eq!(field("Filter.2.Name"), Some("tag-key"));
        assert_eq!(field("Filter.2.Value.1"), Some(r"a\*"));
        assert_eq!(field("NextToken"), Some("more"));
        let groups = question(&filters[1], None);
        let name = "tag:aws:autoscaling:groupName".to_owned();
        assert!(groups.contains(&("Filter.2.Name".to_owned(), name)));
        let ids = question(&filters[2], None);
        assert!(ids.contains(&("Filter.2.Value.1".to_owned(), "i-1".to_owned())));
        let any = Wanted {
            keys: Keys::Any,
            ..wanted
        };
        assert_eq!(super::filters(&any, &BTreeSet::new()), [None]);
    }
}
