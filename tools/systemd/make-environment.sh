#!/bin/sh
# Prints an environment for /etc/spillway/environment, with new keys.
set -eu
cat <<END
NODE_ENV=production
# Behind a proxy with TLS on this machine; 0.0.0.0 listens to everybody.
HOST=127.0.0.1
PUBLIC_URL=http://localhost:3000
DATABASE_URL=postgres://spillway:PASSWORD@127.0.0.1:5432/spillway
# Left out, the queues are on PostgreSQL.
REDIS_URL=redis://127.0.0.1:6379
DRAIN_TIMEOUT=80s
# Seals secrets in the database: keep a copy elsewhere.
SPILLWAY_KEY=$(openssl rand -hex 32)
ADMIN_PASSWORD=$(openssl rand -base64 18)
ADMIN_API_KEY=spw_$(openssl rand -hex 24)
END
