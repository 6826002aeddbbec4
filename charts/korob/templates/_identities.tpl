{{/* How processes prove to each other who they are. */}}

{{/* Where certificates come from: `cert-manager`, `secrets`, or `none`. */}}
{{- define "korob.tls" -}}
{{- if eq .Values.tls.mode "auto" -}}
{{- eq .Values.mode "suite" | ternary "cert-manager" "none" -}}
{{- else -}}
{{- .Values.tls.mode -}}
{{- end -}}
{{- end }}

{{- define "korob.scheme" -}}
{{- eq (include "korob.tls" .) "none" | ternary "http" "https" -}}
{{- end }}

{{/* What a certificate calls a component: "orders". */}}
{{- define "korob.role" -}}
{{- eq . "all-in-one" | ternary "korob" . -}}
{{- end }}

{{/* Its identity, as a list. Commands in the pod of the all-in-one find no other certificate than its own. (list $ "orders") */}}
{{- define "korob.uris" -}}
{{- $domain := (index . 0).Values.tls.trustDomain -}}{{- $role := include "korob.role" (index . 1) -}}
- spiffe://{{ $domain }}/{{ $role }}
{{- if eq $role "korob" }}
- spiffe://{{ $domain }}/operator
{{- end }}
{{- end }}

{{/* Whoever has a certificate, as a list: what runs, and the operator where there is somebody to call. */}}
{{- define "korob.components" -}}
{{- $components := keys (fromYaml (include "korob.workloads" .)) | sortAlpha -}}
{{- if fromYamlArray (include "korob.operated" .) }}{{ $components = append $components "operator" }}{{ end -}}
{{- toYaml $components -}}
{{- end }}

{{/* The Secret with the certificate of a component: (list $ "orders"). */}}
{{- define "korob.certificateSecret" -}}
{{- $root := index . 0 -}}
{{- if eq (include "korob.tls" $root) "secrets" -}}
{{- printf "%s-%s" $root.Values.tls.secrets.prefix (include "korob.role" (index . 1)) -}}
{{- else -}}
{{- printf "%s-tls" (include "korob.name" .) -}}
{{- end -}}
{{- end }}

{{/* The volume with it, if there is one. No `subPath` anywhere: what it mounts would never be renewed. (list $ "orders") */}}
{{- define "korob.certificateVolume" -}}
{{- $root := index . 0 -}}
{{- if ne (include "korob.tls" $root) "none" -}}
{{- $bundle := $root.Values.tls.caBundle -}}
- name: tls
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "korob.certificateSecret" . }}
          items:
            - {key: tls.crt, path: tls.crt}
            - {key: tls.key, path: tls.key}
            {{- if not $bundle.name }}
            - {key: ca.crt, path: ca.crt}
            {{- end }}
      {{- if $bundle.name }}
      - configMap:
          name: {{ $bundle.name }}
          items:
            - {key: {{ $bundle.key }}, path: ca.crt}
      {{- end }}
{{- end }}
{{- end }}

{{- define "korob.certificateMount" -}}
{{- if ne (include "korob.tls" .) "none" -}}
- {name: tls, mountPath: /etc/korob/tls, readOnly: true}
{{- end }}
{{- end }}
