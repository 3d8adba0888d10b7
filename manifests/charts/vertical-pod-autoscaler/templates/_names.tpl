{{- define "vpa.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name where that says what it is. Short enough for "-admission-controller" behind it. */}}
{{- define "vpa.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ default $full .Values.fullnameOverride | trunc 42 | trimSuffix "-" }}
{{- end }}

{{- define "vpa.selectorLabels" -}}
app.kubernetes.io/name: {{ include "vpa.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vpa.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vpa.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /*
What follows is about one program. Its context: root (the chart's own), component (such as "admission-controller"),
values (its block of values), port (of its metrics).
*/}}
{{- define "vpa.program.fullname" -}}
{{ include "vpa.fullname" .root }}-{{ .component }}
{{- end }}

{{- define "vpa.program.labels" -}}
{{ include "vpa.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "vpa.program.selectorLabels" -}}
{{ include "vpa.selectorLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "vpa.program.serviceAccount" -}}
{{ default (include "vpa.program.fullname" .) .values.serviceAccount.name }}
{{- end }}

{{- define "vpa.program.image" -}}
{{- $own := .values.image -}}
{{- if hasPrefix "registry.k8s.io/autoscaling/" $own.repository -}}
{{- fail (printf "%s.image.repository is %s, an image of the Go implementation. Expected one that hack/image.sh has built, or nothing: then the chart's image.repository counts" .key $own.repository) -}}
{{- end -}}
{{- $all := .root.Values.image -}}
{{- $registry := default $all.registry $own.registry -}}
{{- $repository := default $all.repository $own.repository -}}
{{- $tag := default .root.Chart.AppVersion (default $all.tag $own.tag) -}}
{{- $digest := default $all.digest $own.digest -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $repository }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "vpa.program.leaderElection" -}}
{{- with .values.leaderElection -}}
{{- if kindIs "invalid" .enabled -}}
{{- if ne (toString $.values.replicas) "1" }}true{{ end -}}
{{- else if .enabled }}true{{ end -}}
{{- end -}}
{{- end }}

{{- /* Flags that all have in common. */}}
{{- define "vpa.program.args" -}}
- --address=:{{ .port }}
- --v={{ .values.logLevel }}
{{- with .root.Values.vpaObjectNamespace }}
- --vpa-object-namespace={{ . }}
{{- end }}
{{- if include "vpa.program.leaderElection" . }}
{{- with .values.leaderElection }}
- --leader-elect=true
- --leader-elect-resource-namespace={{ default $.root.Release.Namespace .resourceNamespace }}
- --leader-elect-resource-name={{ .resourceName }}
- --leader-elect-lease-duration={{ .leaseDuration }}
- --leader-elect-renew-deadline={{ .renewDeadline }}
- --leader-elect-retry-period={{ .retryPeriod }}
{{- end }}
{{- end }}
{{- end }}
