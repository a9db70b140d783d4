#!/bin/sh
# Runs from the revision that is installed, before the new one comes.
echo "draining connections"
sleep 0.4
echo "stopped $APPLICATION_NAME"
