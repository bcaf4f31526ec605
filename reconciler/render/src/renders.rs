//! Renders kept from one commit to the next: the cost of a commit follows what it changed.
//!
//! What its user made of a render is kept with what the render read; the objects themselves are large, and their user has a smaller form. What the next commit
//! does not touch is handed out again as it is; of what it touches, files that are still the same are not parsed again (`parts`). What is not asked for
//! any more is dropped; a render that failed leaves what was kept for its files as it is. Whatever is kept is only ever a matter of cost: a fresh [`Renders`] gives the same results.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::discover::Survey;
use crate::documents::Documents;
use crate::parts::{Part, render_in_parts};
use crate::{
    Changes, DiscoveredUnit, ReadSet, RenderError, RenderOptions, RenderedObject, RepoPath, Tree, TreeError,
};

/// Renders of the paths of one source; of each a `T` is kept.
#[derive(Debug)]
pub struct Renders<T> {
    survey: Survey,
    /// By path; one path may be rendered in several ways, as a chart is with other values.
    kept: HashMap<RepoPath, Vec<Kept<T>>>,
    documents: Documents,
    documents_parsed: u64,
}

impl<T> Default for Renders<T> {
    fn default() -> Self {
        Self {
            survey: Survey::default(),
            kept: HashMap::new(),
            documents: Documents::default(),
            documents_parsed: 0,
        }
    }
}

#[derive(Debug)]
struct Kept<T> {
    options: Arc<RenderOptions>,
    read: ReadSet,
    parts: Vec<Part<T>>,
    made: Parts<T>,
    /// Whether it was asked for since the last turn.
    asked: bool,
    /// Something that it read has changed: no more than some of its parts will do.
    stale: bool,
}

impl<T> Kept<T> {
    fn is_of(&self, options: &Arc<RenderOptions>) -> bool {
        Arc::ptr_eq(&self.options, options) || self.options == *options
    }
}

/// What is rendered: a path and how.
pub type Asked = (RepoPath, Arc<RenderOptions>);

/// What was made of a render: of a directory of manifests one for each file, else a single one.
pub type Parts<T> = Arc<[Arc<T>]>;

impl<T: Send + Sync> Renders<T> {
    /// Turns to another tree, of which `changes` tells how it differs from the one before; `None` when that is not known, then no render is kept.
    pub fn turn(&mut self, changes: Option<&Changes>) {
        self.documents_parsed = 0;
        let Some(changes) = changes else {
            *self = Self { documents: std::mem::take(&mut self.documents), ..Self::default() };
            return;
        };
        self.survey.forget(changes);
        for kept in self.kept.values_mut() {
            kept.retain(|kept| kept.asked);
            for kept in kept {
                kept.stale |= kept.read.is_touched_by(changes);
                kept.asked = false;
            }
        }
        self.kept.retain(|_, kept| !kept.is_empty());
    }

    fn find(&self, (path, options): &Asked) -> Option<&Kept<T>> {
        self.kept.get(path)?.iter().find(|kept| kept.is_of(options))
    }

    fn find_mut(&mut self, (path, options): &Asked) -> Option<&mut Kept<T>> {
        self.kept.get_mut(path)?.iter_mut().find(|kept| kept.is_of(options))
    }

    /// YAML documents parsed since the last turn, to discover and to render.
    pub fn documents_parsed(&self) -> u64 {
        self.documents_parsed
    }

