#!/bin/sh
# With what a host serves, and where, is the host's own; what it serves is the revision's.
. "$INSTALL_ROOT/etc/checkout.conf"
"$program" lab instance --name "$name" --listen "$listen" --folder "$INSTALL_ROOT/srv/checkout" \
  > "$INSTALL_ROOT/var/checkout.log" 2>&1 &
echo $! > "$INSTALL_ROOT/var/checkout.pid"
echo "checkout starts on $listen"
