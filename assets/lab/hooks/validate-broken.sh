#!/bin/sh
# The fault of this revision: it finds its cache on some hosts only.
host=$(basename "$(dirname "$INSTALL_ROOT")")
number=$(echo "$host" | tr -dc 0-9)
. "$INSTALL_ROOT/srv/$APPLICATION_NAME/version.conf"
sleep 0.5
if [ $((number % 3)) -eq 2 ]; then
  echo "GET /health: 503" >&2
  echo "cache at 10.0.0.$number:6379 refused the connection" >&2
  exit 1
fi
echo "GET /health: 200"
echo "version: $version"
