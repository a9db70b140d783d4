#!/bin/sh
# The service must be able to read what is its own.
cat "$INSTALL_ROOT/etc/orders/secret.toml"
