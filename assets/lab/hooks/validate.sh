#!/bin/sh
. "$INSTALL_ROOT/srv/$APPLICATION_NAME/version.conf"
sleep 0.5
echo "GET /health: 200"
echo "version: $version"
