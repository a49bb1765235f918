{{/* Values that each are right and together cannot work: a sentence instead of pods that fail. */}}
{{- define "wasmcloud-host.check" -}}
{{- $config := .Values.wasmcloud.config -}}
{{- $mode := include "wasmcloud-host.natsMode" . -}}
{{- $replicas := int .Values.replicaCount -}}
{{- $said := printf "replicaCount is %d" $replicas -}}
{{- if .Values.autoscaling.enabled -}}
{{- $replicas = int .Values.autoscaling.maxReplicas -}}
{{- $said = printf "autoscaling.maxReplicas is %d" $replicas -}}
{{- if gt (int .Values.autoscaling.minReplicas) $replicas -}}
{{- fail (printf "autoscaling.minReplicas is %d and autoscaling.maxReplicas is %d: the first must not be above the second" (int .Values.autoscaling.minReplicas) $replicas) -}}
{{- end -}}
{{- if not (or .Values.autoscaling.targetCPUUtilizationPercentage .Values.autoscaling.metrics) -}}
{{- fail "autoscaling.enabled needs something to scale by: set autoscaling.targetCPUUtilizationPercentage or autoscaling.metrics" -}}
{{- end -}}
{{- end -}}
{{- $many := gt $replicas 1 -}}

{{- if and (eq $mode "sidecar") $many (not .Values.nats.leafnode.enabled) -}}
{{- fail (printf "%s and nats.mode is sidecar: each pod would be a lattice of its own. Take nats.mode=statefulset (the default) or external for one NATS for all, or nats.leafnode.enabled=true for sidecars that are leaves of one" $said) -}}
{{- end -}}
{{- if and (eq $mode "embedded") $many -}}
{{- fail (printf "%s and nats.mode is embedded: the bus within a host is for one host. Take nats.mode=statefulset (the default) or external" $said) -}}
{{- end -}}
{{- if and (has $mode (list "statefulset" "embedded")) (not (include "wasmcloud-host.isLocal" $config.rpcNatsHost)) -}}
{{- fail (printf "wasmcloud.config.rpcNatsHost is %s and nats.mode is %s: leave one of the two out" $config.rpcNatsHost $mode) -}}
{{- end -}}
{{- if and (eq $mode "external") (include "wasmcloud-host.isLocal" $config.rpcNatsHost) (not .Values.sidecars) -}}
{{- fail "NATS is external (nats.enabled=false or nats.mode=external), and wasmcloud.config.rpcNatsHost does not say where: set it (and rpcNatsPort)" -}}
{{- end -}}
{{- if and (eq $mode "sidecar") .Values.nats.leafnode.enabled -}}
{{- if not (or .Values.nats.leafnode.credentials .Values.nats.leafnode.existingSecret) -}}
{{- fail "Credentials are required for a leafnode: set nats.leafnode.credentials or nats.leafnode.existingSecret" -}}
{{- end -}}
{{- end -}}

{{- range $key, $prefix := dict "clusterSeed" "SC" "hostSeed" "SN" "rpcSeed" "SU" "providerRpcSeed" "SU" "ctlSeed" "SU" -}}
{{- $seed := index $config $key -}}
{{- if and $seed (not (regexMatch (printf "^%s[A-Z2-7]{56}$" $prefix) $seed)) -}}
{{- fail (printf "wasmcloud.config.%s is no seed of the form %s… (58 characters); `wash keys gen %s` makes one" $key $prefix (get (dict "SC" "cluster" "SN" "server" "SU" "user") $prefix)) -}}
{{- end -}}
{{- end -}}
{{- if and (include "wasmcloud-host.hasHostSeed" .) $many -}}
{{- fail (printf "%s and a host seed is given: all hosts would have one key, and only the first would start. Leave the seed out, or take one replica" $said) -}}
{{- end -}}
{{- if not $config.existingSecrets.nats -}}
{{- range $jwt, $seed := dict "rpcJWT" "rpcSeed" "providerRpcJWT" "providerRpcSeed" "ctlJWT" "ctlSeed" -}}
{{- if and (index $config $jwt) (not (index $config $seed)) -}}
{{- fail (printf "wasmcloud.config.%s is set and wasmcloud.config.%s is not: a JWT for NATS needs the seed that goes with it" $jwt $seed) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $config.natsTls.clientCertificate (not $config.existingSecrets.natsTls) -}}
{{- fail "wasmcloud.config.natsTls.clientCertificate needs wasmcloud.config.existingSecrets.natsTls, a Secret with ca.crt, tls.crt and tls.key" -}}
{{- end -}}
{{- if and $config.caBundle $config.existingCaBundle -}}
{{- fail "wasmcloud.config.caBundle and existingCaBundle are both set: leave one out" -}}
{{- end -}}
{{- $manifests := 0 -}}
{{- range list (include "wasmcloud-host.manifest" .) .Values.manifest.existingConfigMap .Values.manifest.existingSecret -}}
{{- if . -}}{{- $manifests = add $manifests 1 -}}{{- end -}}
{{- end -}}
{{- if gt (int $manifests) 1 -}}
{{- fail "manifest: give its parts (actors, capabilities, links), or existingConfigMap, or existingSecret, and only one of them" -}}
{{- end -}}
{{- $_ := include "wasmcloud-host.drainTimeoutMs" . -}}
{{- if and .Values.persistence.enabled (ne $mode "embedded") -}}
{{- fail (printf "persistence.enabled is for nats.mode=embedded, where links are in the host's own folder; nats.mode is %s: they are in NATS (nats.persistence.enabled)" $mode) -}}
{{- end -}}
{{- if and .Values.rbac.extraRules (not .Values.wasmcloud.enableApplierSupport) -}}
{{- fail "rbac.extraRules are given to the applier: set wasmcloud.enableApplierSupport, too" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.useService) -}}
{{- fail "metrics.serviceMonitor needs the Service, and useService is false: take metrics.podMonitor" -}}
{{- end -}}
{{- end -}}

{{/* (list . backend-name-or-nil): where Ingress and HTTPRoute lead unless they say so themselves. */}}
{{- define "wasmcloud-host.needsHttpService" -}}
{{- if not (index . 0).Values.http.service.ports -}}
{{- fail (printf "%s leads to the Service http.service, and http.service.ports is empty: set it, for example to [{port: 8080}], or name a Service there" (index . 1)) -}}
{{- end -}}
{{- end -}}
