// Command facts writes the table of protobuf messages that space embeds:
//
//	cd reconciler/space/facts && go run . >../src/proto/messages.txt
//	cd reconciler/space/facts && go run . examples >../src/proto/examples.txt
//
// Source: the Go types of k8s.io/api, apiextensions and apimachinery by reflection. Their struct tags hold the field numbers and the JSON names.
// To move to another release, change the requirements in go.mod. The format is described in src/proto/table.rs.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// scalars are the types whose JSON form is not that of their message.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[meta.Time]():                                  "T",
	reflect.TypeFor[meta.MicroTime]():                             "U",
	reflect.TypeFor[resource.Quantity]():                          "Q",
	reflect.TypeFor[intstr.IntOrString]():                         "I",
	reflect.TypeFor[runtime.RawExtension]():                       "R",
	reflect.TypeFor[meta.FieldsV1]():                              "R",
	reflect.TypeFor[apiextensions.JSON]():                         "R",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       "A",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        "B",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): "P",
}

// stable is a version that typed clients use by default.
var stable = regexp.MustCompile(`^v[0-9]+$`)

type table struct {
	messages map[string]reflect.Type
	kinds    map[string][]string
}

func main() {
	log.SetFlags(0)
	known := scheme.Scheme
	if err := apiextensions.AddToScheme(known); err != nil {
		log.Fatal(err)
	}
	found := table{messages: map[string]reflect.Type{}, kinds: map[string][]string{}}
	examples := map[string]reflect.Type{}
	for gvk, goType := range known.AllKnownTypes() {
		if !stable.MatchString(gvk.Version) || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		// Options are known to every group; clients write them with any of them.
		if goType.PkgPath() == reflect.TypeFor[meta.DeleteOptions]().PkgPath() && gvk.Kind != "DeleteOptions" {
			continue
		}
		if gvk.Kind == "DeleteOptions" {
			gvk = schema.GroupVersionKind{Version: "v1", Kind: "DeleteOptions"}
		}
		name := found.collect(goType)
		kind := gvk.GroupVersion().String() + "/" + gvk.Kind
		examples[kind] = goType
		if !contains(found.kinds[name], kind) {
			found.kinds[name] = append(found.kinds[name], kind)
		}
	}
	found.collect(reflect.TypeFor[apiextensions.JSONSchemaProps]())
	if len(os.Args) > 1 && os.Args[1] == "examples" {
		printExamples(known, examples)
		return
	}
	found.print()
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}

// collect adds the message of a struct and those it holds, and returns its name.
func (t *table) collect(goType reflect.Type) string {
	name := shortName(goType)
	if _, seen := t.messages[name]; seen {
		return name
	}
	t.messages[name] = goType
	for i := range goType.NumField() {
		if goType.Field(i).Tag.Get("protobuf") != "" {
			t.typeOf(goType.Field(i).Type)
		}
	}
	return name
}

// shortName is core/v1.Pod for k8s.io/api/core/v1.Pod.
func shortName(goType reflect.Type) string {
	path := goType.PkgPath()
	for _, prefix := range []string{"k8s.io/api/", "k8s.io/apimachinery/pkg/apis/", "k8s.io/apiextensions-apiserver/pkg/apis/", "k8s.io/apimachinery/pkg/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			path = rest
			break
		}
	}
	return path + "." + goType.Name()
}

// typeOf is the notation of a field's type without its flags.
func (t *table) typeOf(goType reflect.Type) string {
	if scalar, ok := scalars[goType]; ok {
		return scalar
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return t.typeOf(goType.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		return "i"
	case reflect.Float64:
		return "f"
	case reflect.Struct:
		return "@" + t.collect(goType)
	case reflect.Map:
		if goType.Key().Kind() != reflect.String {
			log.Fatalf("a map with keys of %v", goType.Key())
		}
		return "{" + t.typeOf(goType.Elem())
	case reflect.Slice:
		switch {
		case goType.Elem().Kind() == reflect.Uint8:
			return "y"
		case goType.Name() != "" && goType.Elem().Kind() == reflect.String:
			// ExtraValue, Verbs: in protobuf a message with one repeated string.
			return "L"
		}
		return "[" + t.typeOf(goType.Elem())
	}
	log.Fatalf("no notation for %v", goType)
	return ""
}

// field is NUMBER FLAGS JSONNAME=TYPE; empty for what is not in the message.
func (t *table) field(field reflect.StructField) string {
	protobuf := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(protobuf) < 2 {
		return ""
	}
	json := strings.Split(field.Tag.Get("json"), ",")
	flags := ""
	if contains(json[1:], "inline") {
		flags = "~"
	} else if contains(json[1:], "omitempty") && omitted(field.Type) || contains(json[1:], "omitzero") {
		flags = "?"
	}
	return protobuf[1] + flags + json[0] + "=" + t.typeOf(field.Type)
}

// omitted says whether omitempty has an effect on a value that is present in the message.
func omitted(goType reflect.Type) bool {
	switch goType.Kind() {
	case reflect.Pointer, reflect.Struct:
		return false
	}
	return true
}

func (t *table) print() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	names := make([]string, 0, len(t.messages))
	for name := range t.messages {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		kinds := t.kinds[name]
		sort.Strings(kinds)
		line := []string{name, strings.Join(kinds, ",")}
		goType := t.messages[name]
		for i := range goType.NumField() {
			if field := t.field(goType.Field(i)); field != "" {
				line = append(line, field)
			}
		}
		fmt.Fprintln(out, strings.Join(line, " "))
	}
}
