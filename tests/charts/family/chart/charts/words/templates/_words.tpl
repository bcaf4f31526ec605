{{- define "words.name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}
