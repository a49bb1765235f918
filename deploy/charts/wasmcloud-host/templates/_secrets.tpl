{{/* What is secret: what the chart keeps itself (Secret `fullname`, as in 2022), and from where the host has each. */}}

{{/* The seed that all hosts of the release share. Given, or that of the first install, or a new one.
     Kept in .Values for the time of one rendering, so that Secret and checksum agree. */}}
{{- define "wasmcloud-host.clusterSeed" -}}
{{- if .Values.wasmcloud.config.clusterSeed -}}
{{- .Values.wasmcloud.config.clusterSeed -}}
{{- else -}}
{{- if not (hasKey .Values "madeClusterSeed") -}}
{{- $kept := lookup "v1" "Secret" .Release.Namespace (include "wasmcloud-host.fullname" .) | default dict -}}
{{- $seed := dig "data" "clusterSeed" "" $kept | b64dec -}}
{{- $_ := set .Values "madeClusterSeed" (default (include "wasmcloud-host.newClusterSeed" .) $seed) -}}
{{- end -}}
{{- .Values.madeClusterSeed -}}
{{- end -}}
{{- end -}}

{{/* Keys and values of the Secret, as a map of text. */}}
{{- define "wasmcloud-host.secretData" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- $existing := $config.existingSecrets -}}
{{- $data := dict -}}
{{- if not $existing.cluster -}}{{- $_ := set $data "clusterSeed" (include "wasmcloud-host.clusterSeed" .) -}}{{- end -}}
{{- if and $config.hostSeed (not $existing.host) -}}{{- $_ := set $data "hostSeed" $config.hostSeed -}}{{- end -}}
{{- if not $existing.nats -}}
{{- range list "rpcJWT" "rpcSeed" "providerRpcJWT" "providerRpcSeed" "ctlJWT" "ctlSeed" -}}
{{- if index $config . -}}{{- $_ := set $data . (index $config .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $config.registry.password (not $existing.registry) -}}{{- $_ := set $data "registryPassword" $config.registry.password -}}{{- end -}}
{{- toYaml $data -}}
{{- end -}}

{{- define "wasmcloud-host.hasHostSeed" -}}
{{- if or .Values.wasmcloud.config.hostSeed .Values.wasmcloud.config.existingSecrets.host -}}yes{{- end -}}
{{- end -}}

{{/* (list NAME secret key optional) */}}
{{- define "wasmcloud-host.secretVar" }}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- if index . 3 }}
      optional: true
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.secretEnv" -}}
{{- $own := include "wasmcloud-host.fullname" . -}}
{{- $config := .Values.wasmcloud.config -}}
{{- $existing := $config.existingSecrets -}}
{{- include "wasmcloud-host.secretVar" (list "WASMCLOUD_CLUSTER_SEED" (default $own $existing.cluster) "clusterSeed" false) }}
{{- if include "wasmcloud-host.hasHostSeed" . }}
{{- include "wasmcloud-host.secretVar" (list "WASMCLOUD_HOST_SEED" (default $own $existing.host) "hostSeed" false) }}
{{- end }}
{{- include "wasmcloud-host.natsSecretEnv" (list . (list "RPC_JWT" "rpcJWT" "RPC_SEED" "rpcSeed" "PROV_RPC_JWT" "providerRpcJWT" "PROV_RPC_SEED" "providerRpcSeed" "CTL_JWT" "ctlJWT" "CTL_SEED" "ctlSeed")) }}
{{- if $existing.registry }}
{{- include "wasmcloud-host.secretVar" (list "OCI_REGISTRY_USER" $existing.registry "username" false) }}
{{- include "wasmcloud-host.secretVar" (list "OCI_REGISTRY_PASSWORD" $existing.registry "password" false) }}
{{- else if $config.registry.password }}
{{- include "wasmcloud-host.secretVar" (list "OCI_REGISTRY_PASSWORD" $own "registryPassword" false) }}
{{- end }}
{{- end -}}

{{/* (list . (list VARIABLE key …)): those that are there. */}}
{{- define "wasmcloud-host.natsSecretEnv" -}}
{{- $root := index . 0 -}}
{{- $own := include "wasmcloud-host.fullname" $root -}}
{{- $config := $root.Values.wasmcloud.config -}}
{{- range $pair := index . 1 | chunk 2 -}}
{{- $key := index $pair 1 -}}
{{- if $config.existingSecrets.nats -}}
{{- include "wasmcloud-host.secretVar" (list (print "WASMCLOUD_" (index $pair 0)) $config.existingSecrets.nats $key true) }}
{{- else if index $config $key -}}
{{- include "wasmcloud-host.secretVar" (list (print "WASMCLOUD_" (index $pair 0)) $own $key false) }}
{{- end -}}
{{- end -}}
{{- end -}}
