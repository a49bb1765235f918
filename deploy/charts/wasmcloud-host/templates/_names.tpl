{{/* Names and labels: those of 2022, so that what people scripted finds what it looks for. */}}

{{- define "wasmcloud-host.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wasmcloud-host.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* (list . "nats" 52): fullname-nats, at most so long. A name that is cut gets a hash of the whole,
     so that two long releases stay apart. */}}
{{- define "wasmcloud-host.nameWith" -}}
{{- $full := include "wasmcloud-host.fullname" (index . 0) -}}
{{- $suffix := index . 1 -}}
{{- $room := sub (index . 2) (add (len $suffix) 1) | int -}}
{{- if gt (len $full) $room -}}
{{- $full = printf "%s-%s" ($full | trunc (sub $room 9 | int) | trimSuffix "-") ($full | sha256sum | trunc 8) -}}
{{- end -}}
{{- printf "%s-%s" $full $suffix -}}
{{- end -}}

{{/* A StatefulSet's name: the label with its revision's hash must fit in 63. */}}
{{- define "wasmcloud-host.natsName" -}}
{{- include "wasmcloud-host.nameWith" (list . "nats" 52) -}}
{{- end -}}

{{- define "wasmcloud-host.httpName" -}}
{{- default (include "wasmcloud-host.nameWith" (list . "http" 63)) .Values.http.service.name -}}
{{- end -}}

{{- define "wasmcloud-host.configName" -}}
{{- include "wasmcloud-host.nameWith" (list . "config" 63) -}}
{{- end -}}

{{/* The applier needs an account of its own: one that exists and is named, or the chart's. */}}
{{- define "wasmcloud-host.makesServiceAccount" -}}
{{- if or .Values.serviceAccount.create (and .Values.wasmcloud.enableApplierSupport (not .Values.serviceAccount.name)) -}}yes{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.serviceAccountName" -}}
{{- if include "wasmcloud-host.makesServiceAccount" . -}}
{{- default (include "wasmcloud-host.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "wasmcloud-host.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wasmcloud-host.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* NATS pods have a name of their own: the Services of the hosts must not select them. */}}
{{- define "wasmcloud-host.natsSelectorLabels" -}}
app.kubernetes.io/name: {{ printf "%s-nats" (include "wasmcloud-host.name" . | trunc 58 | trimSuffix "-") | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "wasmcloud-host.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Chart.AppVersion }}
app.kubernetes.io/version: {{ . | replace "+" "_" | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* (list . "host"): the labels of an object that belongs to the hosts. */}}
{{- define "wasmcloud-host.labels" -}}
{{- include "wasmcloud-host.mergedLabels" (list (index . 0) (index . 1) "wasmcloud-host.selectorLabels") -}}
{{- end -}}

{{- define "wasmcloud-host.natsLabels" -}}
{{- include "wasmcloud-host.mergedLabels" (list . "nats" "wasmcloud-host.natsSelectorLabels") -}}
{{- end -}}

{{/* Merged as a map: the same label from two places is one label. Ours win over commonLabels. */}}
{{- define "wasmcloud-host.mergedLabels" -}}
{{- $root := index . 0 -}}
{{- $labels := dict "app.kubernetes.io/component" (index . 1) -}}
{{- $labels = merge $labels (include (index . 2) $root | fromYaml) (include "wasmcloud-host.commonLabels" $root | fromYaml) -}}
{{- range $key, $value := $root.Values.commonLabels -}}
{{- if not (hasKey $labels $key) -}}
{{- $_ := set $labels $key (include "wasmcloud-host.text" $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* A value as text: numbers of YAML arrive as floats and would read 3.6e+06. */}}
{{- define "wasmcloud-host.text" -}}
{{- if kindIs "invalid" . -}}
{{- else if kindIs "float64" . -}}
{{- if eq (floor .) . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* A map whose values become text: labels, annotations. */}}
{{- define "wasmcloud-host.textMap" -}}
{{- range $key, $value := . }}
{{ $key | quote }}: {{ include "wasmcloud-host.text" $value | quote }}
{{- end }}
{{- end -}}

{{/* (list . image): registry, repository, tag or digest as one reference. */}}
{{- define "wasmcloud-host.imageOf" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}{{- $tag := include "wasmcloud-host.text" $image.tag -}}
{{- with $root.Values.global.image.registry -}}
{{- $parts := splitList "/" $image.repository -}}
{{- $first := first $parts -}}
{{- $named := and (gt (len $parts) 1) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- printf "%s/%s" (trimSuffix "/" .) (ternary (rest $parts | join "/") $image.repository $named) -}}
{{- else -}}
{{- $image.repository -}}
{{- end -}}
{{- if $image.digest -}}@{{ $image.digest }}{{- else -}}:{{ default $root.Chart.AppVersion $tag }}{{- end -}}
{{- end -}}

{{/* The default of 2022 without a tag, as it stands in values that were copied then, means the chart's image. */}}
{{- define "wasmcloud-host.hostImage" -}}
{{- $image := .Values.wasmcloud.image -}}
{{- if and (eq $image.repository "wasmcloud/wasmcloud_host") (not $image.tag) (not $image.digest) -}}
{{- $image = merge (dict "repository" "docker.io/trellis/trellis-host") $image -}}
{{- end -}}
{{- include "wasmcloud-host.imageOf" (list . $image) -}}
{{- end -}}

{{/* Each entry as Kubernetes has it (`- name: x`), or the name alone. */}}
{{- define "wasmcloud-host.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.imagePullSecrets .Values.global.image.pullSecrets -}}
{{- if kindIs "string" . -}}{{- $names = append $names . -}}{{- else -}}{{- $names = append $names .name -}}{{- end -}}
{{- end -}}
{{- range uniq $names }}
- name: {{ . }}
{{- end }}
{{- end -}}
