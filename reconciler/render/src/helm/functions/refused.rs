//! The functions that a render never calls, and why: it has no clock, no randomness, no keys.
//!
//! The same tree gives the same objects, so that a review shows what will be applied. A chart that makes up a password at every
//! render would restart its pods at every commit.

use super::Param::Any;
use super::{Action, Function};

const RANDOM: &str = "it is different at every call, and a render gives the same result for the same commit";
const KEYS: &str = "it makes a new key at every call, and a render gives the same result for the same commit";
const CRYPTOGRAPHY: &str = "this build has no such cryptography";

const fn refused(name: &'static str, why: &'static str) -> Function {
    Function { name, params: &[], rest: Some(Any), action: Action::Refused(why) }
}

pub(super) const TABLE: &[Function] = &[
    refused("bcrypt", RANDOM),
    refused("buildCustomCert", CRYPTOGRAPHY),
    refused("decryptAES", CRYPTOGRAPHY),
    refused("derivePassword", CRYPTOGRAPHY),
    refused("encryptAES", RANDOM),
    refused("genCA", KEYS),
    refused("genCAWithKey", KEYS),
    refused("genPrivateKey", KEYS),
    refused("genSelfSignedCert", KEYS),
    refused("genSelfSignedCertWithKey", KEYS),
    refused("genSignedCert", KEYS),
    refused("genSignedCertWithKey", KEYS),
    refused("htpasswd", RANDOM),
    refused("randAlpha", RANDOM),
    refused("randAlphaNum", RANDOM),
    refused("randAscii", RANDOM),
    refused("randBytes", RANDOM),
    refused("randInt", RANDOM),
    refused("randNumeric", RANDOM),
    refused("shuffle", RANDOM),
    refused("uuidv4", RANDOM),
];
