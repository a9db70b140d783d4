#!/bin/sh
. "$INSTALL_ROOT/srv/checkout/release.conf"
for step in $(seq 1 "$warm_up"); do
  echo "filling the price cache ... $((step * 100 / warm_up)) of 100"
  sleep 0.5
done
