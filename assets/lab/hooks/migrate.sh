#!/bin/sh
# Every host needs its own time, so that the instances do not march in step.
host=$(basename "$(dirname "$INSTALL_ROOT")")
number=$(echo "$host" | tr -dc 0-9)
steps=$((4 + number % 4))
for step in $(seq 1 $steps); do
  echo "migrating assets ... $((step * 100 / steps)) of 100"
  sleep 0.5
done
