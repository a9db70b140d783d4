#!/bin/sh
. "$INSTALL_ROOT/etc/checkout.conf"
if ! "$program" lab instance --name "$name" --listen "$listen" --folder "$INSTALL_ROOT/srv/checkout" --check; then
  cat "$INSTALL_ROOT/var/checkout.log" >&2
  exit 1
fi
