{{- /*
Everything of one program but its rights: ServiceAccount, Deployment, PodDisruptionBudget, and what lets others look at it.
Beside the context of _names.tpl: args (YAML list), readiness (YAML), and optionally nodeFlags (text), ports, volumes, volumeMounts (YAML lists).
*/}}
{{- define "vpa.program" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- if $values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "vpa.program.serviceAccount" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" . | nindent 4 }}
    {{- with $values.serviceAccount.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "vpa.program.fullname" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" . | nindent 4 }}
  {{- with $values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if not (kindIs "invalid" $values.replicas) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: {{ $values.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- include "vpa.program.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "vpa.program.labels" . | nindent 8 }}
        # By this label the webhook leaves out its own pods where it refuses others.
        app: vpa-{{ .component }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "vpa.program.serviceAccount" . }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- if $values.hostNetwork }}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      {{- end }}
      {{- with $root.Values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "vpa.program.image" . }}
          imagePullPolicy: {{ default $root.Values.image.pullPolicy $values.image.pullPolicy }}
          command: [node, {{ with .nodeFlags }}{{ . }}, {{ end }}/app/vpa-{{ .component }}.mjs]
          args:
            {{- .args | nindent 12 }}
            {{- with $values.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- with .ports }}
            {{- . | nindent 12 }}
            {{- end }}
            - name: prometheus
              containerPort: {{ .port }}
          livenessProbe:
            httpGet:
              path: /health-check
              port: prometheus
            initialDelaySeconds: 5
            periodSeconds: 10
            failureThreshold: 3
          readinessProbe:
            {{- .readiness | nindent 12 }}
          {{- with $values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $root.Values.containerSecurityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .volumeMounts }}
          volumeMounts:
            {{- . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- with $values.podDisruptionBudget }}
{{- if and .enabled (ne (toString $values.replicas) "1") }}
{{- $hasMaximum := not (kindIs "invalid" .maxUnavailable) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "vpa.program.fullname" $ }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" $ | nindent 4 }}
spec:
  {{- if $hasMaximum }}
  maxUnavailable: {{ .maxUnavailable }}
  {{- else }}
  minAvailable: {{ .minAvailable }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "vpa.program.selectorLabels" $ | nindent 6 }}
{{- end }}
{{- end }}
{{ include "vpa.program.networkPolicy" . }}
{{ include "vpa.program.monitors" . }}
{{- end }}

{{- define "vpa.program.networkPolicy" -}}
{{- with .root.Values.networkPolicy }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "vpa.program.fullname" $ }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" $ | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "vpa.program.selectorLabels" $ | nindent 6 }}
  policyTypes:
    - Ingress
    {{- if .egress }}
    - Egress
    {{- end }}
  ingress:
    - ports:
        - port: prometheus
      {{- with .metricsFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- if eq $.component "admission-controller" }}
    - ports:
        - port: webhook
      {{- with .webhookFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
  {{- with .egress }}
  egress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpa.program.monitors" -}}
{{- with .root.Values.monitoring.podMonitor }}
{{- if .enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
{{ include "vpa.program.monitorMetadata" (dict "program" $ "monitor" .) }}
spec:
  selector:
    matchLabels:
      {{- include "vpa.program.selectorLabels" $ | nindent 6 }}
  podMetricsEndpoints:
    - port: prometheus
      {{- include "vpa.program.scrape" . | nindent 6 }}
{{- end }}
{{- end }}
{{- with .root.Values.monitoring.serviceMonitor }}
{{- if .enabled }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "vpa.program.fullname" $ }}-metrics
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" $ | nindent 4 }}
    app.kubernetes.io/part-of: metrics
spec:
  clusterIP: None
  selector:
    {{- include "vpa.program.selectorLabels" $ | nindent 4 }}
  ports:
    - name: prometheus
      port: {{ $.port }}
      targetPort: prometheus
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
{{ include "vpa.program.monitorMetadata" (dict "program" $ "monitor" .) }}
spec:
  selector:
    matchLabels:
      {{- include "vpa.program.selectorLabels" $ | nindent 6 }}
      app.kubernetes.io/part-of: metrics
  endpoints:
    - port: prometheus
      {{- include "vpa.program.scrape" . | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpa.program.monitorMetadata" -}}
metadata:
  name: {{ include "vpa.program.fullname" .program }}
  namespace: {{ .program.root.Release.Namespace }}
  labels:
    {{- include "vpa.program.labels" .program | nindent 4 }}
    {{- with .monitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .monitor.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "vpa.program.scrape" -}}
path: /metrics
# What a recommendation is of (namespace, container) is not where the recommender runs.
honorLabels: true
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
