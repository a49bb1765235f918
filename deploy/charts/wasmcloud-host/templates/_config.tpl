{{/* Files of the host: one projected volume at /etc/trellis. */}}

{{- define "wasmcloud-host.manifest" -}}
{{- $parts := dict -}}
{{- range list "actors" "capabilities" "links" -}}
{{- with index $.Values.manifest . -}}{{- $_ := set $parts "some" true -}}{{- end -}}
{{- end -}}
{{- if $parts -}}
{{- pick .Values.manifest "actors" "capabilities" "links" | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.hasManifest" -}}
{{- if or (include "wasmcloud-host.manifest" .) .Values.manifest.existingConfigMap .Values.manifest.existingSecret -}}yes{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.registries" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- if $config.registries -}}
{{- $config.registries -}}
{{- else if or $config.caBundle $config.existingCaBundle -}}
[registry."*"]
ca_file = "/etc/trellis/ca.crt"
{{- end -}}
{{- end -}}

{{/* Keys and texts of the ConfigMap `fullname-config`. */}}
{{- define "wasmcloud-host.configData" -}}
{{- $data := dict -}}
{{- with include "wasmcloud-host.manifest" . -}}{{- $_ := set $data "manifest.yaml" . -}}{{- end -}}
{{- with include "wasmcloud-host.registries" . -}}{{- $_ := set $data "registries.toml" . -}}{{- end -}}
{{- with .Values.wasmcloud.config.caBundle -}}{{- $_ := set $data "ca.crt" . -}}{{- end -}}
{{- if $data -}}{{- toYaml $data -}}{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.configSources" -}}
{{- $existing := .Values.wasmcloud.config.existingSecrets -}}
{{- if include "wasmcloud-host.configData" . }}
- configMap:
    name: {{ include "wasmcloud-host.configName" . }}
{{- end }}
{{- with .Values.manifest.existingConfigMap }}
- configMap:
    name: {{ . }}
    items: [{key: manifest.yaml, path: manifest.yaml}]
{{- end }}
{{- with .Values.manifest.existingSecret }}
- secret:
    name: {{ . }}
    items: [{key: manifest.yaml, path: manifest.yaml}]
{{- end }}
{{- with .Values.wasmcloud.config.existingCaBundle }}
- configMap:
    name: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- with $existing.dockerConfig }}
- secret:
    name: {{ . }}
    items: [{key: .dockerconfigjson, path: docker/config.json}]
{{- end }}
{{- include "wasmcloud-host.natsFileSources" . }}
{{- end -}}

{{/* What it takes to connect to NATS; the pod of `helm test` has it, too. */}}
{{- define "wasmcloud-host.natsFileSources" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- with $config.existingSecrets.natsCreds }}
- secret:
    name: {{ . }}
    items: [{key: nats.creds, path: nats/nats.creds}]
{{- end }}
{{- with $config.existingSecrets.natsTls }}
- secret:
    name: {{ . }}
    items:
      - {key: ca.crt, path: nats/ca.crt}
{{- if $config.natsTls.clientCertificate }}
      - {key: tls.crt, path: nats/tls.crt}
      - {key: tls.key, path: nats/tls.key}
{{- end }}
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.natsFileEnv" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- if $config.existingSecrets.natsCreds }}
- {name: WASMCLOUD_RPC_CREDSFILE, value: /etc/trellis/nats/nats.creds}
- {name: WASH_RPC_CREDS, value: /etc/trellis/nats/nats.creds}
- {name: WASH_CTL_CREDS, value: /etc/trellis/nats/nats.creds}
{{- end }}
{{- if $config.natsTls.enabled }}
- {name: WASMCLOUD_RPC_TLS, value: "1"}
{{- end }}
{{- if $config.existingSecrets.natsTls }}
- {name: TRELLIS_NATS_CA, value: /etc/trellis/nats/ca.crt}
{{- if $config.natsTls.clientCertificate }}
- {name: TRELLIS_NATS_CERT, value: /etc/trellis/nats/tls.crt}
- {name: TRELLIS_NATS_KEY, value: /etc/trellis/nats/tls.key}
{{- end }}
{{- end }}
{{- end -}}
