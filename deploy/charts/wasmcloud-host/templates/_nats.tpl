{{/* Which NATS, and where it is seen from the host. */}}

{{- define "wasmcloud-host.isLocal" -}}
{{- if has (default "" .) (list "" "127.0.0.1" "localhost" "::1") -}}yes{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.natsMode" -}}
{{- if .Values.nats.mode -}}{{ .Values.nats.mode }}
{{- else if not .Values.nats.enabled -}}external
{{- else if .Values.nats.leafnode.enabled -}}sidecar
{{- else if not (include "wasmcloud-host.isLocal" .Values.wasmcloud.config.rpcNatsHost) -}}external
{{- else -}}statefulset
{{- end -}}
{{- end -}}

{{/* The six variables of 2022. Providers and control go where calls go, unless they are told otherwise. */}}
{{- define "wasmcloud-host.natsAddresses" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- $mode := include "wasmcloud-host.natsMode" . -}}
{{- $host := $config.rpcNatsHost -}}{{- $port := $config.rpcNatsPort -}}
{{- if eq $mode "statefulset" -}}{{- $host = include "wasmcloud-host.natsName" . -}}{{- $port = 4222 -}}{{- end -}}
{{- if eq $mode "embedded" -}}{{- $host = "0.0.0.0" -}}{{- $port = 4222 -}}{{- end -}}
{{- if and (eq $mode "sidecar") (include "wasmcloud-host.isLocal" $host) -}}{{- $host = "127.0.0.1" -}}{{- $port = 4222 -}}{{- end -}}
rpc: {host: {{ $host | quote }}, port: {{ include "wasmcloud-host.text" $port | quote }}}
{{- range $name, $key := dict "provider" "providerNats" "control" "controlNats" }}
{{- $own := index $config (print $key "Host") }}
{{- if include "wasmcloud-host.isLocal" $own }}
{{ $name }}: {host: {{ $host | quote }}, port: {{ include "wasmcloud-host.text" $port | quote }}}
{{- else }}
{{ $name }}: {host: {{ $own | quote }}, port: {{ include "wasmcloud-host.text" (index $config (print $key "Port")) | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* In these modes NATS is not in the pod: the host passes localhost:4222 on to it. */}}
{{- define "wasmcloud-host.relays" -}}
{{- $mode := include "wasmcloud-host.natsMode" . -}}
{{- if eq $mode "statefulset" -}}yes
{{- else if and (eq $mode "external") (not (include "wasmcloud-host.isLocal" .Values.wasmcloud.config.rpcNatsHost)) -}}yes
{{- end -}}
{{- end -}}

{{/* Port 4222 of the pods is open to other pods, so a Service can lead there. */}}
{{- define "wasmcloud-host.natsIsOpen" -}}
{{- if not (and (include "wasmcloud-host.relays" .) (include "wasmcloud-host.isLocal" .Values.wasmcloud.config.natsRelayHost)) -}}yes{{- end -}}
{{- end -}}

{{/* Where a leaf connects to: NATS's own port for leaves unless the URL has one. */}}
{{- define "wasmcloud-host.leafPort" -}}
{{- regexFind ":[0-9]+$" (urlParse .Values.nats.leafnode.clusterURL).host | trimPrefix ":" | default "7422" -}}
{{- end -}}

{{/* nats.conf of a sidecar. */}}
{{- define "wasmcloud-host.sidecarConf" -}}
port: 4222
http_port: 8222
{{- with .Values.nats.jetstream }}
jetstream {
  store_dir: /data
  max_memory_store: {{ .maxMemory }}
  max_file_store: {{ .maxFile }}
{{- end }}
{{- with .Values.nats.jetstreamDomain }}
  domain: {{ . }}
{{- end }}
}
{{- if .Values.nats.leafnode.enabled }}
leafnodes {
  remotes = [ { url: {{ .Values.nats.leafnode.clusterURL | quote }}, credentials: "/nats/nats.creds" } ]
}
{{- end }}
{{- with .Values.nats.extraConfig }}
{{ . }}
{{- end }}
{{- end -}}

{{/* nats.conf of the StatefulSet: the server's name is its pod's. */}}
{{- define "wasmcloud-host.statefulConf" -}}
{{- $name := include "wasmcloud-host.natsName" . -}}
server_name: $POD_NAME
port: 4222
http_port: 8222
pid_file: /run/nats/nats.pid
jetstream {
  store_dir: /data
  max_memory_store: {{ .Values.nats.jetstream.maxMemory }}
  max_file_store: {{ .Values.nats.jetstream.maxFile }}
}
{{- if gt (int .Values.nats.replicas) 1 }}
# A server that ends has its clients go to the others, a few at a time.
lame_duck_grace_period: 2s
lame_duck_duration: 30s
cluster {
  name: {{ $name }}
  port: 6222
  routes = [
{{- range $i := until (int .Values.nats.replicas) }}
    nats://{{ $name }}-{{ $i }}.{{ $name }}-headless:6222
{{- end }}
  ]
}
{{- end }}
{{- with .Values.nats.extraConfig }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.natsPodSecurityContext" -}}
{{- mustMergeOverwrite (deepCopy .Values.podSecurityContext) .Values.nats.podSecurityContext | toYaml -}}
{{- end -}}

{{- define "wasmcloud-host.natsSecurityContext" -}}
{{- mustMergeOverwrite (deepCopy .Values.securityContext) .Values.nats.securityContext | toYaml -}}
{{- end -}}

{{- define "wasmcloud-host.natsEnv" -}}
{{- with .Values.nats.goMemoryLimit -}}
- name: GOMEMLIMIT
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.leafSecret" -}}
{{- default (printf "%s-nats" (include "wasmcloud-host.fullname" .)) .Values.nats.leafnode.existingSecret -}}
{{- end -}}
