#!/bin/sh
# Leaves the script's session and its output behind, as a program that stays must.
umask 022
setsid "$INSTALL_ROOT/opt/ticker/bin/ticker" < /dev/null > /dev/null 2>&1 &
echo $! > "$INSTALL_ROOT/run/ticker.pid"
