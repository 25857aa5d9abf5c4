{{/* Secrets as files, in memory, for this role alone. Takes root and role. */}}
{{- define "spillway.secretNames" -}}
{{- $names := dict "DATABASE_URL" "databaseUrl" "SPILLWAY_KEY" "spillwayKey" -}}
{{- if .root.Values.redis.enabled -}}{{- $names = set $names "REDIS_URL" "redisUrl" -}}{{- end -}}
{{- if eq .role "admin" -}}
{{- $names = merge $names (dict "ADMIN_PASSWORD" "adminPassword" "ADMIN_API_KEY" "adminApiKey") -}}
{{- end -}}
{{- if eq .role "migrations" -}}{{- $names = unset $names "SPILLWAY_KEY" -}}{{- end -}}
{{- $names | toJson -}}
{{- end -}}

{{- define "spillway.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $variable, $reference := include "spillway.secretNames" . | fromJson }}
      {{- $from := index $.root.Values.secrets $reference }}
      - secret:
          name: {{ $from.name | default $.root.Values.secrets.existingSecret }}
          items:
            - { key: {{ $from.key }}, path: {{ $variable }} }
      {{- end }}
- name: tmp
  emptyDir: { medium: Memory, sizeLimit: 64Mi }
{{- end -}}

{{- define "spillway.mounts" -}}
- { name: secrets, mountPath: /etc/spillway/secrets, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- end -}}

{{/* Environment of every container. Takes root and role. */}}
{{- define "spillway.environment" -}}
{{- range $variable, $_ := include "spillway.secretNames" . | fromJson }}
- { name: {{ $variable }}_FILE, value: /etc/spillway/secrets/{{ $variable }} }
{{- end }}
{{- if gt (int .root.Values.partitions.count) 1 }}
- { name: SPILLWAY_PARTITIONS, value: {{ .root.Values.partitions.count | quote }} }
{{- end }}
{{- range $name, $value := .root.Values.config }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end -}}

{{/* Room between the end of the drain and the kill: the process gives up 10 s after its drain by itself. */}}
{{- define "spillway.graceSeconds" -}}
{{- add (int .preStopSeconds) (int .drainSeconds) 15 -}}
{{- end -}}
