{{/* What the binary is told: the names are those of its configuration, so a wrong one stops it and is named. */}}

{{/* The URL of one database: (list $ "orders"). */}}
{{- define "korob.databaseUrl" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
- name: KOROB__SERVICES__{{ upper $name }}__DATABASE_URL
{{- if eq $root.Values.databases.mode "external" }}
  valueFrom:
    secretKeyRef: {name: {{ $root.Values.databases.external.name }}, key: {{ $name }}}
{{- else if eq $root.Values.databases.mode "cluster-per-service" }}
  valueFrom:
    secretKeyRef: {name: {{ include "korob.cluster" . }}-app, key: uri}
{{- else }}
  value: postgres://korob:$(POSTGRES_PASSWORD)@{{ include "korob.cluster" . }}-rw:5432/{{ $name }}
{{- end }}
{{- end }}

{{/* All databases of a workload: (list $ (list "orders")). The password comes first: the URLs name it. */}}
{{- define "korob.databaseUrls" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.databases.mode "shared-cluster" }}
- name: POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ include "korob.cluster" (list $root "") }}-app, key: password}
{{- end }}
{{- range index . 1 }}
{{ include "korob.databaseUrl" (list $root .) }}
{{- end }}
{{- end }}

{{- define "korob.secret" -}}
- name: KOROB__SECRET
  valueFrom:
    secretKeyRef: {name: {{ .Values.secret.name }}, key: {{ .Values.secret.key }}}
{{- end }}

{{/* The CloudNativePG cluster that holds the database of a service: (list $ "orders"). */}}
{{- define "korob.cluster" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.databases.mode "shared-cluster" -}}
{{- include "korob.name" (list $root "db") -}}
{{- else -}}
{{- include "korob.name" (list $root (printf "%s-db" (index . 1))) -}}
{{- end -}}
{{- end }}

{{/* The variables of a workload: (list $ "orders" $workload). */}}
{{- define "korob.environment" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $workload := index . 2 -}}
{{- $values := $root.Values -}}
{{- include "korob.secret" $root }}
{{- with $workload.databases }}
{{- include "korob.databaseUrls" (list $root .) }}
{{- end }}
{{- $events := $values.events }}
{{- $carried := and $workload.databases (eq $events.carrier "nats") }}
{{- if and $carried $events.nats.credentialsSecret }}
- name: KOROB__EVENTS__NATS__USER
  valueFrom:
    secretKeyRef: {name: {{ $events.nats.credentialsSecret }}, key: user}
- name: KOROB__EVENTS__NATS__PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $events.nats.credentialsSecret }}, key: password}
{{- end }}
{{- $told := fromYaml (include "korob.reach" (list $root $workload.calls)) }}
{{- $_ := set $told "ops.listen" (printf "%s:9090" $values.bindAddress) }}
{{- $_ := set $told "telemetry.sample_ratio" $values.telemetry.sampleRatio }}
{{- with $values.telemetry.otlpEndpoint }}{{ $_ := set $told "telemetry.otlp_endpoint" . }}{{ end }}
{{- range $workload.databases }}{{ $_ := set $told (printf "services.%s.pool_size" .) $workload.poolSize }}{{ end }}
{{- if $workload.rest }}
  {{- $_ := set $told "gateway.listen" (printf "%s:8080" $values.bindAddress) }}
  {{- $_ := set $told "gateway.drain_notice_ms" $values.gateway.drainNoticeMs }}
  {{- $_ := set $told "gateway.drain_ms_max" $values.gateway.drainMs }}
{{- else }}
  {{- $_ := set $told (printf "services.%s.listen" $name) (printf "%s:7000" $values.bindAddress) }}
  {{- /* For commands in its own pod, such as `korob keys`. */}}
  {{- $itself := eq $values.bindAddress "[::]" | ternary "[::1]" "127.0.0.1" }}
  {{- $_ := set $told (printf "services.%s.address" $name) (printf "%s://%s:7000" (include "korob.scheme" $root) $itself) }}
{{- end }}
{{- if $carried }}
  {{- $_ := set $told "events.carrier" "nats" }}
  {{- $_ := set $told "events.nats.urls" (join "," $events.nats.urls) }}
  {{- $_ := set $told "events.nats.subject_prefix" $events.nats.subjectPrefix }}
  {{- $_ := set $told "events.nats.stream" $events.nats.stream }}
  {{- $_ := set $told "events.nats.replicas" $events.nats.replicas }}
  {{- $_ := set $told "events.nats.max_age_hours" $events.nats.maxAgeHours }}
  {{- if $events.nats.tlsSecret }}
    {{- $_ := set $told "events.nats.require_tls" true }}
    {{- $_ := set $told "events.nats.ca_file" "/etc/korob/nats/ca.crt" }}
    {{- if $events.nats.clientCertificate }}
      {{- $_ := set $told "events.nats.certificate_file" "/etc/korob/nats/tls.crt" }}
      {{- $_ := set $told "events.nats.key_file" "/etc/korob/nats/tls.key" }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if eq $name "all-in-one" }}{{ $_ := set $told "data_dir" "/var/lib/korob" }}{{ end }}
{{- include "korob.variables" (mergeOverwrite $told (deepCopy $values.settings) (deepCopy $workload.settings)) }}
{{- end }}

{{/* Settings as variables. */}}
{{- define "korob.variables" -}}
{{- range $key, $value := . }}
- name: KOROB__{{ $key | upper | replace "." "__" }}
  value: {{ include "korob.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The settings of whoever calls these services, as YAML: where they are, and what proves who calls. (list $ (list "orders")) */}}
{{- define "korob.reach" -}}
{{- $root := index . 0 -}}
{{- $told := dict -}}
{{- range index . 1 -}}
  {{- $_ := set $told (printf "services.%s.address" .) (printf "%s://%s:7000" (include "korob.scheme" $root) (include "korob.pods" (list $root .))) -}}
{{- end -}}
{{- if ne (include "korob.tls" $root) "none" -}}
  {{- $_ := set $told "tls.dir" "/etc/korob/tls" -}}
  {{- $_ := set $told "tls.trust_domain" $root.Values.tls.trustDomain -}}
{{- end -}}
{{- toYaml $told -}}
{{- end }}
