// Command facts writes the table of facts about built-in kinds that apimachinery embeds:
//
//	cd reconciler/apimachinery/facts && go run . >../src/facts/builtin.txt
//
// Sources, all of one Kubernetes release:
//   - api/openapi-spec/v3 of the module k8s.io/kubernetes: types, list and map types, merge keys, patch strategies, declared defaults;
//   - api/discovery of the same module: resources, their names, scopes, verbs and subresources, groups and versions in order of preference;
//   - the Go types of k8s.io/api by reflection: whether a zero value of a field survives being stored (pointer, omitempty).
//
// The module k8s.io/kubernetes is read as files, not imported. To move to another release, change kubernetesVersion and the
// requirements in go.mod. The format is described in src/facts.rs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

const kubernetesVersion = "v1.35.4"

func main() {
	log.SetFlags(0)
	dir := moduleDir("k8s.io/kubernetes@" + kubernetesVersion)
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "V %s\n", kubernetesVersion)
	for _, resource := range resources(filepath.Join(dir, "api", "discovery")) {
		fmt.Fprintf(out, "R %s\n", compact(resource))
	}
	definitions := definitions(filepath.Join(dir, "api", "openapi-spec", "v3"))
	types := goTypes()
	names := make([]string, 0, len(definitions))
	for name := range definitions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		node := convert(definitions[name], types[name], name)
		fmt.Fprintf(out, "D %s %s %s\n", name, kinds(definitions[name]), compact(node))
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// moduleDir downloads a module, if need be, and says where it lies.
func moduleDir(module string) string {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		log.Fatalf("go mod download %s: %v", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		log.Fatalf("go mod download %s: %v", module, err)
	}
	return found.Dir
}

func readJSON(path string, into any) {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		log.Fatalf("%s: %v", path, err)
	}
}

func compact(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}
