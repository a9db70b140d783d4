#!/bin/sh
pid=$(cat "$INSTALL_ROOT/run/ticker.pid") || exit 0
kill "$pid"
while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
rm "$INSTALL_ROOT/run/ticker.pid"
