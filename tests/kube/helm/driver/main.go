// The reference, many times in one process: a line of JSON on standard input holds the files of a chart by their names, and is answered with a line:
// {"text": what its template templates/case.yaml prints} or {"error": why the release is refused}. A process per release would spend its time on starting.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

type answer struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

func main() {
	// Warnings are not the result.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	requests := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := json.NewEncoder(os.Stdout)
	for {
		var files map[string]string
		if err := requests.Decode(&files); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		text, err := render(files)
		given := answer{Text: text}
		if err != nil {
			given = answer{Error: err.Error()}
		}
		if err := answers.Encode(given); err != nil {
			panic(err)
		}
	}
}

// What `helm template release CHART --namespace space` does up to the texts of the templates.
func render(files map[string]string) (text string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the reference panicked: %v", cause)
		}
	}()
	var buffered []*archive.BufferedFile
	for name, text := range files {
		buffered = append(buffered, &archive.BufferedFile{Name: name, Data: []byte(text)})
	}
	chart, err := loader.LoadFiles(buffered)
	if err != nil {
		return "", err
	}
	given := map[string]any{}
	if err := chartutil.ProcessDependencies(chart, given); err != nil {
		return "", err
	}
	options := common.ReleaseOptions{Name: "release", Namespace: "space", Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(chart, given, options, common.DefaultCapabilities.Copy())
	if err != nil {
		return "", err
	}
	texts, err := engine.Engine{}.Render(chart, values)
	if err != nil {
		return "", err
	}
	return texts["chart/templates/case.yaml"], nil
}
