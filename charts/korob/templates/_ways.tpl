{{/* Ways out of a pod, as rules of NetworkPolicies. */}}

{{- define "korob.toNames" -}}
- to:
    - namespaceSelector: {}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}

{{/* (list $ (list "orders")) */}}
{{- define "korob.toDatabases" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.databases.mode "external" -}}
- ports:
    - {protocol: TCP, port: {{ int $root.Values.databases.external.port }}}
  {{- with $root.Values.databases.external.peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- else -}}
{{- $clusters := list -}}
{{- range index . 1 }}{{ $clusters = append $clusters (include "korob.cluster" (list $root .)) }}{{ end -}}
- to:
    {{- range uniq $clusters }}
    - podSelector: {matchLabels: {cnpg.io/cluster: {{ . }}}}
    {{- end }}
  ports:
    - {protocol: TCP, port: 5432}
{{- end }}
{{- end }}

{{- define "korob.toCollector" -}}
{{- $authority := (urlParse .Values.telemetry.otlpEndpoint).host -}}
- ports:
    - {protocol: TCP, port: {{ contains ":" $authority | ternary (splitList ":" $authority | last) "4317" }}}
  {{- with .Values.telemetry.otlpPeers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "korob.toNats" -}}
{{- $ports := list -}}
{{- range .Values.events.nats.urls }}{{ $ports = append $ports (contains ":" (urlParse .).host | ternary (splitList ":" (urlParse .).host | last) "4222") }}{{ end -}}
- ports:
    {{- range uniq $ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.events.nats.peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "korob.toOutside" -}}
- ports:
    - {protocol: TCP, port: 443}
  to:
    {{- toYaml .Values.networkPolicy.outsideTo | nindent 4 }}
{{- end }}
