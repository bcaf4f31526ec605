//! Renders kept from one commit to the next: the cost of a commit follows what it changed.
//!
//! What its user made of a render is kept with what the render read; the objects themselves are large, and their user has a smaller form. The next commit's changes drop those that they touch, and what is not asked for any more; all others are handed out
//! again as they are. A render that failed is not kept. Whatever is kept is only ever a matter of cost: a fresh [`Renders`] gives the same results.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::discover::Survey;
use crate::documents::Documents;
use crate::unit::render_with;
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
    options: RenderOptions,
    read: ReadSet,
    made: Arc<T>,
    /// Whether it was asked for since the last turn.
    asked: bool,
}

/// What is rendered: a path and how.
pub type Asked = (RepoPath, RenderOptions);

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
            kept.retain(|kept| kept.asked && !kept.read.is_touched_by(changes));
            kept.iter_mut().for_each(|kept| kept.asked = false);
        }
        self.kept.retain(|_, kept| !kept.is_empty());
    }

    fn find(&mut self, (path, options): &Asked) -> Option<&mut Kept<T>> {
        self.kept.get_mut(path)?.iter_mut().find(|kept| kept.options == *options)
    }

    /// YAML documents parsed since the last turn, to discover and to render.
    pub fn documents_parsed(&self) -> u64 {
        self.documents_parsed
    }

    /// The units below `root`, as [`crate::discover`] finds them.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn discover(&mut self, tree: &dyn Tree, root: &RepoPath) -> Result<Vec<DiscoveredUnit>, TreeError> {
        self.survey.units(tree, root, &mut self.documents_parsed)
    }

    /// Renders what is not kept, on all cores, makes a `T` of it, and returns one for each of `asked`, in their order.
    pub fn render(
        &mut self,
        tree: &dyn Tree,
        asked: &[Asked],
        make: impl Fn(&[RenderedObject]) -> T + Sync,
    ) -> Vec<Result<Arc<T>, RenderError>> {
        let mut results: Vec<Option<Result<_, _>>> = Vec::with_capacity(asked.len());
        for asked in asked {
            results.push(self.find(asked).map(|kept| {
                kept.asked = true;
                Ok(Arc::clone(&kept.made))
            }));
        }
        let missing: Vec<usize> = (0..asked.len()).filter(|&index| results[index].is_none()).collect();
        let work = |index: usize| {
            let (path, options) = &asked[index];
            let rendered = render_with(tree, (path, options), Some(&self.documents))?;
            let made = Arc::new(make(&rendered.objects));
            Ok((
                Kept { options: options.clone(), read: rendered.read, made, asked: true },
                rendered.documents_parsed,
            ))
        };
        for (index, result) in on_all_cores(&missing, work) {
            results[index] = Some(result.map(|(kept, documents_parsed)| {
                self.documents_parsed += documents_parsed;
                let made = Arc::clone(&kept.made);
                self.kept.entry(asked[index].0.clone()).or_default().push(kept);
                made
            }));
        }
        results.into_iter().flatten().collect()
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
        let asked: Vec<Asked> =
            units.iter().map(|unit| (unit.path.clone(), RenderOptions::default())).collect();
        let texts = renders
            .render(tree, &asked, |objects| objects.iter().map(RenderedObject::to_yaml).collect::<String>())
            .into_iter()
            .zip(&units)
            .map(|(result, unit)| {
                format!(
                    "{}: {}",
                    unit.name,
                    result.map_or_else(|error| error.to_string(), |text| text.to_string())
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
