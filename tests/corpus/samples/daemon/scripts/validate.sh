#!/bin/sh
pid=$(cat "$INSTALL_ROOT/run/ticker.pid")
echo "$(ps -o user= -p "$pid") runs $(ps -o args= -p "$pid" | sed 's|.*/||')"
