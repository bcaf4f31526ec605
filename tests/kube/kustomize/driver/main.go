// The reference, many times in one process: a line "DIRECTORY<tab>none|legacy<tab>root|none" on standard input is answered with what
// `kustomize build` prints there: "ok LENGTH" or "failed LENGTH", a newline, and the text. A process per build would spend its time on starting.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func main() {
	// Warnings are not the result.
	log.SetOutput(devNull())
	os.Stderr = devNull()
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		verdict := "ok"
		text, err := build(strings.Split(lines.Text(), "\t"))
		if err != nil {
			verdict, text = "failed", err.Error()
		}
		fmt.Fprintf(out, "%s %d\n%s", verdict, len(text), text)
		out.Flush()
	}
}

func devNull() *os.File {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	return null
}

func build(request []string) (text string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the reference panicked: %v", cause)
		}
	}()
	// A build with a schema of its own would leave it to the next one.
	if openapi.GetSchemaVersion() != defaultSchema {
		openapi.ResetOpenAPI()
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	if request[1] == "none" {
		options.Reorder = krusty.ReorderOptionNone
	}
	if request[2] == "none" {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	result, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), request[0])
	if err != nil {
		return "", err
	}
	yaml, err := result.AsYaml()
	return string(yaml), err
}

var defaultSchema = openapi.GetSchemaVersion()
