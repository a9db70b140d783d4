#!/bin/sh
echo "free disk: $(df -Ph / | awk 'NR == 2 { print $4 }')"
sleep 0.5
echo "ready for $DEPLOYMENT_ID"
