#!/bin/sh
# Starts Pontage's admin.fcgi for Apache; see docs/shared-hosting.md.
pontage=${PONTAGE_HOME:-/home/YOU/.pontage}
PONTAGE_CONF=$pontage/pontage.conf exec "$pontage/bin/admin.fcgi"
