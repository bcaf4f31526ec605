use serde_json::json;

use super::{MarkdownOptions, markdown};
use crate::review::{Options, review};
use crate::scenario::{Scenario, config_map, crd, deployment, namespace};

fn options() -> Options {
    Options { base: Some("41aa07d".to_owned()), head: Some("9f31c2e".to_owned()), ..Options::default() }
}

fn written(base: &Scenario, head: &Scenario) -> String {
    let review = review(Some(&base.0), &head.0, &options());
    markdown(&review, &MarkdownOptions { instance: "prod-wds".to_owned(), ..MarkdownOptions::default() })
}

fn three_clusters(image: &str, widgets_to: &str) -> Scenario {
    Scenario::default()
        .cluster("hub-1", &[("env", "prod")])
        .cluster("edge-1", &[("env", "prod"), ("site", "a")])
        .cluster("edge-2", &[("site", "b")])
        .unit("shop", &[namespace("shop"), deployment("shop/web", image)])
        .unit("widgets", &[crd("acme.io", "Widget", "Namespaced")])
        .policy_of_units("shop", &["shop"], "prod")
        .policy(
            "widgets",
            &json!({
                "clusterSelectors": [{"matchLabels": {"site": widgets_to}}],
                "downsync": [{"objectSelectors": [{"matchLabels": {"gitstellar.io/unit": "widgets"}}]}],
            }),
        )
}

#[test]
fn a_comment_on_three_clusters() {
    let text = written(&three_clusters("web:1.8", "b"), &three_clusters("web:1.9", "a"));
    let mut lines = text.lines();
    let marker = lines.next().unwrap();
    assert!(
        marker.starts_with("<!-- gitstellar:prod-wds:placement:v1 head=9f31c2e plan=sha256:"),
        "{marker}"
    );
    assert_eq!(
        lines.next().unwrap(),
        "### Placement review: ⛔ 1 blocker, ⚠️ 1 warning — 3 of 3 clusters, +1 ~2 −1 placements"
    );
    for part in [
        "\n> [!CAUTION]\n> - **crd-delete** CustomResourceDefinition.apiextensions.k8s.io widgets.acme.io disappears from edge-2; whatever lives in it there goes with it — `policies/widgets.yaml:1`\n",
        "\n> [!WARNING]\n> - **removal-held** ",
        "\n| cluster | + | ~ | − | ↻ |\n|---|---:|---:|---:|---:|\n| `edge-1` | 1 | 1 | · | · |\n| `edge-2` | · | · | **1** | · |\n| `hub-1` | · | 1 | · | · |\n",
        "\n**Moves**\n\n- `CustomResourceDefinition widgets.acme.io` `edge-2` → `edge-1` (content identical)\n",
        "\n```diff\n Deployment shop/web\n-spec.template.spec.containers[c].image: web:1.8\n+spec.template.spec.containers[c].image: web:1.9\n```\n",
        "<sub>base `41aa07d` · head `9f31c2e` · 5 placements · plan ",
        "`gitstellar plan --base 41aa07d --head 9f31c2e`</sub>\n",
    ] {
        assert!(text.contains(part), "{part}\n--- not in ---\n{text}");
    }
    let blocker = text.find("CAUTION").unwrap();
    assert!(blocker < text.find("WARNING").unwrap() && blocker < text.find("| cluster").unwrap());
}

#[test]
fn nothing_changes() {
    let scenario = three_clusters("a", "b");
    let text = written(&scenario, &scenario);
    assert!(text.contains("✅ nothing stands against it — 0 of 3 clusters, no placement changes"), "{text}");
    assert!(!text.contains("| cluster") && !text.contains("<details>"), "{text}");
}

fn fleet(image: &str, special: &str) -> Scenario {
    let mut scenario = Scenario::default()
        .unit("pos", &[namespace("pos"), deployment("pos/agent", image)])
        .unit("kiosk", &[config_map("pos/kiosk", "1")])
        .policy_of_units("pos", &["pos"], "prod")
        .policy(
            "kiosk",
            &json!({
                "clusterSelectors": [{"matchLabels": {"app": "kiosk"}}],
                "downsync": [{"objectSelectors": [{"matchLabels": {"gitstellar.io/unit": "kiosk"}}]}],
            }),
        );
    for i in 0..500 {
        let env = if i < 312 { "prod" } else { "test" };
        let app = if i == 7 { special } else { "kiosk" };
        scenario = scenario.cluster(&format!("store-{i:04}"), &[("env", env), ("app", app)]);
    }
    scenario
}

#[test]
fn a_comment_on_five_hundred_clusters_shows_variants() {
    let text = written(&fleet("a", "kiosk"), &fleet("b", "till"));
    assert!(text.contains("312 of 500 clusters, ~312 −1 placements"), "{text}");
    assert!(
        text.contains("| A | 311: `store-0000`, `store-0001`, `store-0002` and 308 more | · | 1 | · | · |"),
        "{text}"
    );
    assert!(text.contains("| B | `store-0007` | · | 1 | **1** | · |"), "{text}");
    assert!(text.contains("188 clusters untouched."), "{text}");
    assert!(text.contains("<details><summary>B: ~1 −1 on store-0007</summary>"), "{text}");
    assert!(text.chars().count() < 4000, "{}", text.chars().count());
}

#[test]
fn hostile_names_are_harmless() {
    let hostile = "x` @team <img src=a> [l](https://evil.example) --> ```";
    let mut object = config_map("default/a", "1");
    object["metadata"]["name"] = json!(hostile);
    object["data"] = json!({"k": "```\n</details>\n@team"});
    let with = |value: &str| {
        let mut object = object.clone();
        object["data"]["v"] = json!(value);
        Scenario::default().cluster("c", &[]).unit("u", &[object]).policy(
            "p`@team",
            &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["configmaps"]}]}),
        )
    };
    let text = written(&with("1"), &with("```\n<script>"));
    // Outside of fenced blocks nothing may be alive.
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("diff")),
            None => assert!(
                !line.contains("@team") && !line.contains("<img") && !line.contains("<script"),
                "{line}"
            ),
        }
    }
    assert_eq!(fence, None, "every block is closed by its own fence");
}

#[test]
fn the_limit_holds_and_nothing_is_cut_inside_a_block() {
    let many = |value: &str| {
        let objects: Vec<_> =
            (0..200).map(|i| config_map(&format!("default/c{i}"), &value.repeat(200))).collect();
        Scenario::default().cluster("c", &[("env", "prod")]).unit("u", &objects).policy_of_units(
            "p",
            &["u"],
            "prod",
        )
    };
    let review = review(Some(&many("a").0), &many("b").0, &options());
    for limit_chars in [1500, 4000, 20_000] {
        let text = markdown(&review, &MarkdownOptions { limit_chars, ..MarkdownOptions::default() });
        assert!(text.chars().count() <= limit_chars, "{} > {limit_chars}", text.chars().count());
        assert!(text.contains("The rest does not fit here"), "{text}");
        assert_eq!(text.matches("```").count() % 2, 0);
        assert!(text.trim_end().ends_with("</sub>"));
    }
}
