package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// resource is one line of the table. The key letters are those of src/facts.rs.
type resource struct {
	Group        string        `json:"g,omitempty"`
	Version      string        `json:"v"`
	Plural       string        `json:"p"`
	Singular     string        `json:"s,omitempty"`
	Kind         string        `json:"k"`
	Namespaced   bool          `json:"n,omitempty"`
	Short        []string      `json:"a,omitempty"`
	Categories   []string      `json:"c,omitempty"`
	Verbs        string        `json:"w"`
	Subresources []subresource `json:"u,omitempty"`
}

type subresource struct {
	Name    string `json:"n"`
	Group   string `json:"g,omitempty"`
	Version string `json:"v,omitempty"`
	Kind    string `json:"k,omitempty"`
	Verbs   string `json:"w"`
}

type legacyResource struct {
	Name         string   `json:"name"`
	SingularName string   `json:"singularName"`
	Namespaced   bool     `json:"namespaced"`
	Group        string   `json:"group"`
	Version      string   `json:"version"`
	Kind         string   `json:"kind"`
	Verbs        []string `json:"verbs"`
	ShortNames   []string `json:"shortNames"`
	Categories   []string `json:"categories"`
}

type aggregated struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Versions []struct {
			Version string `json:"version"`
		} `json:"versions"`
	} `json:"items"`
}

// resources lists the core group first, then the groups and versions in the order in which the server prefers them.
func resources(dir string) []resource {
	all := legacyResources(filepath.Join(dir, "api__v1.json"), "", "v1")
	var groups aggregated
	readJSON(filepath.Join(dir, "aggregated_v2.json"), &groups)
	for _, group := range groups.Items {
		for _, version := range group.Versions {
			name := "apis__" + group.Metadata.Name + "__" + version.Version + ".json"
			all = append(all, legacyResources(filepath.Join(dir, name), group.Metadata.Name, version.Version)...)
		}
	}
	return all
}

func legacyResources(path, group, version string) []resource {
	var list struct {
		Resources []legacyResource `json:"resources"`
	}
	readJSON(path, &list)
	var all []resource
	for _, found := range list.Resources {
		if strings.Contains(found.Name, "/") {
			continue
		}
		all = append(all, resource{
			Group: group, Version: version,
			Plural: found.Name, Singular: found.SingularName, Kind: found.Kind, Namespaced: found.Namespaced,
			Short: found.ShortNames, Categories: found.Categories, Verbs: verbs(found.Verbs),
			Subresources: subresources(list.Resources, found.Name),
		})
	}
	return all
}

func subresources(all []legacyResource, parent string) []subresource {
	var found []subresource
	for _, candidate := range all {
		name, isChild := strings.CutPrefix(candidate.Name, parent+"/")
		if !isChild {
			continue
		}
		found = append(found, subresource{
			Name: name, Group: candidate.Group, Version: candidate.Version, Kind: candidate.Kind, Verbs: verbs(candidate.Verbs),
		})
	}
	return found
}

func verbs(all []string) string {
	sorted := slices.Sorted(slices.Values(all))
	return strings.Join(sorted, ",")
}
