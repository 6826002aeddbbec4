{{/* What runs, by component: every service with its defaults, or all of them in one. `fromYaml` makes it a map again. */}}
{{- define "korob.workloads" -}}
{{- $workloads := dict -}}
{{- if eq .Values.mode "all-in-one" -}}
  {{- $all := mergeOverwrite (deepCopy .Values.defaults) (deepCopy .Values.allInOne) -}}
  {{- $_ := set $all "arguments" (list "up") -}}
  {{- $_ := set $all "databases" (fromYamlArray (include "korob.owners" .)) -}}
  {{- $_ := set $all "calls" list -}}
  {{- $_ := set $all "rest" true -}}
  {{- $_ := set $workloads "all-in-one" $all -}}
{{- else -}}
  {{- range $name, $service := .Values.services -}}
    {{- $one := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy (default dict $service)) -}}
    {{- $_ := set $one "arguments" (list "serve" $name) -}}
    {{- $_ := set $one "databases" (eq $name "gateway" | ternary list (list $name)) -}}
    {{- $_ := set $one "rest" (eq $name "gateway") -}}
    {{- $_ := set $workloads $name $one -}}
  {{- end -}}
{{- end -}}
{{- toYaml $workloads -}}
{{- end }}

{{/* The services that own a database. */}}
{{- define "korob.owners" -}}
{{- without (keys .Values.services | sortAlpha) "gateway" | toYaml -}}
{{- end }}

{{/* The component that speaks REST. */}}
{{- define "korob.rest" -}}
{{- eq .Values.mode "all-in-one" | ternary "all-in-one" "gateway" -}}
{{- end }}

{{/* Seconds that a pod may need from the request to stop until its end: calls have 12, then sagas 8 and jobs 10, and the gateway its
     notice and its drain. (list $ $workload) */}}
{{- define "korob.drainSeconds" -}}
{{- $root := index . 0 -}}
{{- $rest := (index . 1).rest | ternary (add $root.Values.gateway.drainNoticeMs $root.Values.gateway.drainMs 999) 0 -}}
{{- $services := (index . 1).databases | empty | ternary 0 30 -}}
{{- add (div $rest 1000) $services -}}
{{- end }}
