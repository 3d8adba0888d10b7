{{- /*
What one program may do. Beside the context of _names.tpl: rules (YAML list) on what is watched: of all namespaces, or of the one in
vpaObjectNamespace; clusterRules on what is in no namespace; ownRules on what is in the release's namespace; each may be empty.
*/}}
{{- define "vpa.rights" -}}
{{- if .root.Values.rbac.create }}
{{- $name := include "vpa.program.fullname" . }}
{{- $namespace := .root.Values.vpaObjectNamespace }}
{{- $rules := .rules }}
{{- with .root.Values.rbac.extraRules }}{{ $rules = printf "%s\n%s" $rules (toYaml .) }}{{ end }}
{{- $clusterRules := default "" .clusterRules }}
{{- if not $namespace }}{{ $clusterRules = trim (printf "%s\n%s" $rules $clusterRules) }}{{ end }}
{{- if $clusterRules }}
{{ include "vpa.role" (dict "program" . "name" $name "namespace" "" "rules" $clusterRules) }}
{{- end }}
{{- if $namespace }}
{{ include "vpa.role" (dict "program" . "name" $name "namespace" $namespace "rules" $rules) }}
{{- end }}
{{- with .ownRules }}
{{ include "vpa.role" (dict "program" $ "name" (printf "%s-own" $name) "namespace" $.root.Release.Namespace "rules" .) }}
{{- end }}
{{- if include "vpa.program.leaderElection" . }}
{{- with .values.leaderElection }}
{{ include "vpa.role" (dict "program" $ "name" (printf "%s-leader-election" $name) "namespace" (default $.root.Release.Namespace .resourceNamespace) "rules" (include "vpa.leaseRules" .resourceName)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Creation cannot be limited to a name. */}}
{{- define "vpa.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ . }}]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}

{{- /* A role and its binding; cluster-wide where namespace is empty. */}}
{{- define "vpa.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (ne .namespace "") -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "vpa.program.labels" .program | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "vpa.program.labels" .program | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "vpa.program.serviceAccount" .program }}
    namespace: {{ .program.root.Release.Namespace }}
{{- end }}

{{- /* From a pod to the workload that owns it, and from a workload to the selector of its pods: all three need that. */}}
{{- define "vpa.targetRules" -}}
- apiGroups: [""]
  resources: [replicationcontrollers]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [daemonsets, deployments, replicasets, statefulsets]
  verbs: [list, watch]
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [list, watch]
# A targetRef may name any kind with a scale subresource; scale cannot be watched.
- apiGroups: ["*"]
  resources: ["*/scale"]
  verbs: [get]
- apiGroups: [autoscaling.k8s.io]
  resources: [verticalpodautoscalers]
  verbs: [list, watch]
{{- end }}
