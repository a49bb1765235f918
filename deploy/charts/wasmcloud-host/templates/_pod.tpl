{{/* Parts of the hosts' pod. */}}

{{- define "wasmcloud-host.podLabels" -}}
{{- $labels := include "wasmcloud-host.selectorLabels" . | fromYaml -}}
{{- range list .Values.wasmcloud.customLabels .Values.podLabels .Values.commonLabels -}}
{{- range $key, $value := . -}}
{{- if not (hasKey $labels $key) -}}{{- $_ := set $labels $key (include "wasmcloud-host.text" $value) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* Pods are replaced when what they read at their start changes. The seed among the secrets makes their sum
     say nothing about a weak password; where it is in another Secret, a slow hash (scrypt) has to do. */}}
{{- define "wasmcloud-host.podAnnotations" -}}
{{- $sums := dict -}}
{{- $secret := include "wasmcloud-host.secretData" . -}}
{{- $leaf := ternary .Values.nats.leafnode.credentials "" .Values.nats.leafnode.enabled -}}
{{- $secret = printf "%s\n%s" $secret $leaf -}}
{{- if .Values.wasmcloud.config.existingSecrets.cluster -}}
{{- $secret = derivePassword 1 "maximum" $secret .Release.Name .Release.Namespace -}}
{{- end -}}
{{- $_ := set $sums "checksum/secret" (sha256sum $secret) -}}
{{- with include "wasmcloud-host.configData" . -}}
{{- $_ := set $sums "checksum/config" (sha256sum .) -}}
{{- end -}}
{{- if eq (include "wasmcloud-host.natsMode" .) "sidecar" -}}
{{- $_ := set $sums "checksum/nats" (include "wasmcloud-host.sidecarConf" . | sha256sum) -}}
{{- end -}}
{{- range $key, $value := .Values.podAnnotations -}}
{{- $_ := set $sums $key (include "wasmcloud-host.text" $value) -}}
{{- end -}}
{{- toYaml $sums -}}
{{- end -}}

{{/* (list "livenessProbe" values path) */}}
{{- define "wasmcloud-host.probe" -}}
{{- $probe := index . 1 -}}
{{- if ne (toString $probe.enabled) "false" -}}
{{ index . 0 }}:
{{- if not (or $probe.httpGet $probe.exec $probe.tcpSocket $probe.grpc) }}
  httpGet:
    path: {{ index . 2 }}
    port: washboard
{{- end }}
{{- toYaml (omit $probe "enabled") | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "wasmcloud-host.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "wasmcloud-host.spread" (list . (include "wasmcloud-host.selectorLabels" $)) | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (list constraints selector-labels) */}}
{{- define "wasmcloud-host.spread" -}}
{{- $selector := index . 1 | fromYaml -}}
{{- $all := list -}}
{{- range index . 0 -}}
{{- $all = append $all (hasKey . "labelSelector" | ternary . (merge (dict "labelSelector" (dict "matchLabels" $selector)) .)) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* NATS in the pod: starts before the host and ends after it. */}}
{{- define "wasmcloud-host.natsSidecar" -}}
- name: nats
  restartPolicy: Always
  image: {{ include "wasmcloud-host.imageOf" (list . .Values.nats.image) | quote }}
  imagePullPolicy: {{ .Values.nats.image.pullPolicy }}
  args: ["-c", /nats/nats.conf]
  securityContext:
    {{- include "wasmcloud-host.natsSecurityContext" . | nindent 4 }}
  {{- with include "wasmcloud-host.natsEnv" . }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  ports:
    - {name: clustering, containerPort: 6222, protocol: TCP}
    - {name: management, containerPort: 8222, protocol: TCP}
  startupProbe:
    tcpSocket: {port: 4222}
    periodSeconds: 1
    failureThreshold: 60
  resources:
    {{- toYaml .Values.nats.resources | nindent 4 }}
  volumeMounts:
    - {name: nats-config, mountPath: /nats, readOnly: true}
    - {name: nats-data, mountPath: /data}
{{- end -}}

{{- define "wasmcloud-host.natsSidecarVolumes" -}}
- name: nats-config
  projected:
    defaultMode: 0440
    sources:
      - configMap:
          name: {{ include "wasmcloud-host.fullname" . }}
          items: [{key: nats.conf, path: nats.conf}]
      {{- if .Values.nats.leafnode.enabled }}
      - secret:
          name: {{ include "wasmcloud-host.leafSecret" . }}
          items: [{key: nats.creds, path: nats.creds}]
      {{- end }}
- name: nats-data
  emptyDir:
    sizeLimit: {{ .Values.nats.persistence.size }}
{{- end -}}
