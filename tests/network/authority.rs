//! Hosts that join by the certificates of an authority that issues them, without a token.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
};

use crate::world::{Host, World};

/// Issues certificates, into files of a folder.
struct Office {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("authority.pem"), own.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    /// The authority's own certificate.
    fn authority(&self) -> String {
        let file = self.folder.path().join("authority.pem");
        file.to_str().unwrap().to_owned()
    }

    /// A key with a certificate for this name.
    fn certify(&self, name: &str) -> String {
        // Most offices issue no others.
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file: PathBuf = self.folder.path().join(format!("{name}.pem"));
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        std::fs::write(&file, pem).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

/// What the operator told, with the files put in.
fn arguments(told: &str, certificate: &str, authority: &str) -> Vec<String> {
    let line = told
        .lines()
        .find(|line| line.trim_start().starts_with("cutover agent join"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    let line = line.replace(
        "--certificate FILE",
        &format!("--certificate {certificate}"),
    );
    let line = line.replace("--authority FILE", &format!("--authority {authority}"));
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

fn add(world: &World, host: &Host, office: &Office) -> String {
    let address = host.address();
    let authority = office.authority();
    let name = host.name.as_str();
    let words = [
        "hosts",
        "add",
        name,
        "--address",
        &address,
        "--tag",
        "role=web",
    ];
    world.ok(&[&words[..], &["--authority", &authority]].concat())
}

/// An operator whose orchestrator the office has certified.
fn certified(office: &Office) -> World {
    let world = World::new();
    let own = office.certify("cutover.example.org");
    let told = world.ok(&["hosts", "rotate", "--orchestrator", "--certificate", &own]);
    assert!(told.contains("the orchestrator has the key"), "{told}");
    world
}

#[test]
fn certificates_take_the_place_of_a_token() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    assert!(!told.contains("--token"), "{told}");
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_ok("web-1");
    let details = world.ok(&["hosts", "web-1"]);
    assert!(details.contains(&web.fingerprint()), "{details}");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    // The authority is not asked again: another key needs the operator's yes, whoever has certified it.
    web.wipe();
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "somebody else is at");
}

#[test]
fn whoever_is_certified_as_somebody_else_does_not_join() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    web.join_with(&arguments(
        &told,
        &office.certify("web-2"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "its certificate is not for web-1");
    // Nor does one whom another authority has certified.
    web.wipe();
    let foreign = Office::new();
    web.join_with(&arguments(
        &told,
        &foreign.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "not one of the authority");
}

#[test]
fn a_host_listens_to_nobody_but_the_orchestrator_that_was_named() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    let told = told.replace("cutover.example.org", "another.example.org");
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    web.until_logged("turned away");
    world.until_problem("web-1", "has not joined");
    let keys = String::from_utf8(web.agent(&["keys"]).stdout).unwrap();
    assert!(keys.contains("expected      another.example.org"), "{keys}");
    assert!(!keys.contains("orchestrator"), "{keys}");
}

#[test]
fn an_orchestrator_that_nobody_certified_says_what_to_do() {
    let office = Office::new();
    let mut world = World::new();
    let web = world.host("web-1");
    world.add(&web);
    let authority = office.authority();
    let refused = world.refused(&["hosts", "invite", "web-1", "--authority", &authority]);
    assert!(
        refused.contains("hosts rotate --orchestrator --certificate"),
        "{refused}"
    );
    let own = office.certify("cutover.example.org");
    let refused = world.refused(&["hosts", "invite", "web-1", "--authority", "/nowhere.pem"]);
    assert!(refused.contains("/nowhere.pem"), "{refused}");
    let text = std::fs::read_to_string(&own).unwrap();
    let key_alone = text.split("-----BEGIN CERTIFICATE").next().unwrap();
    std::fs::write(&own, key_alone).unwrap();
    let refused = world.refused(&["hosts", "rotate", "--orchestrator", "--certificate", &own]);
    assert!(refused.contains("no certificate is there"), "{refused}");
}
