#!/bin/sh
# Runs from the revision that is installed, before the new one comes.
pid=$(cat "$INSTALL_ROOT/var/checkout.pid" 2>/dev/null) || exit 0
# Another program may have got the number since.
ours() {
  tr '\0' '\n' 2>/dev/null < "/proc/$pid/environ" | grep -qxF "INSTALL_ROOT=$INSTALL_ROOT"
}
ours && kill "$pid"
while ours; do sleep 0.1; done
echo "stopped $APPLICATION_NAME"
