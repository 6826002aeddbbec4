{{/* What things are called, and the labels they carry. */}}

{{- define "korob.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of one part: (list $ "orders"). */}}
{{- define "korob.name" -}}
{{- printf "%s-%s" (include "korob.fullname" (index . 0)) (index . 1) -}}
{{- end }}

{{/* The name that has the address of each pod of a service: (list $ "orders"). */}}
{{- define "korob.pods" -}}
{{- printf "%s-pods" (include "korob.name" .) -}}
{{- end }}

{{/* What never changes: a Deployment's selector cannot. (list $ "orders") */}}
{{- define "korob.selector" -}}
app.kubernetes.io/name: korob
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* (list $ "orders") */}}
{{- define "korob.labels" -}}
{{ include "korob.selector" . }}
{{- $root := index . 0 }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* (list $ "orders") */}}
{{- define "korob.metadata" -}}
name: {{ include "korob.name" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "korob.labels" . | nindent 2 }}
{{- end }}

{{- define "korob.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* A number as people write it: values are floating-point numbers on their way here. */}}
{{- define "korob.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}
