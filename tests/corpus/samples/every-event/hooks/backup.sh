#!/bin/sh
echo "backup by $(id -un)"
