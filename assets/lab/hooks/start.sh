#!/bin/sh
sleep 0.6
echo "workers started: 4"
