package main

import (
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// goTypes finds the Go struct of each OpenAPI definition, by the definition's name.
func goTypes() map[string]reflect.Type {
	known := scheme.Scheme
	for _, add := range []func(*runtime.Scheme) error{apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(known); err != nil {
			panic(err)
		}
	}
	found := map[string]reflect.Type{}
	for _, goType := range known.AllKnownTypes() {
		collect(goType, found)
	}
	collect(reflect.TypeFor[version.Info](), found)
	return found
}

func collect(goType reflect.Type, found map[string]reflect.Type) {
	goType = inner(goType)
	switch goType.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array:
		collect(goType.Elem(), found)
	case reflect.Struct:
		name := definitionName(goType)
		if _, seen := found[name]; seen {
			return
		}
		found[name] = goType
		for i := range goType.NumField() {
			collect(goType.Field(i).Type, found)
		}
	}
}

// definitionName is io.k8s.api.core.v1.Pod for k8s.io/api/core/v1.Pod.
func definitionName(goType reflect.Type) string {
	parts := strings.Split(goType.PkgPath(), "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(append(host, parts[1:]...), goType.Name()), ".")
}

func inner(goType reflect.Type) reflect.Type {
	for goType != nil && goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	return goType
}

// jsonFields lists the fields of a struct by their JSON name, inlined ones, too.
func jsonFields(goType reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	if goType == nil || goType.Kind() != reflect.Struct {
		return fields
	}
	for i := range goType.NumField() {
		field := goType.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			for inlined, deeper := range jsonFields(inner(field.Type)) {
				fields[inlined] = deeper
			}
			continue
		}
		if name == "" && sets.New(strings.Split(options, ",")...).Has("inline") {
			for inlined, deeper := range jsonFields(inner(field.Type)) {
				fields[inlined] = deeper
			}
			continue
		}
		fields[name] = field
	}
	return fields
}

// zeroValue says what becomes of a zero value when an object is stored: "d" the field vanishes, "n" it becomes null, "" it stays, "p" it stays
// while the field's absence becomes null.
// A pointer tells zero from absent. A list or map without omitempty loses the difference between empty and nil in storage.
func zeroValue(field reflect.StructField, known bool) string {
	if !known {
		return ""
	}
	options := strings.Split(field.Tag.Get("json"), ",")[1:]
	omitEmpty, omitZero := sets.New(options...).Has("omitempty"), sets.New(options...).Has("omitzero")
	switch field.Type.Kind() {
	case reflect.Pointer, reflect.Interface:
		if omitEmpty || omitZero {
			return ""
		}
		return "p"
	case reflect.Slice, reflect.Map:
		if omitEmpty || omitZero {
			return "d"
		}
		return "n"
	case reflect.Struct:
		if omitZero {
			return "d"
		}
		return ""
	default:
		if omitEmpty || omitZero {
			return "d"
		}
		return ""
	}
}
