package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"
)

// printExamples writes one random object of each kind: its protobuf body in base64, and the JSON that Go writes for it.
func printExamples(known *runtime.Scheme, kinds map[string]reflect.Type) {
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	sort.Strings(names)
	encoder := protobuf.NewSerializer(known, known)
	filler := filler()
	for _, name := range names {
		object := reflect.New(kinds[name]).Interface().(runtime.Object)
		filler.Fill(object)
		slash := strings.LastIndex(name, "/")
		version, err := schema.ParseGroupVersion(name[:slash])
		if err != nil {
			log.Fatal(err)
		}
		object.GetObjectKind().SetGroupVersionKind(version.WithKind(name[slash+1:]))
		var body strings.Builder
		if err := encoder.Encode(object, &body); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(object)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintln(os.Stdout, base64.StdEncoding.EncodeToString([]byte(body.String())), string(text))
	}
}

func filler() *randfill.Filler {
	return randfill.NewWithSeed(1).NilChance(0.4).NumElements(1, 2).MaxDepth(7).RandSource(rand.NewSource(1)).Funcs(
		func(text *string, c randfill.Continue) { *text = []string{"", "a", "é", "x-y"}[c.Intn(4)] },
		func(number *int64, c randfill.Continue) { *number = c.Int63n(2000) - 1000 },
		func(number *int32, c randfill.Continue) { *number = c.Int31n(2000) - 1000 },
		func(number *float64, c randfill.Continue) { *number = []float64{0, 1.5, -3, 1e9}[c.Intn(4)] },
		func(at *meta.Time, c randfill.Continue) { at.Time = time.Unix(c.Int63n(2e9), 0).UTC() },
		func(at *meta.MicroTime, c randfill.Continue) {
			at.Time = time.Unix(c.Int63n(2e9), c.Int63n(1e6)*1000).UTC()
		},
		func(quantity *resource.Quantity, c randfill.Continue) {
			*quantity = resource.MustParse([]string{"1", "250m", "3Gi"}[c.Intn(3)])
		},
		func(value *intstr.IntOrString, c randfill.Continue) {
			*value = []intstr.IntOrString{intstr.FromInt32(8080), intstr.FromString("25%")}[c.Intn(2)]
		},
		func(raw *runtime.RawExtension, c randfill.Continue) { raw.Raw = []byte(`{"a":[1]}`) },
		func(raw *meta.FieldsV1, c randfill.Continue) { raw.Raw = []byte(`{"f:a":{}}`) },
		func(raw *apiextensions.JSON, c randfill.Continue) { raw.Raw = []byte(`{"a":true}`) },
		func(either *apiextensions.JSONSchemaPropsOrArray, c randfill.Continue) {
			c.Fill(&either.Schema)
		},
		func(either *apiextensions.JSONSchemaPropsOrBool, c randfill.Continue) {
			either.Allows = true
			c.Fill(&either.Schema)
		},
		func(either *apiextensions.JSONSchemaPropsOrStringArray, c randfill.Continue) {
			either.Property = []string{"a", "b"}
		},
	)
}
