package main

import (
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// openAPI is the part of an OpenAPI v3 schema that Kubernetes' own documents use.
type openAPI struct {
	Ref                  string              `json:"$ref"`
	AllOf                []openAPI           `json:"allOf"`
	Type                 string              `json:"type"`
	Format               string              `json:"format"`
	Properties           map[string]*openAPI `json:"properties"`
	AdditionalProperties *openAPI            `json:"additionalProperties"`
	Items                *openAPI            `json:"items"`
	Required             []string            `json:"required"`
	Default              any                 `json:"default"`
	ListType             string              `json:"x-kubernetes-list-type"`
	ListMapKeys          []string            `json:"x-kubernetes-list-map-keys"`
	MapType              string              `json:"x-kubernetes-map-type"`
	PatchStrategy        string              `json:"x-kubernetes-patch-strategy"`
	PatchMergeKey        string              `json:"x-kubernetes-patch-merge-key"`
	Kinds                []kind              `json:"x-kubernetes-group-version-kind"`
}

type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// node is a schema and what is said of its place. The key letters are those of src/facts.rs.
type node struct {
	Type       string          `json:"t,omitempty"`
	Ref        string          `json:"r,omitempty"`
	Format     string          `json:"f,omitempty"`
	Properties map[string]node `json:"p,omitempty"`
	Values     *node           `json:"v,omitempty"`
	Items      *node           `json:"i,omitempty"`
	Required   []string        `json:"q,omitempty"`
	Default    any             `json:"d,omitempty"`
	Set        bool            `json:"s,omitempty"`
	Keys       []string        `json:"k,omitempty"`
	MapType    string          `json:"m,omitempty"`
	Strategy   string          `json:"x,omitempty"`
	MergeKey   string          `json:"y,omitempty"`
	Zero       string          `json:"z,omitempty"`
}

// definitions reads all documents; the definitions they share must be the same.
func definitions(dir string) map[string]*openAPI {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(paths) == 0 {
		log.Fatalf("no OpenAPI documents in %s: %v", dir, err)
	}
	all := map[string]*openAPI{}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), ".") {
			continue
		}
		var document struct {
			Components struct {
				Schemas map[string]*openAPI `json:"schemas"`
			} `json:"components"`
		}
		readJSON(path, &document)
		for name, schema := range document.Components.Schemas {
			if known, twice := all[name]; twice && !reflect.DeepEqual(known, schema) {
				log.Fatalf("%s: another %s than before", path, name)
			}
			all[name] = schema
		}
	}
	return all
}

// convert drops what nobody reads (descriptions) and adds what becomes of zero values. goType is nil where there is none.
func convert(schema *openAPI, goType reflect.Type, path string) node {
	result := node{
		Type: letter(schema.Type), Format: schema.Format, Required: schema.Required,
		Set: schema.ListType == "set", Strategy: schema.PatchStrategy, MergeKey: schema.PatchMergeKey,
		Default: schema.Default,
	}
	if schema.ListType == "map" {
		result.Keys = schema.ListMapKeys
	}
	if schema.MapType != "" {
		result.MapType = schema.MapType[:1]
	}
	result.Ref = reference(schema)
	fields := jsonFields(goType)
	for name, property := range schema.Properties {
		if result.Properties == nil {
			result.Properties = map[string]node{}
		}
		field, known := fields[name]
		if !known {
			note("%s.%s has no Go field", path, name)
		}
		child := convert(property, inner(field.Type), path+"."+name)
		child.Zero = zeroValue(field, known)
		result.Properties[name] = child
	}
	result.Values = element(schema.AdditionalProperties, goType, path+"{}")
	result.Items = element(schema.Items, goType, path+"[]")
	return result
}

// element converts the schema of map values or list items. Their declared defaults are zero values that no server ever fills in.
func element(schema *openAPI, goType reflect.Type, path string) *node {
	if schema == nil {
		return nil
	}
	var elementType reflect.Type
	if goType != nil && (goType.Kind() == reflect.Map || goType.Kind() == reflect.Slice) {
		elementType = inner(goType.Elem())
	}
	result := convert(schema, elementType, path)
	result.Default = nil
	return &result
}

// reference is the definition a schema refers to; a reference that something is added to is wrapped in allOf.
func reference(schema *openAPI) string {
	ref := schema.Ref
	if len(schema.AllOf) == 1 {
		ref = schema.AllOf[0].Ref
	} else if len(schema.AllOf) > 1 {
		log.Fatalf("allOf of several schemas: %v", schema.AllOf)
	}
	return strings.TrimPrefix(ref, "#/components/schemas/")
}

// kinds is the kinds that a definition is the schema of, as group/version/kind, or "-".
// Some, like DeleteOptions, belong to every group; they are found by the name of their definition.
func kinds(schema *openAPI) string {
	if len(schema.Kinds) == 0 || len(schema.Kinds) > 3 {
		return "-"
	}
	var names []string
	for _, k := range schema.Kinds {
		names = append(names, strings.Join([]string{k.Group, k.Version, k.Kind}, "/"))
	}
	return strings.Join(names, ",")
}

func letter(name string) string {
	if name == "" {
		return ""
	}
	return name[:1]
}

func note(format string, arguments ...any) {
	log.New(os.Stderr, "", 0).Printf(format, arguments...)
}
