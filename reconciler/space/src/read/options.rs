//! The query parameters of list and watch: `metav1.ListOptions`.

use apimachinery::GroupKind;

use crate::request::Query;
use crate::status::{Answer, ApiError, Cause};

/// What a list or watch asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) label_selector: Option<String>,
    pub(crate) field_selector: Option<String>,
    /// Largest number of items; `None` for all.
    pub(crate) limit: Option<usize>,
    pub(crate) continue_token: Option<String>,
    /// `None` for the newest; 0 for any.
    pub(crate) version: Option<u64>,
    pub(crate) version_match: Option<VersionMatch>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) allow_bookmarks: bool,
    /// As asked for, or for a watch without a version as the server implies it.
    pub(crate) send_initial_events: Option<bool>,
}

/// `resourceVersionMatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionMatch {
    Exact,
    NotOlderThan,
}

impl ListOptions {
    /// Reads and checks the parameters.
    ///
    /// # Errors
    /// 400 for what is no number, 422 for combinations that mean nothing.
    pub(crate) fn parse(query: &Query, watch: bool) -> Answer<Self> {
        let text = |name: &str| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let version_text = query.get("resourceVersion").unwrap_or_default();
        let mut options = Self {
            label_selector: text("labelSelector"),
            field_selector: text("fieldSelector"),
            limit: number(query, "limit")?.filter(|limit| *limit > 0),
            continue_token: text("continue"),
            version: version(query.get("resourceVersion"))?,
            version_match: None,
            timeout_seconds: number(query, "timeoutSeconds")?,
            allow_bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events: query.get("sendInitialEvents").map(|_| query.flag("sendInitialEvents")),
        };
        let wanted_match = query.get("resourceVersionMatch").unwrap_or_default();
        let causes = if watch {
            options.check_watch(wanted_match)
        } else {
            options.check_list(wanted_match, version_text)
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid(&GroupKind::new("meta.k8s.io", "ListOptions"), "", causes));
        }
        options.version_match = match wanted_match {
            "Exact" => Some(VersionMatch::Exact),
            "NotOlderThan" => Some(VersionMatch::NotOlderThan),
            _ => None,
        };
        // A watch from nowhere begins with what there is, and says where that ends.
        if watch && options.send_initial_events.is_none() && options.version.unwrap_or(0) == 0 {
            options.send_initial_events = Some(true);
        }
        Ok(options)
    }

    fn check_list(&self, wanted_match: &str, version_text: &str) -> Vec<Cause> {
        let field = "resourceVersionMatch";
        let mut causes = Vec::new();
        if !wanted_match.is_empty() {
            if version_text.is_empty() {
                let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                causes.push(Cause::forbidden(field, detail));
            }
            if self.continue_token.is_some() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                causes.push(Cause::forbidden(field, detail));
            }
            if !matches!(wanted_match, "Exact" | "NotOlderThan") {
                causes.push(Cause::not_supported(
                    field,
                    &wanted_match.into(),
                    &["Exact", "NotOlderThan", ""],
                ));
            }
            if wanted_match == "Exact" && version_text == "0" {
                let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                causes.push(Cause::forbidden(field, detail));
            }
        }
        if self.send_initial_events.is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        causes
    }

    fn check_watch(&self, wanted_match: &str) -> Vec<Cause> {
        let field = "resourceVersionMatch";
        let mut causes = Vec::new();
        if self.send_initial_events.is_some() && wanted_match != "NotOlderThan" {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            causes.push(Cause::forbidden(field, detail));
        }
        if !wanted_match.is_empty() {
            if self.send_initial_events.is_none() {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                causes.push(Cause::forbidden(field, detail));
            }
            if wanted_match != "NotOlderThan" {
                causes.push(Cause::not_supported(field, &wanted_match.into(), &["NotOlderThan"]));
            }
            if self.continue_token.is_some() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                causes.push(Cause::forbidden(field, detail));
            }
        }
        causes
    }
}

/// A resourceVersion parameter: `None` if absent or empty.
///
/// # Errors
/// 400 if it is no number.
pub(crate) fn version(text: Option<&str>) -> Answer<Option<u64>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |_| {
        ApiError::bad_request(format!(
            "invalid resource version: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    };
    text.parse().map(Some).map_err(wrong)
}

fn number<T: std::str::FromStr>(query: &Query, name: &str) -> Answer<Option<T>> {
    let Some(text) = query.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong =
        |_| ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax ({name})"));
    text.parse().map(Some).map_err(wrong)
}
