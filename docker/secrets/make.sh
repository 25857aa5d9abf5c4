#!/bin/sh
# Writes the secrets of docker/compose.yml beside this file, each once: what is there already stays.
set -eu
cd "$(dirname "$0")"
umask 077

write() {
  [ -s "$1" ] && return
  printf '%s\n' "$2" >"$1"
  # Compose mounts the file as it is, and the containers' users are not you. Outside, the closed folder keeps it.
  chmod 0444 "$1"
  echo "made $1"
}

chmod 0700 .
write postgres_password "$(openssl rand -hex 24)"
write redis_password "$(openssl rand -hex 24)"
write database_url "postgres://spillway:$(cat postgres_password)@postgres:5432/spillway"
write redis_url "redis://:$(cat redis_password)@redis:6379"
write spillway_key "$(openssl rand -hex 32)"
write admin_password "$(openssl rand -base64 18)"
write admin_api_key "spw_$(openssl rand -hex 24)"
