//! The way of one object, as sync goes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Context as _;
use apimachinery::{Object, ObjectId};
use plan::Allow;
use plan::intent::{self, IntentState};
use plan::sync::{ApplyStep, Live, SyncInput, SyncPlan, SyncStep};
use plan::{Declaration, DeclaredObject, SourceName, Unit};
use serde_json::Value;

use super::Specimen;
use super::ground::{Ground, Written};

/// The source that declares everything here.
pub const SOURCE: &str = "law";
/// The unit that everything belongs to.
pub const UNIT: &str = "specimens";

/// What became of an object.
#[derive(Clone, PartialEq)]
pub enum Fate {
    /// The intent is the normal form; here it is.
    AsDeclared(Value),
    /// The intent is what the server made of the normal form, and the digests say so.
    Corrected {
        intent: Value,
        /// Where it differs from the normal form: kind and path.
        places: Vec<String>,
    },
    /// Sync does not write it: the finding's id.
    RefusedBySync(&'static str),
    /// The code and the reason.
    RefusedByServer(String),
    /// The law does not hold, and why.
    Broken(String),
}

impl Fate {
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::RefusedBySync(_) | Self::RefusedByServer(_))
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsDeclared(intent) => write!(f, "as declared: {intent}"),
            Self::Corrected { intent, places } => write!(f, "corrected at {}: {intent}", places.join(", ")),
            Self::RefusedBySync(finding) => write!(f, "refused by sync: {finding}"),
            Self::RefusedByServer(why) => write!(f, "refused by the server: {why}"),
            Self::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

/// Takes one object all the way, and takes it away again.
pub fn fate(ground: &mut Ground, specimen: &Specimen) -> anyhow::Result<Fate> {
    let Some(declared) = ground.declare(specimen)? else {
        return Ok(Fate::RefusedBySync("not-an-object"));
    };
    let fate = way(ground, &declared).with_context(|| specimen.origin.clone())?;
    ground.remove(&declared.object)?;
    Ok(fate)
}

fn way(ground: &Ground, declared: &DeclaredObject) -> anyhow::Result<Fate> {
    let id = declared.object.id();
    let first = sync(ground, declared, Live::Absent);
    if let Some(finding) = first.refused.get(&id) {
        return Ok(Fate::RefusedBySync(finding.id));
    }
    let step = apply_of(&first).context("a declared object that is absent is applied")?;
    let answered = match ground.write(step)? {
        Written::Stored(object) => object,
        Written::Refused(why) => return Ok(Fate::RefusedByServer(why)),
    };
    let source = SourceName::from(SOURCE);
    let answer = intent::answer(&step.object, &answered, &source, &ground.kinds);
    if !answer.mutated.is_empty() {
        return Ok(Fate::Broken(format!("declared leaves have other values: {}", answer.mutated.join(", "))));
    }
    if let Some(digest) = answer.corrected {
        let corrected = ApplyStep { object: intent::corrected(&step.object, digest), ..step.clone() };
        if let Written::Refused(why) = ground.write(&corrected)? {
            return Ok(Fate::Broken(format!("the correction was refused: {why}")));
        }
    }
    let mut stored = ground.get(&id, None)?.context("it was just written")?;
    // The hub does so, too: a watch sees an object in one version, its fields may be of another one.
    if let Some(version) = intent::version_to_read(&stored) {
        stored = ground.get(&id, Some(&version))?.context("it was just written")?;
    }
    Ok(judged(ground, declared, (step, answer.corrected.is_some()), stored))
}

/// What the stored object says: its intent, and whether a second sync would leave it alone.
fn judged(
    ground: &Ground,
    declared: &DeclaredObject,
    (step, corrected): (&ApplyStep, bool),
    stored: Object,
) -> Fate {
    let found = intent::intent(&stored, &ground.kinds);
    let (IntentState::Declared, Some(content)) = (&found.state, found.content) else {
        return Fate::Broken(format!("its intent is {:?}", found.state));
    };
    if apply_of(&sync(ground, declared, Live::Present(stored))).is_some() {
        return Fate::Broken("a second sync would write it again".to_owned());
    }
    let wanted = intent::declared(&step.object, &ground.kinds).content.map(|content| content.to_value());
    let (wanted, intent) = (wanted.unwrap_or_default(), content.to_value());
    match (corrected, wanted == intent) {
        (false, true) => Fate::AsDeclared(intent),
        (false, false) => {
            Fate::Broken(format!("the digests agree, but not {}", differences(&wanted, &intent).join(", ")))
        }
        (true, _) => {
            let kind = &content.header().gvk.kind;
            let places = differences(&wanted, &intent).into_iter().map(|path| format!("{kind} {path}"));
            Fate::Corrected { intent, places: places.collect() }
        }
    }
}

fn apply_of(plan: &SyncPlan) -> Option<&ApplyStep> {
    plan.steps.iter().find_map(|step| match step {
        SyncStep::Apply(step) => Some(step),
        SyncStep::WaitForKind(_) | SyncStep::Prune { .. } => None,
    })
}

/// What a sync of this object alone would do.
fn sync(ground: &Ground, declared: &DeclaredObject, live: Live) -> SyncPlan {
    let unit = Unit {
        name: UNIT.into(),
        path: UNIT.to_owned(),
        objects: vec![declared.clone()].into(),
        failure: None,
    };
    let declaration = Declaration { units: vec![unit], ..Declaration::default() };
    let live: BTreeMap<ObjectId, Live> = [(declared.object.id(), live)].into();
    plan::sync::plan(&SyncInput {
        source: &SOURCE.into(),
        declaration: &declaration,
        settings: &BTreeMap::new(),
        allow: &Allow::default(),
        ledger: &[],
        live: &live,
        kinds: &ground.kinds,
        held: &BTreeSet::new(),
    })
}

/// Where two values differ, in words: `.spec.ports[].protocol added`. Places in lists are not told apart.
fn differences(wanted: &Value, found: &Value) -> Vec<String> {
    let mut places = BTreeSet::new();
    compare((wanted, found), "", &mut places);
    places.into_iter().collect()
}

fn compare((wanted, found): (&Value, &Value), path: &str, places: &mut BTreeSet<String>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, value) in wanted {
                match found.get(key) {
                    Some(other) => compare((value, other), &format!("{path}.{key}"), places),
                    None => {
                        places.insert(format!("{path}.{key} dropped"));
                    }
                }
            }
            let added = found.keys().filter(|key| !wanted.contains_key(*key));
            places.extend(added.map(|key| format!("{path}.{key} added")));
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for pair in wanted.iter().zip(found) {
                compare(pair, &format!("{path}[]"), places);
            }
        }
        _ if wanted == found => {}
        _ => {
            places.insert(format!("{path} changed"));
        }
    }
}
