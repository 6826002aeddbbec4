{{/* What a workload of the suite finds in its file system. */}}

{{/* Whether it is one that shows certificates to NATS, or looks at theirs: (list $ $workload). Empty when not. */}}
{{- define "korob.natsFiles" -}}
{{- $events := (index . 0).Values.events -}}
{{- if and (index . 1).databases (eq $events.carrier "nats") $events.nats.tlsSecret }}yes{{ end -}}
{{- end }}

{{/* (list $ "orders" $workload) */}}
{{- define "korob.volumes" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- include "korob.certificateVolume" (list $root $name) }}
{{- if include "korob.natsFiles" (list $root (index . 2)) }}
- name: nats
  secret:
    secretName: {{ $root.Values.events.nats.tlsSecret }}
    defaultMode: 0440
    items:
      - {key: ca.crt, path: ca.crt}
      {{- if $root.Values.events.nats.clientCertificate }}
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      {{- end }}
{{- end }}
{{- if eq $name "all-in-one" }}
# Where commands such as `korob keys` find the addresses; nothing that must last.
- name: data
  emptyDir: {sizeLimit: 16Mi}
{{- end }}
{{- end }}

{{/* (list $ "orders" $workload) */}}
{{- define "korob.mounts" -}}
{{- $root := index . 0 -}}
{{- include "korob.certificateMount" $root }}
{{- if include "korob.natsFiles" (list $root (index . 2)) }}
- {name: nats, mountPath: /etc/korob/nats, readOnly: true}
{{- end }}
{{- if eq (index . 1) "all-in-one" }}
- {name: data, mountPath: /var/lib/korob}
{{- end }}
{{- end }}