    /// The units below `root`, as [`crate::discover`] finds them; the very same slice while no commit changes them.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn discover(&mut self, tree: &dyn Tree, root: &RepoPath) -> Result<Arc<[DiscoveredUnit]>, TreeError> {
        self.survey.units(tree, root, &mut self.documents_parsed)
    }

    /// Renders what is not kept, on all cores, makes a `T` of each part of it, and returns one result for each of `asked`, in their order.
    pub fn render(
        &mut self,
        tree: &dyn Tree,
        asked: &[Asked],
        make: impl Fn(&[RenderedObject]) -> T + Sync,
    ) -> Vec<Result<Parts<T>, RenderError>> {
        let mut results: Vec<Option<Result<_, _>>> = Vec::with_capacity(asked.len());
        for asked in asked {
            let kept = self.find_mut(asked).map(|kept| {
                kept.asked = true;
                &*kept
            });
            results.push(kept.filter(|kept| !kept.stale).map(|kept| Ok(Arc::clone(&kept.made))));
        }
        let missing: Vec<usize> = (0..asked.len()).filter(|&index| results[index].is_none()).collect();
        let work = |index: usize| {
            let (path, options) = &asked[index];
            let before = self.find(&asked[index]).map(|kept| &*kept.parts).unwrap_or_default();
            let rendered = render_in_parts(tree, (path, options), (before, &self.documents), &make)?;
            let kept = Kept {
                options: Arc::clone(options),
                read: rendered.read,
                made: rendered.parts.iter().map(|part| Arc::clone(part.made())).collect(),
                parts: rendered.parts,
                asked: true,
                stale: false,
            };
            Ok((kept, rendered.documents_parsed))
        };
        for (index, result) in on_all_cores(&missing, work) {
            results[index] = Some(result.map(|(kept, documents_parsed)| {
                self.documents_parsed += documents_parsed;
                let made = Arc::clone(&kept.made);
                self.keep(&asked[index], kept);
                made
            }));
        }
        results.into_iter().flatten().collect()
    }

    /// Keeps a render in the place of the one from before.
    fn keep(&mut self, asked: &Asked, kept: Kept<T>) {
        match self.find_mut(asked) {
            Some(before) => *before = kept,
            None => self.kept.entry(asked.0.clone()).or_default().push(kept),
        }
    }
}

/// Fewer jobs than this are not worth a thread.
const JOBS_PER_THREAD: usize = 8;

