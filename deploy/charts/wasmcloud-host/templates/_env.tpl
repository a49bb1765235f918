{{/* The host's environment: docs/configuration.md has every variable. */}}

{{/* (list NAME value): nothing when the value is empty, so that the host's own default holds. */}}
{{- define "wasmcloud-host.var" -}}
{{- $text := include "wasmcloud-host.text" (index . 1) -}}
{{- if $text }}
- name: {{ index . 0 }}
  value: {{ $text | quote }}
{{- end -}}
{{- end -}}

{{/* What the grace period leaves for requests: without the delay before, and 5 seconds for the rest. */}}
{{- define "wasmcloud-host.drainTimeoutMs" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- $delay := int64 $config.drainDelayMs -}}
{{- $left := sub (mul (int64 .Values.terminationGracePeriodSeconds) 1000) (add $delay 5000) -}}
{{- if le $left 0 -}}
{{- fail (printf "terminationGracePeriodSeconds is %d and wasmcloud.config.drainDelayMs is %d: no time is left to finish requests. Seconds must be more than the delay and 5" (int64 .Values.terminationGracePeriodSeconds) $delay) -}}
{{- end -}}
{{- $given := include "wasmcloud-host.text" $config.drainTimeoutMs -}}
{{- if and $given (gt (int64 $given) $left) -}}
{{- fail (printf "wasmcloud.config.drainTimeoutMs is %s, and terminationGracePeriodSeconds leaves %d: raise that one" $given $left) -}}
{{- end -}}
{{- default $left $given -}}
{{- end -}}

{{- define "wasmcloud-host.busEnv" -}}
{{- $at := include "wasmcloud-host.natsAddresses" . | fromYaml -}}
- {name: TRELLIS_BUS, value: {{ ternary "embedded" "nats" (eq (include "wasmcloud-host.natsMode" .) "embedded") }}}
- {name: WASMCLOUD_RPC_HOST, value: {{ $at.rpc.host | quote }}}
- {name: WASMCLOUD_RPC_PORT, value: {{ $at.rpc.port | quote }}}
- {name: WASMCLOUD_PROV_RPC_HOST, value: {{ $at.provider.host | quote }}}
- {name: WASMCLOUD_PROV_RPC_PORT, value: {{ $at.provider.port | quote }}}
- {name: WASMCLOUD_CTL_HOST, value: {{ $at.control.host | quote }}}
- {name: WASMCLOUD_CTL_PORT, value: {{ $at.control.port | quote }}}
{{- if include "wasmcloud-host.relays" . }}
- {name: TRELLIS_NATS_RELAY, value: {{ printf "%s:4222" .Values.wasmcloud.config.natsRelayHost | quote }}}
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.folderEnv" -}}
- {name: HOME, value: /var/lib/trellis}
- {name: TRELLIS_DATA_DIR, value: /var/lib/trellis/data}
- {name: TRELLIS_CACHE_DIR, value: /var/lib/trellis/code}
- {name: TRELLIS_ARTIFACT_CACHE_DIR, value: /var/lib/trellis/artifacts}
- {name: TRELLIS_PROVIDERS_DIR, value: /var/lib/trellis/providers}
- {name: TRELLIS_WRITE_HOST_CONFIG, value: "0"}
{{- end -}}

