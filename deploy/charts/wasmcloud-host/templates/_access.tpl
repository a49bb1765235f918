{{/* Parts of the ways in: Ingress, NetworkPolicy, monitors. */}}

{{- define "wasmcloud-host.natsIngress" -}}
- ports:
    - {port: 4222, protocol: TCP}
  from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/instance: {{ .Release.Name | quote }}
    {{- with .Values.networkPolicy.natsFrom }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "wasmcloud-host.ingressBackend" -}}
{{- $root := index . 0 -}}{{- $path := index . 1 -}}
{{- if not (and $path.service $path.port) -}}{{- include "wasmcloud-host.needsHttpService" (list $root "ingress") -}}{{- end -}}
service:
  name: {{ default (include "wasmcloud-host.httpName" $root) $path.service }}
  port:
    number: {{ $path.port | default (first (default (list dict) $root.Values.http.service.ports)).port }}
{{- end -}}

{{- define "wasmcloud-host.monitorLabels" -}}
{{- $labels := include "wasmcloud-host.labels" (list (index . 0) "host") | fromYaml -}}
{{- range $key, $value := index . 1 -}}{{- $_ := set $labels $key (include "wasmcloud-host.text" $value) -}}{{- end -}}
{{- toYaml $labels -}}
{{- end -}}
{{- define "wasmcloud-host.scrape" -}}
- port: washboard
  path: /metrics
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