/// Does every job once and returns the results with their jobs, in any order.
fn on_all_cores<T: Send>(jobs: &[usize], work: impl Fn(usize) -> T + Sync) -> Vec<(usize, T)> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(jobs.len().div_ceil(JOBS_PER_THREAD));
    if threads <= 1 {
        return jobs.iter().map(|&job| (job, work(job))).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let Some(&job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((job, work(job)));
        }
        done
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::MemTree;

    const PLAIN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn content(text: &str) -> Changes {
        let mut changes = Changes::new();
        changes.content(path(text));
        changes
    }

    /// Renders every unit that is discovered; their names and objects, and the documents parsed for it.
    fn all(renders: &mut Renders<String>, tree: &MemTree) -> (Vec<String>, u64) {
        let units = renders.discover(tree, &RepoPath::root()).unwrap();
        let asked: Vec<Asked> = units.iter().map(|unit| (unit.path.clone(), Arc::default())).collect();
        let texts = renders
            .render(tree, &asked, |objects| objects.iter().map(RenderedObject::to_yaml).collect::<String>())
            .into_iter()
            .zip(&*units)
            .map(|(result, unit)| {
                format!(
                    "{}: {}",
                    unit.name,
                    result.map_or_else(
                        |error| error.to_string(),
                        |texts| texts.iter().map(|text| text.as_str()).collect()
                    )
                )
            });
        let texts = texts.collect();
        (texts, renders.documents_parsed())
    }

    fn fresh(tree: &MemTree) -> Vec<String> {
        all(&mut Renders::default(), tree).0
    }

    #[test]
    fn only_what_a_change_touches_is_parsed_again_and_the_result_is_that_of_a_fresh_render() {
        let tree = MemTree::of(&[
            ("apps/web/base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("apps/web/base/web.yaml", PLAIN),
            ("apps/web/prod/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\n"),
            ("apps/plain/a.yaml", PLAIN),
            ("apps/other/b.yaml", PLAIN),
        ]);
        let mut renders = Renders::default();
        assert_eq!(all(&mut renders, &tree).0, fresh(&tree));

        renders.turn(Some(&Changes::new()));
        assert_eq!(all(&mut renders, &tree), (fresh(&tree), 0), "nothing changed, nothing is parsed");

        let tree = tree.with("apps/plain/a.yaml", PLAIN.replace("name: a", "name: b").as_bytes());
        renders.turn(Some(&content("apps/plain/a.yaml")));
        assert_eq!(all(&mut renders, &tree), (fresh(&tree), 1), "one document changed");

        let tree = tree.with("apps/web/base/web.yaml", PLAIN.replace("name: a", "name: c").as_bytes());
        renders.turn(Some(&content("apps/web/base/web.yaml")));
        let (texts, parsed) = all(&mut renders, &tree);
        assert_eq!(texts, fresh(&tree));
        assert_eq!(parsed, 1, "of the unit that uses the file, the file");

        let tree = tree.with("apps/new/c.yaml", PLAIN.replace("name: a", "name: d").as_bytes());
        let mut appeared = Changes::new();
        appeared.existence(path("apps/new/c.yaml"));
        renders.turn(Some(&appeared));
        assert_eq!(all(&mut renders, &tree), (fresh(&tree), 1), "a unit appeared");

        renders.turn(None);
        assert!(renders.kept.is_empty(), "without knowledge of the changes no render is kept");
        assert_eq!(all(&mut renders, &tree).0, fresh(&tree));
    }

    #[test]
    fn of_a_directory_of_manifests_every_file_is_kept_by_itself() {
        let manifest = |name: &str| PLAIN.replace("name: a", &format!("name: {name}"));
        let mut files: BTreeMap<String, String> =
            (0..6).map(|i| (format!("apps/plain/{i}.yaml"), manifest(&format!("n{i}")))).collect();
        let tree = |files: &BTreeMap<String, String>| {
            files.iter().fold(MemTree::new(), |tree, (file, text)| tree.with(file, text.as_bytes()))
        };
        let mut renders = Renders::default();
        assert_eq!(all(&mut renders, &tree(&files)), (fresh(&tree(&files)), 6));
        for (number, text, parsed) in [
            (2, manifest("other"), 1),
            (2, "kind: [".to_owned(), 0),
            (2, manifest("other"), 0),
            (3, format!("{}---\n{}", manifest("b"), manifest("c")), 2),
        ] {
            let file = format!("apps/plain/{number}.yaml");
            files.insert(file.clone(), text);
            renders.turn(Some(&content(&file)));
            assert_eq!(all(&mut renders, &tree(&files)), (fresh(&tree(&files)), parsed), "{file}");
        }
        files.remove("apps/plain/0.yaml");
        let mut gone = Changes::new();
        gone.existence(path("apps/plain/0.yaml"));
        renders.turn(Some(&gone));
        assert_eq!(all(&mut renders, &tree(&files)), (fresh(&tree(&files)), 0), "a file went");
    }

    #[test]
    fn a_failed_render_is_tried_again_and_many_units_come_in_order() {
        let tree = (0..40).fold(MemTree::new(), |tree, i| {
            let text =
                if i == 7 { "kind: [".to_owned() } else { PLAIN.replace("name: a", &format!("name: n{i}")) };
            tree.with(&format!("apps/u{i:02}/a.yaml"), text.as_bytes())
        });
        let mut renders = Renders::default();
        let (texts, _) = all(&mut renders, &tree);
        for (index, text) in texts.iter().enumerate() {
            let wanted = if index == 7 { "apps/u07/a.yaml:".to_owned() } else { format!("name: n{index}\n") };
            assert!(text.starts_with(&format!("u{index:02}")) && text.contains(&wanted), "{text}");
        }
        renders.turn(Some(&Changes::new()));
        assert_eq!(all(&mut renders, &tree).0, texts);
    }
}