{{- define "wasmcloud-host.ownEnv" -}}
{{- $c := .Values.wasmcloud.config -}}
{{ include "wasmcloud-host.busEnv" . }}
{{ include "wasmcloud-host.folderEnv" . }}
- {name: WASMCLOUD_DASHBOARD_HOST, value: "0.0.0.0"}
- {name: WASMCLOUD_DASHBOARD_PORT, value: "4000"}
- {name: TRELLIS_DRAIN_DELAY_MS, value: {{ include "wasmcloud-host.text" $c.drainDelayMs | quote }}}
- {name: TRELLIS_DRAIN_TIMEOUT_MS, value: {{ include "wasmcloud-host.drainTimeoutMs" . | quote }}}
{{- if $c.apiRemote }}
- {name: TRELLIS_API_REMOTE, value: "1"}
{{- end }}
{{- if .Values.wasmcloud.enableApplierSupport }}
- {name: TRELLIS_KUBERNETES_OWNER, value: apps/v1/Deployment/{{ include "wasmcloud-host.fullname" . }}}
{{- end }}
{{- if include "wasmcloud-host.hasManifest" . }}
- {name: TRELLIS_MANIFEST, value: /etc/trellis/manifest.yaml}
{{- end }}
{{- if include "wasmcloud-host.registries" . }}
- {name: TRELLIS_REGISTRIES, value: /etc/trellis/registries.toml}
{{- end }}
{{- if $c.existingSecrets.dockerConfig }}
- {name: DOCKER_CONFIG, value: /etc/trellis/docker}
{{- end }}
{{- include "wasmcloud-host.natsFileEnv" . }}
{{- range $pair := list
    "WASMCLOUD_CLUSTER_ISSUERS" $c.clusterIssuers  "WASMCLOUD_HOST_KEY" $c.hostKey
    "WASMCLOUD_LATTICE_PREFIX" $c.latticePrefix  "WASMCLOUD_RPC_TIMEOUT_MS" $c.rpcTimeout
    "WASMCLOUD_PROV_RPC_TIMEOUT_MS" $c.providerRpcTimeout  "WASMCLOUD_PROV_SHUTDOWN_DELAY_MS" $c.providerShutdownDelay
    "WASMCLOUD_JS_DOMAIN" $c.jetstreamDomain  "WASMCLOUD_STRUCTURED_LOG_LEVEL" $c.logging.logLevel
    "WASMCLOUD_STRUCTURED_LOGGING_ENABLED" (ternary "true" "" $c.logging.structuredLoggingEnabled)
    "OTEL_TRACES_EXPORTER" $c.otel.exporter  "OTEL_EXPORTER_OTLP_ENDPOINT" $c.otel.endpoint
    "WASMCLOUD_OCI_ALLOWED_INSECURE" $c.ociAllowedInsecure  "WASMCLOUD_OCI_ALLOW_LATEST" (ternary "true" "" $c.ociAllowLatest)
    "OCI_REGISTRY" $c.registry.url  "OCI_REGISTRY_USER" (ternary "" $c.registry.username (not (empty $c.existingSecrets.registry)))
    "TRELLIS_ARTIFACTS_FIRST" $c.artifactsFirst  "WASMCLOUD_CONFIG_SERVICE" (ternary "1" "" $c.configService)
    "WASMCLOUD_CTL_TOPIC_PREFIX" $c.controlTopicPrefix  "WASMCLOUD_POLICY_TOPIC" $c.policy.topic
    "WASMCLOUD_POLICY_CHANGES_TOPIC" $c.policy.changesTopic  "WASMCLOUD_POLICY_TIMEOUT" $c.policy.timeout
    "TRELLIS_ALLOWED_ACTOR_ISSUERS" $c.allowedActorIssuers  "TRELLIS_ALLOWED_PROVIDER_ISSUERS" $c.allowedProviderIssuers
    "TRELLIS_CORES" $c.cores  "TRELLIS_ACTOR_CALLS_MAX" $c.actorCallsMax
    "TRELLIS_ACTOR_MEMORY_MIB" $c.actorMemoryMiB  "TRELLIS_GUEST_MEMORY_MIB" $c.guestMemoryMiB
    "TRELLIS_REUSE_ACTORS" $c.reuseActors  "TRELLIS_EXTERNAL_PROVIDERS" $c.externalProviders | chunk 2 }}
{{- include "wasmcloud-host.var" $pair }}
{{- end }}
{{- range $key, $value := $c.hostLabels }}
{{- include "wasmcloud-host.var" (list (print "HOST_" $key) $value) }}
{{- end }}
{{- include "wasmcloud-host.secretEnv" . }}
{{- end -}}

{{/* Ours, then extraEnv. A name that stands in both is only in the second: server-side apply takes no name twice. */}}
{{- define "wasmcloud-host.env" -}}
{{- $theirs := dict -}}
{{- range .Values.extraEnv -}}{{- $_ := set $theirs .name true -}}{{- end -}}
{{- $all := list -}}
{{- range include "wasmcloud-host.ownEnv" . | fromYamlArray -}}
{{- if not (hasKey $theirs .name) -}}{{- $all = append $all . -}}{{- end -}}
{{- end -}}
{{- toYaml (concat $all .Values.extraEnv) -}}
{{- end -}}

{{/* (list . {host, port}): what wash in the pod of `helm test` needs to ask the lattice. */}}
{{- define "wasmcloud-host.testEnv" -}}
{{- $root := index . 0 -}}{{- $at := index . 1 -}}{{- $config := $root.Values.wasmcloud.config -}}
- {name: HOME, value: /tmp}
- {name: WASMCLOUD_CTL_HOST, value: {{ $at.host | quote }}}
- {name: WASMCLOUD_CTL_PORT, value: {{ include "wasmcloud-host.text" $at.port | quote }}}
{{- include "wasmcloud-host.var" (list "WASMCLOUD_LATTICE_PREFIX" $config.latticePrefix) }}
{{- include "wasmcloud-host.var" (list "WASMCLOUD_CTL_TOPIC_PREFIX" $config.controlTopicPrefix) }}
{{- $keys := ternary (list "CTL_JWT" "ctlJWT" "CTL_SEED" "ctlSeed") (list "CTL_JWT" "rpcJWT" "CTL_SEED" "rpcSeed") (not (empty $config.ctlSeed)) }}
{{- include "wasmcloud-host.natsSecretEnv" (list $root $keys) }}
{{- include "wasmcloud-host.natsFileEnv" $root }}
{{- end -}}
