#!/bin/sh
echo "$LIFECYCLE_EVENT of $DEPLOYMENT_ID from $(basename "$(dirname "$BUNDLE_DIR")")"
