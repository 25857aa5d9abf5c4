{{- define "spillway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Room is left for the longest role and a partition group. */}}
{{- define "spillway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 34 | trimSuffix "-" -}}
{{- else if contains (include "spillway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 34 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "spillway.name" .) | trunc 34 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "spillway.selector" -}}
app.kubernetes.io/name: {{ include "spillway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "spillway.labels" -}}
{{ include "spillway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "spillway.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "spillway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "spillway.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "spillway.scaler" -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- if ne $mode "auto" -}}{{ $mode }}
{{- else if .Capabilities.APIVersions.Has "keda.sh/v1alpha1/ScaledObject" -}}keda
{{- else -}}hpa
{{- end -}}
{{- end -}}

{{/* What is deployed: roles, and groups of partitions of a role, with their settings. JSON, for fromJson. */}}
{{- define "spillway.units" -}}
{{- $units := list -}}
{{- range $role := list "ingress-api" "worker-ingress" "worker-orchestration" "worker-integration" "worker-notifications" "worker-analytics" "admin" -}}
{{- $settings := mustMergeOverwrite (deepCopy $.Values.roleDefaults) (deepCopy (index $.Values.roles $role | default dict)) -}}
{{- if $settings.enabled -}}
{{- $worker := hasPrefix "worker-" $role -}}
{{- $port := ternary 9464 (ternary 3000 3100 (eq $role "ingress-api")) $worker -}}
{{- $unit := dict "role" $role "name" $role "partitions" "" "settings" $settings "worker" $worker "port" $port -}}
{{- if and $worker $settings.partitionGroups -}}
{{- range $settings.partitionGroups -}}
{{- $units = append $units (merge (dict "name" (printf "%s-%s" $role .name) "partitions" .partitions) $unit) -}}
{{- end -}}
{{- else -}}
{{- $units = append $units $unit -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "units" $units | toJson -}}
{{- end -}}

{{/* Which of a role's queue it is that its backlog is asked of. */}}
{{- define "spillway.queue" -}}
{{- get (dict "worker-ingress" "ingress-events" "worker-orchestration" "orchestration-flows" "worker-integration" "integration-tasks" "worker-notifications" "notifications" "worker-analytics" "analytics-events") . -}}
{{- end -}}
