{{- define "evercert.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of every object's name. ClusterRoles have it too, and suffixes of up to ten characters follow. */}}
{{- define "evercert.fullname" -}}
{{- $name := include "evercert.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "evercert.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "evercert.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "evercert.selector" -}}
app.kubernetes.io/name: {{ include "evercert.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "evercert.labels" -}}
{{ include "evercert.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "evercert.image" -}}
{{- with .Values.image -}}
{{- .repository }}{{ ternary (printf "@%s" .digest) (printf ":%s" (.tag | default $.Chart.AppVersion)) (ne .digest "") -}}
{{- end -}}
{{- end -}}

{{/* The port of an address that is listened at. */}}
{{- define "evercert.portOf" -}}
{{- . | splitList ":" | last -}}
{{- end -}}

{{/* Each flag that is set, as the environment variable that the operator reads, so that overlays can change it. */}}
{{- define "evercert.flags" -}}
{{- range $flag, $value := .Values.operator }}
{{- if $value }}
- name: EVERCERT_{{ $flag | snakecase | upper }}
  value: {{ kindIs "slice" $value | ternary (join "," $value) $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
